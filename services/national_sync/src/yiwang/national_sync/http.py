"""The exchange over HTTP: how the links stand, what was refused, comparisons, and what other platforms report."""

from __future__ import annotations

import datetime as dt
import time
from typing import Annotated, Any, Final

import httpx
import msgspec
from litestar import Request, Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter
from yiwang.kit import App, Caller, Context, Role, allow, answers, signed

from . import errors
from .inbound import OutOfSequence, accept
from .links import Link, Links
from .protocol import Answer, Batch, DayDigest, Known, digest_of, unsigned_because
from .reconcile import compare
from .serving import Served
from .store import LastNumber, Overview, Reconciliation, RefusedRow, hashes, sql
from .transport import Down, transport_of
from .views import DayToCompare, PlatformsView, PlatformView, RefusedView, Resent, ResentMany, Which

WATCHERS: Final = (Role.ADMIN, Role.AUDITOR, Role.LEADER, Role.SHIFT_LEADER, Role.TENANT_ADMIN)
KEEPERS: Final = (Role.ADMIN, Role.TENANT_ADMIN)
UNVERIFIED: Final = "字段与代码尚未经对方真实平台确认"
WITHOUT_DAYS: Final = {"directory": "以目录交换", "served": "由对方自取"}
"""Ways on which the other side can't be asked what it holds of a day"""
MAX_BATCH_BYTES: Final = 16 * 1024 * 1024


def found_link(app: App, name: str) -> Link:
    link = app.get(Links).by_name.get(name)
    if link is None:
        raise errors.NO_PLATFORM(platform=name[:64])
    return link


@get("/sync/platforms", guards=[allow(*WATCHERS)])
async def platforms(app: App) -> PlatformsView:
    """Every platform with what waits, was taken and was refused, and since when."""
    books = {row.platform: row for row in await sql.rows(app.pool, "overview", Overview)}
    numbers = await sql.rows(app.pool, "sequences", LastNumber)
    now = app.clock.now()
    shown = [_view(link, books.get(name), numbers, now) for name, link in app.get(Links).by_name.items()]
    return PlatformsView(flow_records=await sql.value(app.pool, "flow_count"), platforms=shown)


def _view(link: Link, books: Overview | None, numbers: list[LastNumber], now: dt.datetime) -> PlatformView:
    p = link.platform
    oldest = books.oldest_pending if books else None
    return PlatformView(
        name=p.name,
        title=p.title,
        version=p.version,
        verified=p.verified,
        note="" if p.verified else UNVERIFIED,
        direction=p.direction,
        transport=p.transport,
        missing=link.missing,
        lag_seconds=max(0.0, (now - oldest).total_seconds()) if oldest else 0.0,
        books=books,
        sequences={n.district: n.last for n in numbers if n.platform == p.name},
    )


