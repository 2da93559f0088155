"""What people enter, and scores over HTTP: targets, counted events, measured values, surveys; schemes and goals."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import get, post
from yiwang.kit import App, Caller, Context, Role, allow, answers

from . import errors, figures
from .asking import READERS, Class, Code, Kind, Name, PeriodName, Purposes, area_of, ask, period_of, require
from .asof import AsOf, as_of
from .http import Level
from .inputs import Input
from .profile import Book
from .ranking import Place, ranked
from .reading import names_of, values_of
from .scoring import Scheme, Score, score
from .store import sql

WRITERS: Final = (Role.EVALUATOR, Role.ADMIN)
Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
ENTERED: Final = answers(errors.BAD_PERIOD, errors.BAD_OBJECT, errors.NOT_YOURS, errors.BAD_INPUT)
SCORED: Final = answers(errors.BAD_PERIOD, errors.BAD_OBJECT, errors.NOT_YOURS, errors.NO_SCHEME)


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to enter: nothing is overwritten, the newest counts."""

    source: Literal["target", "input", "manual"]
    """target (目标), input (人工计数) or manual (实测值, 1 for 100 %)"""
    kind: Literal["area", "grid", "unit", "post", "person"] = "area"
    object: Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[^\x00-\x1f]*$")] = ""
    name: Word
    period: Annotated[str, msgspec.Meta(max_length=10, pattern=r"^\d{4}[0-9A-Z-]*$")]
    value: Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]
    note: Annotated[str, msgspec.Meta(max_length=500, pattern=r"^[^\x00]*$")] = ""


class Survey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The result of a survey (问卷调查): how many answered what; points are per cent, 100 for fully satisfied."""

    object: Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[^\x00-\x1f]*$")] = ""
    name: Word = "satisfied"
    period: Annotated[str, msgspec.Meta(max_length=10, pattern=r"^\d{4}[0-9A-Z-]*$")]
    answers: Annotated[dict[str, Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]], msgspec.Meta(min_length=1, max_length=20)]
    """Points (0 to 100) → how many gave this answer"""
    note: Annotated[str, msgspec.Meta(max_length=500, pattern=r"^[^\x00]*$")] = ""


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    """What was kept."""

    n: int
    source: str
    object: str
    name: str
    period: str
    value: Decimal
    samples: int


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """One object's score with every line explained."""

    object: str
    name: str
    period: str
    score: Score
    as_of: AsOf


async def _keep(app: App, caller: Caller, source: str, entry: Any, value: Decimal, samples: int) -> Entered:
    found = period_of(entry.period)
    kind = getattr(entry, "kind", "area")
    code = area_of(app, entry.object) if kind == "area" else entry.object
    if not code:
        raise errors.BAD_OBJECT(why="对象编码不能为空")
    require(app, caller, kind, code)

    async def act(ctx: Context) -> int:
        return int(
            await sql.value(
                ctx.tx, "add_input", source, kind, code, entry.name, found.name, found.first, found.last, value, samples,
                entry.note, caller.person_ref, ctx.now(),
            )
        )  # fmt: skip

    n: int = await app.act(caller, act)
    return Entered(n=n, source=source, object=code, name=entry.name, period=found.name, value=value, samples=samples)


@post(
    "/evaluation/inputs", guards=[allow(*WRITERS)], status_code=201, responses=ENTERED, opt={"idempotent": True}
)
async def add_input(app: App, caller: Caller, data: Entry) -> Entered:
    """Enter a monthly target, a counted event or a measured value of an object and a period."""
    return await _keep(app, caller, data.source, data, _exact(data.value), 0)


def _exact(value: float) -> Decimal:
    """As it was written, to six places."""
    return Decimal(f"{value:.6f}".rstrip("0").rstrip("."))


@post(
    "/evaluation/surveys", guards=[allow(*WRITERS)], status_code=201, responses=ENTERED, opt={"idempotent": True}
)
async def add_survey(app: App, caller: Caller, data: Survey) -> Entered:
    """Enter the result of a survey: its mean becomes ``survey.<name>``, 1 for 100 points."""
    total = samples = 0
    for points, count in data.answers.items():
        if not (points.isascii() and points.isdigit() and int(points) <= 100):
            raise errors.BAD_INPUT(why=f"分值 {points[:20]} 应为 0 到 100 的整数")
        total, samples = total + int(points) * count, samples + count
    if samples == 0:
        raise errors.BAD_INPUT(why="没有一份有效问卷")
    return await _keep(app, caller, "survey", data, Decimal(total) / (100 * samples), samples)


