"""Reading the figures: sums of counters of objects over days, and the cases behind a number."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from yiwang.contracts.areas import contains

from .attribution import is_summed
from .periods import Period
from .rules import Rules
from .vocabulary import NAMES, NUMBER

Sums = dict[str, int]
"""Counter → sum; what isn't there is 0"""
OBJECTS_AT_ONCE: Final = 5000
LEVELS: Final = {"province": 6, "city": 6, "county": 6, "street": 9, "community": 12}


class What(msgspec.Struct, frozen=True, kw_only=True):
    """Of what: a kind of object, a class or segment ("" is all), days, and whose purposes."""

    kind: str
    cls: str = ""
    first: dt.date
    last: dt.date
    purposes: tuple[str, ...] = ("live",)
    only: tuple[str, ...] = ()
    """The counters that are asked for; none named is all"""

    def over(self, period: Period) -> What:
        """The same over another period."""
        return msgspec.structs.replace(self, first=period.first, last=period.last)


class Behind(msgspec.Struct, frozen=True, kw_only=True):
    """A case that stands behind a number."""

    case_id: str
    case_no: str
    day: dt.date
    amount: int


def only(what: What, names: Iterable[str]) -> What:
    """The same, of the counters that are among *names* alone."""
    return msgspec.structs.replace(what, only=tuple({name.partition("@")[0] for name in names} & NUMBER.keys()))


def _columns(what: What) -> tuple[tuple[str, ...], str]:
    """Counters, and how their sums are asked for."""
    names = tuple(name for name in NAMES if name in what.only) if what.only else NAMES
    return names, ", ".join(f"sum({name})::bigint {name}" for name in names)


async def sums_of(db: Any, rules: Rules, what: What, objects: Sequence[str]) -> dict[str, Sums]:
    """object → sums; every object is there."""
    if all(is_summed(what.kind, code, what.cls) for code in objects):
        found = await _stored(db, what, objects, [what.cls])
        return {code: found.get((code, what.cls), {}) for code in objects}
    return {code: await _added(db, rules, what, code) for code in objects}


async def with_segments(
    db: Any, rules: Rules, what: What, objects: Sequence[str], segments: Iterable[str]
) -> dict[str, dict[str, int]]:
    """object → name → sum, where a name is a counter or ``counter@segment``. Segments are of all classes together."""
    found = {code: dict(sums) for code, sums in (await sums_of(db, rules, what, objects)).items()}
    for segment in sorted(segments):
        if what.cls:
            continue
        part = await sums_of(db, rules, msgspec.structs.replace(what, cls=segment), objects)
        for code, sums in part.items():
            found[code] |= {f"{name}{segment}": value for name, value in sums.items()}
    return found


async def _stored(
    db: Any, what: What, objects: Sequence[str], classes: Sequence[str]
) -> dict[tuple[str, str], Sums]:
    names, summed = _columns(what)
    rows = await db.fetch(
        f"select object, cls, {summed} from sums where kind = $1 and object = any($2::text[]) and cls = any($3::text[])"
        " and day between $4 and $5 and purpose = any($6::text[]) group by object, cls",
        what.kind, list(objects), list(classes), what.first, what.last, list(what.purposes),
    )  # fmt: skip
    return {(row["object"], row["cls"]): _nonzero(row, names) for row in rows}


def _nonzero(row: Mapping[str, Any], names: Iterable[str]) -> Sums:
    return {name: int(row[name]) for name in names if row[name]}


async def _added(db: Any, rules: Rules, what: What, code: str) -> Sums:
    """The same from the parts, for what isn't summed: cells, and classes of small objects."""
    where, args = where_of(rules, what, code)
    rows = await db.fetch(
        f"select h.hit, sum(h.amount)::bigint total from parts p, unnest(p.hits, p.amounts) h(hit, amount)"
        f" where {where} group by h.hit",
        *args,
    )
    return {NAMES[row["hit"]]: int(row["total"]) for row in rows if row["total"]}


def where_of(rules: Rules, what: What, code: str) -> tuple[str, list[Any]]:
    """The condition under which a part belongs to *what* of the object *code*, and its arguments."""
    args: list[Any] = ["person" if what.kind == "post" else what.kind, what.first, what.last, list(what.purposes)]
    where = "p.kind = $1 and p.day between $2 and $3 and p.purpose = any($4::text[])"
    if what.kind == "area":
        args.append(_prefix(code) + "%")
        where += " and p.object like $5"
    elif what.kind == "unit":
        args.append([code, *below(rules, code)])
        where += " and p.object = any($5::text[])"
    else:
        args.append(code)
        where += f" and p.{'alt' if what.kind == 'post' else 'object'} = $5"
    if what.cls.startswith("@"):
        args.append(f"%{what.cls}%")
        where += " and p.segments like $6"
    elif what.cls.count("/") == 2:
        args.append(what.cls)
        where += " and p.cls = $6"
    elif what.cls:
        args.append(what.cls + "/%")
        where += " and p.cls like $6"
    return where, args


