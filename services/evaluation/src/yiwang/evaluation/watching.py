"""The loop of early warning: every hour that has ended, each rule over each series; alerts are said as events."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from yiwang.contracts import EvaluationAlertCleared, EvaluationAlertRaised, Event
from yiwang.kit import App, Context

from . import warning as w
from .calendar import Calendar
from .hours import GRID, hour_of
from .profile import Book
from .reading import names_of
from .service import service
from .store import sql

GRACE: Final = dt.timedelta(minutes=10)
"""Events of an hour may come so late"""
CATCH_UP: Final = 24
"""Hours that are tried afterwards when the service was away; older ones are past"""

Series = dict[tuple[str, str], dict[str, dict[int, int]]]
"""(object, class) → reported or overdue → hour → count"""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that stands."""

    alert: str
    since: dt.datetime
    rule: str
    area: str
    object: str
    cls: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule says of one series at the end of an hour."""

    rule: w.Rule
    object: str
    cls: str
    end: int
    count: int
    verdict: w.Verdict
    base: int = 0
    """Of a share: cases of which it is one"""

    @property
    def alert(self) -> str:
        """The stable name of the alert."""
        return "/".join(part for part in (self.rule.code, self.object, self.cls) if part)


def findings(
    rules: tuple[w.Rule, ...],
    series: Series,
    end: int,
    since: int,
    standing: Mapping[str, Standing],
    known: Mapping[int, bool] = w.NOTHING,
) -> list[Finding]:
    """Every change at the hour *end*: alerts that begin, and those that end. Pure."""
    found = []
    for rule in (rule for rule in rules if w.is_tried(rule, end)):
        for (object_, cls), counts in series.items():
            if object_.startswith(GRID) != rule.grids or (rule.kind == "silent" and cls):
                continue
            hourly = counts[rule.of]
            count = w.count_at(rule, hourly, end)
            stands = "/".join(part for part in (rule.code, object_, cls) if part) in standing
            if not w.is_worth(rule, count, stands):
                continue
            base = w.count_at(rule, counts[rule.per], end) if rule.per else 0
            days = (
                w.shares_before(rule, hourly, counts[rule.per], end, since)
                if rule.per
                else w.days_before(rule, hourly, end, since)
            )
            verdict = w.judge(rule, days, w.day_of(end - 1), count, known)
            if verdict is not None and (verdict.over if stands else verdict.alert):
                one = Finding(rule=rule, object=object_, cls=cls, end=end, count=count, verdict=verdict, base=base)
                found.append(one)
    return found


async def look(app: App, now: dt.datetime) -> int:
    """Try the rules on every hour that ended since the last look; returns how many alerts began or ended."""
    last = hour_of(now - GRACE)
    begun = await sql.value(app.pool, "first_hour")
    until = await sql.value(app.pool, "tried") or last - dt.timedelta(hours=1)
    if begun is None or until >= last:
        return 0
    first = max(until, last - dt.timedelta(hours=CATCH_UP)) + dt.timedelta(hours=1)
    rules = app.get(Book).warnings
    series, known = await _series(app, rules, first, last), app.get(Calendar).days
    changed = 0
    for end in range(w.hour_number(first), w.hour_number(last) + 1):
        standing = {one.alert: one for one in await sql.rows(app.pool, "standing", Standing)}
        found = await asyncio.to_thread(findings, rules, series, end, w.hour_number(begun), standing, known)
        await _say(app, found, standing, end)
        changed += len(found)
    return changed


async def _series(app: App, rules: tuple[w.Rule, ...], first: dt.datetime, last: dt.datetime) -> Series:
    back = max((rule.weeks * 7 * 24 + rule.hours for rule in rules), default=0)
    rows = await app.pool.fetch(sql["series"], first - dt.timedelta(hours=back), last)
    found: Series = defaultdict(lambda: {"reported": {}, "overdue": {}})
    for row in rows:
        hour, counts = w.hour_number(row["hour"]), found[row["object"], row["cls"]]
        counts["reported"][hour], counts["overdue"][hour] = row["reported"], row["overdue"]
    return found


async def _say(app: App, found: list[Finding], standing: Mapping[str, Standing], end: int) -> None:
    """Keep and say what changed, and until which hour was looked, in one transaction."""
    at = dt.datetime.fromtimestamp(end * 3600, dt.UTC)
    areas = await names_of(app, app.pool, "area", [one.object for one in found])
    classes = await names_of(app, app.pool, "class", [one.cls for one in found])

    async def act(ctx: Context) -> None:
        events: list[Event] = []
        for one in found:
            old = standing.get(one.alert)
            if old is not None:
                await sql.run(ctx.tx, "clear", old.alert, old.since, at)
                text = f"{one.rule.title}已解除：最近 {one.rule.hours} 小时 {one.count} 件"
                events.append(
                    EvaluationAlertCleared(
                        alert=old.alert, rule=old.rule, area=old.area, since=old.since, sentence=text, occurred_at=at
                    )
                )  # fmt: skip
            else:
                events.append(await _raise(ctx, one, at, areas[one.object], classes[one.cls] if one.cls else ""))
        await sql.run(ctx.tx, "set_tried", at)
        ctx.emit(*events)

    await app.act(None, act)


async def _raise(ctx: Context, one: Finding, at: dt.datetime, where: str, what: str) -> Event:
    grid = one.object.startswith(GRID)
    area = ctx.node.jurisdiction if grid else one.object
    name = f"责任网格 {one.object.removeprefix(GRID)}" if grid else where
    text = w.sentence(one.rule, name, what, at, one.count, one.verdict, one.base)
    begin = at - dt.timedelta(hours=one.rule.hours)
    values: tuple[Any, ...] = (begin, at, one.count, one.verdict.usual, float(one.verdict.bound), text)
    await sql.run(ctx.tx, "raise", one.alert, at, one.rule.code, one.rule.kind, area, one.object, one.cls, *values)
    return EvaluationAlertRaised(
        alert=one.alert, rule=one.rule.code, kind=one.rule.kind, area=area, category=one.cls, from_at=begin, to_at=at,
        count=one.count, usual=round(one.verdict.usual, 2), bound=float(one.verdict.bound), sentence=text, occurred_at=at,
    )  # fmt: skip


@service.background(leased=True)
async def watch(app: App) -> None:
    """Look now and then whether an hour has ended."""
    while True:
        try:
            if app.settings.warn_seconds > 0:
                await look(app, app.clock.now())
        except Exception as error:
            if not app.is_outage(error):
                raise
        await asyncio.sleep(app.settings.warn_seconds or 60)
