"""Work that several units share, arrival, the order of 721, kinds of matters and complaints: pure."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from yiwang.contracts import Actor, MediaRef, Point, tag_of
from yiwang.dispatch import clocks
from yiwang.dispatch.acts import BODIES, Act, Body
from yiwang.dispatch.auto import Work
from yiwang.dispatch.case import CO, Case
from yiwang.dispatch.domain import Step, step
from yiwang.dispatch.matrix import Matrix, Rule
from yiwang.dispatch.policies import Policies, Reopening
from yiwang.dispatch.practice import Arrival, Complaints, Matter, Practice, Resolution, Scope, Triage, Urgent
from yiwang.dispatch.refusals import Refused
from yiwang.dispatch.replay import follow
from yiwang.dispatch.resolution import tried
from yiwang.dispatch.shared import OPEN
from yiwang.dispatch.snapshot import body_of, case_of
from yiwang.dispatch.testing import BY_HAND, LITTER, MONDAY, PLACE, some_case, some_rules
from yiwang.dispatch.units import Unit, Units

PHOTO = MediaRef(media_id="m", sha256="a" * 64, size=1, mime="image/jpeg", stage="after", home_node="440300")
UNITS = Units([
    Unit(unit_id="sanitation", name="环卫所", trades=("sanitation",), areas=("440303",), parent="bureau"),
    Unit(unit_id="water", name="水务所", areas=("440303",)),
    Unit(unit_id="patrol", name="执法队", trades=("enforcement",), areas=("440303",), parent="bureau"),
    Unit(unit_id="team", name="执法一中队", areas=("440303",), parent="patrol"),
    Unit(unit_id="bureau", name="城管局"),
    Unit(unit_id="discipline", name="督察大队"),
])  # fmt: skip
SHARED = Matrix([Rule(rule_id="all", lead="unit:sanitation", co=("unit:water", "unit:patrol"))], UNITS, "m1")


def the_rules(**change: Any) -> Any:
    return some_rules(**({"auto": BY_HAND, "units": UNITS, "matrix": SHARED} | change))


def act(case: Case, rules: Any, who: str, action: str, at: dt.datetime = MONDAY, **fields: Any) -> Step:
    """*who* is ``role`` or ``role@unit``."""
    role, _, unit = who.partition("@")
    kind: Any = BODIES[action]
    given = {k: v for k, v in ({"opinion": "说明", "media": (PHOTO,)} | fields).items() if k in kind.__struct_fields__}
    by = Actor(person_ref=f"p-{unit or role}", role=role, unit_id=unit)
    return step(case, Act(action=action, role=role, at=at, body=kind(**given), by=by, number="4403"), rules)


def sent(rules: Any, case: Case | None = None, **dispatch: Any) -> Case:
    """Accepted, filed and dispatched."""
    case = act(case or some_case(), rules, "acceptor", "accept").case
    case = act(case, rules, "acceptor", "file").case
    return act(case, rules, "dispatcher", "dispatch", **dispatch).case


def refusal(*args: Any, **fields: Any) -> str:
    with pytest.raises(Refused) as refused:
        act(*args, **fields)
    assert "{" not in str(refused.value)
    return refused.value.key


def finish(case: Case, rules: Any, unit: str, at: dt.datetime) -> Case:
    """A co-unit does and confirms its part."""
    case = act(case, rules, f"dept_operator@{unit}", "assign_co_handler", handler_ref=f"p-{unit}").case
    case = act(case, rules, f"handler@{unit}", "submit_co_result", at).case
    return act(case, rules, f"dept_operator@{unit}", "confirm_co", at).case


def test_each_co_unit_has_its_own_limit_handler_and_result_and_the_lead_confirms_last() -> None:
    """Water in time, the patrol late: each is judged by its own limit, the case by the lead's."""
    rules = the_rules()
    case = sent(rules)
    assert [(s.assignment.unit_id, s.state) for s in case.subtasks] == [("water", "waiting"), ("patrol", "waiting")]
    assert [c.clock.owner_unit for c in case.clocks if c.clock.stage == CO] == ["water", "patrol"]
    case = finish(case, rules, "water", MONDAY + dt.timedelta(hours=1))
    case = act(case, rules, "dept_operator@sanitation", "assign_handler", handler_ref="h").case
    case = act(case, rules, "handler@sanitation", "submit_result", resolution_mode="manage").case
    assert refusal(case, rules, "dept_operator@sanitation", "dept_confirm") == "parts_missing"
    case = finish(case, rules, "patrol", MONDAY + dt.timedelta(days=1))

    assert [s.timeliness for s in case.subtasks] == ["on_time", "overdue"]
    done = act(case, rules, "dept_operator@sanitation", "dept_confirm", MONDAY + dt.timedelta(hours=2))
    assert done.events[0].timeliness == "on_time"  # type: ignore[attr-defined]
    assert not [c for c in done.case.clocks if c.stopped_at is None]


