"""Days off and make-up workdays: a weekday without work is compared with weekends, a Saturday that is worked with weekdays.

The table is the nation's of a year (国务院办公厅 holiday notices), as data: `evaluation/holidays.csv` of the profile, under
what an upper tier announces as the set ``holidays``; ``date,kind,name`` with kind holiday or workday (调休). A year without
a table has weekends only.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
from yiwang.kit import App, Context
from yiwang.kit.announced import Announced, listen

from .service import service

FILE: Final = "evaluation/holidays.csv"
SET: Final = "holidays"
_BEGIN: Final = dt.date(1970, 1, 1)


class Calendar(msgspec.Struct, frozen=True):
    """What is known beside weekends."""

    days: Mapping[int, bool] = {}
    """Days since 1970 → whether that day is worked"""


def read(text: str) -> Calendar:
    """The table in *text*. Raises ValueError with a sentence.

    >>> read("date,kind,name\\n2026-10-01,holiday,国庆节\\n2026-10-10,workday,国庆节调休\\n").days
    {20727: False, 20736: True}
    """
    rows = csv.DictReader(io.StringIO(text))
    if not {"date", "kind"} <= set(rows.fieldnames or ()):
        raise ValueError("假日表应有列 date 和 kind，请发布方改正")
    days: dict[int, bool] = {}
    for line, row in enumerate(rows, 2):
        kind = row["kind"] or ""
        try:
            day = (dt.date.fromisoformat(row["date"] or "") - _BEGIN).days
        except ValueError:
            raise ValueError(f"假日表第 {line} 行：{row['date']} 不是日期，应写成 2026-10-01，请发布方改正") from None
        if kind not in ("holiday", "workday") or days.get(day, kind == "workday") != (kind == "workday"):
            raise ValueError(f"假日表第 {line} 行：{row['date']} 应为 holiday 或 workday 之一，请发布方改正")
        days[day] = kind == "workday"
    return Calendar(days)


def own(profile: str) -> Calendar:
    """The profile's table; none has weekends only. Raises ValueError with a sentence."""
    path = Path(profile) / FILE
    if not profile or not path.is_file():
        return Calendar()
    try:
        return read(path.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}：{error}") from None


async def check(ctx: Context, new: Announced, used: Sequence[Announced]) -> None:
    """Raises ValueError where the announced table can't be read."""
    read(new.content)


async def reload(app: App, used: Sequence[Announced]) -> None:
    """From now on compare by the newest table; days of which only an older one knew stay known."""
    days = dict(own(app.kit.profile).days)
    for one in used:
        days |= read(one.content).days
    app.resources[Calendar] = Calendar(days)


@service.on_start
async def begin(app: App) -> None:
    """Refuses to start with a sentence when the profile's table can't be read."""
    app.resources[Calendar] = own(app.kit.profile)


listen(service, {SET}, check=check, reload=reload)
