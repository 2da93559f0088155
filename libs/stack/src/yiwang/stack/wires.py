"""Lines that can be cut: each a small TCP forwarder between a child's server and its parent's leaf port.

A cut line is a hole, as a broken cable is: what was connected stays connected and nothing arrives, new connections hang.
`hang_up` is the other kind of trouble: connections break at once and new ones are refused.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
CHUNK = 256 * 1024


class Wire:
    """One line to one port of 127.0.0.1, listening on `port`."""

    def __init__(self, target: int) -> None:
        self.target, self.port = target, 0
        self.passed = 0
        """Bytes in both directions"""
        self._whole = asyncio.Event()
        self._whole.set()
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()

    async def open(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", port or self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._pumps):
            task.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def cut(self) -> None:
        self._whole.clear()

    async def mend(self) -> None:
        if self._server is None:
            await self.open()
        self._whole.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pumps.add(task)
        far: asyncio.StreamWriter | None = None
        try:
            await self._whole.wait()
            back, far = await asyncio.open_connection("127.0.0.1", self.target)
            ends = [asyncio.create_task(self._pump(reader, far)), asyncio.create_task(self._pump(back, writer))]
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for end in ends:
                    end.cancel()
                await asyncio.gather(*ends, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass  # the parent's server is away, and the child tries again; or the line is taken down
        finally:
            self._pumps.discard(task)
            for side in (writer, far):
                if side is not None:
                    side.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            await self._whole.wait()
            writer.write(data)
            self.passed += len(data)
            await writer.drain()


class Wires:
    """All lines of a network, in a thread of their own; every method may be called from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="yiwang-wires", daemon=True)
        self._lines: dict[str, list[Wire]] = {}

    def lay(self, name: str, target: int, port: int = 0) -> int:
        """A new line to the port *target*; returns the port to dial instead."""
        if not self._thread.is_alive():
            self._thread.start()

        async def make() -> Wire:
            wire = Wire(target)
            await wire.open(port)
            return wire

        wire = self._do(make())
        self._lines.setdefault(name, []).append(wire)
        return wire.port

    def cut(self, name: str) -> None:
        """Nothing passes any more."""
        for wire in self._line(name):
            self._do(wire.cut())

    def hang_up(self, name: str) -> None:
        """Break what is connected and refuse what is new."""
        for wire in self._line(name):
            self._do(wire.close())

    def mend(self, name: str) -> None:
        """What waited passes, and new connections too."""
        for wire in self._line(name):
            self._do(wire.mend())

    def passed(self, name: str) -> int:
        """Bytes that went over the line so far."""
        return sum(wire.passed for wire in self._line(name))

    def close(self) -> None:
        """Take all lines down."""
        if not self._thread.is_alive():
            return
        for wires in self._lines.values():
            for wire in wires:
                self._do(wire.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _line(self, name: str) -> list[Wire]:
        if name not in self._lines:
            raise ValueError(f"{name} 与上级之间没有可以切断的线路：它没有自己的服务器，或者没有铺设线路")
        return self._lines[name]

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)