@pytest.mark.parametrize("policy", ["restart", "resume"])
def test_a_new_round_of_the_case_is_one_of_every_part_too(policy: str) -> None:
    """Reopened: who had confirmed or was excused does its part again under its whole limit; who gave it back doesn't."""
    rules = the_rules(policies=Policies(reopening=Reopening(clock=policy)))
    case = finish(sent(rules), rules, "water", MONDAY)
    case = act(case, rules, "dept_operator@patrol", "return_co").case
    case = act(case, rules, "dispatcher", "add_co", unit_id="team").case
    for who, action, fields in [
        ("dept_operator@sanitation", "excuse_co", {}),
        ("dept_operator@sanitation", "assign_handler", {"handler_ref": "h"}),
        ("handler@sanitation", "submit_result", {"resolution_mode": "manage"}),
        ("dept_operator@sanitation", "dept_confirm", {}), ("dispatcher", "pass", {}),
        ("collector", "check_result", {"result": "pass"}), ("acceptor", "close", {"closing_condition_ids": ("c1-done",)}),
    ]:  # fmt: skip
        case = act(case, rules, who, action, **fields).case
    tuesday = MONDAY + dt.timedelta(days=1)

    again = act(case, rules, "acceptor", "reopen", tuesday, cause="complaint")

    states = {s.assignment.unit_id: (s.state, s.handler_ref, s.timeliness) for s in again.case.subtasks}
    assert states == {"water": ("waiting", "", None), "patrol": ("returned", "", None), "team": ("waiting", "", None)}
    open_parts = {c.clock.owner_unit: c.clock.started_at for c in again.case.clocks if c.clock.stage == CO}
    assert open_parts == {"water": tuesday, "team": tuesday}
    assert follow(case, again.events[0], two_commands=False).subtasks == again.case.subtasks
    case = again.case
    for unit in ("water", "team"):
        case = finish(case, rules, unit, tuesday + dt.timedelta(hours=1))
    assert {s.timeliness for s in case.subtasks} == {"on_time", None}


def test_the_lead_may_go_on_without_a_part_where_the_city_allows_it_and_says_why() -> None:
    """By rule a missing part is explained, or waited for."""
    rules, strict = the_rules(), the_rules(practice=Practice(co_missing="never"))
    case = finish(sent(rules), rules, "water", MONDAY)
    assert refusal(case, strict, "dept_operator@sanitation", "excuse_co") == "part_never_missing"
    assert refusal(case, rules, "dept_operator@sanitation", "excuse_co", opinion=" ") == "opinion_missing"

    done = act(case, rules, "dept_operator@sanitation", "excuse_co", opinion="执法队当日有重大保障任务")

    assert [s.state for s in done.case.subtasks] == ["confirmed", "excused"]
    assert done.case.subtasks[1].reason == "执法队当日有重大保障任务"


