"""Files over HTTP: the list, one file with its records, and the acts on it."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import uuid
from typing import Annotated, Any, Final

import msgspec
from litestar import get, post
from litestar.params import Parameter
from yiwang.contracts import LogPosition
from yiwang.kit import App, Caller, Context, Role, allow, answers

from . import errors
from .access import found_file, in_whose_name, require_agency
from .codes import Codes
from .domain import Draft, Line, Officer, Scene, Text, subtree_pattern
from .files import AGENCY, add_record, close_file, leaf_of, open_file, refuse_mistakes
from .http_logs import LOG_ROUTES
from .http_media import refuse_absent_media, take_media
from .ledger import Leaf
from .store import File, Log, Record, locked_log, sql
from .views import READERS, FileDetail, FilePage, FileView, Receipt, file_detail, file_view, receipt, sees_content

OFFICER: Final = (Role.ENFORCEMENT_OFFICER,)
CLOSERS: Final = (Role.ENFORCEMENT_OFFICER, Role.AGENCY_HEAD)


class NewFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A clue that officers found themselves (巡查发现), with its first record."""

    agency_id: Annotated[str, msgspec.Meta(pattern=AGENCY.pattern)]
    item_code: Line
    area: Annotated[str, msgspec.Meta(pattern=r"^\d{6}(?:\d{3}(?:\d{3})?)?$")]
    record: Draft


class Closing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the clue ends; `text` gives the reasons."""

    outcome: Line
    text: Text
    officers: Annotated[tuple[Officer, ...], msgspec.Meta(max_length=50)]
    place: Scene = Scene(address="机关")


@get("/enforcement/files", guards=[allow(*READERS)], responses=answers(errors.BAD_RANGE))
async def list_files(
    app: App,
    caller: Caller,
    file_state: Annotated[str, Parameter(query="state", pattern="^(open|closed)?$")] = "",
    agency_id: Annotated[str, Parameter(pattern=r"^[\w.:-]{0,64}$")] = "",
    cursor: Annotated[str, Parameter(max_length=200)] = "",
    limit: Annotated[int, Parameter(ge=1, le=200)] = 50,
) -> FilePage:
    """Clues in the caller's areas, newest first."""
    areas = {a for one in caller.posts if one.role in READERS for a in one.areas}
    at, last = _position(cursor)
    rows = await sql.rows(
        app.pool, "files", File, [subtree_pattern(a) for a in sorted(areas)], agency_id, file_state, at, last, limit + 1
    )
    page, codes = rows[:limit], app.get(Codes)
    more = page[-1] if len(rows) > limit else None
    return FilePage(items=[file_view(f, codes) for f in page], next=_cursor(more) if more else "")


def _cursor(file: File) -> str:
    return base64.urlsafe_b64encode(f"{file.opened_at.isoformat()} {file.file_id}".encode()).decode()


def _position(cursor: str) -> tuple[dt.datetime | None, str]:
    if not cursor:
        return None, ""
    try:
        at, _, last = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        return dt.datetime.fromisoformat(at).astimezone(dt.UTC), str(uuid.UUID(last))
    except (ValueError, binascii.Error, OverflowError) as error:
        raise errors.BAD_RANGE(why="翻页位置 cursor 不是本接口给出的") from error


@get("/enforcement/files/{file_id:uuid}", guards=[allow(*READERS)], responses=answers(errors.NO_FILE))
async def one_file(app: App, caller: Caller, file_id: uuid.UUID) -> FileDetail:
    """A clue with all its records; text and party only for those who work on it."""
    file = await found_file(app, file_id)
    caller.require(READERS, file.area)
    log = await sql.row(app.pool, "log_by_id", Log, file.log_id)
    records = await sql.rows(app.pool, "records", Record, file.file_id)
    suite = log.suite if log else "sha256"
    return file_detail(file, records, suite, app.get(Codes), content=sees_content(caller, file.area))


