"""The hot path below nats-py: whole, split and foreign messages, and what would break the line."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nats.aio.client import Client
from yiwang.kit._wire import Wire, event, header_of, message, status_of
from yiwang.stack.testing import TestNode

HEARD = [(b"a.1", b"back", b"", b"plain"), (b"a.2", b"", b"NATS/1.0\r\nNats-Msg-Id: x\r\n\r\n", b"with\r\nheaders"),
         (b"a.3", b"", b"", b"")]  # fmt: skip


def stream_of_bytes() -> bytes:
    """HEARD as a server would send it, between a PING and another's message."""
    head = HEARD[1][2]
    return b"".join((
        b"PING\r\n", b"MSG a.1 7 back 5\r\nplain\r\n", b"MSG other 8 3\r\nabc\r\n",
        b"HMSG a.2 7 %d %d\r\n%swith\r\nheaders\r\n" % (len(head), len(head) + 13, head), b"MSG a.3 7 0\r\n\r\n",
    ))  # fmt: skip


class Ours(Client):
    """A client without a server that notes what is left to it."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[bytes] = []

    async def _process_ping(self) -> None:
        self.left.append(b"PING")

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:
        self.left.append(data)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.integers(0, 200), max_size=8))
def test_messages_are_the_same_however_the_reads_cut_them(cuts: list[int]) -> None:
    """Each message of ours is heard once and whole; everything else goes nats-py's way."""
    nc, heard = Ours(), []
    wire, data = Wire.of(nc), stream_of_bytes()
    wire._ours[b"7"] = lambda *message: heard.append(message)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})

    async def read() -> None:
        for begin, end in itertools.pairwise(edges):
            await wire.parse(data[begin:end])

    asyncio.run(read())

    assert heard == HEARD
    assert nc.left == [b"PING", b"abc"]
    assert Wire.of(nc) is wire


@pytest.mark.parametrize(("subject", "event_id"), [("a b", "id"), ("a\r\nPUB x 0", "id"), ("a", "id\r\nEvil: 1"), ("", "id")])
def test_what_would_break_the_line_is_refused(subject: str, event_id: str) -> None:
    """A blank in a subject or a line break in an id never reaches the server."""
    with pytest.raises(ValueError, match="can't be published"):
        event(subject, b"reply", event_id, "", b"")


def test_headers_are_read_by_name() -> None:
    """Status of a control message, trace of an event; absent is empty."""
    assert status_of(b"NATS/1.0 409 Consumer Deleted\r\n\r\n") == "409"
    told = b"NATS/1.0\r\nNats-Msg-Id: x\r\ntraceparent: 00-ab\r\n\r\n"
    assert (status_of(told), header_of(told, b"traceparent"), header_of(told, b"other")) == ("", "00-ab", "")


async def test_what_is_said_over_the_wire_is_heard_over_it(node: TestNode) -> None:
    """Through a real server: order, large payloads, and leaving."""
    link = await node.link()
    wire, heard, done = Wire.of(link.nc), [], asyncio.Event()

    def hear(subject: bytes, reply: bytes, headers: bytes, data: bytes) -> None:
        heard.append(data)
        if data == b"end":
            done.set()

    sub = await wire.listen("probe.>", hear)
    said = [b"%d" % n * 3000 for n in range(200)] + [b"end"]
    await wire.send(message("probe.x", data) for data in said)
    async with asyncio.timeout(30):
        await done.wait()
    assert heard == said

    await wire.leave(sub)
    await wire.send([message("probe.x", b"late")])
    await link.nc.flush()
    assert heard == said
