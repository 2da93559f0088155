"""The hot path below nats-py: what the kit hears and says by the thousand skips its parser's queues and tasks.

nats-py keeps the link (login, TLS, reconnecting, subscribing anew); messages of the kit's own subscriptions are handed
over synchronously as they are parsed, and many events leave in one write. Everything else goes its usual way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from nats import errors
from nats.aio.client import Client
from nats.protocol.parser import AWAITING_CONTROL_LINE, Parser

Heard = Callable[[bytes, bytes, bytes, bytes], None]
"""(subject, reply, raw headers or nothing, payload)"""
_END: Final = b"\r\n"
_PLAIN: Final = re.compile(r"[!-~]+")
_HSIZE: Final = len(b"NATS/1.0\r\nNats-Msg-Id: \r\n\r\n")


class Wire(Parser):
    """Takes the place of a connection's parser."""

    def __init__(self, nc: Client) -> None:
        super().__init__(nc)
        self._ours: dict[bytes, Heard] = {}
        self._rest = b""

    @classmethod
    def of(cls, nc: Client) -> Wire:
        """The wire of a connection; it is laid at the first call."""
        if not isinstance(nc._ps, cls):
            nc._ps = cls(nc)
        return nc._ps

    def reset(self) -> None:
        """The connection was made anew: what came half is gone."""
        super().reset()
        self._rest = b""

    # -- hearing ---------------------------------------------------------------------------------------------------

    async def listen(self, subject: str, heard: Heard) -> Any:
        """Subscribe; *heard* is called as messages are read and must not raise. Returns nats-py's subscription."""
        sub = await self.nc.subscribe(subject)
        self._ours[b"%d" % sub._id] = heard
        return sub

    async def leave(self, sub: Any) -> None:
        """Hear no more of what `listen` returned."""
        self._ours.pop(b"%d" % sub._id, None)
        if self.nc.is_connected:
            await sub.unsubscribe()

    async def parse(self, data: bytes = b"") -> None:
        """Take what was read; what is incomplete waits for the next read."""
        buffer = self._rest + data if self._rest else data
        at, size, ours = 0, len(buffer), self._ours
        while at < size:
            end = buffer.find(_END, at)
            if end < 0:
                break
            if buffer[at] in b"MH":
                words = buffer[at:end].split()
                body = begin = end + 2
                stop = begin + int(words[-1])
                if stop + 2 > size:
                    break
                if buffer[at] == 72:  # HMSG subject sid [reply] header-size size
                    body += int(words[-2])
                    reply = words[3] if len(words) == 6 else b""
                else:  # MSG subject sid [reply] size
                    reply = words[3] if len(words) == 5 else b""
                heard = ours.get(words[2])
                if heard is not None:
                    heard(words[1], reply, buffer[begin:body], buffer[body:stop])
                else:
                    await self.nc._process_msg(
                        int(words[2]), words[1], reply, buffer[body:stop], buffer[begin:body] or None
                    )
                at = stop + 2
            else:
                await super().parse(buffer[at : end + 2])
                if self.state != AWAITING_CONTROL_LINE or self.buf:
                    raise errors.ProtocolError
                at = end + 2
        self._rest = buffer[at:]

    # -- saying ----------------------------------------------------------------------------------------------------

    async def send(self, blocks: Iterable[bytes]) -> None:
        """Write whole protocol messages (of `message` or `event`) at the end of what waits to be written.

        Raises nats-py's errors for a closed link, or for a lost one when too much waits.
        """
        nc, block = self.nc, b"".join(blocks)
        if nc.is_closed:
            raise errors.ConnectionClosedError
        if not nc.is_connected and len(block) + nc._pending_data_size > nc._max_pending_size:
            raise errors.OutboundBufferLimitError
        nc._pending.append(block)
        nc._pending_data_size += len(block)
        if nc._flush_queue is not None and nc._flush_queue.empty():
            await nc._flush_pending()


def message(subject: str | bytes, data: bytes = b"", reply: str = "") -> bytes:
    """A message without headers, as it goes over the wire."""
    name = subject if isinstance(subject, bytes) else subject.encode()
    return b"PUB %s %s %d\r\n%s\r\n" % (name, reply.encode(), len(data), data)


def event(subject: str, reply: bytes, event_id: str, trace: str, data: bytes) -> bytes:
    """An event with its id, as it goes over the wire.

    Raises ValueError for a subject or an id that would break the line.
    """
    name = event_id.encode()
    if not _PLAIN.fullmatch(subject) or b"\r" in name or b"\n" in name:
        raise ValueError(f"{subject!r} with id {event_id!r} can't be published: a blank or line break in it")
    if trace:
        name += b"\r\ntraceparent: " + trace.encode()
    head = _HSIZE + len(name)
    return b"HPUB %s %s %d %d\r\nNATS/1.0\r\nNats-Msg-Id: %s\r\n\r\n%s\r\n" % (
        subject.encode(), reply, head, head + len(data), name, data,
    )  # fmt: skip


def status_of(headers: bytes) -> str:
    """The status of a control message (``100``, ``409`` …), empty for a plain one."""
    return headers[9:12].decode("latin-1") if headers[8:9] == b" " else ""


def header_of(headers: bytes, name: bytes) -> str:
    """The value of one header, empty when it isn't there."""
    at = headers.find(b"\r\n" + name + b":")
    if at < 0:
        return ""
    begin = at + len(name) + 3
    return headers[begin : headers.find(_END, begin)].strip().decode()