@post(
    "/enforcement/files",
    guards=[allow(*OFFICER)],
    opt={"idempotent": True},
    responses=answers(errors.RECORD_REFUSED, errors.OTHER_AGENCY),
)
async def register_file(app: App, caller: Caller, data: NewFile) -> FileView:
    """Register a clue that officers found themselves."""
    require_agency(caller, OFFICER, data.agency_id, data.area)
    refuse_mistakes(data.record, app.get(Codes), app.clock.now())
    await refuse_absent_media(app, data.record)

    async def act(ctx: Context) -> File:
        now, settings = ctx.now(), ctx.settings
        log = await locked_log(ctx.tx, data.agency_id, settings.suite, now)
        file = File(
            file_id=str(uuid.uuid4()), agency_id=data.agency_id, log_id=log.log_id, referral_id="", case_id="",
            case_no="", item_code=data.item_code, area=data.area, source="patrol", purpose="live", opened_at=now,
            jurisdiction=in_whose_name(app, data.area),
        )  # fmt: skip
        leaf = leaf_of(data.record, file, recorded_by=caller.person_ref, now=now, purpose="live")
        ctx.emit(
            *await open_file(
                ctx, file, log, opened_by=caller.person_ref, officers=data.record.officers, facts=leaf.body
            )
        )
        return file

    return file_view(await app.act(caller, act, role=Role.ENFORCEMENT_OFFICER), app.get(Codes))


@post(
    "/enforcement/files/{file_id:uuid}/records",
    guards=[allow(*OFFICER)],
    opt={"idempotent": True},
    responses=answers(errors.NO_FILE, errors.RECORD_REFUSED, errors.OTHER_AGENCY, errors.FILE_CLOSED),
)
async def record_act(app: App, caller: Caller, file_id: uuid.UUID, data: Draft) -> Receipt:
    """Seal a record of an act: two officers at least, hashed now, never changed."""
    file = await found_file(app, file_id)
    require_agency(caller, OFFICER, file.agency_id, file.area)
    refuse_mistakes(data, app.get(Codes), app.clock.now())
    await refuse_absent_media(app, data)

    async def act(ctx: Context) -> tuple[Leaf, LogPosition]:
        return await add_record(ctx, file.file_id, data, recorded_by=caller.person_ref)

    return _receipt(*await app.act(caller, act, **_act_of(file, OFFICER[0])))


@post(
    "/enforcement/files/{file_id:uuid}/close",
    guards=[allow(*CLOSERS)],
    opt={"idempotent": True},
    responses=answers(
        errors.NO_FILE, errors.RECORD_REFUSED, errors.OTHER_AGENCY, errors.FILE_CLOSED, errors.NO_OUTCOME
    ),
)
async def close(app: App, caller: Caller, file_id: uuid.UUID, data: Closing) -> Receipt:
    """End the clue; the case it came from hears the outcome."""
    file, codes = await found_file(app, file_id), app.get(Codes)
    require_agency(caller, CLOSERS, file.agency_id, file.area)
    if data.outcome not in codes.outcomes:
        known = "、".join(f"{code}（{name}）" for code, name in codes.outcomes.items())
        raise errors.NO_OUTCOME(outcome=data.outcome, known=known)
    now = app.clock.now()
    draft = Draft(
        kind="closing", node_code="closing", occurred_at=now, officers=data.officers, text=data.text, place=data.place
    )
    refuse_mistakes(draft, codes, now)

    async def act(ctx: Context) -> tuple[Leaf, LogPosition]:
        return await close_file(
            ctx,
            file.file_id,
            draft,
            data.outcome,
            outcome_name=codes.outcomes[data.outcome],
            closed_by=caller.person_ref,
        )

    return _receipt(*await app.act(caller, act, **_act_of(file)))


def _act_of(file: File, role: str = "") -> dict[str, Any]:
    return {"purpose": file.purpose, "role": role}


def _receipt(leaf: Leaf, position: LogPosition) -> Receipt:
    return receipt(leaf.file_id, leaf.record_id, leaf.received_at, position)


@get("/enforcement/codes", guards=[allow(*READERS)], sync_to_thread=False)
def words(app: App) -> Codes:
    """Nodes, kinds and outcomes that records may use."""
    return app.get(Codes)


ROUTES: Final = (list_files, one_file, register_file, record_act, take_media, close, words, *LOG_ROUTES)
