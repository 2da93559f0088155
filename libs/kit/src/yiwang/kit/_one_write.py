"""Head and body of an answer leave in one write: one system call and one wake-up of the reader less."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ._fast import Door, Visit


class _Gathering:
    """A transport that writes what one turn of the loop gave it."""

    __slots__ = ("_held", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held:
            data = b"".join(self._held)
            self._held.clear()
            if not self._transport.is_closing():
                self._transport.write(data)


class OneWrite(HttpToolsProtocol):
    """Uvicorn's HTTP protocol over a transport that gathers; requests for a *door* wait until they are whole."""

    def __init__(self, *args: Any, doors: Mapping[tuple[str, str], Door] = {}, **options: Any) -> None:
        super().__init__(*args, **options)
        self._doors = doors
        self._visit: Visit | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_Gathering(transport, self.loop))  # type: ignore[arg-type]

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        scope = cycle.scope
        door = self._doors.get((scope["method"], scope["path"]))
        head = door.head(scope) if door is not None and app is self.app else None
        if door is None or head is None:
            super()._start_asgi_task(cycle, app)
            return
        visit = Visit(door, head, self, cycle)
        if cycle.more_body:
            self._visit = visit
        else:
            visit.come()

    def start_plainly(self, cycle: Any) -> None:
        """Let *cycle* take the usual way."""
        super()._start_asgi_task(cycle, self.app)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        visit, self._visit = self._visit, None
        if visit is not None:
            visit.come()