def test_one_part_goes_back_without_the_others() -> None:
    """Rework of one assignment: its clock starts anew, it is counted for that unit alone."""
    rules = the_rules()
    case = finish(finish(sent(rules), rules, "water", MONDAY), rules, "patrol", MONDAY)
    which = case.subtasks[0].assignment.assignment_id
    assert refusal(case, rules, "dept_operator@sanitation", "rework_co") == "part_choice"

    done = act(case, rules, "dept_operator@sanitation", "rework_co", MONDAY + dt.timedelta(hours=1), assignment_id=which)

    assert [(s.state, s.rework_count) for s in done.case.subtasks] == [("waiting", 1), ("confirmed", 0)]
    assert done.case.rework_count == 0
    [clock] = [c.clock for c in done.case.clocks if c.clock.stage == CO]
    assert clock.started_at == MONDAY + dt.timedelta(hours=1)


def test_a_co_unit_that_is_the_wrong_one_returns_its_part_and_another_is_asked() -> None:
    """The lead's own work isn't touched by that."""
    rules = the_rules()
    case = act(sent(rules), rules, "dept_operator@water", "return_co", opinion="不属本单位").case
    assert case.subtasks[0].state == "returned"
    assert case.state == "dispatched"
    assert refusal(case, rules, "dispatcher", "add_co", unit_id="patrol") == "unit_at_work"

    more = act(case, rules, "dispatcher", "add_co", unit_id="team")

    assert [s.assignment.unit_id for s in more.case.subtasks] == ["water", "patrol", "team"]
    assert tag_of(type(more.events[0])) == "case.subtask_assigned.v1"


def test_nobody_acts_on_another_units_part() -> None:
    """Nor does the lead do the co-unit's work."""
    rules = the_rules()
    case = sent(rules)
    of_water = case.subtasks[0].assignment.assignment_id
    assert refusal(case, rules, "dept_operator@sanitation", "confirm_co") == "part_missing"
    other = {"assignment_id": of_water, "handler_ref": "x"}
    assert refusal(case, rules, "dept_operator@patrol", "assign_co_handler", **other) == "part_missing"
    case = act(case, rules, "dept_operator@water", "assign_co_handler", handler_ref="somebody").case
    assert refusal(case, rules, "handler@water", "submit_co_result") == "not_the_handler"


def test_when_the_lead_returns_the_case_the_parts_end_with_it() -> None:
    """The next dispatch starts afresh."""
    rules = the_rules()
    case = act(sent(rules), rules, "dept_operator@sanitation", "dept_return").case
    assert case.subtasks == ()
    assert [c.clock.stage for c in case.clocks if c.stopped_at is None] == ["dispatch"]


# Arrival

HERE = Point(lon=114.1, lat=22.5, crs="cgcs2000")
VIDEO = Arrival(scope=Scope(channels=frozenset({"1"})), limit=30, unit_kind="urgent_minute", within_m=100)


def at_the_place(**practice: Any) -> tuple[Case, Any]:
    rules = the_rules(practice=Practice(arrivals=(VIDEO,), **practice))
    case = some_case()
    case.place = msgspec.structs.replace(PLACE, point=HERE)
    return sent(rules, case), rules


@pytest.mark.parametrize(("minutes", "timeliness"), [(30, "on_time"), (31, "overdue")])
def test_who_must_be_there_in_half_an_hour_is_timed(minutes: int, timeliness: str) -> None:
    """Video finds: at the place within 30 minutes; the very minute is on time."""
    case, rules = at_the_place()
    then = MONDAY + dt.timedelta(minutes=minutes)
    near = Point(lon=114.1005, lat=22.5, crs="wgs84")

    done = act(case, rules, "handler@sanitation", "arrive", then, point=near)

    [event] = done.events
    assert (event.timeliness, event.task_id) == (timeliness, case.assignments[0].assignment_id)  # type: ignore[attr-defined]
    assert 40 < event.distance_m < 60  # type: ignore[attr-defined]
    assert done.case.clock("arrive") is None
    assert refusal(done.case, rules, "handler@sanitation", "arrive", then, point=near) == "already_arrived"


