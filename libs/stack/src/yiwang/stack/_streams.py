"""Copying JetStream streams out of and into a server, by the server's own snapshot protocol.

The server sends a stream (messages, state, consumers) as a compressed archive in chunks, each to be acknowledged, and
takes it back the same way. It works on a running server and for whatever account the link has logged in to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from nats.aio.client import Client
from yiwang.kit import JetStreamError

CHUNK = 128 * 1024
PATIENCE_S = 60.0


class Copied(msgspec.Struct, frozen=True):
    """One stream in a backup: its name, what its definition and state were, and the file that holds it."""

    name: str
    file: str
    config: dict[str, Any]
    state: dict[str, Any]


async def names(link: Client) -> list[str]:
    """All streams of the account: the mesh's own, key-value buckets and object stores."""
    answer = await ask(link, "STREAM.NAMES")
    return sorted(answer.get("streams") or [])


async def copy_out(link: Client, name: str, directory: Path) -> Copied:
    """Write the stream into `directory`. Raises OSError when the server stops in the middle."""
    inbox = link.new_inbox()
    chunks = await link.subscribe(inbox, pending_bytes_limit=64 * 2**20)
    answer = await ask(link, f"STREAM.SNAPSHOT.{name}", {"deliver_subject": inbox, "chunk_size": CHUNK})
    file = f"{name}.stream"
    with (directory / file).open("wb") as out:
        while True:
            message = await chunks.next_msg(timeout=PATIENCE_S)
            if not message.data:
                break
            out.write(message.data)
            if message.reply:
                await link.publish(message.reply)
    await chunks.unsubscribe()
    status = (message.headers or {}).get("Status", "204")
    if status != "204":
        raise OSError(f"NATS 没有发完流 {name}（状态 {status}）：请重新备份")
    return Copied(name=name, file=file, config=answer["config"], state=answer["state"])


async def copy_in(link: Client, stream: Copied, directory: Path) -> dict[str, Any]:
    """Make the stream from its file; return its STREAM.INFO. Raises JetStreamError when the server refuses it."""
    body = {"config": stream.config, "state": stream.state}
    target = str((await ask(link, f"STREAM.RESTORE.{stream.name}", body))["deliver_subject"])
    with (directory / stream.file).open("rb") as content:
        while chunk := content.read(CHUNK):
            await link.request(target, chunk, timeout=PATIENCE_S)
    done = await link.request(target, b"", timeout=PATIENCE_S)
    answer: dict[str, Any] = msgspec.json.decode(done.data)
    return refused(f"STREAM.RESTORE.{stream.name}", answer)


def replicated(stream: Copied, copies: int) -> Copied:
    """The stream with so many copies: a cluster's may come to a single server, and the other way round."""
    return msgspec.structs.replace(stream, config=stream.config | {"num_replicas": copies})


async def delete(link: Client, name: str) -> None:
    """Remove the stream and all that is in it."""
    await ask(link, f"STREAM.DELETE.{name}")


async def ask(link: Client, subject: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """One request to JetStream's API. Raises JetStreamError for a refusal."""
    reply = await link.request(f"$JS.API.{subject}", msgspec.json.encode(body) if body else b"", timeout=PATIENCE_S)
    return refused(subject, msgspec.json.decode(reply.data))


def refused(subject: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, unless it is a refusal: then raises JetStreamError."""
    if error := answer.get("error"):
        raise JetStreamError(subject, int(error.get("err_code", 0)), str(error.get("description")))
    return answer
