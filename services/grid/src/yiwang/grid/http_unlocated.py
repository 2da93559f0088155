"""Reports without a place: the list, and a person's answer."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final

import msgspec
from litestar import get, post
from litestar.params import Parameter
from msgspec.structs import replace
from yiwang.contracts import CaseLocated, ClaimedPlace, Place, Point
from yiwang.kit import App, Caller, Context, Role, allow, answers

from . import errors
from .domain import Located, Locator, area_names, head_of
from .http import point_of
from .parts_store import by_code
from .service import Grids
from .store import Unlocated, mark_resolved, sql

PLACERS: Final = (Role.ACCEPTOR, Role.SHIFT_LEADER, Role.DISPATCHER)
CaseId = Annotated[str, Parameter(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
START: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class UnlocatedView(msgspec.Struct, frozen=True, kw_only=True):
    """A report that a person has to place: what the reporter said, why it wasn't enough, what it may mean."""

    case_id: str
    report_id: str
    reported_at: dt.datetime
    claimed_place: ClaimedPlace
    reason: str
    candidates: list[Place]
    state: str
    version: int
    place: Place | None


class GivenPoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    lon: float
    lat: float
    crs: Annotated[str, msgspec.Meta(max_length=60)] = "cgcs2000"


class Resolution(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where it is: a cell, community or street code, or a point; and the version that the person saw."""

    version: int
    code: Annotated[str, msgspec.Meta(pattern=r"^([0-9A-Z]{6,15})?$")] = ""
    point: GivenPoint | None = None
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """The place as it was told to everybody."""

    case_id: str
    outcome: str
    place: Place
    names: str
    reason: str


def view(row: Unlocated) -> UnlocatedView:
    return UnlocatedView(
        case_id=row.case_id,
        report_id=row.report_id,
        reported_at=row.reported_at,
        claimed_place=row.claimed,
        reason=row.reason,
        candidates=msgspec.json.decode(row.candidates, type=list[Place]),
        state=row.state,
        version=row.version,
        place=msgspec.json.decode(row.place, type=Place) if row.place else None,
    )


@get("/grid/unlocated", guards=[allow(*PLACERS, Role.ADMIN, Role.LEADER)], responses=answers(errors.NO_UNLOCATED))
async def unlocated(
    app: App,
    resolved: bool = False,
    after: Annotated[str, Parameter(pattern=r"^[A-Za-z0-9_-]{0,64}$", description="case_id to go on behind")] = "",
    limit: Annotated[int, Parameter(ge=1, le=500)] = 100,
) -> list[UnlocatedView]:
    """Reports that wait for a place (or, with *resolved*, that a person has placed), oldest first."""
    state = "resolved" if resolved else "open"
    since, key = START, ""
    if after:
        last = await sql.row(app.pool, "unlocated_by_case", Unlocated, after)
        if last is None:
            raise errors.NO_UNLOCATED(case=after)
        since, key = last.reported_at, last.case_id
    return [view(row) for row in await sql.rows(app.pool, "unlocated_page", Unlocated, state, since, key, limit)]


@post(
    "/grid/unlocated/{case_id:str}/resolve",
    guards=[allow(*PLACERS)],
    status_code=200,
    opt={"idempotent": True},
    responses=answers(
        errors.NO_UNLOCATED, errors.ALREADY_RESOLVED, errors.STALE, errors.ONE_PLACE, errors.NO_PLACE, errors.BAD_POINT
    ),
)
async def resolve(app: App, caller: Caller, case_id: CaseId, data: Resolution) -> Resolved:
    """Place a report by hand. `case.located` goes out again, with method manual; the case's owner answers it."""
    row = await sql.row(app.pool, "unlocated_by_case", Unlocated, case_id)
    if row is None:
        raise errors.NO_UNLOCATED(case=case_id)
    found = by_hand(app.get(Grids).current, data, row)

    if found.place.part_id16 and (part := (await by_code(app.pool, [found.place.part_id16])).get(found.place.part_id16)):
        found = replace(found, place=replace(found.place, part=part.ref("named")))

    async def act(ctx: Context) -> None:
        held = await sql.row(ctx.tx, "lock_unlocated", Unlocated, case_id)
        if held is None or held.state == "resolved":
            raise errors.ALREADY_RESOLVED(case=case_id)
        if held.version != data.version:
            raise errors.STALE(seen=data.version, now=held.version)
        await mark_resolved(ctx.tx, case_id, found.place, ctx.now(), caller.person_ref)
        ctx.emit(
            CaseLocated(
                case=head_of(held.case, found.place), place=found.place, outcome=found.outcome,
                reason=data.note or found.reason,
            )
        )  # fmt: skip

    role = next(r for r in PLACERS if r in caller.roles)
    await app.act(caller, act, role=role, purpose=row.purpose)
    names = area_names(found.place.area)
    return Resolved(case_id=case_id, outcome=found.outcome, place=found.place, names=names, reason=found.reason)


def by_hand(grid: Locator, given: Resolution, row: Unlocated) -> Located:
    """The place that a person names. Raises grid.one_place, grid.bad_point or grid.no_place."""
    if bool(given.code) == (given.point is not None):
        raise errors.ONE_PLACE()
    claim = row.claimed
    if given.point is not None:
        at = given.point
        original = Point(lon=at.lon, lat=at.lat, crs=at.crs, source="manual")
        claim = ClaimedPlace(
            point=point_of(at.lon, at.lat, at.crs), original_point=original, address_masked=claim.address_masked
        )
    else:
        code = given.code
        claim = replace(
            claim, cell15=code if len(code) == 15 else "", community12=code if len(code) == 12 else "",
            street9=code if len(code) < 12 else "", point=None,
        )  # fmt: skip
    found = grid.locate(replace(claim, address_masked=""))
    if found.outcome == "unlocated":
        raise errors.NO_PLACE(why=found.reason)
    place = replace(
        found.place, method="manual", address_masked=row.claimed.address_masked, part_id16=row.part_id,
        point=found.place.point or row.claimed.point,
    )  # fmt: skip
    return replace(found, place=place)


UNLOCATED: Final = (unlocated, resolve)
