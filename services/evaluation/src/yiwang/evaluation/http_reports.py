"""Publication over HTTP: signed, frozen reports as data, page and spreadsheet; a correction is a new version."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated, Final, Literal

import msgspec
from litestar import Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter
from yiwang.contracts import EvaluationPublished
from yiwang.kit import App, Caller, Context, Role, allow, answers, signatures

from . import errors, figures, signing
from .asking import OVERSEERS, READERS, Asked, ask
from .asof import as_of
from .http_scores import scheme_of
from .indicators import segments_in
from .inputs import read as read_inputs
from .profile import Book
from .reading import names_of
from .report import Frozen, FrozenObject, Row, decode, digest_of, encode, figures_digest, rows_of
from .report_page import page_of
from .report_sheet import sheet_of
from .store import sql

SHEET: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Id = Annotated[str, Parameter(max_length=120, pattern=r"^[0-9A-Za-z_.-]+$")]
Version = Annotated[int, Parameter(ge=0, le=1_000_000, description="0 是最新一版")]
ONE: Final = answers(errors.NO_REPORT, errors.NOT_YOURS)


def _given(what: type, media_type: str) -> dict[int, ResponseSpec]:
    """The refusals of a route that gives one report, and what it gives."""
    spec = ResponseSpec(what, description="OK", media_type=media_type, generate_examples=False)
    return ONE | {200: spec}


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to publish: the areas of a level within an area (and the area itself), or all units, over a period."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]
    period: Annotated[str, msgspec.Meta(max_length=10, pattern=r"^\d{4}[0-9A-Z-]*$")]
    kind: Literal["area", "unit"] = "area"
    object: Annotated[str, msgspec.Meta(max_length=15, pattern=r"^[0-9A-Z]*$")] = ""
    level: Literal["city", "county", "street", "community"] = "county"
    scheme: Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[a-z0-9_]*$")] = ""
    """Way of scoring; empty: no scores"""
    purpose: Annotated[str, msgspec.Meta(max_length=48, pattern=r"^[a-z,]*$")] = "live"
    reason: Annotated[str, msgspec.Meta(max_length=500, pattern=r"^[^\x00]*$")] = ""
    """Why there is a correction"""


class ReportView(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a report."""

    report_id: str
    version: int
    title: str
    kind: str
    object: str
    period: str
    made_at: dt.datetime
    reason: str
    digest: str
    key_id: str
    signature: str


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of a report found."""

    signature_valid: bool
    numbers: int
    """How many were computed again from the frozen sums"""
    rows: list[Row]


class _Stored(ReportView, frozen=True, kw_only=True):
    body: bytes


@post(
    "/evaluation/reports", guards=[allow(Role.EVALUATOR, Role.ADMIN)], status_code=201, opt={"idempotent": True},
    responses=answers(
        errors.BAD_PERIOD, errors.BAD_OBJECT, errors.NOT_YOURS, errors.NO_SCHEME, errors.NOTHING_CHANGED, errors.KEY_UNUSABLE,
    ),
)  # fmt: skip
async def publish(app: App, caller: Caller, data: Order) -> ReportView:
    """Freeze the figures, sign them, publish them. Published again, a changed figure makes the next version."""
    asked = ask(app, caller, "area", data.object, "", data.period, data.purpose)
    asked = msgspec.structs.replace(asked, what=msgspec.structs.replace(asked.what, kind=data.kind))
    if data.scheme:
        scheme_of(app, data.scheme)
    parts = (data.kind, asked.code, data.level, asked.period.name, data.scheme or "rates", *sorted(asked.what.purposes))
    report_id = "-".join(part for part in parts if part != "live")

    async def act(ctx: Context) -> ReportView:
        await sql.run(ctx.tx, "lock_report", report_id)
        last = await ctx.tx.fetchrow(sql["last_report"], report_id)
        frozen = await _freeze(ctx, app, data, asked, report_id, last["version"] + 1 if last else 1)
        figures_now = figures_digest(frozen)
        if last is not None and last["figures"] == figures_now:
            raise errors.NOTHING_CHANGED(report=report_id)
        return await _sign(ctx, app, caller, frozen, figures_now)

    done: ReportView = await app.act(caller, act)
    return done


async def _freeze(ctx: Context, app: App, data: Order, asked: Asked, report_id: str, version: int) -> Frozen:
    book, scheme = app.get(Book), app.get(Book).schemes.get(data.scheme)
    names = book.indicators.names.union(*(f.names for f in scheme.formulas)) if scheme else book.indicators.names
    under = asked.code if data.kind == "area" else ""
    objects = await figures.objects_of(ctx.tx, book.rules, asked.what, under, data.level)
    if data.kind == "area":
        objects = list(dict.fromkeys([*objects, asked.code]))
    sums = await figures.with_segments(ctx.tx, book.rules, asked.what, objects, segments_in(names))
    others = await read_inputs(ctx.tx, data.kind, objects, asked.period)
    called = await names_of(app, ctx.tx, data.kind, objects)
    told = await as_of(app, ctx.tx, "area", asked.code)
    return Frozen(
        report_id=report_id, version=version, title=data.title, kind=data.kind, object=asked.code, level=data.level,
        period=asked.period.name, first=asked.period.first, last=asked.period.last, purposes=asked.what.purposes,
        made_at=ctx.now(), reason=data.reason, as_of=told.sentence, indicators=tuple(book.indicators.rows.values()),
        scheme=scheme,
        objects=tuple(
            FrozenObject(
                object=code, name=called[code], sums=sums[code],
                values={name: value for name, value in others[code].items() if value is not None},
            )
            for code in objects
        ),
    )  # fmt: skip


async def _sign(ctx: Context, app: App, caller: Caller, frozen: Frozen, figures_now: str) -> ReportView:
    body = encode(frozen)
    digest = digest_of(body)
    try:
        signer = await signing.signer_of(ctx.tx, app.settings.sign_directory, ctx.now())
    except (OSError, ValueError) as error:
        raise errors.KEY_UNUSABLE(why=str(error)) from None
    signature = signer.sign(signing.text_of(frozen.report_id, frozen.version, digest, frozen.made_at))
    await sql.run(
        ctx.tx, "add_report", frozen.report_id, frozen.version, frozen.title, frozen.kind, frozen.object, frozen.period,
        frozen.made_at, caller.person_ref, frozen.reason, figures_now, digest, signer.key_id, signature, body,
    )  # fmt: skip
    ctx.emit(
        EvaluationPublished(
            report_id=frozen.report_id, version=frozen.version, title=frozen.title, object=frozen.object,
            period=frozen.period, digest=digest, key_id=signer.key_id, signature=signature,
        )
    )  # fmt: skip
    return ReportView(
        report_id=frozen.report_id, version=frozen.version, title=frozen.title, kind=frozen.kind, object=frozen.object,
        period=frozen.period, made_at=frozen.made_at, reason=frozen.reason, digest=digest, key_id=signer.key_id,
        signature=signature,
    )  # fmt: skip


@get("/evaluation/reports", guards=[allow(*READERS)])
async def list_reports(
    app: App, caller: Caller, period: Annotated[str, Parameter(max_length=10, pattern=r"^[0-9A-Z-]*$")] = "",
    before: dt.datetime | None = None, limit: Annotated[int, Parameter(ge=1, le=200)] = 50,
) -> list[ReportView]:  # fmt: skip
    """Published reports, newest first; of those for the caller's areas."""
    at = before or app.clock.now() + dt.timedelta(days=1)
    if at.tzinfo is None:
        at = at.replace(tzinfo=dt.UTC)
    rows = await sql.rows(app.pool, "reports", ReportView, period, at, limit)
    return [row for row in rows if _may(caller, row.object)]