def test_an_arrival_is_shown_by_a_position_near_the_place_or_by_word() -> None:
    """Too far, another datum, a time before the dispatch, or nothing at all is refused."""
    case, rules = at_the_place()
    far = Point(lon=114.2, lat=22.5, crs="cgcs2000")
    gcj = Point(lon=114.1, lat=22.5, crs="gcj02")
    who = (case, rules, "handler@sanitation", "arrive")
    assert refusal(*who, point=far) == "too_far"
    assert refusal(*who, point=gcj) == "point_datum"
    assert refusal(*who) == "arrival_not_shown"
    assert refusal(*who, statement="x", arrived_at=MONDAY - dt.timedelta(minutes=1)) == "arrival_time"
    assert act(*who, statement="地下室无定位，由物业人员确认").case.times["arrived"] == MONDAY


def test_a_late_arrival_rings_and_a_suspended_case_expects_nobody() -> None:
    """The alarm names the stage; the clock stands with the disposal clock."""
    case, rules = at_the_place()
    clock = case.clock("arrive")
    assert clock is not None
    assert clocks.next_alarm(case, rules) == MONDAY + dt.timedelta(minutes=22, seconds=30)
    hung = act(case, rules, "dispatcher", "suspend", resume_on=MONDAY + dt.timedelta(days=1)).case
    standing = hung.clock("arrive")
    assert standing is not None
    assert not standing.running


# 721, matters, urgency, complaints


@pytest.mark.parametrize(
    ("before", "mode", "key"),
    [((), "manage", ""), ((), "enforce", "mode_skipped"), (("manage",), "enforce", ""), (("manage",), "service", "mode_back")],
)
def test_service_manage_enforce_come_in_this_order(before: tuple[str, ...], mode: str, key: str) -> None:
    """721: leaving a step out, or going back, wants a reason where the city says so."""
    rules = the_rules(practice=Practice(resolution=Resolution(first="manage", skip=False, back=False)))
    case = act(sent(rules), rules, "dept_operator@sanitation", "assign_handler", handler_ref="p-sanitation").case
    case.modes = before
    who = (case, rules, "handler@sanitation", "submit_result")
    if key:
        assert refusal(*who, resolution_mode=mode) == key
    done = act(*who, resolution_mode=mode, mode_reason="当事人拒不改正" if key else "")
    event: Any = done.events[0]
    assert done.case.modes == (*before, mode)
    assert (event.mode_before, bool(event.mode_reason)) == (before[-1] if before else "", bool(key))
    assert tried(done.case.modes, mode) == done.case.modes


MATTERS = (
    Matter(code="government", name="大事政府快办"),
    Matter(code="private", name="私事自己办", by_hand=True),
)
TRIAGE = (
    Triage(rule_id="danger", scope=Scope(), keywords=("塌陷", "坠落"), urgency="urgent"),
    Triage(rule_id="home", scope=Scope(), keywords=("邻居",), matter="private"),
    Triage(rule_id="rest", scope=Scope(categories=("event/*",)), matter="government"),
)
SORTED = Practice(
    matters=MATTERS,
    triage=TRIAGE,
    urgent=Urgent(stages={"dispatch": (5, "urgent_minute")}, units={"work_hour": "urgent_hour"}),
)


