"""Random lives of cases: whatever people do, versions, clocks, history and queues stay true."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from yiwang.contracts import (
    Actor,
    CaseAppealDecided,
    CaseAppealed,
    CaseExtensionDecided,
    CaseReopened,
    MediaRef,
    UnitRef,
    tag_of,
)
from yiwang.contracts.case import ImportedOutcome
from yiwang.dispatch import clocks
from yiwang.dispatch.acts import BODIES, Act, CategoryChoice, JoinedBody
from yiwang.dispatch.alarms import ring
from yiwang.dispatch.auto import Work
from yiwang.dispatch.calendar import limit_seconds, used_seconds
from yiwang.dispatch.case import Case
from yiwang.dispatch.domain import Step, choose, step
from yiwang.dispatch.queues import QUEUES, queue_of
from yiwang.dispatch.refusals import REFUSALS, Refused
from yiwang.dispatch.replay import follow
from yiwang.dispatch.rules import Rules
from yiwang.dispatch.states import FINAL, IMPORT, SYSTEM, TABLE, rows_for
from yiwang.dispatch.states_shared import SHARED
from yiwang.dispatch.testing import BY_HAND, LITTER, MONDAY, STALLS, some_case, some_rules

PHOTO = MediaRef(media_id="m", sha256="a" * 64, size=1, mime="image/jpeg", stage="after", home_node="440300")
PEOPLE = {role: Actor(person_ref=f"p-{role}", role=role, unit_id=f"u-{role}") for row in TABLE for role in row.roles}


def a_body(action: str, result: str, at: dt.datetime) -> Any:
    """A body with which the action has the best chance."""
    good: dict[str, Any] = {
        "opinion": "情况属实",
        "media": (PHOTO,),
        "resume_on": at + dt.timedelta(days=30),
        "reason_code": "x",
        "handler_ref": "p-handler",
        "resolution_mode": "service",
        "agency_id": "agency",
        "item_code": "i1",
        "closing_condition_ids": ("c1-done", "c2-done", "c3-done"),
        "result": result,
    }
    if action in ("merge", "absorb", "link"):
        return JoinedBody(opinion="同一问题", other_id="case-2", relation="similar", report_ids=("r-2",), wants_reply=True)
    kind = BODIES[action]
    return kind(**{k: v for k, v in good.items() if k in kind.__struct_fields__})


def outcome(case: Case, act: Act, rules: Rules) -> Step | Refused:
    """What the act does, or why it is refused."""
    try:
        return step(case, act, rules)
    except Refused as refused:
        return refused


MAIN_LINE = {
    "reported": ("accept", "", "acceptor"),
    "verifying": ("verify_result", "exist", "collector"),
    "accepted": ("file", "", "shift_leader"),
    "filed": ("dispatch", "", "dispatcher"),
    "dispatched": ("assign_handler", "", "dept_operator"),
    "handling": ("submit_result", "", "handler"),
    "feedback": ("dept_confirm", "", "dept_operator"),
    "checking": ("check_result", "pass", "collector"),
    "closing": ("close", "", "acceptor"),
    "suspended": ("resume", "", "dispatcher"),
}


class Life(RuleBasedStateMachine):
    """One case in the hands of hypothesis."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[Any] = []
        self.steps: list[Step] = []

    @initialize(
        two=st.booleans(),
        policy=st.sampled_from(["skip", "must", "human_confirm"]),
        category=st.sampled_from([LITTER, STALLS, None]),
        void=st.booleans(),
        rework=st.sampled_from(["restart", "resume"]),
        self_disposed=st.booleans(),
        far=st.integers(0, 12),
    )
    def begin(
        self, two: bool, policy: str, category: Any, void: bool, rework: str, self_disposed: bool, far: int
    ) -> None:
        self.rules = some_rules(two_commands=two, void_not_exist=void, rework_clock=rework, auto=BY_HAND)
        self.case: Case = some_case(verify_policy=policy, category=category, self_disposed=self_disposed)
        self.first = self.case
        self.now = MONDAY
        for _ in range(far):
            self.the_main_line_goes_on()

    @rule()
    def the_main_line_goes_on(self) -> None:
        """The usual next step, so that many lives get old."""
        case = self.case
        action, result, role = MAIN_LINE.get(case.state, ("", "", ""))
        if case.state == "reported" and case.flags.self_disposed:
            action, result, role = "audit_self_disposed", "not_ok", "acceptor"
        elif case.state == "reported" and case.verify_policy != "skip" and case.verified != "exist":
            action, role = "send_verify", "acceptor"
        elif case.state == "filed" and case.command == "city" and self.rules.two_commands:
            action = "dispatch_down"
        elif case.state == "feedback" and case.confirmed:
            action, role = "pass", "dispatcher"
        elif case.state == "checking" and case.task is None:
            action, role = "decide_check", "shift_leader"
        if action:
            self._try(self._act(action, result, role))

    @rule(minutes=st.integers(0, 3000))
    def time_passes(self, minutes: int) -> None:
        self.now += dt.timedelta(minutes=minutes)
        if (due := clocks.next_alarm(self.case, self.rules)) is not None and due <= self.now:
            done = ring(self.case, self.rules, self.now)
            self.case = done.case
            self.said += done.events
            assert (later := clocks.next_alarm(self.case, self.rules)) is None or later > self.now

    @precondition(lambda self: self.case.state != "voided")
    @rule(data=st.data())
    def somebody_acts(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from([r for r in TABLE if r.state == self.case.state]))
        role = data.draw(st.sampled_from(row.roles))
        if role == IMPORT:
            return
        self._try(self._act(row.action, row.result, role, classify=data.draw(st.booleans())))

    def _act(self, action: str, result: str, role: str, classify: bool = True) -> Act:
        body = a_body(action, result, self.now)
        if classify and action in ("accept", "verify_result", "correct"):
            body = msgspec.structs.replace(body, category=CategoryChoice(kind="event", major="01", minor="01"))
        elif action == "correct":
            body = msgspec.structs.replace(
                body, category=CategoryChoice(kind="event", major="02", minor="01"), condition_id="c3", area="440304"
            )
        if action == "file" and self.case.category and self.case.category.major == "02":
            body = msgspec.structs.replace(body, condition_id="c2")
        if action == "dispatch":
            body = msgspec.structs.replace(body, unit_id="patrol", overridden_reason="就近")
        return Act(action=action, role=role, at=self.now, body=body, by=PEOPLE[role], number="440300")

    @precondition(lambda self: self.case.state == "voided")
    @rule(action=st.sampled_from(sorted(BODIES)), role=st.sampled_from(sorted(PEOPLE)))
    def nothing_more_can_be_done(self, action: str, role: str) -> None:
        before = msgspec.json.encode(self.case)
        result = next((r.result for r in TABLE if r.action == action), "")
        act = Act(action=action, role=role, at=self.now, body=a_body(action, result, self.now))
        refused = outcome(self.case, act, self.rules)
        assert isinstance(refused, Refused)
        assert refused.key in ("not_now", "result_unknown")
        assert msgspec.json.encode(self.case) == before

    def _try(self, act: Act) -> None:
        before = msgspec.json.encode(self.case)
        done = outcome(self.case, act, self.rules)
        assert msgspec.json.encode(self.case) == before, "a step changes its own copy only"
        if isinstance(done, Refused):
            assert str(done)
            assert done.key in REFUSALS
            return
        row_emits = {r.emits for r in rows_for(self.case.state, act.action)}
        assert tuple(tag_of(type(e)).removesuffix(".v1") for e in done.events) in row_emits
        self.case = done.case
        self.steps.append(done)
        self.said += done.events

    @invariant()
    def versions_run_without_a_gap(self) -> None:
        versions = [e.case.case_version for e in self.said]
        assert versions == list(range(3, 3 + len(versions)))
        assert self.case.version == 2 + len(versions)

    @invariant()
    def every_event_starts_where_the_last_one_ended(self) -> None:
        state = "reported"
        for event in self.said:
            assert event.case.state_before == state
            state = event.case.state_after
        assert state == self.case.state

    @invariant()
    def the_history_replays_to_the_state(self) -> None:
        state, seq, since = "reported", 1, self.first.since
        for one in self.steps:
            record = one.record
            assert (record.seq, record.state_before) == (seq + 1, state)
            assert since <= record.started_at <= record.ended_at
            state, seq, since = record.state_after, record.seq, record.started_at
        assert (state, seq) == (self.case.state, self.case.seq)

    @invariant()
    def clocks_add_up(self) -> None:
        for one in self.case.clocks:
            end = one.stopped_at or self.now
            spans = [(p.start, p.end or end) for p in one.pauses]
            wall = used_seconds(one.clock.started_at, end, spans, "urgent_minute", self.rules.calendar)
            paused = clocks.paused_s(one, end)
            assert abs(wall + paused - (end - one.clock.started_at).total_seconds()) <= 1
            assert 0 <= clocks.used_s(one, end, self.rules) <= wall + 1

    @invariant()
    def the_right_clock_runs(self) -> None:
        open_stages = [c.clock.stage for c in self.case.clocks if c.stopped_at is None]
        assert len(open_stages) == len(set(open_stages)), "one clock per stage"
        state = self.case.state
        at_work = state in ("dispatched", "handling", "suspended") or (state == "feedback" and not self.case.confirmed)
        assert ("disposal" in open_stages) == at_work
        assert ("dispatch" in open_stages) == (state == "filed")
        if state in FINAL:
            assert open_stages == []
            assert self.case.requests == ()
        disposal = self.case.clock("disposal")
        if disposal is not None:
            assert disposal.running == (state != "suspended")

    @invariant()
    def on_time_means_not_later_than_the_deadline(self) -> None:
        for one in self.steps:
            if one.record.action == "dept_confirm" and one.record.due_at:
                [event] = one.events
                on_time = one.record.ended_at <= one.record.due_at
                assert event.timeliness == ("on_time" if on_time else "overdue")
                assert event.used_s == one.record.used_s
                assert (event.used_s <= event.limit_s) == on_time or abs(event.used_s - event.limit_s) <= 1

    @invariant()
    def it_waits_in_a_queue_of_somebody_who_may_act(self) -> None:
        queue = queue_of(self.case)
        assert (queue == "") == (self.case.state in FINAL)
        if queue not in ("", "locate"):
            able = {role for row in TABLE if row.state == self.case.state for role in row.roles}
            assert able & set(QUEUES[queue][1])

    @invariant()
    def a_number_once_given_stays(self) -> None:
        numbers = [e.case.case_no for e in self.said]
        first = next((i for i, no in enumerate(numbers) if no), len(numbers))
        assert set(numbers[first:]) <= {"440300"}
        assert all(tag_of(type(e)) != "case.filed.v1" for e in self.said[:first])

    @invariant()
    def more_time_is_given_twice_at_the_most_and_one_limit_each(self) -> None:
        case = self.case
        assert case.postpone_count <= self.rules.policies.extension.most
        for one in case.clocks:
            whole = limit_seconds(one.clock.limit, one.clock.unit_kind)
            assert one.clock.extended_s % whole == 0
            assert one.clock.extended_s <= whole * case.postpone_count
        granted = [e for e in self.said if isinstance(e, CaseExtensionDecided) and e.new_due_at]
        assert len(granted) == case.postpone_count
        assert all(e.new_due_at > e.old_due_at >= e.occurred_at for e in granted)

    @invariant()
    def an_appeal_is_made_once_and_changes_no_fact(self) -> None:
        appealed = sum(isinstance(e, CaseAppealed) for e in self.said)
        final = [e for e in self.said if isinstance(e, CaseAppealDecided) and e.final]
        stood = appealed - sum(e.decision == "withdrawn" for e in final)
        assert stood in (0, 1)
        assert (self.case.appeal is not None) == bool(stood)
        assert sum(e.decision != "withdrawn" for e in final) <= stood
        assert all(not e.exempt for e in self.said if isinstance(e, CaseAppealDecided) and not e.final)

    @invariant()
    def every_reopening_is_a_new_round(self) -> None:
        rounds = [e.case.round for e in self.said]
        assert rounds == sorted(rounds)
        assert self.case.round == 1 + sum(isinstance(e, CaseReopened) for e in self.said)

    @invariant()
    def requests_wait_only_where_the_unit_has_the_case(self) -> None:
        kinds = [one.kind for one in self.case.requests]
        assert len(kinds) == len(set(kinds))
        assert not kinds or self.case.state in ("dispatched", "handling")
        assert all(one.level < len(one.path) for one in self.case.requests)

    @invariant()
    def its_events_alone_tell_the_same_case(self) -> None:
        told = self.first
        for event in self.said:
            told = follow(told, event, self.rules.two_commands)
        assert _essence(told) == _essence(self.case)

    @invariant()
    def it_survives_being_written_down(self) -> None:
        assert msgspec.json.decode(msgspec.json.encode(self.case), type=Case) == self.case


