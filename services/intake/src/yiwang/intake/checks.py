"""What a report needs before it is taken; every mistake at once, each with its place and a sentence."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from yiwang.contracts import Category, Point
from yiwang.geo import GeoError, to_cgcs2000

from .domain import KEY_MIN
from .rules import Channel, Rules
from .submission import ReportedPlace, ReportedPoint, Source, Submission

FUTURE: Final = dt.timedelta(minutes=5)
"""How far a reporter's clock may be ahead"""
OLDEST: Final = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)
KEY: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")
LEVELS: Final = ("county", "street9", "community12", "cell15")
NO_PLACE: Final = (
    "请至少给出坐标 point、部件 part_id、单元网格 cell15、社区 community12、街道 street9、地址 address 之一"
)
URGENCIES: Final = ("normal", "urgent")


class Mistake(NamedTuple):
    path: str
    say: str


def mistakes_of(submission: Submission, channel: Channel, now: dt.datetime) -> list[Mistake]:
    """All that is wrong with *submission* by itself; empty when it may be taken."""
    found = list(_times(submission, now))
    found += _codes(submission)
    found += _place(submission.place)
    if submission.imported is None:
        found += _minimum(submission, channel)
    elif submission.imported.timeliness not in (None, "on_time", "overdue"):
        found.append(Mistake("$.imported.timeliness", "只能是 on_time、overdue 或 null"))
    return found


def source_mistakes(source: Source | None, channel: Channel, *, known: bool) -> list[Mistake]:
    """What is wrong with the reporter's own number. *known*: the caller is logged in."""
    if source is None:
        return []
    found = []
    if channel.systems and source.system not in channel.systems:
        found.append(Mistake("$.source.system", f"渠道“{channel.name}”只接收来源 {'、'.join(channel.systems)} 的编号"))
    if not known and len(source.record_id) < KEY_MIN:
        found.append(Mistake("$.source.record_id", f"匿名上报的编号至少 {KEY_MIN} 个字符且不可猜测，请用随机 UUID"))
    return found


def key_mistakes(key: str, *, known: bool) -> list[Mistake]:
    """What is wrong with an Idempotency-Key that numbers a report. *known*: the caller is logged in."""
    if not KEY.match(key):
        return [Mistake("header.Idempotency-Key", "应为 1 到 128 个字母、数字或 . _ : -")]
    if not known and len(key) < KEY_MIN:
        return [Mistake("header.Idempotency-Key", f"匿名上报的编号至少 {KEY_MIN} 个字符且不可猜测，请用随机 UUID")]
    return []


def self_disposal(submission: Submission, rules: Rules) -> list[Mistake]:
    """Whether what an inspector mended on the spot is on this place's list of trivial matters; history isn't asked."""
    category = submission.category
    if not submission.self_disposed or submission.imported is not None:
        return []
    if not rules.self_disposal:
        return [Mistake("$.self_disposed", "本地没有可自行处置的事项清单，请去掉 self_disposed，按普通案件上报")]
    key = category and (category.code_set, category.kind, category.major, category.minor)
    if key in rules.self_disposal:
        return []
    known = "、".join(rules.self_disposal.values())
    if category is None:
        return [Mistake("$.category", f"自行处置的须写明类别，可自行处置的事项有：{known}")]
    name = category.minor_name or category.key
    say = f"“{name}”不在可自行处置的事项清单内（{known}），请去掉 self_disposed，按普通案件上报"
    return [Mistake("$.self_disposed", say)]


def control_area(
    submission: Submission, channel: Channel, rules: Rules, point: Point | None, now: dt.datetime
) -> Mistake | None:
    """The control area that refuses the report, with the message of its rule."""
    if point is None or submission.imported is not None:
        return None
    for area in rules.control_areas:
        if area.blocks(channel.reporter_kind, submission.category, point.lon, point.lat, now):
            return Mistake("$.place.point", area.message)
    return None


def convert(point: ReportedPoint) -> Point:
    """*point* in CGCS2000 degrees. Raises GeoError, whose message says who must do what."""
    lon, lat = to_cgcs2000(point.lon, point.lat, point.crs)
    return Point(lon=round(lon, 7), lat=round(lat, 7), crs="cgcs2000", accuracy_m=point.accuracy_m, source=point.source)


def _times(submission: Submission, now: dt.datetime) -> Iterator[Mistake]:
    seen = submission.occurred_at
    if seen > now + FUTURE:
        yield Mistake("$.occurred_at", "发生时间晚于现在 5 分钟以上，请核对时间和时区")
    if seen < OLDEST:
        yield Mistake("$.occurred_at", "发生时间早于 1990 年，请核对")
    device = submission.device_at
    if device is not None and not OLDEST <= device < now + dt.timedelta(days=366):
        yield Mistake("$.device_at", "设备时间不合理，请校准设备时钟或不填")
    closed = submission.imported.closed_at if submission.imported else None
    if closed is not None and not seen <= closed <= now + FUTURE:
        yield Mistake("$.imported.closed_at", "结案时间应不早于发生时间，且不晚于现在")


def _codes(submission: Submission) -> Iterator[Mistake]:
    if submission.urgency not in URGENCIES:
        yield Mistake("$.urgency", "只能是 normal（一般）或 urgent（紧急）")
    category = submission.category
    if category is not None:
        if category.kind not in ("part", "event"):
            yield Mistake("$.category.kind", "只能是 part（部件）或 event（事件）")
        if any(len(word) > 64 for word in _words(category)):
            yield Mistake("$.category", "各代码和名称不超过 64 个字符")


def _words(category: Category) -> tuple[str, ...]:
    named = (category.major, category.minor, category.major_name, category.minor_name)
    return (category.code_set, category.version, category.kind, *named)


def _place(place: ReportedPlace) -> Iterator[Mistake]:
    """Codes must lie in each other: a cell in its community, that in its street, that in its county."""
    given = [(name, code) for name in LEVELS if (code := getattr(place, name))]
    for (upper, outer), (lower, inner) in itertools.pairwise(given):
        if outer.isdigit() and not inner.startswith(outer) and not _beside(outer, inner):
            yield Mistake(f"$.place.{lower}", f"{inner} 不在 {upper} {outer} 之内，请核对代码")


def _beside(outer: str, inner: str) -> bool:
    """A city given as the county holds every code below it (a place without counties)."""
    return len(outer) == 6 and outer.endswith("00") and inner.startswith(outer[:4])


def _minimum(submission: Submission, channel: Channel) -> Iterator[Mistake]:
    place = submission.place
    if not submission.description.strip():
        yield Mistake("$.description", "请写明发现的问题")
    codes = (place.point, place.cell15, place.community12, place.street9, submission.part_id, place.address.strip())
    if not any(codes):
        yield Mistake("$.place", NO_PLACE)
    if submission.self_disposed and channel.reporter_kind != "collector":
        yield Mistake("$.self_disposed", f"渠道“{channel.name}”不能自行处置，只有采集员可以")


__all__ = ["GeoError", "Mistake", "control_area", "convert", "mistakes_of", "source_mistakes"]