def inside(code: str, object: str) -> bool:
    """Whether the area *object* lies in *code*, as the parts of an area are looked for."""
    return object.startswith(_prefix(code))


def _prefix(code: str) -> str:
    if len(code) != 6:
        return code
    return code[:2] if code.endswith("0000") else code[:4] if code.endswith("00") else code


def below(rules: Rules, unit: str) -> list[str]:
    """The units below *unit*."""
    found: list[str] = []
    todo = [unit]
    while todo:
        children = [u.unit_id for u in rules.units.values() if u.parent == todo[0] and u.unit_id not in found]
        found, todo = found + children, todo[1:] + children
    return found


async def by_day(db: Any, rules: Rules, what: What, code: str) -> dict[dt.date, Sums]:
    """day → sums of one object."""
    if is_summed(what.kind, code, what.cls):
        names, summed = _columns(what)
        rows = await db.fetch(
            f"select day, {summed} from sums where kind = $1 and object = $2 and cls = $3 and day between $4 and $5"
            " and purpose = any($6::text[]) group by day",
            what.kind, code, what.cls, what.first, what.last, list(what.purposes),
        )  # fmt: skip
        return {row["day"]: _nonzero(row, names) for row in rows}
    where, args = where_of(rules, what, code)
    rows = await db.fetch(
        f"select p.day, h.hit, sum(h.amount)::bigint total from parts p, unnest(p.hits, p.amounts) h(hit, amount)"
        f" where {where} group by p.day, h.hit",
        *args,
    )
    found: dict[dt.date, Sums] = {}
    for row in rows:
        found.setdefault(row["day"], {})[NAMES[row["hit"]]] = int(row["total"])
    return found


async def objects_of(db: Any, rules: Rules, what: What, under: str, level: str) -> list[str]:
    """Objects of the kind that have figures in these days: areas of a level within *under*, units below *under*, or all."""
    rows = await db.fetch(
        "select distinct object from sums where kind = $1 and cls = '' and day between $2 and $3"
        " and purpose = any($4::text[]) and ($6 = 0 or length(object) = $6) and object like $7 order by object limit $5",
        what.kind, what.first, what.last, list(what.purposes), OBJECTS_AT_ONCE,
        LEVELS.get(level, 0) if what.kind == "area" else 0, _prefix(under) + "%" if what.kind == "area" else "%",
    )  # fmt: skip
    found = [str(row["object"]) for row in rows]
    if what.kind == "area":
        return [code for code in found if _of_level(code, level) and (not under or contains(under, code))]
    if what.kind == "unit" and under:
        inside = {u.unit_id for u in rules.units.values() if u.parent == under}
        return [code for code in found if code in inside]
    return [code for code in found if code.startswith(under)]


def _of_level(code: str, level: str) -> bool:
    if level == "province":
        return code.endswith("0000") and len(code) == 6
    if level == "city":
        return len(code) == 6 and code.endswith("00") and not code.endswith("0000")
    if level == "county":
        return len(code) == 6 and not code.endswith("00")
    return len(code) == LEVELS.get(level, 0)


async def behind(
    db: Any, rules: Rules, what: What, code: str, counter: str, after: tuple[dt.date, str], limit: int
) -> list[Behind]:
    """The cases that make up the sum of *counter*, by day and case, after (day, case)."""
    where, args = where_of(rules, what, code)
    n = len(args)
    rows = await db.fetch(
        f"select p.case_id, c.case_no, p.day, p.amounts[array_position(p.hits, ${n + 1}::smallint)] amount"
        f" from parts p join cases c using (case_id) where {where} and p.hits @> array[${n + 1}::smallint]"
        f" and (p.day, p.case_id) > (${n + 2}::date, ${n + 3}) order by p.day, p.case_id limit ${n + 4}",
        *args, NUMBER[counter], *after, limit,
    )  # fmt: skip
    return [Behind(case_id=r["case_id"], case_no=r["case_no"], day=r["day"], amount=r["amount"]) for r in rows]


def total(all_sums: Iterable[Mapping[str, int]]) -> Sums:
    """The sum of sums."""
    found: Sums = {}
    for sums in all_sums:
        for name, value in sums.items():
            found[name] = found.get(name, 0) + value
    return found