def _essence(case: Case) -> dict[str, Any]:
    """What must be known of a case to go on with it."""
    clocks_ = [
        (c.clock.clock_id, c.clock.due_at, c.running, c.warned, c.overdue) for c in case.clocks if not c.stopped_at
    ]
    names = (
        "version", "state", "case_no", "category", "condition_id", "place", "located", "flags", "assignments", "handler_ref",
        "task", "tasks", "unable", "confirmed", "timeliness", "rework_count", "hang_count", "return_count", "resume_on",
        "postpone_count", "requests", "stock", "stock_on", "appeal", "links", "round", "report_ids", "merged_into", "wants_reply",
        "came_from", "verified", "unit_kind", "limit", "closing_conditions", "times", "units", "resolution_mode",
    )  # fmt: skip
    essence = {name: getattr(case, name) for name in names} | {"clocks": sorted(clocks_)}
    return essence | ({"command": case.command} if case.state == "filed" else {})


TestLives = Life.TestCase
TestLives.settings = settings(
    max_examples=120, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_imported_history_is_closed_by_the_same_table() -> None:
    """A told case walks accept, file, dispatch, confirm, close; the end lies on the told side of the limit."""
    for timeliness in ("on_time", "overdue", None):
        told = ImportedOutcome(unit=UnitRef(unit_id="8508", unit_name="综合执法队"), timeliness=timeliness)
        case = some_case(imported=told, purpose="historical", located=False, verify_policy="must")
        work = Work(case, some_rules(), MONDAY)

        assert work.run()
        assert not work.run("44030020261123" + "00001")

        assert [tag_of(type(e)) for e in work.events] == [
            "case.accepted.v1", "case.filed.v1", "case.dispatched.v1", "case.handling_confirmed.v1", "case.closed.v1",
        ]  # fmt: skip
        confirmed, closed = work.events[-2:]
        due = work.events[2].assignments[0].clock.due_at
        assert work.events[2].assignments[0].unit_id == "8508"
        assert (confirmed.timeliness, confirmed.timeliness_source) == (timeliness, "imported")
        assert (confirmed.occurred_at > due) == (timeliness == "overdue")
        assert closed.summary.timeliness == timeliness
        assert all(e.purpose == "historical" for e in work.events)
        assert clocks.next_alarm(work.case, some_rules()) is None


def test_rules_take_a_clear_case_to_its_unit_in_one_go() -> None:
    """A patrol's litter with one condition and one unit needs nobody before the department."""
    work = Work(some_case(), some_rules(two_commands=True), MONDAY)

    assert work.run()
    work.run("440300" + "20261123" + "00001")

    assert [tag_of(type(e)) for e in work.events] == [
        "case.accepted.v1", "case.filed.v1", "case.dispatched.v1", "case.dispatched.v1",
    ]  # fmt: skip
    assert [e.dispatch_level for e in work.events[2:]] == ["city", "district"]
    assert work.case.state == "dispatched"
    assert work.case.lead is not None
    assert work.case.lead.unit_id == "sanitation"


def test_where_a_choice_is_left_the_case_waits_for_a_person() -> None:
    """Stalls have two conditions: accepted by rule, filed by a person."""
    work = Work(some_case(category=STALLS), some_rules(), MONDAY)

    assert not work.run()

    assert (work.case.state, queue_of(work.case)) == ("accepted", "file")


def test_a_citizens_report_is_sent_to_an_inspector_at_once() -> None:
    """Public reports must be verified; the accept clock stands while the task is out."""
    work = Work(some_case(verify_policy="must"), some_rules(), MONDAY)
    work.rules.start_stage(work.case, "accept", MONDAY)

    work.run()

    assert work.case.state == "verifying"
    accept = work.case.clock("accept")
    assert accept is not None
    assert not accept.running
    assert work.records[-1].role == SYSTEM


EACH = {"postpone_apply", "postpone_approve", "hang_apply", "hang_approve", "suspend", "decide_appeal"}
"""Actions in which it matters who of several takes them."""
MOST = 8000


def test_every_row_of_the_table_can_be_followed() -> None:
    """From reports of every sort, some course of steps takes each row (history's: see above; co-units': test_shared)."""
    wanted = {row for row in TABLE if row.action != "report" and row.roles != (IMPORT,) and row not in SHARED}
    starts = [
        (some_case(verify_policy=policy, self_disposed=trivial, category=category), some_rules(**how))
        for policy, trivial, category in [("skip", False, LITTER), ("must", False, None), ("skip", True, LITTER)]
        for how in ({"auto": BY_HAND, "two_commands": True}, {"auto": BY_HAND, "void_not_exist": True})
    ]
    seen, waiting = set(), [(case, rules, MONDAY) for case, rules in starts]
    while wanted and waiting:
        assert len(seen) < MOST, f"never followed: {wanted}"
        case, rules, now = waiting.pop(0)
        for row in (r for r in TABLE if r.state == case.state):
            people = [r for r in row.roles if r not in (IMPORT, SYSTEM)] or [SYSTEM]
            late = (False, True) if row.action == "dept_confirm" else (row.roles == (SYSTEM,),)
            who = people if row.action in EACH else people[:1]
            for role, classify, later in itertools.product(who, (False, True), late):
                body = a_body(row.action, row.result, now)
                if classify and hasattr(body, "category"):
                    body = msgspec.structs.replace(body, category=CategoryChoice(kind="event", major="01", minor="01"))
                elif row.action == "correct":
                    stalls = CategoryChoice(kind="event", major="02", minor="01")
                    body = msgspec.structs.replace(body, category=stalls, condition_id="c2")
                at = now + dt.timedelta(days=90) if later else now
                act = Act(action=row.action, role=role, at=at, body=body, by=PEOPLE[role], number="1")
                try:
                    taken, done = choose(case, act, rules), step(case, act, rules)
                except Refused:
                    continue
                wanted.discard(taken)
                sign = (*_sign(done.case), rules.two_commands)
                if sign not in seen and not _beyond(row, done.case):
                    seen.add(sign)
                    waiting.append((done.case, rules, at + dt.timedelta(minutes=5)))

    assert not [(row.state, row.action, row.result, row.when) for row in wanted]


def _beyond(row: Any, case: Case) -> bool:
    """Shapes after which only what was seen before can follow: more of the same."""
    again = case.round > 1 or case.postpone_count > 0 or len(case.requests) > 1
    return again or len(case.links) > 0 or (row.action == "correct" and row.to == row.state)


def _sign(case: Case) -> tuple[Any, ...]:
    return (
        case.state, case.confirmed, case.task is None, min(case.unable, 2), case.force is None, case.referral is None,
        case.command, case.verified, case.hang_count, case.came_from, case.postpone_count,
        tuple((r.kind, r.level, len(r.path)) for r in case.requests), bool(case.stock_on), min(case.round, 2),
        case.appeal and (case.appeal.level, case.appeal.decision), case.timeliness,
        case.flags.self_disposed, case.category is None,
    )  # fmt: skip
