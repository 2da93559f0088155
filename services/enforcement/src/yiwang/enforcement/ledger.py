"""The log of an agency: appending a sealed record, signing heads, proofs."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

import msgspec
from yiwang.contracts import Extension, HeadSigned, LogPosition
from yiwang.kit import Context

from . import merkle
from .domain import SALT_BYTES, Officer, canonical, commitment
from .keys import signer_of
from .merkle import Node, suite_of
from .settings import Settings
from .signing import alg_of, head_text, sign
from .store import Head, Log, add_nodes, nodes, sql


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """A record on its way into the log: what stays readable after an erasure, and the body that is sealed."""

    record_id: str
    file_id: str
    node_code: str
    record_kind: str
    officers: tuple[Officer, ...]
    recorded_by: str
    occurred_at: dt.datetime
    received_at: dt.datetime
    purpose: str
    body: dict[str, Any]


async def append(ctx: Context, log: Log, leaf: Leaf) -> tuple[LogPosition, list[HeadSigned]]:
    """Seal *leaf* as the next leaf of *log*, which the caller holds locked; a head follows when it is due."""
    tx, suite, settings = ctx.tx, suite_of(log.suite), ctx.settings
    size: int = await sql.value(tx, "size", log.log_id)
    salt, body = secrets.token_bytes(SALT_BYTES), canonical(leaf.body)
    sealed = commitment(suite, salt, body)
    leaf_hash = suite.leaf(sealed)
    left = await nodes(tx, log.log_id, merkle.nodes_for_root(size)) if size & 1 else {}
    officers = msgspec.json.encode(leaf.officers).decode()
    await sql.run(
        tx, "add_leaf", log.log_id, size, sealed, leaf.record_id, leaf.file_id, leaf.node_code, leaf.record_kind,
        officers, leaf.recorded_by, leaf.occurred_at, leaf.received_at, leaf.purpose,
    )  # fmt: skip
    await sql.run(tx, "add_content", log.log_id, size, salt, body)
    await add_nodes(tx, log.log_id, merkle.appended(suite, size, leaf_hash, left))
    position = LogPosition(log_id=log.log_id, leaf_index=size, leaf_hash=f"{suite.tag}:{leaf_hash.hex()}")
    return position, await _head_when_due(ctx, log, size + 1, settings)


async def _head_when_due(ctx: Context, log: Log, size: int, settings: Settings) -> list[HeadSigned]:
    last = await sql.row(ctx.tx, "last_head", Head, log.log_id)
    unsigned = size - (last.size if last else 0)
    if unsigned >= settings.head_every_leaves:
        await ctx.cancel_timer("head", log.log_id)
        return await sign_head(ctx, log)
    if unsigned == 1:
        await ctx.set_timer("head", log.log_id, ctx.now() + dt.timedelta(minutes=settings.head_every_minutes))
    return []


async def root_at(tx: Any, log: Log, size: int) -> str:
    """The root over the first *size* leaves, in hex."""
    wanted = merkle.nodes_for_root(size)
    return merkle.root_of(suite_of(log.suite), size, await nodes(tx, log.log_id, wanted)).hex()


async def sign_head(ctx: Context, log: Log) -> list[HeadSigned]:
    """The signed head over all leaves, unless the last one covers them already. The caller holds *log* locked."""
    tx = ctx.tx
    size: int = await sql.value(tx, "size", log.log_id)
    last = await sql.row(tx, "last_head", Head, log.log_id)
    if size == (last.size if last else 0):
        return []
    signed_at = ctx.now().replace(microsecond=0)
    root, alg = await root_at(tx, log, size), alg_of(log.suite)
    signer = await signer_of(tx, log.log_id, ctx.settings.key_directory, signed_at)
    signature = sign(signer.secret, head_text(log.log_id, size, root, alg, signed_at))
    await sql.run(tx, "add_head", log.log_id, size, root, alg, signer.key_id, signature, signed_at)
    cosigned = await sql.row(tx, "last_cosigned_head", Head, log.log_id)
    earlier = {head.size: head for head in (last, cosigned) if head is not None}
    return [
        HeadSigned(
            jurisdiction=ctx.node.jurisdiction,  # the log is the agency's, in whosever name its acts are done
            log_id=log.log_id,
            size=size,
            root=root,
            alg=alg,
            key_id=signer.key_id,
            signature=signature,
            signed_at=signed_at,
            extends=tuple([await _extension(tx, log, head, size) for head in earlier.values()]),
        )
    ]


async def _extension(tx: Any, log: Log, head: Head, size: int) -> Extension:
    return Extension(size=head.size, root=head.root, path=tuple(await consistency_path(tx, log, head.size, size)))


async def consistency_path(tx: Any, log: Log, first: int, second: int) -> list[str]:
    """The proof in hex that the log of *second* leaves extends that of *first*. Raises ValueError outside the log."""
    found = await nodes(tx, log.log_id, _once(merkle.nodes_for_consistency(first, second)))
    return [h.hex() for h in merkle.consistency(suite_of(log.suite), first, second, found)]


async def inclusion_path(tx: Any, log: Log, index: int, size: int) -> list[str]:
    """The audit path in hex of leaf *index* in the tree of *size* leaves. Raises ValueError outside the log."""
    found = await nodes(tx, log.log_id, _once(merkle.nodes_for_inclusion(index, size)))
    return [h.hex() for h in merkle.inclusion(suite_of(log.suite), index, size, found)]


def _once(wanted: list[Node]) -> list[Node]:
    return list(dict.fromkeys(wanted))
