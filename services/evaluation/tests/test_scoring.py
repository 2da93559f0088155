"""Published numbers and city schemes: the golden vectors, and what a score says of itself."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from yiwang.evaluation import periods
from yiwang.evaluation.formulas import Formula, percent
from yiwang.evaluation.indicators import Indicator, Indicators, known_values
from yiwang.evaluation.inputs import Input, combined
from yiwang.evaluation.profile import load
from yiwang.evaluation.ranking import ranked
from yiwang.evaluation.scoring import score

BOOK = load("")
TIANMEN = {"operate_num": 1054, "inst_num": 996, "need_archive": 972, "archive_num": 911, "intime_archive": 737}
JIANGMEN = {"operate_num": 13902, "archive_num": 12750}


@pytest.mark.parametrize(
    ("sums", "targets", "code", "shown"),
    [
        (TIANMEN, {}, "archive_rate", "93.72%"),
        (TIANMEN, {}, "intime_archive_rate", "75.82%"),
        (JIANGMEN, {}, "finish_rate", "91.71%"),
        ({"operate_num": 14090, "archive_num": 14068}, {}, "finish_rate", "99.84%"),
        ({"patrol_report": 2661}, {"target.patrol": Decimal(2600)}, "task_rate", "102.35%"),
    ],
    ids=["天门结案率 2016-12", "天门按期结案率 2016-12", "江门办结率 2021-12", "江门办结率 2024-07", "蓬江任务完成率 2021-12"],
)
def test_published_rates_come_out_as_they_were_published(
    sums: dict[str, int], targets: dict[str, Decimal], code: str, shown: str
) -> None:
    """The golden vectors of the domain notes, 5.2."""
    values = known_values(sums, BOOK.indicators.names, targets)
    found = {one.code: one for one in BOOK.indicators.values(values)}

    assert found[code].shown == shown


def test_jinhua_takes_the_suspended_cases_out_of_what_was_due() -> None:
    """结案数 / (应结案数 − 缓办数)."""
    values = known_values(
        {"archive_num": 80, "intime_archive": 60, "need_archive": 110, "hang_need_archive": 10}, BOOK.indicators.names, {}
    )
    rates = BOOK.indicators.rates(values)

    assert percent(rates["archive_rate_jinhua"]) == "80.00%"
    assert percent(rates["intime_archive_rate_jinhua"]) == "60.00%"


def jinhua(sums: dict[str, int], **inputs: int) -> dict[str, Decimal]:
    scheme = BOOK.schemes["jinhua"]
    names = BOOK.indicators.names.union(*(f.names for f in scheme.formulas))
    values = known_values(sums, names, {f"input.{name}": Decimal(n) for name, n in inputs.items()})
    found = score(scheme, BOOK.indicators.rates(values), BOOK.indicators.low, values)
    return {line.title: line.won for line in found.lines} | {"总分": found.value, found.grade: Decimal(0)}


def test_jinhua_scores_full_marks_from_the_threshold_on() -> None:
    """按期结案率 50 points from 70 %, 结案率 20 from 90 %; nothing urgent was due."""
    found = jinhua({"need_archive": 1000, "archive_num": 900, "intime_archive": 700})

    assert (found["按期结案率"], found["结案率"], found["总分"]) == (50, 20, 100)
    assert "A" in found


def test_jinhua_takes_a_point_off_for_each_point_below_and_for_each_event() -> None:
    """−1 per point; urgent −0.5 per point; −0.2 a rework, −0.5 for three failed checks, −1 for fraud; leaders' items double."""
    found = jinhua(
        {
            "need_archive": 1000, "archive_num": 850, "intime_archive": 650, "rework_times": 5, "multi_fail_check": 1,
            "need_archive@urgent": 10, "archive_num@urgent": 9, "intime_archive@urgent": 9,
            "need_archive@leader": 3, "intime_archive@leader": 2,
        },
        fraud=1,
    )  # fmt: skip

    assert found["按期结案率"] == 45
    assert found["结案率"] == 15
    assert found["紧急问题结案"] == 0
    assert found["紧急问题按期结案"] == Decimal("2.5")
    assert found["返工与弄虚作假"] == Decimal("2.5")
    assert found["领导交办"] == 3
    assert found["总分"] == Decimal("75.56")
    assert "C" in found


def test_jiangmen_scores_finished_of_accepted_and_the_monthly_task() -> None:
    scheme = BOOK.schemes["jiangmen"]
    values = known_values(
        {**JIANGMEN, "patrol_report": 11500}, BOOK.indicators.names, {"target.patrol": Decimal(11500)}
    )
    found = score(scheme, BOOK.indicators.rates(values), BOOK.indicators.low, values)

    assert [line.won for line in found.lines] == [Decimal("51.71"), Decimal(40)]
    assert (found.value, found.grade) == (Decimal("91.71"), "B")