@get("/evaluation/inputs", guards=[allow(*READERS)], responses=answers(
    errors.BAD_PERIOD, errors.BAD_OBJECT, errors.NOT_YOURS,
))  # fmt: skip
async def list_inputs(app: App, caller: Caller, period: PeriodName, kind: Kind = "area", object: Code = "") -> list[Input]:
    """What was entered for an object within a period, the newest of each."""
    asked = ask(app, caller, kind, object, "", period, "live")
    return await sql.rows(
        app.pool, "inputs", Input, kind, [asked.code], asked.period.first, asked.period.last
    )


@get("/evaluation/schemes", guards=[allow()])
async def list_schemes(app: App) -> list[Scheme]:
    """Every way of scoring, as data: items, thresholds, deductions, grades with their colours; the city's goals too."""
    return list(app.get(Book).schemes.values())


def scheme_of(app: App, code: str) -> Scheme:
    """Raises evaluation.no_scheme."""
    found = app.get(Book).schemes.get(code)
    if found is None:
        raise errors.NO_SCHEME(name=code)
    return found


async def scores_of(app: App, db: Any, scheme: Scheme, asked: Any, objects: list[str]) -> dict[str, Score]:
    """object → score."""
    book = app.get(Book).indicators
    codes = {item.indicator for item in scheme.item if item.indicator}
    names = frozenset().union(*(formula.names for formula in scheme.formulas), *(book.needs(code) for code in codes))
    found = await values_of(app, db, figures.only(asked.what, names), objects, asked.period, names)
    return {code: score(scheme, book.rates(values, codes), book.low, values) for code, (_, values) in found.items()}


@get("/evaluation/scores", guards=[allow(*READERS)], responses=SCORED)
async def show_score(
    app: App, caller: Caller, period: PeriodName, scheme: Name, kind: Kind = "area", object: Code = "", category: Class = "",
    purpose: Purposes = "live",
) -> Scored:  # fmt: skip
    """The score of an object by a scheme: every line with the rate or the deductions that made it."""
    asked = ask(app, caller, kind, object, category, period, purpose)
    found = await scores_of(app, app.pool, scheme_of(app, scheme), asked, [asked.code])
    return Scored(
        object=asked.code, name=(await names_of(app, app.pool, kind, [asked.code]))[asked.code],
        period=asked.period.name, score=found[asked.code], as_of=await as_of(app, app.pool, kind, asked.code),
    )  # fmt: skip


@get("/evaluation/scores/ranking", guards=[allow(*READERS)], responses=SCORED)
async def rank_scores(
    app: App, caller: Caller, period: PeriodName, scheme: Name, under: Code = "", level: Level = "county",
    purpose: Purposes = "live",
) -> list[Place]:  # fmt: skip
    """The areas of a level in the order of their scores."""
    asked = ask(app, caller, "area", under, "", period, purpose)
    objects = await figures.objects_of(app.pool, app.get(Book).rules, asked.what, asked.code, level)
    found = await scores_of(app, app.pool, scheme_of(app, scheme), asked, objects)
    return ranked({code: one.value for code, one in found.items()}, await names_of(app, app.pool, "area", objects))


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """One goal of the city."""

    goal: str
    value: Decimal | None
    """Of 100; None where nothing was given"""


class Goals(msgspec.Struct, frozen=True, kw_only=True):
    """How a city stands by its goals (干净、整洁、有序、安全、群众满意)."""

    object: str
    period: str
    at: dt.datetime
    goals: list[Goal]
    score: Score


@get("/evaluation/goals", guards=[allow(*READERS)], responses=SCORED)
async def show_goals(
    app: App, caller: Caller, period: PeriodName, scheme: Name = "goals", object: Code = "", purpose: Purposes = "live"
) -> Goals:
    """The city's goals: counters, inspection on the spot and surveys together, each goal on the scale of 100."""
    asked = ask(app, caller, "area", object, "", period, purpose)
    found = (await scores_of(app, app.pool, scheme_of(app, scheme), asked, [asked.code]))[asked.code]
    goals = []
    for name in dict.fromkeys(line.goal for line in found.lines):
        lines = [line for line in found.lines if line.goal == name]
        points, won = sum(line.points for line in lines), sum(line.won for line in lines)
        goals.append(Goal(goal=name, value=round(Decimal(won) * 100 / points, 2) if points else None))
    return Goals(object=asked.code, period=asked.period.name, at=app.clock.now(), goals=goals, score=found)


SCORES: Final = (add_input, add_survey, list_inputs, list_schemes, show_score, rank_scores, show_goals)
