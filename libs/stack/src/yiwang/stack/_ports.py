"""TCP ports of 127.0.0.1 that no two processes of ours are given at the same time.

A port is often chosen seconds before its server listens on it: a whole network's ports are written into configurations
first. Asking the system what is free now is therefore not enough: two networks begun side by side would, by the
birthday rule, share a port once in ten starts. So each process claims blocks of ports by locked files and hands out
its own blocks' ports one after the other; the locks go with the process, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

# Below Linux's ephemeral range (32768-60999): a client that reconnects to a port inside that range while its server
# is down can, in the end, connect to itself and keep the server from coming back on the same port.
PORTS: Final = range(20_000, 32_000)
BLOCK: Final = 100
_claimed: list[IO[bytes]] = []


class NoPort(RuntimeError):
    """Every port of the range is taken."""


def free_port(run: int = 1) -> int:
    """The first of *run* consecutive TCP ports of 127.0.0.1 that nobody listens on and nobody else has been given.

    Raises NoPort when there are none in 20000-31999.
    """
    found: list[int] = []
    for _ in range(2 * len(PORTS)):
        with _turn:
            port = next(_mine)
        if not _can_listen(port) or (found and port != found[-1] + 1):
            found.clear()
            continue
        found.append(port)
        if len(found) == run:
            return found[0]
    raise NoPort("127.0.0.1 的 20000-31999 端口都被占用：请结束不用的程序")


def _can_listen(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _blocks() -> Iterator[range]:
    """Blocks that this process could claim, in an order of its own; each stays claimed until the process ends."""
    folder = Path(tempfile.gettempdir()) / f"yiwang-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    starts = list(range(PORTS.start, PORTS.stop, BLOCK))
    random.SystemRandom().shuffle(starts)  # not the seeded one: two test runners with one seed would meet at each step
    for start in starts:
        lock = (folder / str(start)).open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        _claimed.append(lock)
        yield range(start, start + BLOCK)


def _walk() -> Iterator[int]:
    """The ports of each claimed block in turn; when no block is left to claim, everything once more."""
    for block in _blocks():
        yield from block
    while True:
        yield from PORTS


_mine: Final = _walk()
_turn: Final = threading.Lock()
