"""Figures over HTTP: counters and rates of any object, comparisons, trends, rankings, and the cases behind a number."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Final

import msgspec
from litestar import get
from litestar.params import Parameter
from yiwang.kit import App, Caller, allow, answers

from . import errors, figures, periods
from .asking import READERS, Asked, Class, Code, Kind, Name, PeriodName, Purposes, area_of, ask
from .asof import AsOf, as_of
from .by_hour import sums_by_hour
from .figures import Behind, only
from .indicators import Value, known_values
from .profile import Book
from .ranking import Place, ranked
from .reading import names_of, values_of
from .vocabulary import BY_NAME, COUNTERS, SEGMENTS

ASKED: Final = answers(errors.BAD_PERIOD, errors.BAD_OBJECT, errors.NOT_YOURS)
WITH_INDICATOR: Final = answers(errors.BAD_PERIOD, errors.BAD_OBJECT, errors.NOT_YOURS, errors.NO_INDICATOR)
Limit = Annotated[int, Parameter(ge=1, le=500)]
Cursor = Annotated[str, Parameter(max_length=100, pattern=r"^$|^\d{4}-\d{2}-\d{2}/[^\x00]*$", description="上一页的 next")]
Level = Annotated[str, Parameter(pattern=r"^(province|city|county|street|community)$")]
Step = Annotated[str, Parameter(pattern=r"^(hour|day|week|month|quarter|half|year)$")]


class CounterView(msgspec.Struct, frozen=True, kw_only=True):
    """A counter and when a case counts."""

    name: str
    title: str
    group: str
    when: str


class IndicatorView(msgspec.Struct, frozen=True, kw_only=True):
    """An indicator and how it is computed."""

    code: str
    title: str
    formula: str
    percent: bool
    better: str
    source: str
    reads: list[str]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one object over one period."""

    kind: str
    object: str
    name: str
    cls: str
    period: str
    first: dt.date
    last: dt.date
    counters: dict[str, int]
    indicators: list[Value]
    as_of: AsOf


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One indicator now, before, and a year ago."""

    code: str
    title: str
    now: Decimal | None
    before: Decimal | None
    year_before: Decimal | None
    since_before: Decimal | None
    """Difference to the period before (环比)"""
    since_year_before: Decimal | None
    """Difference to the same period of the year before (同比)"""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A period beside the one before (环比) and the same one a year ago (同比)."""

    object: str
    periods: tuple[str, str, str]
    counters: dict[str, tuple[int, int, int]]
    indicators: list[Change]


class TrendPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a trend."""

    period: str
    value: Decimal | None
    counters: dict[str, int]


class CasePage(msgspec.Struct, frozen=True, kw_only=True):
    """Cases behind a number; `next` asks for the following page."""

    total: int
    """The number itself"""
    items: list[Behind]
    next: str


@get("/evaluation/counters", guards=[allow()])
async def list_counters() -> list[CounterView]:
    """Every counter with its exact meaning."""
    return [CounterView(name=c.name, title=c.title, group=c.group, when=c.when) for c in COUNTERS]


@get("/evaluation/indicators", guards=[allow()])
async def list_indicators(app: App) -> list[IndicatorView]:
    """Every indicator with its formula: rates are always computed from sums, never stored."""
    book = app.get(Book).indicators
    return [
        IndicatorView(
            code=row.code, title=row.title, formula=row.formula, percent=row.percent, better=row.better, source=row.source,
            reads=sorted(book.formulas[row.code].names),
        )
        for row in book.rows.values()
    ]  # fmt: skip


@get("/evaluation/segments", guards=[allow()])
async def list_segments() -> dict[str, str]:
    """Cuts through the cases beside their class."""
    return SEGMENTS


@get("/evaluation/figures", guards=[allow(*READERS)], responses=ASKED)
async def show_figures(
    app: App, caller: Caller, period: PeriodName, kind: Kind = "area", object: Code = "", category: Class = "",
    purpose: Purposes = "live",
) -> Figure:  # fmt: skip
    """Counters and rates of an object over a period, as of when each node below was heard."""
    asked = ask(app, caller, kind, object, category, period, purpose)
    book = app.get(Book).indicators
    found = await values_of(app, app.pool, asked.what, [asked.code], asked.period, book.names)
    sums, values = found[asked.code]
    return Figure(
        kind=kind, object=asked.code, name=(await names_of(app, app.pool, kind, [asked.code]))[asked.code], cls=category,
        period=asked.period.name, first=asked.period.first, last=asked.period.last,
        counters={name: value for name, value in sums.items() if "@" not in name}, indicators=book.values(values),
        as_of=await as_of(app, app.pool, kind, asked.code),
    )  # fmt: skip


@get("/evaluation/comparison", guards=[allow(*READERS)], responses=ASKED)
async def compare(
    app: App, caller: Caller, period: PeriodName, kind: Kind = "area", object: Code = "", category: Class = "",
    purpose: Purposes = "live",
) -> Comparison:  # fmt: skip
    """The period beside the one before (环比) and the same one a year ago (同比)."""
    asked = ask(app, caller, kind, object, category, period, purpose)
    book = app.get(Book).indicators
    three = (asked.period, periods.before(asked.period), periods.year_before(asked.period))
    told = []
    for one in three:
        found = await values_of(app, app.pool, asked.what.over(one), [asked.code], one, book.names)
        told.append(found[asked.code])
    rates = [book.rates(values) for _, values in told]
    names = sorted({name for sums, _ in told for name in sums if "@" not in name}, key=list(BY_NAME).index)
    return Comparison(
        object=asked.code, periods=(three[0].name, three[1].name, three[2].name),
        counters={name: (told[0][0].get(name, 0), told[1][0].get(name, 0), told[2][0].get(name, 0)) for name in names},
        indicators=[_change(code, row.title, [r[code] for r in rates]) for code, row in book.rows.items()],
    )  # fmt: skip


def _change(code: str, title: str, rates: list[Decimal | None]) -> Change:
    now, earlier, year = (None if r is None else round(r, 6) for r in rates)
    return Change(
        code=code, title=title, now=now, before=earlier, year_before=year,
        since_before=None if now is None or earlier is None else now - earlier,
        since_year_before=None if now is None or year is None else now - year,
    )  # fmt: skip


@get("/evaluation/trend", guards=[allow(*READERS)], responses=WITH_INDICATOR)
async def trend(
    app: App, caller: Caller, period: PeriodName, indicator: Name, by: Step = "day", kind: Kind = "area", object: Code = "",
    category: Class = "", purpose: Purposes = "live",
) -> list[TrendPoint]:  # fmt: skip
    """An indicator over the steps of a period; a day by its hours. Targets and inputs belong to whole periods."""
    asked = ask(app, caller, kind, object, category, period, purpose)
    book = app.get(Book)
    if indicator not in book.indicators.rows:
        raise errors.NO_INDICATOR(name=indicator)
    needs = book.indicators.needs(indicator)
    if by == "hour":
        if asked.period.step != "day":
            raise errors.BAD_PERIOD(why=f"按小时只能看一天，{asked.period.name} 不是一天，应写成 2026-11-23")
        hours = await sums_by_hour(app.pool, book.rules, asked.what, asked.code)
        told = [(f"{asked.period.name}T{hour:02d}", hours.get(hour, {})) for hour in range(24)]
    else:
        told = await _by_day(app, asked, by)
    rates = [book.indicators.rate(indicator, known_values(sums, needs, {})) for _, sums in told]
    return [
        TrendPoint(period=name, value=_six(rate), counters=sums) for (name, sums), rate in zip(told, rates, strict=True)
    ]


async def _by_day(app: App, asked: Asked, by: str) -> list[tuple[str, dict[str, int]]]:
    """(step, sums)"""
    steps = periods.parts(asked.period, by)
    whole = msgspec.structs.replace(asked.what, first=steps[0].first, last=steps[-1].last)
    days = await figures.by_day(app.pool, app.get(Book).rules, whole, asked.code)
    return [
        (step.name, figures.total(found for day, found in days.items() if step.first <= day <= step.last)) for step in steps
    ]


def _six(value: Decimal | None) -> Decimal | None:
    return None if value is None else round(value, 6)


@get("/evaluation/ranking", guards=[allow(*READERS)], responses=WITH_INDICATOR)
async def ranking(
    app: App, caller: Caller, period: PeriodName, indicator: Name, kind: Kind = "area", under: Code = "",
    level: Level = "county", category: Class = "", purpose: Purposes = "live",
) -> list[Place]:  # fmt: skip
    """Objects in the order of an indicator: the areas of a level under an area, the units below a unit, or all of a kind."""
    asked = _under(app, caller, kind, under, category, period, purpose)
    book = app.get(Book)
    if indicator not in book.indicators.rows:
        raise errors.NO_INDICATOR(name=indicator)
    objects = await figures.objects_of(app.pool, book.rules, asked.what, asked.code, level)
    needs = book.indicators.needs(indicator)
    found = await values_of(app, app.pool, only(asked.what, needs), objects, asked.period, needs)
    rates = {code: book.indicators.rate(indicator, values) for code, (_, values) in found.items()}
    names = await names_of(app, app.pool, kind, objects)
    return ranked(rates, names, low=indicator in book.indicators.low)


def _under(app: App, caller: Caller, kind: str, under: str, category: str, period: str, purpose: str) -> Asked:
    """A question about what lies under an object; without one, about all, which is the whole node's matter."""
    if under or kind == "area":
        return ask(app, caller, kind, under, category, period, purpose)
    whole = ask(app, caller, "area", area_of(app, ""), category, period, purpose)
    return msgspec.structs.replace(whole, what=msgspec.structs.replace(whole.what, kind=kind), code="")


@get("/evaluation/cases", guards=[allow(*READERS)], responses=answers(
    errors.BAD_PERIOD, errors.BAD_OBJECT, errors.NOT_YOURS, errors.NO_COUNTER,
))  # fmt: skip
async def cases_behind(
    app: App, caller: Caller, period: PeriodName, counter: Name, kind: Kind = "area", object: Code = "", category: Class = "",
    purpose: Purposes = "live", after: Cursor = "", limit: Limit = 100,
) -> CasePage:  # fmt: skip
    """The cases that make up a number, page by page."""
    asked = ask(app, caller, kind, object, category, period, purpose)
    if counter not in BY_NAME:
        raise errors.NO_COUNTER(name=counter)
    day, _, case_id = after.partition("/")
    try:
        cursor = (dt.date.fromisoformat(day) if day else dt.date(1, 1, 1), case_id)
    except ValueError:
        raise errors.BAD_PERIOD(why=f"页标 {after} 不是上一页给出的") from None
    rules = app.get(Book).rules
    items = await figures.behind(app.pool, rules, asked.what, asked.code, counter, cursor, limit)
    sums = (await figures.sums_of(app.pool, rules, asked.what, [asked.code]))[asked.code]
    following = f"{items[-1].day}/{items[-1].case_id}" if len(items) == limit else ""
    return CasePage(total=sums.get(counter, 0), items=items, next=following)


ROUTES: Final = (
    list_counters, list_indicators, list_segments, show_figures, compare, trend, ranking, cases_behind,
)  # fmt: skip