def test_a_goal_without_data_is_left_out_and_named() -> None:
    """The five goals: nothing is invented where nobody measured."""
    scheme = BOOK.schemes["goals"]
    names = BOOK.indicators.names.union(*(f.names for f in scheme.formulas))
    values = known_values(
        {"need_dispose": 100, "intime_dispose": 95, "dispose_num": 100, "rework_num": 7}, names,
        {"survey.satisfied": Decimal("0.88")},
    )  # fmt: skip
    found = score(scheme, BOOK.indicators.rates(values), BOOK.indicators.low, values)
    lines = {line.title: (line.points, line.won) for line in found.lines}

    assert lines["按期处置率"] == (10, 10)
    assert lines["返工率"] == (10, 8)
    assert lines["群众满意度（问卷调查）"] == (10, 8)
    assert lines["井盖设施完好率（实地考察）"] == (0, 0)
    assert found.value == Decimal("86.67")


@pytest.mark.parametrize(
    "text",
    ["", "1 +", "open('x')", "__import__('os')", "a.b.c", "archive_num ** 9", "archive_nums", "archive_num@nobody", "x if y else z",
     "'a'", "min(1)", "[1]", "lambda: 1", "other.x", "(" * 300 + "1" + ")" * 300, "-" * 200 + "1", "1" * 500],
)  # fmt: skip
def test_what_is_no_formula_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"公式"):
        Formula(text)


def test_formulas_compute_exactly_and_have_no_value_without_a_divisor() -> None:
    values = {"archive_num": Decimal(1), "need_archive": Decimal(3), "inst_num": Decimal(0)}

    assert Formula("(archive_num + 2) / need_archive").value(values) == 1
    assert Formula("min(archive_num, need_archive) - max(1, 2)").value(values) == -1
    assert Formula("archive_num / inst_num").value(values) is None
    assert Formula("1 + archive_num / inst_num").value(values) is None
    assert Formula("archive_num / need_archive").parts == ("archive_num", "need_archive")


def test_an_indicator_may_use_one_before_it_and_no_other() -> None:
    rows = [Indicator(code="a", title="a", formula="archive_num / 2"), Indicator(code="b", title="b", formula="rate.a * 2")]

    assert Indicators(rows).rates({"archive_num": Decimal(3)})["b"] == 3
    with pytest.raises(ValueError, match="排在它后面"):
        Indicators(reversed(rows))


def test_ranks_are_shared_and_who_has_no_value_has_no_rank() -> None:
    values = {"a": Decimal("0.9"), "b": Decimal("0.9"), "c": Decimal("0.5"), "d": None}

    assert [(p.object, p.rank) for p in ranked(values, {})] == [("a", 1), ("b", 1), ("c", 3), ("d", None)]
    assert [p.object for p in ranked(values, {}, low=True)] == ["c", "a", "b", "d"]


def entered(source: str, period: str, value: str, samples: int = 0) -> Input:
    one = periods.period(period)
    return Input(
        n=1, source=source, kind="area", object="o", name="x", period=period, first=one.first, last=one.last,
        value=Decimal(value), samples=samples, note="", by_whom="p", at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    )  # fmt: skip


def test_monthly_targets_add_up_and_surveys_are_averaged_by_their_answers() -> None:
    quarter = periods.period("2026-Q4")
    months = [entered("target", f"2026-{m}", v) for m, v in (("10", "1200"), ("11", "1300"), ("12", "1400"))]
    surveys = [entered("survey", "2026-10", "0.8", 300), entered("survey", "2026-11", "0.9", 100)]

    assert combined(months, quarter) == {"target.x": 3900}
    assert combined([*months, entered("target", "2026-Q4", "4000")], quarter) == {"target.x": 4000}
    assert combined(surveys, quarter) == {"survey.x": Decimal("0.825")}


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("2026", "2026-01-01", "2026-12-31"), ("2026-H2", "2026-07-01", "2026-12-31"), ("2026-Q1", "2026-01-01", "2026-03-31"),
     ("2024-02", "2024-02-01", "2024-02-29"), ("2026-12", "2026-12-01", "2026-12-31"), ("2026-W53", "2026-12-28", "2027-01-03"),
     ("2026-11-23", "2026-11-23", "2026-11-23")],
)  # fmt: skip
def test_periods_by_name(name: str, first: str, last: str) -> None:
    found = periods.period(name)

    assert (found.first.isoformat(), found.last.isoformat()) == (first, last)
    assert periods.of_day(found.first, found.step) == found
    assert periods.of_day(found.last, found.step) == found
    assert periods.before(found).last == found.first - dt.timedelta(days=1)


@pytest.mark.parametrize("name", ["", "26", "2026-13", "2026-W54", "2025-W53", "2026-02-30", "2026-Q5", "0000", "2026-1"])
def test_a_period_that_does_not_exist_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(ValueError, match=r"周期"):
        periods.period(name)


def test_a_month_has_its_days_and_a_year_its_months() -> None:
    assert len(periods.parts(periods.period("2026-11"), "day")) == 30
    assert [p.name for p in periods.parts(periods.period("2026-Q4"), "month")] == ["2026-10", "2026-11", "2026-12"]
