"""Work that several units share: co-units' parts, whistles, complaints; each unit answers for its own."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from typing import Any

import msgspec
import pytest
from yiwang import contracts as c
from yiwang.evaluation import heard, whistles
from yiwang.evaluation.attribution import keys_of, parts_of
from yiwang.evaluation.counting import counters
from yiwang.evaluation.facts import Facts, decode, encode
from yiwang.evaluation.fold import fold
from yiwang.evaluation.rules import Rules, Unit
from yiwang.evaluation.testing import MORNING, Life
from yiwang.evaluation.vocabulary import COUNTERS, SHARE

RULES = Rules(units={"u8": Unit(unit_id="u8", name="供电所", parent="grid-co"), "grid-co": Unit(unit_id="grid-co", name="供电局")})
BEGUN = ["report 1", "+5 accept", "+5 file", "+5 dispatch u1 240"]


def lived(*steps: str) -> Facts:
    facts: Facts | None = None
    for seen in Life("c").lead(*BEGUN, *steps).seen:
        facts = decode(encode(fold(facts, seen)))
    assert facts is not None
    return facts


def of_unit(facts: Facts, unit: str) -> dict[str, int]:
    """What the unit has in the figures."""
    found: Counter[str] = Counter()
    for spot, hits in parts_of(facts, RULES).items():
        for _, kind, code, cls, _ in keys_of(spot, RULES, "440300"):
            if (kind, code, cls) == ("unit", unit, ""):
                found.update(hits)
    return dict(found)


SHARED = [one.name for one in COUNTERS if one.step == SHARE]


@pytest.mark.parametrize(
    ("steps", "own"),
    [
        (["+1 help a2 u8 60"], {"co_num": 1}),
        (["+1 help a2 u8 60", "+5 part a2 u8 started", "+5 part a2 u8 handled", "+5 part a2 u8 confirmed"],
         {"co_num": 1, "co_done": 1, "intime_co": 1}),
        (["+1 help a2 u8 60", "+90 part a2 u8 late"], {"co_num": 1, "overtime_co": 1}),
        (["+1 help a2 u8 60", "+90 part a2 u8 late", "+5 part a2 u8 confirmed"], {"co_num": 1, "co_done": 1, "overtime_co": 1}),
        (["+1 help a2 u8 60", "+5 part a2 u8 refused"], {"co_return": 1}),
        (["+1 help a2 u8 60", "+5 part a2 u8 handled", "+1 part a2 u8 rework", "+5 part a2 u8 confirmed"],
         {"co_num": 1, "co_done": 1, "intime_co": 1, "co_rework": 1}),
        (["+1 help a2 u8 60", "+5 part a2 u8 excused"], {"co_num": 1, "co_excused": 1}),
        (["+1 help a2 u8 60", "+5 return dept"], {}),
    ],
    ids=["asked", "confirmed in time", "its limit passed", "confirmed late", "refused", "done again", "gone on without it",
         "the whole case went back"],
)  # fmt: skip
def test_a_co_unit_answers_for_its_own_part_and_its_superior_for_both(steps: list[str], own: dict[str, int]) -> None:
    """The lead unit has none of it, the case as a whole has the sum."""
    facts = lived(*steps)

    assert of_unit(facts, "u8") == of_unit(facts, "grid-co") == own
    assert not set(SHARED) & set(of_unit(facts, "u1"))
    assert {name: n for name, n in counters(facts, RULES).items() if name in SHARED} == own


def test_two_co_units_are_two_parts_of_one_case() -> None:
    facts = lived("+1 help a2 u8 60", "+1 help a3 u9 60", "+5 part a3 u9 confirmed")

    found = counters(facts, RULES)
    assert (found["co_num"], found["co_done"], found["need_dispose"]) == (2, 1, 1)
    assert of_unit(facts, "u9") == {"co_num": 1, "co_done": 1, "intime_co": 1}


def test_a_new_round_is_one_of_every_part_too() -> None:
    """Reopened: who had confirmed has a part to do again; who gave it back has none; reworks stay counted."""
    parts = ["+1 help a2 u8 60", "+1 help a3 u9 60", "+5 part a2 u8 handled", "+1 part a2 u8 rework", "+5 part a2 u8 confirmed",
             "+5 part a3 u9 refused"]  # fmt: skip
    facts = lived(*parts, "+5 confirm", "+5 close", "+5 reopen 240")
    assert of_unit(facts, "u8") == {"co_num": 1, "co_rework": 1}
    assert of_unit(facts, "u9") == {"co_return": 1}


def test_a_complaint_counts_for_the_unit_complained_of_and_not_for_the_one_that_handles_it() -> None:
    life = Life("c").lead("report 11")
    said = msgspec.structs.replace(life.seen[0], complained_unit="u8")

    facts = fold(None, said)
    assert of_unit(facts, "u8") == {"complained_num": 1}
    assert counters(facts, RULES)["complained_num"] == 1


def test_an_arrival_is_judged_by_its_own_limit_and_a_new_unit_begins_anew() -> None:
    """到场: 30 minutes for what cameras find; late when the limit passed without anybody."""
    told = ("need_arrive", "intime_arrive", "overtime_arrive")

    def of(*steps: str) -> tuple[int, ...]:
        found = counters(lived(*steps), RULES)
        return tuple(found.get(name, 0) for name in told)

    assert of() == (0, 0, 0)
    assert of("+0 must_arrive 30") == (1, 0, 0)
    assert of("+0 must_arrive 30", "+20 arrive on_time") == (1, 1, 0)
    assert of("+0 must_arrive 30", "+40 missed") == of("+0 must_arrive 30", "+40 missed", "+1 arrive overdue") == (1, 0, 1)
    assert of("+0 must_arrive 30", "+20 arrive on_time", "+1 return dept", "+1 dispatch u2 60") == (0, 0, 0)


def test_what_people_are_told_by_a_snapshot_is_what_the_events_say() -> None:
    body = heard.BodySeen(
        head=Life("c").lead(*BEGUN).seen[-1].case,
        progress=heard.ProgressSeen(
            created_at=MORNING, matter="community", complained_unit="u7", arrival_timeliness="on_time",
            subtasks=(heard.SubTaskSeen(assignment=heard.AssignmentSeen(assignment_id="a2", unit_id="u8"), state="confirmed",
                                        timeliness="overdue"),),
        ),
    )  # fmt: skip
    seen = msgspec.structs.replace(Life("c").lead(*BEGUN).seen[-1], type="case.snapshot.v1", body=body)

    facts = fold(None, seen)
    assert of_unit(facts, "u8") == {"co_num": 1, "co_done": 1, "overtime_co": 1}
    assert of_unit(facts, "u7") == {"complained_num": 1}
    assert {"matter_community", "intime_arrive"} <= set(counters(facts, RULES))


def blow(kind: type[c.WhistleEvent], n: int, **fields: Any) -> whistles.WhistleSeen:
    """An event of one whistle as it comes over the wire."""
    event = kind(
        whistle_id="w", area="440310001003", kind="enforcement", id=f"e{n}", recorded_at=MORNING, jurisdiction="440310",
        source="440310/dispatch", subject="w", tenant_id="440310", correlation_id="w",
        occurred_at=MORNING + dt.timedelta(minutes=n), **fields,
    )  # fmt: skip
    data = c.encode(event)
    c.decode(data)
    return msgspec.json.decode(data, type=whistles.WhistleSeen)


def called(unit: str, role: str = "co") -> c.WhistleCall:
    return c.WhistleCall(unit_id=unit, role=role, respond_by=MORNING, arrive_by=MORNING)


BLOWN = blow(c.WhistleBlown, 0, units=(called("u1", "lead"), called("u8"), called("u9")), resolve_by=MORNING)
STORY = [
    BLOWN,
    blow(c.WhistleResponded, 1, unit_id="u1", timeliness="on_time"),
    blow(c.WhistleArrived, 2, unit_id="u1", arrived_at=MORNING, timeliness="on_time"),
    blow(c.WhistleOverdue, 3, unit_id="u8", what="arrive", due_at=MORNING),
    blow(c.WhistleArrived, 4, unit_id="u8", arrived_at=MORNING, timeliness="overdue"),
    blow(c.WhistleResolved, 5, unit_id="u1", timeliness="on_time"),
    blow(c.WhistleScored, 6, called=3, responded=1, resolved=True, satisfied=True, score=80, dissatisfied_with=("u1",)),
]


def whistled(*events: whistles.WhistleSeen) -> Facts:
    [facts] = whistles.tell({}, list(events)).new.values()
    return decode(encode(facts))


def test_a_whistle_counts_where_it_was_blown_and_each_unit_for_how_it_came() -> None:
    """响应率、解决率、满意率: three called, one there in time, settled; no case is counted anywhere."""
    facts = whistled(*STORY)

    assert counters(facts, RULES) == {
        "whistle_num": 1, "whistle_called": 3, "whistle_responded": 1, "whistle_arrived": 1, "whistle_late": 1,
        "whistle_resolved": 1, "intime_whistle": 1, "whistle_scored": 1, "whistle_satisfied": 1,
    }  # fmt: skip
    assert of_unit(facts, "u8") == {"whistle_called": 1, "whistle_late": 1}
    assert of_unit(facts, "u9") == {"whistle_called": 1}
    lead = of_unit(facts, "u1")
    assert (lead["whistle_num"], lead["whistle_arrived"], lead["whistle_resolved"]) == (1, 1, 1)
    assert "whistle_satisfied" not in lead
    areas = {spot.object for spot in parts_of(facts, RULES) if spot.kind == "area"}
    assert areas == {"440310001003"}


def test_whistles_are_the_same_in_whatever_order_and_however_often_they_are_heard() -> None:
    straight = whistled(*STORY)

    assert whistled(*reversed(STORY), *STORY[2:5]) == straight
    for order in itertools.permutations(STORY[:4]):
        assert whistled(*order, *STORY[4:]) == straight
    assert whistles.tell({straight.case_id: straight}, STORY).new == {}


def test_a_whistle_that_is_taken_back_counts_nowhere() -> None:
    facts = whistled(*STORY[:3], blow(c.WhistleWithdrawn, 7, opinion="误报"))

    assert parts_of(facts, RULES) == {}


def test_every_event_of_a_whistle_is_heard_and_folded() -> None:
    assert {c.tag_of(kind) for kind in whistles.heard()} == set(whistles.FOLDS)
    for kind in whistles.heard():
        assert kind.flow == "up"
