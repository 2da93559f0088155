"""HTTP load on 127.0.0.1: many keep-alive connections, closed loop or a steady open-loop rate; prints latencies as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Callable

import uvloop


class Connection(asyncio.Protocol):
    """One keep-alive connection that sends the next request when it is free."""

    def __init__(self, done: Callable[[Connection, int, float], None]) -> None:
        self._done, self._buffer, self._sent = done, b"", 0.0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def send(self, request: bytes, at: float) -> None:
        self._sent = at
        assert self.transport is not None
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, sep, body = self._buffer.partition(b"\r\n\r\n")
        if not sep:
            return
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if len(body) >= length:
            self._buffer = body[length:]
            self._done(self, int(head[9:12]), time.perf_counter() - self._sent)


def request(host: str, path: str, token: str, record: str, template: str, at: tuple[float, float]) -> bytes:
    """A POST whose body is *template* with @ID@, @LON@ and @LAT@ replaced."""
    body = template.replace("@ID@", record).replace("@LON@", str(at[0])).replace("@LAT@", str(at[1])).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return (head + (f"Authorization: Bearer {token}\r\n" if token else "") + "\r\n").encode() + body


async def main(  # noqa: C901 - one loop and its callbacks
    port: int, path: str, seconds: float, connections: int, rate: float, token: str, template: str,
    points: list[tuple[float, float]],
) -> None:  # fmt: skip
    """Load for *seconds*; rate 0 is a closed loop, else an open loop with *rate* requests a second."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    latencies: list[float] = []
    bad: dict[int, int] = {}
    free: list[Connection] = []
    queue: list[tuple[bytes, float]] = []
    run, n = uuid.uuid4().hex[:8], 0
    end = 0.0

    def fresh() -> bytes:
        nonlocal n
        n += 1
        return request(f"127.0.0.1:{port}", path, token, f"{run}-{n}", template, points[n % len(points)])

    def done(connection: Connection, status: int, took: float) -> None:
        latencies.append(took)
        if status not in (200, 201, 202):
            bad[status] = bad.get(status, 0) + 1
        if queue:
            connection.send(*queue.pop(0))
        elif not rate and time.perf_counter() < end:
            connection.send(fresh(), time.perf_counter())
        else:
            free.append(connection)
            if len(free) == connections and time.perf_counter() >= end:
                stop.set()

    async def steadily() -> None:
        while (now := time.perf_counter()) < end:
            for _ in range(int((now - begin) * rate) - n):
                at = begin + n / rate  # the moment it should have gone: waiting counts as latency
                one = fresh()
                if free:
                    free.pop(0).send(one, at)  # in turn: an idle connection would be closed
                else:
                    queue.append((one, at))
            await asyncio.sleep(0.002)

    for _ in range(connections):
        _, connection = await loop.create_connection(lambda: Connection(done), "127.0.0.1", port)
        free.append(connection)
    begin = time.perf_counter()
    end = begin + seconds
    if not rate:
        for connection in free[:]:
            free.remove(connection)
            connection.send(fresh(), time.perf_counter())
    else:
        await steadily()
    await asyncio.wait_for(stop.wait(), 60) if len(free) < connections else None
    took = time.perf_counter() - begin
    latencies.sort()
    at = lambda q: round(latencies[min(int(len(latencies) * q), len(latencies) - 1)] * 1000, 1)  # noqa: E731
    print(json.dumps({"sent": n, "answered": len(latencies), "rate": round(len(latencies) / took), "bad": bad,
                      "p50_ms": at(0.5), "p90_ms": at(0.9), "p99_ms": at(0.99)}))  # fmt: skip


if __name__ == "__main__":
    port, path, seconds, connections, rate, token_file, body_file, points_file = sys.argv[1:9]
    with open(body_file, encoding="utf-8") as body:
        template = body.read()
    token = open(token_file).read().strip() if token_file != "-" else ""  # noqa: SIM115
    with open(points_file, encoding="utf-8") as file:
        points = json.load(file)
    uvloop.run(main(int(port), path, float(seconds), int(connections), float(rate), token, template, points))
