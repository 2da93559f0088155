"""The real cases of Pingshan 2018, each lived as its import tells it: overtime by type is the file's own."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from pathlib import Path

import pytest
from yiwang.evaluation.attribution import keys_of, parts_of
from yiwang.evaluation.facts import Facts
from yiwang.evaluation.fold import fold
from yiwang.evaluation.rules import Rules
from yiwang.evaluation.testing import MORNING, Life

FILE = Path(__file__).parents[4] / "shared" / "data" / "reports" / "pingshan_2018.csv"
CASES = {"投诉", "求决"}
CONFIRMED = {"on_time": "+30 confirm", "overdue": "+90 confirm", "": "+30 confirm unknown"}


def timeliness(row: dict[str, str]) -> str:
    return "on_time" if row["in_time"] == "1" else "overdue" if row["overtime"] == "1" else ""


@pytest.mark.skipif(not FILE.is_file(), reason="../shared/data/reports/pingshan_2018.csv isn't here")
def test_overtime_by_type_is_what_the_file_says() -> None:
    """Per type: cases, in time and overtime; those that don't say are in neither; 9.2 per cent of all rows are overtime."""
    with FILE.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    lived: dict[tuple[str, str, str], Facts] = {}
    counted: Counter[tuple[str, str]] = Counter()
    wanted: Counter[tuple[str, str]] = Counter()
    for n, row in enumerate(row for row in rows if row["nature"] in CASES):
        cls = f"event/{row['main_type_id']}/{row['sub_type_id']}"
        told = timeliness(row)
        wanted[cls, "report_num"] += 1
        wanted[cls, {"on_time": "intime_dispose", "overdue": "overtime_dispose"}.get(told, "-")] += 1
        shape = (cls, told, row["unit_id"])
        if shape not in lived:
            steps = ("report 12", "+1 accept", "+1 file", f"+1 dispatch {row['unit_id']} 60", CONFIRMED[told], "+1 close")
            facts: Facts | None = None
            for seen in Life(f"c{n}", cls=cls, purpose="historical", at=MORNING - dt.timedelta(days=3000)).lead(*steps).seen:
                facts = fold(facts, seen)
            assert facts is not None
            lived[shape] = facts
        for spot, hits in parts_of(lived[shape], Rules()).items():
            for purpose, kind, code, key_cls, _ in keys_of(spot, Rules(), "440310"):
                if (purpose, kind, code, key_cls) == ("historical", "area", "440310", cls):
                    for name in ("report_num", "intime_dispose", "overtime_dispose"):
                        counted[cls, name] += hits.get(name, 0)

    assert +counted == Counter({key: value for key, value in wanted.items() if key[1] != "-"})
    share = 100 * sum(row["overtime"] == "1" for row in rows) / len(rows)
    assert share == pytest.approx(9.2, abs=0.1)  # as the data's own README says
