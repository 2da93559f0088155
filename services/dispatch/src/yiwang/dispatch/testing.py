"""For tests of this service: a small city's rules, and a case in them, without any file or server."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import msgspec
from yiwang.contracts import (
    AreaRef,
    CaseHead,
    CaseLocated,
    CaseReported,
    Category,
    Code,
    Custody,
    Place,
)

from .calendar import Calendar, Holidays
from .case import Case, from_report
from .codes import CategoryRow, Closing, Codes, CodeSet, Condition
from .matrix import Matrix, Rule
from .rules import Auto, Rules
from .units import Unit, Units

MONDAY: Final = dt.datetime(2026, 11, 23, 1, 0, tzinfo=dt.UTC)
"""Monday 2026-11-23, 09:00 in Shanghai: working time."""
LITTER: Final = Category(
    code_set="t", version="1", kind="event", major="01", minor="01", major_name="市容环境", minor_name="暴露垃圾"
)
STALLS: Final = msgspec.structs.replace(LITTER, major="02", minor_name="游商")
BY_HAND: Final = Auto(accept=False, verify=False, file=False, dispatch=False)
PLACE: Final = Place(
    area=AreaRef(
        province="440000", city="440300", county="440303", street9="440303001", community12="440303001001"
    ),
    cell15="440303001001001",
    duty_grid_id="LH-01",
    grid_version="g1",
    method="point",
)


def some_rules(**change: Any) -> Rules:
    """A city with two classes: litter with one condition of 4 working hours, stalls with two conditions."""
    units = Units(
        [
            Unit(unit_id="sanitation", name="环卫所", trades=("sanitation",), areas=("440303",), parent="bureau"),
            Unit(unit_id="patrol", name="执法队", trades=("enforcement",), areas=("440303",), level=2),
            Unit(unit_id="bureau", name="城管局"),
        ]
    )

    def condition(n: int, category: Category, limit: int, kind: str) -> Condition:
        return Condition(
            condition_id=f"c{n}",
            version="1",
            code_set=category.code_set,
            kind=category.kind,
            major=category.major,
            minor=category.minor,
            text="有",
            limit=limit,
            unit_kind=kind,
            closings=(Closing(closing_id=f"c{n}-done", text="清理完毕"),),
        )

    def row(category: Category) -> CategoryRow:
        return CategoryRow(
            code_set="t",
            kind=category.kind,
            major=category.major,
            minor=category.minor,
            major_name=category.major_name,
            minor_name=category.minor_name,
        )

    rules = [
        Rule(rule_id="litter", kind="event", major="01", lead="trade:sanitation"),
        Rule(rule_id="rest", lead="unit:patrol"),
    ]
    fields: dict[str, Any] = {
        "codes": Codes(
            [CodeSet(code_set="t", version="1")],
            [row(LITTER), row(STALLS)],
            [
                condition(1, LITTER, 4, "work_hour"),
                condition(2, STALLS, 2, "urgent_hour"),
                condition(3, STALLS, 1, "work_day"),
            ],
        ),
        "code_set": "t",
        "units": units,
        "matrix": Matrix(rules, units, "m1"),
        "calendar": Calendar(holidays=Holidays(version="h", years=frozenset({2026, 2027}))),
        "versions": {"codes": "1", "conditions": "1", "matrix": "m1", "calendar": "h"},
        "stages": dict.fromkeys(("accept", "dispatch"), (15, "urgent_minute"))
        | dict.fromkeys(("verify", "check"), (30, "urgent_minute")),
        "void_not_exist": False,
        "self_disposal": frozenset({("t", "event", "01", "01")}),
    }
    return Rules(**(fields | change))


def reported(case_id: str = "case-1", *, at: dt.datetime = MONDAY, **change: Any) -> CaseReported:
    """A report of litter by an inspector, at version 1."""
    head = CaseHead(
        case_id=case_id,
        case_version=1,
        state_after="reported",
        custody=change.pop("custody", Custody(jurisdiction="440300")),
        report_ids=(f"r-{case_id}",),
        channel=Code(code_set="channel", version="1", code="1"),
        category=change.pop("category", LITTER),
    )
    fields: dict[str, Any] = {
        "occurred_at": at,
        "jurisdiction": "440300",
        "report_id": f"r-{case_id}",
        "nature": "complaint",
        "reporter_kind": "collector",
        "verify_policy": "skip",
    }
    return CaseReported(case=head, **(fields | change))


def some_case(**change: Any) -> Case:
    """A case as it stands after the grid found its place: reported, version 2."""
    located = change.pop("located", True)
    case = from_report(reported(**change))
    return msgspec.structs.replace(case, version=2, located=located, place=PLACE if located else None)


def located(
    report: CaseReported, *, outcome: str = "located", place: Place = PLACE, jurisdiction: str = ""
) -> CaseLocated:
    """The grid's answer to *report*, version 2."""
    found = Place() if outcome == "unlocated" else place
    head = msgspec.structs.replace(
        report.case, case_version=2, state_before="reported", state_after="reported", place=found
    )
    return CaseLocated(case=head, place=found, outcome=outcome, purpose=report.purpose, jurisdiction=jurisdiction)
