"""For tests: a mail server of its own; ``python -m yiwang.notification.testing_smtp FOLDER`` prints its port.

Mail to ``full@`` is refused for now, to ``nobody@`` for good, and everything else becomes a file in FOLDER. It ends
with its standard input.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP


class Handler:
    """Answers by the name of the mailbox."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user"
        if address.startswith("full@"):
            return "452 4.2.2 mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        (self._folder / f"{uuid.uuid4()}.eml").write_bytes(envelope.content)
        return "250 OK taken as 4711"


async def serve(folder: Path) -> None:
    """Listen on a free port until the standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(folder), hostname="test"), "127.0.0.1", 0)
    async with server:
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
