"""Units suggested from finished cases: the model on small counts, and on a district's real year."""

from __future__ import annotations

import csv
import math
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from yiwang.dispatch.experience import ALL, Experience, situation

PINGSHAN = Path(__file__).parents[4] / "shared" / "data" / "reports" / "pingshan_2018.csv"
NAMES = ("大类", "小类")
HERE = situation(("01", "0110"), NAMES, street="s1", community="c1", channel="12345")


def taught(*lessons: tuple[int, str, object]) -> Experience:
    """An experience of *n* cases of each unit in each situation."""
    found = Experience()
    for n, unit, at in lessons:
        for _ in range(n):
            found.learn(at.keys, unit)
    return found


def test_says_how_many_of_the_same_cases_the_unit_handled() -> None:
    """The reason names the most particular cases that are known: same minor class and street."""
    other = situation(("01", "0110"), NAMES, street="s2")
    best, second = taught((97, "a", HERE), (31, "b", HERE), (500, "b", other)).suggest(HERE)
    assert best.reason("环卫所") == "近一年同小类同街道 128 件中 97 件由环卫所处置"
    assert best.unit_id == "a"
    assert (second.unit_id, second.hits, second.of) == ("b", 31, 128)
    assert best.confidence > 0.6
    assert math.isclose(best.confidence + second.confidence, 1.0, abs_tol=0.001)


def test_an_unknown_street_falls_back_on_the_class_and_an_unknown_class_on_all_cases() -> None:
    """Fewer cases in common, a wider reason; never none while anything was finished."""
    known = taught((10, "a", HERE), (2, "b", HERE))
    elsewhere = known.suggest(situation(("01", "0110"), NAMES, street="s9"))[0]
    assert elsewhere.reason("甲") == "近一年同小类 12 件中 10 件由甲处置"
    unheard = known.suggest(situation(("09", "0901"), NAMES))[0]
    assert unheard.reason("甲") == "近一年全部 12 件中 10 件由甲处置"


def test_a_single_case_moves_little() -> None:
    """One case of a unit in a street doesn't outweigh hundreds of its class."""
    new = situation(("01", "0110"), NAMES, street="s9")
    best = taught((300, "a", HERE), (1, "b", new)).suggest(new)[0]
    assert best.unit_id == "a"


def test_the_community_decides_between_units_that_share_a_street() -> None:
    """Two teams of one street, each with its own communities."""
    west = situation(("01", "0110"), NAMES, street="s1", community="west")
    east = situation(("01", "0110"), NAMES, street="s1", community="east")
    known = taught((50, "a", west), (50, "b", east))
    assert known.suggest(west)[0].unit_id == "a"
    assert known.suggest(east)[0].unit_id == "b"


def test_suggests_nobody_where_nothing_was_finished() -> None:
    assert Experience().suggest(HERE) == []
    assert ALL in HERE.keys


# --- a district's real cases -------------------------------------------------------------------------------------
#
# The split "pingshan-2018-last-fifth": complaints and requests for a decision (投诉, 求决) in the order of their
# moments (then ids); the first four fifths are known, the last fifth is asked for.


def split() -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    with PINGSHAN.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["nature"] in ("投诉", "求决")]
    rows.sort(key=lambda r: (r["create_time"], int(r["rec_id"])))
    known = len(rows) * 4 // 5
    return rows[:known], rows[known:]


def facts(row: dict[str, str]):
    return situation(
        (row["event_type"], row["main_type_id"], row["sub_type_id"]), ("类型", "大类", "小类"),
        street=row["street_code12"] or row["street"], community=row["community_code12"] or row["community"],
        channel=row["source"],
    )  # fmt: skip


def scores(answers: list[list[str]], rows: list[dict[str, str]]) -> tuple[float, float]:
    """Share of *rows* whose unit comes first, and among the first three."""
    first = sum(bool(a) and a[0] == row["unit_id"] for a, row in zip(answers, rows, strict=True))
    three = sum(row["unit_id"] in a[:3] for a, row in zip(answers, rows, strict=True))
    return first / len(rows), three / len(rows)


def frequencies(known: list[dict[str, str]], asked: list[dict[str, str]]) -> list[list[str]]:
    """Simple frequencies: of (sub type, street), else of the sub type, else of all."""
    by: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for row in known:
        for key in ((row["sub_type_id"], row["street"]), (row["sub_type_id"],), ()):
            by[key][row["unit_id"]] += 1
    ladder = [((r["sub_type_id"], r["street"]), (r["sub_type_id"],), ()) for r in asked]
    return [[unit for unit, _ in next(by[k] for k in keys if k in by).most_common(3)] for keys in ladder]


@pytest.mark.skipif(not PINGSHAN.is_file(), reason="../shared/data/reports/pingshan_2018.csv isn't here")
def test_two_points_better_than_frequencies_on_a_districts_last_months() -> None:
    """Top 1 and top 3 each at least 0.02 above simple frequencies, and told confidences that keep their word."""
    known, asked = split()
    simple = scores(frequencies(known, asked), asked)
    model = Experience()
    for row in known:
        model.learn(facts(row).keys, row["unit_id"])
    told = [model.suggest(facts(row)) for row in asked]
    ours = scores([[s.unit_id for s in one] for one in told], asked)
    print(f"pingshan-2018-last-fifth: {len(known)} known, {len(asked)} asked;",
          f"frequencies {simple[0]:.4f} {simple[1]:.4f}, model {ours[0]:.4f} {ours[1]:.4f}")  # fmt: skip
    assert simple[0] > 0.6
    assert simple[1] > 0.75
    assert ours[0] >= simple[0] + 0.02
    assert ours[1] >= simple[1] + 0.02
    sure = [(one[0].confidence, one[0].unit_id == row["unit_id"]) for one, row in zip(told, asked, strict=True)]
    assert abs(sum(c for c, _ in sure) - sum(hit for _, hit in sure)) / len(sure) < 0.05
