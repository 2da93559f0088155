"""The logs over HTTP: heads, entries, proofs, erasure, and what this node witnesses."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import get, post
from litestar.params import Parameter
from yiwang.contracts import LogPosition
from yiwang.kit import App, Caller, Context, Role, allow, answers

from . import errors
from .bundle import Bundle, bundle_of
from .domain import Line
from .files import AGENCY, erase, file_area
from .ledger import consistency_path, inclusion_path, root_at
from .merkle import suite_of
from .signing import alg_of
from .store import Cosignature, Disputed, Entry, Head, Log, LogSize, Record, Watched, sql
from .views import (
    READERS,
    ConsistencyProof,
    EntryView,
    HeadView,
    InclusionProof,
    LogView,
    Receipt,
    entry_view,
    receipt,
    witness_state,
)

MOST: Final = 2**53
Index = Annotated[int, Parameter(ge=0, le=MOST)]
CONTENT: Final = (Role.ENFORCEMENT_OFFICER, Role.LEGAL_REVIEWER, Role.AGENCY_HEAD)


class Erasure(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why a content must be forgotten: the decision and its legal basis."""

    basis: Annotated[Line, msgspec.Meta(min_length=1)]


class WitnessView(msgspec.Struct, frozen=True, kw_only=True):
    """Logs below whose heads this node countersigns, and heads that it disputed."""

    logs: list[Watched]
    disputed: list[Disputed]


async def found_log(app: App, log_id: str) -> Log:
    log = await sql.row(app.pool, "log_by_id", Log, log_id) if AGENCY.match(log_id) else None
    if log is None:
        raise errors.NO_LOG(log=log_id[:64])
    return log


async def found_record(app: App, log: Log, leaf: int) -> Record:
    record = await sql.row(app.pool, "record", Record, log.log_id, leaf) if leaf <= MOST else None
    if record is None:
        size = await sql.value(app.pool, "size", log.log_id)
        raise errors.NO_LEAF(log=log.log_id, leaf=leaf, last=size - 1)
    return record


@get("/enforcement/logs", guards=[allow(*READERS)])
async def list_logs(app: App) -> list[LogView]:
    """One evidence log for each agency (执法主体)."""
    rows = await sql.rows(app.pool, "all_logs", LogSize)
    return [LogView(**msgspec.structs.asdict(row)) for row in rows]


@get("/enforcement/logs/{log_id:str}/head", guards=[allow(*READERS)], responses=answers(errors.NO_LOG))
async def head(app: App, log_id: str) -> HeadView:
    """The log now, its newest signed head, and its witnesses above."""
    log = await found_log(app, log_id)
    size = await sql.value(app.pool, "size", log.log_id)
    signed = await sql.row(app.pool, "last_head", Head, log.log_id)
    cosignatures = await sql.rows(app.pool, "cosignatures", Cosignature, log.log_id, 20)
    return HeadView(
        log_id=log.log_id,
        size=size,
        root=await root_at(app.pool, log, size),
        alg=alg_of(log.suite),
        signed=signed,
        witness=witness_state(signed, cosignatures),
    )


@get("/enforcement/logs/{log_id:str}/entries", guards=[allow(*READERS)], responses=answers(errors.NO_LOG))
async def entries(
    app: App, log_id: str, start: Index = 0, limit: Annotated[int, Parameter(ge=1, le=1000)] = 100
) -> list[EntryView]:
    """Hashes of a range of leaves, so that anybody may rebuild the root; no content."""
    log = await found_log(app, log_id)
    return [entry_view(e) for e in await sql.rows(app.pool, "entries", Entry, log.log_id, start, limit)]


@get(
    "/enforcement/logs/{log_id:str}/proof/inclusion",
    guards=[allow(*READERS)],
    responses=answers(errors.NO_LOG, errors.BAD_RANGE),
)
async def prove_inclusion(app: App, log_id: str, leaf: Index, size: Index | None = None) -> InclusionProof:
    """That leaf *leaf* is in the tree of *size* leaves (all, if not given)."""
    log = await found_log(app, log_id)
    known = await sql.value(app.pool, "size", log.log_id)
    size = known if size is None else size
    if not leaf < size <= known:
        raise errors.BAD_RANGE(why=f"日志现有 {known} 条，应满足 leaf < size ≤ {known}")
    record = await found_record(app, log, leaf)
    return InclusionProof(
        log_id=log.log_id,
        alg=alg_of(log.suite),
        leaf_index=leaf,
        leaf_hash=suite_of(log.suite).leaf(record.commitment).hex(),
        tree_size=size,
        root=await root_at(app.pool, log, size),
        path=await inclusion_path(app.pool, log, leaf, size),
    )