@get("/sync/refused", guards=[allow(*WATCHERS)])
async def refused(
    app: App,
    platform: Annotated[str, Parameter(pattern=r"^[\w.-]{0,64}$")] = "",
    before: Annotated[int, Parameter(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Parameter(ge=1, le=500)] = 100,
) -> list[RefusedView]:
    """Refused records, newest first; mend the case or the profile, then send them again."""
    rows = await sql.rows(app.pool, "refused", RefusedRow, platform, before, limit)
    return [_refused_view(row) for row in rows]


def _refused_view(row: RefusedRow) -> RefusedView:
    fields = msgspec.structs.asdict(row) | {"payload": msgspec.json.decode(row.payload), "id": row.n}
    del fields["n"]
    return RefusedView(**fields)


@post(
    "/sync/refused/{record:int}/resend",
    guards=[allow(*KEEPERS)],
    responses=answers(errors.NO_RECORD),
    opt={"idempotent": True},
)
async def resend(
    app: App, caller: Caller, record: int, platform: Annotated[str, Parameter(pattern=r"^[\w.-]{0,64}$")] = ""
) -> Resent:
    """Queue a refused record again, for one platform or all that refused it."""
    if not 0 < record <= 2**53:
        raise errors.NO_RECORD(n=record)

    async def act(ctx: Context) -> list[str]:
        rows = await ctx.tx.fetch(sql["resend"], record, platform)
        if not rows:
            raise errors.NO_RECORD(n=record)
        return [row["platform"] for row in rows]

    return Resent(await app.act(caller, act))


@post(
    "/sync/platforms/{platform:str}/resend",
    guards=[allow(*KEEPERS)],
    responses=answers(errors.NO_PLATFORM),
    opt={"idempotent": True},
)
async def resend_all(app: App, caller: Caller, platform: str, data: Which) -> ResentMany:
    """After a mistake in the profile or at the other side was mended: queue all that it refused again."""
    name = found_link(app, platform).platform.name

    async def act(ctx: Context) -> int:
        return int((await sql.run(ctx.tx, "resend_all", name, data.reason)).split()[1])

    return ResentMany(await app.act(caller, act))


@get("/sync/platforms/{platform:str}/reconciliations", guards=[allow(*WATCHERS)], responses=answers(errors.NO_PLATFORM))
async def reconciliations(
    app: App, platform: str, limit: Annotated[int, Parameter(ge=1, le=1000)] = 100
) -> list[Reconciliation]:
    """Comparisons by day and district, newest first."""
    return await sql.rows(app.pool, "reconciliations", Reconciliation, found_link(app, platform).platform.name, limit)


@post(
    "/sync/platforms/{platform:str}/reconcile",
    guards=[allow(*KEEPERS)],
    responses=answers(errors.NO_PLATFORM, errors.UNREACHABLE, errors.NOT_COMPARABLE),
    status_code=200,
)
async def reconcile(app: App, platform: str, data: DayToCompare) -> list[Reconciliation]:
    """Compare a day now; what the other side lacks is sent again."""
    link = found_link(app, platform)
    if link.missing or link.platform.transport != "http" or not link.platform.outgoing:
        why = link.missing or WITHOUT_DAYS.get(link.platform.transport, "该平台不接收我方上报")
        raise errors.NOT_COMPARABLE(platform=platform, why=why)
    districts = await app.pool.fetch(sql["districts_of_day"], link.platform.name, data.day)
    found = []
    async with httpx.AsyncClient(timeout=app.settings.timeout_s) as client:
        transport = transport_of(link, client)
        try:
            for row in districts:
                one = await compare(app, link, transport, row["district"], data.day)
                found += [one] if one else []
        except Down as down:
            raise errors.UNREACHABLE(why=str(down)) from down
    return found


def _signed_link(
    app: App, platform: str, request: Request[Any, Any, Any], body: bytes, *, fetches: bool = False
) -> Link:
    """The platform that signed the request: one that reports, or one that *fetches*.

    Raises the Problems platform_not_found, not_inbound or not_served, bad_signature.
    """
    link = found_link(app, platform)
    if fetches and (link.platform.transport != "served" or not link.secret):
        raise errors.NOT_SERVED(platform=platform)
    if not fetches and (not link.platform.incoming or not link.secret):
        raise errors.NOT_INBOUND(platform=platform)
    why = unsigned_because(link.secret, request.headers, body, time.time())
    if why:
        raise errors.UNSIGNED(why=why)
    return link


GAP: Final = {
    409: ResponseSpec(
        data_container=Answer,
        description="Nothing was taken: go on with the number `expected`",
        generate_examples=False,
    )
}
NOTHING: Final = {204: ResponseSpec(data_container=None, description="Nothing new", generate_examples=False)}
District = Annotated[str, Parameter(pattern=r"^[0-9A-Z]{6,12}$")]
SIGNED: Final = answers(errors.NO_PLATFORM, errors.NOT_INBOUND, errors.UNSIGNED)


@post(
    "/sync/inbound/{platform:str}",
    guards=[signed],
    request_max_body_size=MAX_BATCH_BYTES,
    responses=answers(errors.NO_PLATFORM, errors.NOT_INBOUND, errors.UNSIGNED, errors.BAD_BATCH) | GAP,
    status_code=200,
)
async def take_batch(app: App, platform: str, request: Request[Any, Any, Any]) -> Response[Answer]:
    """Records of another maker's platform, signed by HMAC-SHA256 instead of a token; a result for each."""
    body = await request.body()
    link = _signed_link(app, platform, request, body)
    try:
        batch = msgspec.json.decode(body, type=Batch)
    except msgspec.MsgspecError as error:
        raise errors.BAD_BATCH(why=str(error)) from error

    async def act(ctx: Context) -> tuple[Any, int]:
        return await accept(ctx, link, batch)

    try:
        results, expected = await app.act(None, act)
    except OutOfSequence as gap:
        detail = f"序号应从 {gap.expected} 开始，整批未接收"
        return Response(Answer(expected=gap.expected, detail=detail), status_code=409)
    return Response(Answer(results=results, expected=expected), status_code=200)


def _target(request: Request[Any, Any, Any]) -> bytes:
    query = request.scope["query_string"]
    return request.scope["path"].encode() + (b"?" + query if query else b"")


@get("/sync/inbound/{platform:str}/digest", guards=[signed], responses=SIGNED)
async def inbound_digest(
    app: App,
    platform: str,
    request: Request[Any, Any, Any],
    district: District,
    day: dt.date,
) -> DayDigest:
    """Count and digest of what we hold of a day; signed over the request target."""
    link = _signed_link(app, platform, request, _target(request))
    held = await hashes(app.pool, "inbound_of_day", link.platform.name, district, day)
    return DayDigest(count=len(held), digest=digest_of(held))


@get("/sync/inbound/{platform:str}/records", guards=[signed], responses=SIGNED)
async def inbound_records(
    app: App,
    platform: str,
    request: Request[Any, Any, Any],
    district: District,
    day: dt.date,
) -> list[Known]:
    """Ids and hashes of what we hold of a day; signed over the request target."""
    link = _signed_link(app, platform, request, _target(request))
    held = await hashes(app.pool, "inbound_of_day", link.platform.name, district, day)
    return [Known(record_id=record_id, hash=content) for record_id, content in held]


@get(
    "/sync/outbound/{platform:str}",
    guards=[signed],
    responses=answers(errors.NO_PLATFORM, errors.NOT_SERVED, errors.UNSIGNED) | NOTHING,
)
async def serve_batch(
    app: App,
    platform: str,
    request: Request[Any, Any, Any],
    district: District,
    seq: Annotated[int, Parameter(ge=1, le=2**53)],
    limit: Annotated[int, Parameter(ge=1, le=5000)] = 200,
) -> Response[Batch | None]:
    """What a platform that fetches is to be told of a district, from number `seq` on: it has what lies before.

    Signed over the request target.
    """
    link = _signed_link(app, platform, request, _target(request), fetches=True)
    batch = await Served(app, link).fetched(district, seq, min(limit, link.platform.batch_size))
    return Response(batch, status_code=200 if batch else 204)


ROUTES: Final = (
    platforms,
    refused,
    resend,
    resend_all,
    reconciliations,
    reconcile,
    take_batch,
    inbound_digest,
    inbound_records,
    serve_batch,
)
