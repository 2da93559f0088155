"""The real cases of Pingshan 2018 through the whole system: numbers equal to what the file itself says."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from yiwang.evaluation.recount import mistakes
from yiwang.kit.tables import rows_of
from yiwang.stack.importer import bring_in
from yiwang.stack.importmap import load_map
from yiwang.stack.testing import TestNode

from .city import ROOT, City, city

FILE = Path(ROOT.parent / "shared" / "data" / "reports" / "pingshan_2018.csv")
CASES = {"投诉", "求决"}

OVERTIME = {"in_time": "intime_dispose", "overtime": "overtime_dispose"}
BY_TYPE = """
select cls, sum(report_num)::int report_num, sum(intime_dispose)::int intime_dispose,
    sum(overtime_dispose)::int overtime_dispose
from sums where kind = 'area' and object = '440300' and purpose = 'historical' and cls like '%/%/%' group by cls
"""
"""As the evaluation has it for the city"""

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="../shared/data/reports/pingshan_2018.csv isn't here")


@pytest.mark.timeout(400)
async def test_the_import_loses_doubles_and_parks_nothing_and_its_numbers_are_the_files(node: TestNode) -> None:
    """Per unit, nature, type and timeliness; a second import changes nothing; the evaluation counts the same by type."""
    rows = list(rows_of(FILE))
    with FILE.open(encoding="utf-8-sig", newline="") as file:
        given = list(csv.DictReader(file))
    mapping = load_map(ROOT / "deploy" / "maps" / "pingshan_2018.toml")
    async with city(node, "shenzhen", more=("evaluation",), stream_max_gib=1.0) as town:
        importer = town.apps["intake"].http("system_account", area="440300")
        tally = await bring_in(rows, mapping, importer)
        again = await bring_in(rows[:1000], mapping, importer)
        await node.settled(timeout=200)
        await resolve_unlocated(town)
        await node.settled(timeout=60)
        books = await town.books()
        pool = town.apps["dispatch"].pool
        stored = await pool.fetch(
            "select doc::jsonb->'imported'->'unit'->>'unit_id' unit, doc::jsonb->>'nature' nature, category, state,"
            " doc::jsonb->>'timeliness' timeliness from cases"
        )
        natures = await town.apps["intake"].pool.fetch("select nature, count(*) n from reports group by nature")
        figures = await town.apps["evaluation"].pool.fetch(BY_TYPE)
        wrong = await mistakes(town.apps["evaluation"].app)
        notices = await town.apps["notification"].pool.fetchval("select count(*) from notice")
        told = await town.apps["national_sync"].pool.fetchval("select count(*) from records")

    assert (len(given), [], 0) == (tally.accepted, tally.rejected, tally.repeated)
    assert (again.accepted, again.repeated) == (1000, 1000)
    assert books.mistakes == []
    assert (books.lost, books.doubled, books.parked) == (0, 0, 0)
    cases = [r for r in given if r["nature"] in CASES]
    assert len(cases) == len(stored)
    assert {"closed"} == {r["state"] for r in stored}
    assert Counter(r["unit_id"] for r in cases) == Counter(r["unit"] for r in stored)
    assert Counter(r["nature"] for r in cases) == Counter(r["nature"] for r in stored)
    assert Counter(f"event/{r['main_type_id']}/{r['sub_type_id']}" for r in cases) == Counter(
        key_of(r["category"]) for r in stored
    )
    wanted = Counter("on_time" if r["in_time"] == "1" else "overdue" if r["overtime"] == "1" else None for r in cases)
    assert wanted == Counter(r["timeliness"] or None for r in stored)
    assert wrong == []
    assert Counter({(r["cls"], name): r[name] for r in figures for name in ("report_num", *OVERTIME.values())}) == by_type(
        cases
    )
    assert sum(1 for r in given) == sum(r["n"] for r in natures)
    assert len(given) - len(cases) == books.answered
    assert (notices, told) == (0, 0)


def by_type(cases: list[dict[str, str]]) -> Counter[tuple[str, str]]:
    """(type, counter) → how many in the file: cases, in time, overtime; those that don't say are in neither."""
    found: Counter[tuple[str, str]] = Counter()
    for row in cases:
        cls = f"event/{row['main_type_id']}/{row['sub_type_id']}"
        found[cls, "report_num"] += 1
        told = next((counter for column, counter in OVERTIME.items() if row[column] == "1"), "")
        found[cls, told] += bool(told)
    return found


def key_of(category: str) -> str:
    """``kind/major/minor`` of a stored category, whatever stands before it."""
    return "/".join(category.split("/")[-3:])


async def resolve_unlocated(town: City) -> None:
    """A person finds the eight rows without a street code."""
    headers = town.headers("acceptor")
    waiting = (await town.http.get("/grid/unlocated", params={"limit": 500}, headers=headers)).json()
    assert 8 >= len(waiting) > 0
    for one in waiting:
        body = {"version": one["version"], "code": "440310001"}
        answer = await town.http.post(f"/grid/unlocated/{one['case_id']}/resolve", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
