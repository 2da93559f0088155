"""The parts registry over HTTP: import with a check report, one part on any day, parts around a point."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import Parameter
from yiwang.geo import distance_m
from yiwang.kit import App, Caller, Context, FieldError, Role, allow, answers

from . import errors, parts_store
from .findings import Report
from .parts import Part, check_places, read_parts
from .parts_store import Counts, Import, sql
from .service import Grids

UPLOAD_MAX: Final = 64 * 1024 * 1024
CodeSet = Annotated[str, Parameter(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$", description="Code set of the classes")]


class PartsDone(msgspec.Struct, frozen=True, kw_only=True):
    """What the check found, and what the import did; `counts` is None after a trial."""

    report: Report
    counts: Counts | None


class NearPart(msgspec.Struct, frozen=True, kw_only=True):
    part: Part
    distance_m: float


class ImportView(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    at: dt.datetime
    added: int
    changed: int
    ended: int
    unchanged: int
    report: Report


@post(
    "/grid/parts", guards=[allow(Role.ADMIN)], request_max_body_size=UPLOAD_MAX, status_code=200,
    responses=answers(errors.PARTS_REFUSED),
)  # fmt: skip
async def bring_parts(
    request: Request[Any, Any, Any],
    app: App,
    caller: Caller,
    code_set: CodeSet,
    crs: Annotated[str, Parameter(max_length=60)] = "",
    whole: bool = False,
    trial: bool = False,
    accept: Annotated[list[str] | None, Parameter(description="Rules whose errors become warnings")] = None,
) -> PartsDone:
    """Check a file of parts (CSV or GeoJSON, as the body) and take it over whole, or say all that is wrong.

    `whole`: parts of the same counties that the file doesn't list end today. `trial`: check only.
    """
    content, grid = await request.body(), app.get(Grids).current
    report = Report(accepted=tuple(accept or ()))

    def check() -> list[Part]:
        parts = read_parts(content, code_set, report, crs, registered(app.kit.profile))
        tree = grid.index.tree

        def lies_in(part: Part) -> str:
            hit = grid.index.cell_at(part.lon, part.lat)
            code = grid.index.codes[hit.row] if hit is not None else grid.index.area_at(part.lon, part.lat)
            return code[:6]

        check_places(parts, lies_in, lambda county: tree.get(county) is not None, report)
        report.counts["parts"] = len(parts)
        return parts

    parts = await asyncio.to_thread(check)
    if report.failed and not trial:
        found = [FieldError(f"{f.layer}.{f.rule}", f.say) for f in report.errors]
        raise errors.PARTS_REFUSED(count=report.failed, errors=found)
    if trial:
        return PartsDone(report=report, counts=None)

    async def act(ctx: Context) -> Counts:
        return await parts_store.bring_in(ctx.tx, parts, report, whole=whole, at=ctx.now(), by=caller.person_ref)

    return PartsDone(report=report, counts=await app.act(caller, act, role=Role.ADMIN))


def registered(profile: Path | str | None) -> dict[str, str]:
    """Ids, names and aliases of the profile's units → id; empty where the profile has no list of units."""
    file = Path(profile) / "dispatch" / "units.csv" if profile else None
    if file is None or not file.is_file():
        return {}
    with file.open(encoding="utf-8-sig", newline="") as table:
        rows = list(csv.DictReader(table))
    found: dict[str, str] = {}
    for row in rows:
        for name in (row["name"], *(row.get("aliases") or "").split("|")):
            if name:
                found.setdefault(name, row["unit_id"])
    return found | {row["unit_id"]: row["unit_id"] for row in rows}


@get("/grid/parts/imports", guards=[allow(Role.ADMIN)])
async def part_imports(app: App) -> list[ImportView]:
    """What the last imports did and what their checks found."""
    rows = await sql.rows(app.pool, "imports", Import)
    fields = ((msgspec.structs.asdict(row), msgspec.json.decode(row.report, type=Report)) for row in rows)
    return [ImportView(**(row | {"report": report})) for row, report in fields]


@get("/grid/parts/near", guards=[allow()])
async def parts_near(
    app: App,
    lon: Annotated[float, Parameter(ge=-180, le=180)],
    lat: Annotated[float, Parameter(ge=-90, le=90)],
    code_set: CodeSet,
    major: Annotated[str, Parameter(pattern=r"^\d{2}$")],
    minor: Annotated[str, Parameter(pattern=r"^\d{2}$")],
    within_m: Annotated[float, Parameter(gt=0, le=90)] = 30.0,
) -> list[NearPart]:
    """Parts of a class around a point (CGCS2000), the nearest first: for a person to choose the one that is meant."""
    found = await parts_store.near(app.pool, code_set, major, minor, lon, lat)
    away = sorted(((round(distance_m(lon, lat, p.lon, p.lat), 1), p) for p in found), key=lambda one: (one[0], one[1].code))
    return [NearPart(part=part, distance_m=metres) for metres, part in away if metres <= within_m]


@get("/grid/parts/{code:str}", guards=[allow()], responses=answers(errors.NO_PART))
async def show_part(
    app: App,
    code: Annotated[str, Parameter(pattern=r"^\d{16}$")],
    on: Annotated[dt.date | None, Parameter(description="As it was at the end of this day")] = None,
) -> Part:
    """A part with its three units, now or on a past day."""
    if on is None:
        at = app.clock.now()
    else:
        at = dt.datetime.combine(on, dt.time(23, 59, 59), dt.timezone(dt.timedelta(hours=8)))
    found = await sql.row(app.pool, "part_on", Part, code, at)
    if found is None:
        raise errors.NO_PART(code=code)
    return found


PARTS: Final = (bring_parts, part_imports, parts_near, show_part)
