"""What enforcement hears: referrals, the time to sign, heads from below, countersignatures from above."""

from __future__ import annotations

import structlog
from prometheus_client import Counter
from yiwang.contracts import CaseReferredToEnforcement, Event, HeadCosigned, HeadDisputed, HeadSigned
from yiwang.kit import Context, Scope, Timer

from .files import open_referred
from .keys import signer_of, witness_name
from .ledger import sign_head
from .service import service
from .signing import cosigned_text, head_text, sign, verified
from .store import Head, Log, SeenRow, sql
from .witness import Seen, judge

log = structlog.get_logger("yiwang.enforcement")
INCIDENTS = Counter(
    "yiwang_evidence_incidents_total",
    "Heads of evidence logs that didn't fit what was seen before, by reason",
    ["reason"],
)


@service.on(CaseReferredToEnforcement)
async def open_clue(event: CaseReferredToEnforcement, ctx: Context) -> list[Event]:
    """A referral opens a clue (案源), not a filed penalty case."""
    return await open_referred(ctx, event)


@service.timer("head")
async def sign_due_head(timer: Timer, ctx: Context) -> list[HeadSigned]:
    """Sign the head of the log whose key the timer is."""
    found = await sql.row(ctx.tx, "lock_log_by_id", Log, timer.key)
    return [] if found is None else await sign_head(ctx, found)


@service.on(HeadSigned, scope=Scope.SUBTREE)
async def countersign(event: HeadSigned, ctx: Context) -> Event | None:
    """A head from below is countersigned when it extends what this node saw before; our own we can't witness."""
    if event.node_id == ctx.node.node_id:
        return None
    tx, witness = ctx.tx, witness_name(ctx.node.node_id)
    await sql.run(tx, "lock_witnessed", event.log_id)
    latest = await sql.row(tx, "witnessed_latest", SeenRow, event.log_id)
    same = await sql.row(tx, "witnessed_of_size", SeenRow, event.log_id, event.size)
    verdict = judge(event, _seen(latest), _seen(same))
    await sql.run(
        tx, "add_witnessed", event.log_id, event.size, event.root, event.alg, event.key_id, event.signature,
        event.signed_at, event.node_id, verdict.reason_code, ctx.now(),
    )  # fmt: skip
    if not verdict.accepted:
        INCIDENTS.labels(verdict.reason_code).inc()
        log.error(
            "head_disputed", log_id=event.log_id, size=event.size, reason=verdict.reason_code, say=verdict.sentence
        )
        return HeadDisputed(
            log_id=event.log_id,
            size=event.size,
            root=event.root,
            seen_size=latest.size if latest else 0,
            seen_root=latest.root if latest else "",
            reason_code=verdict.reason_code,
            witness=witness,
        )
    at = ctx.now().replace(microsecond=0)
    signer = await signer_of(tx, witness, ctx.settings.key_directory, at)
    text = head_text(event.log_id, event.size, event.root, event.alg, event.signed_at)
    return HeadCosigned(
        addressee=event.jurisdiction,
        log_id=event.log_id,
        size=event.size,
        root=event.root,
        alg=event.alg,
        key_id=signer.key_id,
        signature=sign(signer.secret, cosigned_text(text, at)),
        signed_at=at,
        witness=witness,
    )


def _seen(row: SeenRow | None) -> Seen | None:
    return None if row is None else Seen(row.size, row.root, row.key_id)


@service.on(HeadCosigned)
async def keep_cosignature(event: HeadCosigned, ctx: Context) -> None:
    """A witness above countersigned one of our heads: keep it, marked when it doesn't fit the head."""
    if await sql.row(ctx.tx, "log_by_id", Log, event.log_id) is None:
        return  # another node's log in our jurisdiction
    head = await sql.row(ctx.tx, "head_of_size", Head, event.log_id, event.size)
    fits = head is not None and head.root == event.root and _cosigned(event, head)
    if not fits:
        INCIDENTS.labels("bad_cosignature").inc()
        log.error("cosignature_does_not_fit", log_id=event.log_id, size=event.size, witness=event.witness)
    await sql.run(
        ctx.tx, "add_cosignature", event.log_id, event.size, event.witness, event.root, event.alg, event.key_id,
        event.signature, event.signed_at, fits,
    )  # fmt: skip


def _cosigned(event: HeadCosigned, head: Head) -> bool:
    text = head_text(event.log_id, head.size, head.root, head.alg, head.signed_at)
    return verified(event.key_id, event.signature, cosigned_text(text, event.signed_at))