def _may(caller: Caller, area: str) -> bool:
    """A report over an area is for all who work in it or above it."""
    return any(post.touches(area) for post in caller.posts)


async def _stored(app: App, caller: Caller, report_id: str, version: int) -> tuple[_Stored, Frozen]:
    found = await sql.row(app.pool, "report", _Stored, report_id, version)
    if found is None:
        raise errors.NO_REPORT(report=report_id)
    if not _may(caller, found.object):
        raise errors.NOT_YOURS(object=found.object)
    return found, decode(found.body)


@get("/evaluation/reports/{report_id:str}", guards=[allow(*READERS)], responses=_given(Frozen, "application/json"))
async def show_report(app: App, caller: Caller, report_id: Id, version: Version = 0) -> Response[bytes]:
    """The frozen report, byte for byte as it was signed."""
    found, _ = await _stored(app, caller, report_id, version)
    return Response(found.body, media_type="application/json", headers={"Yiwang-Signature": found.signature})


@get("/evaluation/reports/{report_id:str}/page", guards=[allow(*READERS)], responses=_given(str, "text/html"))
async def show_page(app: App, caller: Caller, report_id: Id, version: Version = 0) -> Response[bytes]:
    """The report as a page."""
    found, frozen = await _stored(app, caller, report_id, version)
    page = page_of(frozen, rows_of(frozen), found.digest, found.key_id, found.signature)
    return Response(page.encode(), media_type="text/html")


@get("/evaluation/reports/{report_id:str}/sheet", guards=[allow(*READERS)], responses=_given(bytes, SHEET))
async def show_sheet(app: App, caller: Caller, report_id: Id, version: Version = 0) -> Response[bytes]:
    """The report as a spreadsheet."""
    found, frozen = await _stored(app, caller, report_id, version)
    made = await asyncio.to_thread(sheet_of, frozen, rows_of(frozen), found.digest, found.key_id, found.signature)
    name = f'attachment; filename="{report_id}-v{found.version}.xlsx"'
    return Response(made, media_type=SHEET, headers={"Content-Disposition": name})


@get("/evaluation/reports/{report_id:str}/check", guards=[allow(*OVERSEERS)], responses=ONE)
async def check_report(app: App, caller: Caller, report_id: Id, version: Version = 0) -> Checked:
    """Check the signature over the stored bytes, and compute every number again from the frozen sums."""
    found, frozen = await _stored(app, caller, report_id, version)
    text = signing.text_of(found.report_id, found.version, digest_of(found.body), found.made_at)
    rows = rows_of(frozen)
    return Checked(
        signature_valid=found.digest == digest_of(found.body) and signatures.verified(found.key_id, found.signature, text),
        numbers=sum(len(row.indicators) + len(row.counters) + (len(row.score.lines) if row.score else 0) for row in rows),
        rows=rows,
    )  # fmt: skip


REPORTS: Final = (publish, list_reports, show_report, show_page, show_sheet, check_report)
