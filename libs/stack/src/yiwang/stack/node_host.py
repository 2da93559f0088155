"""Several nodes in one process: ``python -m yiwang.stack.node_host plan.json``.

The plan lists each node's services and variables. What differs from `yiwang run` is only that nodes may run different
services; each has its own HTTP port.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import msgspec
from yiwang.kit import Kit, load, migrate, running
from yiwang.kit.http import build_http, serve_http
from yiwang.stack import registry


class Guest(msgspec.Struct, frozen=True):
    """One node: what runs, and the YIWANG_* variables it gets beside this process's own."""

    services: tuple[str, ...]
    environ: dict[str, str]


def profile_directory(profile: str) -> str:
    """A shipped profile's directory by its name, or a directory as it is."""
    shipped = Path("deploy/profiles") / profile
    return str((shipped if shipped.is_dir() else Path(profile)).absolute())


async def host(guests: list[Guest]) -> None:
    """Serve all of them until SIGTERM or SIGINT. Schemas are brought up to date one node after the other."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as nodes:
        listeners = []
        for guest in guests:
            environ = dict(os.environ) | guest.environ
            kit = load(Kit, environ, "YIWANG")
            services = registry.find_services(guest.services)
            await migrate(services, kit.database_url)
            apps = await nodes.enter_async_context(running(*services, kit=kit, environ=environ, migrated=True))
            listeners.append(asyncio.create_task(serve_http(build_http(apps), kit.http_host, kit.http_port)))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([stopped, *listeners], return_when=asyncio.FIRST_COMPLETED)
        for listener in listeners:
            if listener.done():
                listener.result()  # it failed: say why
            listener.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)


def main(plan: Path) -> None:
    """Read the plan and run it, with uvloop where there is one."""
    guests = msgspec.json.decode(plan.read_bytes(), type=list[Guest])
    from yiwang.kit import _telemetry
    from yiwang.stack.up import in_loop

    _telemetry.set_up(load(Kit, dict(os.environ) | guests[0].environ, "YIWANG"), "network")
    in_loop(host(guests))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