def test_rules_propose_kind_and_urgency_and_the_acceptor_puts_them_right() -> None:
    """三事分流、急缓分流: by words in the masked text, class, channel and area."""
    rules = the_rules(practice=SORTED)
    case = some_case(description_masked="邻居家阳台花盆要坠落")

    taken: Any = act(case, rules, "acceptor", "accept").events[0]
    assert (taken.matter, taken.urgency, taken.triage_rule) == ("private", "urgent", "home、danger")
    assert not taken.triage_corrected
    corrected: Any = act(case, rules, "acceptor", "accept", matter="government", urgency="normal").events[0]
    assert (corrected.matter, corrected.urgency, corrected.triage_corrected) == ("government", "normal", True)
    assert refusal(case, rules, "acceptor", "accept", matter="whatever") == "matter_unknown"


def test_an_urgent_case_runs_on_the_limits_of_urgent_cases() -> None:
    """紧急: five minutes to dispatch, and the disposal limit counts night and noon too."""
    rules = the_rules(practice=SORTED)
    case = act(some_case(description_masked="路面塌陷"), rules, "acceptor", "accept").case
    case = act(case, rules, "acceptor", "file").case
    waiting = case.clock("dispatch")
    assert waiting is not None
    assert waiting.clock.due_at == MONDAY + dt.timedelta(minutes=5)
    case = act(case, rules, "dispatcher", "dispatch").case
    assert (case.unit_kind, case.clocks[0].clock.due_at) == ("urgent_hour", MONDAY + dt.timedelta(hours=4))


def test_a_private_matter_waits_for_a_person_even_where_rules_accept() -> None:
    """私事自己办: the acceptor says so; nothing is filed by rule."""
    rules = the_rules(practice=SORTED, auto=some_rules().auto)
    assert not Work(some_case(description_masked="邻居噪音"), rules, MONDAY).run()
    work = Work(some_case(description_masked="垃圾满溢"), rules, MONDAY)
    assert work.run()


def test_a_complaint_never_goes_to_the_unit_complained_of() -> None:
    """Neither by the matrix nor by a dispatcher; the supervising unit of the profile gets it, else the one above."""
    matrix = Matrix([Rule(rule_id="all", lead="unit:patrol", co=("unit:team", "unit:water"))], UNITS, "m1")
    rules = the_rules(matrix=matrix)
    case = act(some_case(category=LITTER), rules, "acceptor", "accept", complained_unit="patrol").case
    case = act(case, rules, "acceptor", "file").case

    assert act(case, rules, "dispatcher", "dispatch").case.assignments[0].unit_id == "bureau"
    named = the_rules(matrix=matrix, practice=Practice(complaints=Complaints(supervisory={"bureau": "discipline"})))
    assert act(case, named, "dispatcher", "dispatch").case.assignments[0].unit_id == "discipline"
    for unit in ("patrol", "team"):
        assert refusal(case, rules, "dispatcher", "dispatch", unit_id=unit, overridden_reason="x") == "unit_complained_of"
    with pytest.raises(Refused, match="此案投诉的正是“执法一中队”或其上级"):
        act(case, rules, "dispatcher", "dispatch", unit_id="team", overridden_reason="x")
    at_work = act(case, rules, "dispatcher", "dispatch", unit_id="water", overridden_reason="x").case
    assert refusal(at_work, rules, "dispatcher", "add_co", unit_id="patrol") == "unit_complained_of"


def test_a_reporter_names_the_unit_in_their_own_words() -> None:
    """By name it is the unit; what the register doesn't know goes nowhere by rule, until the acceptor says which unit it is."""
    matrix = Matrix([Rule(rule_id="all", lead="unit:patrol")], UNITS, "m1")
    rules = the_rules(matrix=matrix, auto=some_rules().auto)
    named = Work(some_case(complained_unit="执法队"), rules, MONDAY)
    assert named.run()
    named.run("4403")
    assert named.case.lead is not None
    assert named.case.lead.unit_id == "bureau"

    unclear = Work(some_case(complained_unit="城管的人"), rules, MONDAY)
    assert not unclear.run()
    assert unclear.case.state == "reported", "a person looks first"
    assert refusal(unclear.case, rules, "acceptor", "accept") == "complained_unclear"
    assert act(unclear.case, rules, "acceptor", "accept", complained_unit="patrol").case.complained_unit == "patrol"
    nobody = act(unclear.case, rules, "acceptor", "accept", complained_unit="-").case
    filed = act(nobody, rules, "acceptor", "file").case
    assert act(filed, rules, "dispatcher", "dispatch").case.assignments[0].unit_id == "patrol"
    raw = msgspec.structs.replace(filed, complained_unit="城管的人")
    assert refusal(raw, rules, "dispatcher", "dispatch") == "unit_choice"


