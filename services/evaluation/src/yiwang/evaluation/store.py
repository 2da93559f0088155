"""Rows ↔ Structs: what a batch changes, written in a handful of statements."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

import msgspec
from yiwang.kit import Sql

from .applying import Told
from .attribution import Key, Parts, Spot, difference, keys_of, parts_of
from .counting import Counters
from .facts import Facts, decode, encode
from .heard import Seen, decoder
from .hours import Hours, changed_hours
from .rules import Rules
from .vocabulary import NAMES, NUMBER

sql: Final = Sql("yiwang.evaluation")

_COLUMNS: Final = ", ".join(NAMES)
_NOTHING: Final = ["0"] * len(NAMES)
_ROWS: Final = 10_000
"""Sums in one statement"""
ADD_SUMS: Final = (
    f"insert into sums (purpose, kind, object, cls, day, {_COLUMNS}) select purpose, kind, object, cls, day,"
    f" {', '.join(f'd.add[{n + 1}]' for n in range(len(NAMES)))}"
    " from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::text[])"
    " k(purpose, kind, object, cls, day, line) cross join lateral (select k.line::int[] add offset 0) d"
    " on conflict (kind, object, cls, day, purpose) do update set "
    + ", ".join(f"{name} = sums.{name} + excluded.{name}" for name in NAMES)
)
"""A line holds what is added to the counters of one key: PostgreSQL takes a column for each of them apart slowly."""

Deltas = dict[Key, dict[str, int]]


async def known(tx: Any, case_ids: Iterable[str]) -> dict[str, Facts]:
    """What is known of the cases, locked until the transaction ends."""
    rows = await tx.fetch(sql["lock_cases"], list(case_ids))
    found = [decode(row["facts"]) for row in rows]
    return {facts.case_id: facts for facts in found}


async def waiting(tx: Any, case_ids: Iterable[str]) -> dict[str, dict[int, Seen]]:
    """case → version → event that came too early."""
    found: dict[str, dict[int, Seen]] = {}
    for row in await tx.fetch(sql["waiting"], list(case_ids)):
        seen = decoder.decode(row["event"])
        found.setdefault(row["case_id"], {})[seen.case.case_version] = seen
    return found


async def write(tx: Any, told: Told, rules: Rules, root: str, now: dt.datetime) -> None:
    """Store the cases, their parts, and add the differences to the sums."""
    if told.new:
        changes = Changes(told, rules, root)
        await _put_cases(tx, list(told.new.values()))
        await changes.write(tx)
    if told.early:
        early = told.early
        await sql.run(
            tx, "keep_waiting", [e.case.case_id for e in early], [e.case.case_version for e in early], [now] * len(early),
            [msgspec.json.encode(e) for e in early],
        )  # fmt: skip
    if told.waited:
        await sql.run(tx, "drop_waiting", list(told.waited), list(told.waited.values()))


async def _put_cases(tx: Any, cases: Sequence[Facts]) -> None:
    await sql.run(
        tx, "put_cases", [f.case_id for f in cases], [f.case_no for f in cases], [f.version for f in cases],
        [f.waits_until() for f in cases], [encode(f) for f in cases],
    )  # fmt: skip


class Changes:
    """What changed cases change in parts, sums and hours."""

    def __init__(self, told: Told, rules: Rules, root: str) -> None:
        self.dropped: list[tuple[str, Spot]] = []
        self.put: list[tuple[str, Spot, Counters]] = []
        self.deltas: Deltas = {}
        self.hours: Hours = changed_hours(told.old, told.new, root)
        for case_id, facts in told.new.items():
            old, new = parts_of(told.old[case_id], rules), parts_of(facts, rules)
            self._one(case_id, old, new, rules, root)

    def _one(self, case_id: str, old: Parts, new: Parts, rules: Rules, root: str) -> None:
        for spot, change in difference(old, new).items():
            if spot in new:
                self.put.append((case_id, spot, new[spot]))
            else:
                self.dropped.append((case_id, spot))
            items = list(change.items())
            for key in keys_of(spot, rules, root):
                total = self.deltas.get(key)
                if total is None:
                    self.deltas[key] = dict(items)
                    continue
                for name, value in items:
                    total[name] = total.get(name, 0) + value

    async def write(self, tx: Any) -> None:
        if self.dropped:
            ids, spots = zip(*self.dropped, strict=True)
            await sql.run(
                tx, "drop_parts", list(ids), [s.kind for s in spots], [s.object for s in spots], [s.alt for s in spots],
                [s.day for s in spots],
            )  # fmt: skip
        if self.put:
            await sql.run(tx, "put_parts", *part_columns(self.put))
        await add_sums(tx, self.deltas)
        await add_hours(tx, self.hours)


def part_columns(parts: Sequence[tuple[str, Spot, Counters]]) -> list[list[Any]]:
    """Parts as the columns of their table; arrays as PostgreSQL writes them."""
    rows = [
        (
            case_id, s.purpose, s.kind, s.object, s.alt, s.day, s.cls, " ".join(s.segments),
            "{" + ",".join([str(NUMBER[name]) for name in hits]) + "}", "{" + ",".join(map(str, hits.values())) + "}",
        )
        for case_id, s, hits in parts
    ]  # fmt: skip
    return [list(column) for column in zip(*rows, strict=True)]


async def add_sums(tx: Any, deltas: Deltas) -> None:
    """Add *deltas* to the figures, in the order of their keys: two partition groups never wait for each other in a circle."""
    rows = sorted(((key, change) for key, change in deltas.items() if any(change.values())), key=itemgetter(0))
    for start in range(0, len(rows), _ROWS):
        keys, changes = zip(*rows[start : start + _ROWS], strict=True)
        await tx.execute(ADD_SUMS, *[list(column) for column in zip(*keys, strict=True)], [_line(one) for one in changes])


def _line(change: Mapping[str, int]) -> str:
    line = _NOTHING.copy()
    for name, value in change.items():
        line[NUMBER[name]] = str(value)
    return "{" + ",".join(line) + "}"


async def add_hours(tx: Any, hours: Hours) -> None:
    """Add to the hours."""
    if hours:
        objects, classes, begins = zip(*hours, strict=True)
        reported, overdue = zip(*hours.values(), strict=True)
        await sql.run(tx, "add_hours", list(objects), list(classes), list(begins), list(reported), list(overdue))


async def note(tx: Any, heard: Mapping[str, dt.datetime], names: Mapping[tuple[str, str], str]) -> None:
    """Keep until when each node has been heard, and how codes are called: (kind, code) → name."""
    kinds, codes = [kind for kind, _ in names], [code for _, code in names]
    await sql.run(tx, "note", list(heard), list(heard.values()), kinds, codes, list(names.values()))