@get(
    "/enforcement/logs/{log_id:str}/proof/consistency",
    guards=[allow(*READERS)],
    responses=answers(errors.NO_LOG, errors.BAD_RANGE),
)
async def prove_consistency(app: App, log_id: str, first: Index, second: Index | None = None) -> ConsistencyProof:
    """That the log of *second* leaves (all, if not given) begins with the log of *first* leaves."""
    log = await found_log(app, log_id)
    known = await sql.value(app.pool, "size", log.log_id)
    second = known if second is None else second
    if not 0 < first <= second <= known:
        raise errors.BAD_RANGE(why=f"日志现有 {known} 条，应满足 0 < first ≤ second ≤ {known}")
    return ConsistencyProof(
        log_id=log.log_id,
        alg=alg_of(log.suite),
        first=first,
        second=second,
        first_root=await root_at(app.pool, log, first),
        second_root=await root_at(app.pool, log, second),
        path=await consistency_path(app.pool, log, first, second),
    )


@get(
    "/enforcement/logs/{log_id:str}/entries/{leaf:int}/bundle",
    guards=[allow(*CONTENT)],
    responses=answers(errors.NO_LOG, errors.NO_LEAF, errors.NOT_SIGNED_YET),
)
async def take_bundle(app: App, caller: Caller, log_id: str, leaf: int) -> Bundle:
    """One record with all that proves it, for `python -m yiwang.enforcement.verify`, without any network."""
    log = await found_log(app, log_id)
    record = await found_record(app, log, max(leaf, -1))
    caller.require(CONTENT, await file_area(app.pool, record.file_id))
    signed = await sql.row(app.pool, "head_covering", Head, log.log_id, leaf)
    if signed is None:
        raise errors.NOT_SIGNED_YET(leaf=leaf, minutes=app.settings.head_every_minutes)
    path = await inclusion_path(app.pool, log, leaf, signed.size)
    return bundle_of(
        log, record, signed, path, await sql.rows(app.pool, "cosignatures_of", Cosignature, log.log_id, signed.size)
    )


@post(
    "/enforcement/logs/{log_id:str}/entries/{leaf:int}/erase",
    guards=[allow(Role.AGENCY_HEAD)],
    opt={"idempotent": True},
    responses=answers(errors.NO_LOG, errors.NO_LEAF, errors.ALREADY_ERASED, errors.NOT_ERASABLE, errors.OTHER_AGENCY),
)
async def erase_content(app: App, caller: Caller, log_id: str, leaf: int, data: Erasure) -> Receipt:
    """Forget a record's text, party, place and files; its leaf and every proof stay, and the erasure is recorded."""
    log = await found_log(app, log_id)
    record = await found_record(app, log, max(leaf, -1))
    one = caller.require(Role.AGENCY_HEAD, await file_area(app.pool, record.file_id))
    if one.unit_id not in ("", log.agency_id):
        raise errors.OTHER_AGENCY(agency=log.agency_id)

    async def act(ctx: Context) -> LogPosition:
        held = await sql.row(ctx.tx, "lock_log_by_id", Log, log.log_id)
        current = await sql.row(ctx.tx, "record", Record, log.log_id, leaf)
        return await erase(ctx, held or log, current or record, data.basis, erased_by=caller.person_ref)

    position = await app.act(caller, act, role=Role.AGENCY_HEAD)
    made = await found_record(app, log, position.leaf_index)
    return receipt(record.file_id, made.record_id, made.received_at, position)


@get("/enforcement/witness", guards=[allow(Role.AUDITOR, Role.AGENCY_HEAD, Role.ADMIN)])
async def witnessed(app: App) -> WitnessView:
    """What this node, as a witness, saw of the logs below."""
    return WitnessView(
        logs=await sql.rows(app.pool, "witnessed_logs", Watched),
        disputed=await sql.rows(app.pool, "disputed", Disputed, 100),
    )


LOG_ROUTES: Final = (
    list_logs,
    head,
    entries,
    prove_inclusion,
    prove_consistency,
    take_bundle,
    erase_content,
    witnessed,
)