# Any course of shared work


class Together(RuleBasedStateMachine):
    """A lead and two co-units in the hands of hypothesis."""

    @initialize()
    def begin(self) -> None:
        self.rules = the_rules(practice=Practice(arrivals=(VIDEO,)))
        self.first = self.case = sent(self.rules)
        self.said: list[Any] = []
        self.now = MONDAY

    @rule(minutes=st.integers(1, 600))
    def time_passes(self, minutes: int) -> None:
        self.now += dt.timedelta(minutes=minutes)

    @rule(
        action=st.sampled_from([
            "assign_co_handler", "submit_co_result", "confirm_co", "return_co", "rework_co", "excuse_co", "add_co", "arrive",
            "assign_handler", "submit_result", "dept_confirm", "suspend", "resume", "dept_return", "dispatch", "pass",
            "dispatcher_reject",
        ]),
        unit=st.sampled_from(["sanitation", "water", "patrol", "team"]),
        role=st.sampled_from(["dept_operator", "handler", "dispatcher"]),
        nth=st.integers(0, 4),
    )  # fmt: skip
    def somebody_acts(self, action: str, unit: str, role: str, nth: int) -> None:
        ids = [s.assignment.assignment_id for s in self.case.subtasks]
        fields: dict[str, Any] = {
            "assignment_id": ids[nth] if nth < len(ids) else "", "handler_ref": f"p-{unit}", "statement": "到达",
            "resolution_mode": "manage", "resume_on": self.now + dt.timedelta(days=20), "unit_id": unit,
            "overridden_reason": "就近",
        }  # fmt: skip
        try:
            done = act(self.case, self.rules, f"{role}@{unit}", action, self.now, **fields)
        except Refused:
            return
        self.case = done.case
        self.said += done.events

    @invariant()
    def every_open_part_has_its_clock_and_no_other_runs(self) -> None:
        running = {c.clock.clock_id for c in self.case.clocks if c.stopped_at is None and c.clock.stage == CO}
        assert running == {s.assignment.clock.clock_id for s in self.case.subtasks if s.state in OPEN}

    @invariant()
    def the_lead_never_confirms_before_the_parts_are_in(self) -> None:
        if self.case.confirmed:
            assert not [s for s in self.case.subtasks if s.state in OPEN]

    @invariant()
    def its_events_alone_tell_the_same_parts(self) -> None:
        told = self.first
        for event in self.said:
            told = follow(told, event, False)
        names = ("version", "state", "assignments", "subtasks", "times", "modes", "arrival_timeliness", "confirmed")
        assert {n: getattr(told, n) for n in names} == {n: getattr(self.case, n) for n in names}
        ends = [{c.clock.clock_id: c.clock.due_at for c in x.clocks if not c.stopped_at} for x in (told, self.case)]
        assert ends[0] == ends[1]

    @invariant()
    def another_node_can_go_on_with_it(self) -> None:
        moved = case_of(body_of(self.case, ()))
        assert (moved.subtasks, moved.modes, moved.matter) == (self.case.subtasks, self.case.modes, self.case.matter)


TestTogether = Together.TestCase
TestTogether.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_every_body_of_shared_work_refuses_what_it_does_not_know() -> None:
    """As every other action's."""
    kind: type[Body] = BODIES["arrive"]
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"arrivd_at": "x"}, kind)
