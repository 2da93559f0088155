"""Custody of a case: every state and message of a hand-over, and random courses over links that are late, cut and repeat."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from yiwang.contracts import (
    CaseEvent,
    CaseHandoverOffered,
    CaseHandoverWithdrawn,
    CustodyAnswered,
    CustodyReleased,
    Event,
    tag_of,
)
from yiwang.dispatch import custody, receiving
from yiwang.dispatch.acts import AcceptBody, Act, FileBody
from yiwang.dispatch.auto import Work
from yiwang.dispatch.case import Case
from yiwang.dispatch.copies import Copy, tell
from yiwang.dispatch.draft import Record
from yiwang.dispatch.refusals import Refused
from yiwang.dispatch.snapshot import body_of, case_of
from yiwang.dispatch.testing import MONDAY, PLACE, some_case
from yiwang.dispatch.testing_tiers import CITY, LEADER, LUOHU, NANSHAN, OTHER_CITY, PROVINCE, a_case_at, rules_at
from yiwang.dispatch.tiers import HOLDERS, Governance, first_command, holder

# -- who shall have it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("governance", "me", "state", "command", "where"),
    [
        # one supervises, two command: the tier that took the report accepts it, the district handles, the city checks
        ("one_supervise_two_command", CITY, "reported", "", None),
        ("one_supervise_two_command", CITY, "accepted", "", None),
        ("one_supervise_two_command", CITY, "filed", "city", None),
        ("one_supervise_two_command", CITY, "filed", "district", (LUOHU, "dispatch")),
        ("one_supervise_two_command", CITY, "dispatched", "district", (LUOHU, "handle")),
        ("one_supervise_two_command", CITY, "checking", "district", None),
        ("one_supervise_two_command", LUOHU, "reported", "", None),
        ("one_supervise_two_command", LUOHU, "filed", "district", None),
        ("one_supervise_two_command", LUOHU, "filed", "city", (CITY, "dispatch")),
        ("one_supervise_two_command", LUOHU, "handling", "district", None),
        ("one_supervise_two_command", LUOHU, "suspended", "district", None),
        ("one_supervise_two_command", LUOHU, "feedback", "district", None),
        ("one_supervise_two_command", LUOHU, "checking", "district", (CITY, "check")),
        ("one_supervise_two_command", LUOHU, "closing", "district", (CITY, "check")),
        ("one_supervise_two_command", LUOHU, "closed", "district", None),
        # two supervise, two command: the district does everything that is its own
        ("two_supervise_two_command", CITY, "reported", "", (LUOHU, "accept")),
        ("two_supervise_two_command", CITY, "filed", "city", None),
        ("two_supervise_two_command", CITY, "filed", "district", (LUOHU, "dispatch")),
        ("two_supervise_two_command", CITY, "checking", "district", (LUOHU, "check")),
        ("two_supervise_two_command", LUOHU, "checking", "district", None),
        # single: nobody else
        ("single", CITY, "filed", "district", None),
        ("single", CITY, "checking", "district", None),
    ],
)
def test_the_governance_says_which_node_has_a_case_at(governance, me, state, command, where) -> None:
    """Luohu's case, seen from the city and from Luohu, under each way to govern."""
    rules = rules_at(me, governance)

    assert holder(a_case_at(state, me, command=command), rules.governance, rules.tiers) == where


def test_a_wrong_place_is_another_nodes_matter() -> None:
    """Taken in Nanshan, it lies in Luohu; taken at the province, it belongs to the city; a city without districts' nodes
    keeps what its district would do; outside of the deployment nobody takes it."""
    where = {
        me: holder(a_case_at("reported", me), rules_at(me).governance, rules_at(me).tiers)
        for me in (NANSHAN, PROVINCE, OTHER_CITY)
    }
    assert where == {NANSHAN: (LUOHU, "assignment"), PROVINCE: (CITY, "assignment"), OTHER_CITY: (LUOHU, "assignment")}
    rules = rules_at(OTHER_CITY)
    tianhe = msgspec.structs.replace(PLACE.area, city=OTHER_CITY, county="440106", street9="", community12="")
    there = a_case_at("filed", OTHER_CITY, place=msgspec.structs.replace(PLACE, area=tianhe))
    assert holder(there, rules.governance, rules.tiers) is None
    beijing = msgspec.structs.replace(PLACE.area, province="110000", city="110100", county="110101", street9="")
    far = a_case_at(
        "reported", CITY, place=msgspec.structs.replace(PLACE, area=msgspec.structs.replace(beijing, community12=""))
    )
    assert holder(far, rules_at(CITY).governance, rules_at(CITY).tiers) is None


def test_a_test_report_stays_where_it_was_taken() -> None:
    """Whoever tries out a province voids there what he reported there; no city gets it."""
    a_test = msgspec.structs.replace(a_case_at("reported", PROVINCE), purpose="test")
    assert holder(a_test, rules_at(PROVINCE).governance, rules_at(PROVINCE).tiers) is None


def test_a_node_that_stands_alone_hands_nothing_over() -> None:
    """Without a mesh everything is as in a single city; a district's own case waits for no city command."""
    assert holder(a_case_at("filed", CITY), Governance(holders=HOLDERS["one_supervise_two_command"]), None) is None
    assert first_command(a_case_at("accepted", CITY), None) == "city"
    assert first_command(a_case_at("accepted", LUOHU), rules_at(LUOHU).tiers) == "district"


# -- every state and message -------------------------------------------------------------------------------------------


def filed_at_city() -> Work:
    """A case in the city's hands, accepted, filed and sent to Luohu's command."""
    work = Work(some_case(), rules_at(CITY), MONDAY)
    work.do(Act(action="accept", role="acceptor", at=MONDAY, body=AcceptBody()))
    work.do(Act(action="file", role="acceptor", at=MONDAY, body=FileBody(), number="4403002026112300001"))
    return work


def offered() -> tuple[Work, CaseHandoverOffered]:
    work = filed_at_city()
    custody.offer(work, LUOHU, "dispatch", LEADER, [], "请罗湖区处置")
    [*_, event] = work.events
    assert isinstance(event, CaseHandoverOffered)
    return work, event


def an_answer(event: CaseHandoverOffered, decision: str, **change: Any) -> CustodyAnswered:
    known = receiving.received(None, event, MONDAY)
    _, said = receiving.answer(known, decision, LEADER, MONDAY, "不属我区")
    return msgspec.structs.replace(said, **change)


SENDER_STATES = ("idle", "offered", "released", "withdrawn", "refused")
"""What the sender has been through when the message comes."""


def sender_in(state: str) -> tuple[Work, CaseHandoverOffered]:
    work, event = offered()
    if state == "idle":
        return filed_at_city(), event
    if state == "withdrawn":
        custody.withdraw(work, LEADER)
    elif state in ("released", "refused"):
        custody.answered(work, an_answer(event, "accept" if state == "released" else "refuse"), [])
    return work, event


@pytest.mark.parametrize(("state", "message"), itertools.product(SENDER_STATES, ["accept", "refuse", "withdraw", "offer"]))
def test_the_sender_answers_every_message_in_every_state(state: str, message: str) -> None:
    """Only an open offer is released, refused or taken back; a late or repeated message changes nothing."""
    work, event = sender_in(state)
    before, said = work.case, len(work.events)
    if message in ("accept", "refuse"):
        release = custody.answered(work, an_answer(event, message), [])
        if state == "offered" and message == "accept":
            assert release is not None
            assert (release.epoch, release.case_version, work.case.away) == (2, before.version, LUOHU)
            assert release.snapshot is None, "the case is still as it was offered"
        elif state == "released" and message == "accept":
            assert release is not None
            assert release.snapshot is not None, "told again, with everything"
            assert work.case == before
        elif state == "offered":
            assert release is None
            assert tag_of(type(work.events[-1])) == "case.handover_refused.v1"
            assert (work.case.version, work.case.offer, work.case.kept) == (before.version + 1, None, f"{LUOHU}/dispatch")
        else:
            assert release is None
            assert (work.case, len(work.events)) == (before, said)
        return
    allowed = {"withdraw": ("offered",), "offer": ("idle", "withdrawn", "refused")}[message]
    refused = _try(lambda: custody.withdraw(work, LEADER) if message == "withdraw" else custody.offer(
        work, LUOHU, "dispatch", LEADER, []))  # fmt: skip
    if state in allowed:
        assert refused is None
        assert work.case.version == before.version + 1
    else:
        expected = {"released": "moved_away", "offered": "offer_open"}.get(state, "offer_missing")
        assert refused is not None
        assert refused.key == expected
        assert work.case == before


def _try(do: Any) -> Refused | None:
    try:
        do()
    except Refused as refused:
        return refused
    return None


RECEIVER_STATES = ("none", "offered", "claimed", "refused", "withdrawn", "taken")


def receiver_in(state: str, event: CaseHandoverOffered) -> receiving.Incoming | None:
    if state == "none":
        return None
    known = receiving.received(None, event, MONDAY)
    return msgspec.structs.replace(known, state=state)


@pytest.mark.parametrize("state", RECEIVER_STATES)
def test_the_receiver_answers_once_and_keeps_what_it_knows(state: str) -> None:
    """An offer that comes twice is one; only an open one is answered; a withdrawal ends all but what was taken."""
    _, event = offered()
    known = receiver_in(state, event)
    again = receiving.received(known, event, MONDAY)
    assert again.state == ("offered" if state == "none" else state)
    for decision in ("accept", "refuse"):
        refused = _try(lambda d=decision: receiving.answer(again, d, LEADER, MONDAY, "理由"))
        assert (refused is None) == (again.state == "offered")
    withdrawn = CaseHandoverWithdrawn(
        case=event.case, offer_id=event.offer_id, from_jurisdiction=CITY, to_jurisdiction=LUOHU, epoch=1, reason="x"
    )
    assert receiving.taken_back(known, withdrawn, MONDAY).state == ("taken" if state == "taken" else "withdrawn")


def test_an_answer_to_an_earlier_offer_takes_no_later_one() -> None:
    """Offered, taken back, offered again: the first answer, come late, lets nothing go."""
    work, first = offered()
    late = an_answer(first, "accept", jurisdiction=LUOHU)
    custody.withdraw(work, LEADER)
    custody.offer(work, LUOHU, "dispatch", LEADER, [])
    assert custody.answered(work, late, []) is None
    assert work.case.offer is not None
    assert work.case.away == ""


def test_a_refusal_says_why() -> None:
    """Whoever refuses writes an opinion, which the sender's history keeps."""
    work, event = offered()
    known = receiving.received(None, event, MONDAY)
    refused = _try(lambda: receiving.answer(known, "refuse", LEADER, MONDAY))
    assert refused is not None
    assert refused.key == "opinion_missing"
    custody.answered(work, an_answer(event, "refuse"), [])
    assert work.records[-1].opinion == "不属我区"


def test_the_receiver_goes_on_exactly_where_the_sender_stood() -> None:
    """One number, one history, the next version, the next epoch; the receiving stage's clock starts at acceptance."""
    sender, event = offered()
    known = receiving.received(None, event, MONDAY)
    known, said = receiving.answer(known, "accept", LEADER, MONDAY)
    release = custody.answered(sender, said, [])
    assert release is not None
    later = MONDAY + dt.timedelta(minutes=7)

    work = receiving.take(known, release, None, rules_at(LUOHU), rules_at(LUOHU).tiers, later)

    assert work is not None
    case, old = work.case, sender.case
    assert (case.version, case.custody.jurisdiction, case.custody.epoch) == (old.version + 1, LUOHU, 2)
    assert (case.case_no, case.state, case.limit, case.closing_conditions) == (
        old.case_no, old.state, old.limit, old.closing_conditions,
    )  # fmt: skip
    assert [r.seq for r in work.records] == list(range(work.records[0].seq, case.seq + 1))
    assert [r.action for r in work.records] == ["accept", "file", "hand_over", "take_over"]
    assert case.clock("dispatch").clock.started_at == later
    assert (case.taken_by, case.watcher) == (CITY, ""), "the city hears of its districts by itself"
    again = receiving.take(known, release, case, rules_at(LUOHU), rules_at(LUOHU).tiers, later)
    assert again is None, "a release that comes twice takes nothing twice"


@pytest.mark.parametrize(("rule_", "minutes"), [("accept", 7), ("offer", 0), ("continue", 0)])
def test_the_clock_of_the_receiving_stage_starts_as_the_profile_says(rule_: str, minutes: int) -> None:
    """accept: when taken; offer: when offered; continue: it runs on."""
    work, event = offered()
    event = msgspec.structs.replace(event, clock_start_rule=rule_, occurred_at=MONDAY)
    known, said = receiving.answer(receiving.received(None, event, MONDAY), "accept", LEADER, MONDAY)
    release = custody.answered(work, said, [])
    assert release is not None
    taken = receiving.take(
        known, release, None, rules_at(LUOHU), rules_at(LUOHU).tiers, MONDAY + dt.timedelta(minutes=7)
    )
    assert taken is not None
    assert taken.case.clock("dispatch").clock.started_at == MONDAY + dt.timedelta(minutes=minutes)


def test_nobody_offers_in_anothers_name() -> None:
    """The receiver looks who speaks: the custodian, of this epoch, to this node."""
    _, event = offered()
    tiers = rules_at(LUOHU).tiers
    assert tiers is not None
    assert receiving.unsound(event, tiers) == ""
    for forged in (
        msgspec.structs.replace(event, jurisdiction=NANSHAN),
        msgspec.structs.replace(event, from_jurisdiction=NANSHAN),
        msgspec.structs.replace(event, epoch=7),
        msgspec.structs.replace(event, to_jurisdiction=NANSHAN),
    ):
        assert receiving.unsound(forged, tiers)
    work, event = offered()
    assert custody.answered(work, an_answer(event, "accept", jurisdiction=NANSHAN), []) is None
    assert work.case.away == ""


def test_an_unanswered_offer_is_said_once_and_stays_here() -> None:
    """After the profile's minutes a version tells it; the case can still be taken back or taken."""
    work, event = offered()
    assert custody.ring(work) == MONDAY + dt.timedelta(minutes=30)
    work.now = MONDAY + dt.timedelta(minutes=31)
    assert custody.ring(work) is None
    overdue = work.events[-1]
    assert (tag_of(type(overdue)), overdue.stage, overdue.unit_id) == ("case.overdue.v1", "handover", LUOHU)
    assert custody.ring(work) is None
    release = custody.answered(work, an_answer(event, "accept"), [])
    assert release is not None
    assert release.snapshot is not None, "the case has moved since it was offered"
    assert release.case_version == work.case.version


def test_a_snapshot_tells_the_whole_case() -> None:
    """What a snapshot carries makes the same case again."""
    work, _ = offered()
    case = msgspec.structs.replace(work.case, offer=None)
    again = case_of(body_of(case, work.records))
    again.taken_by = ""
    assert again == case


# -- random courses over bad links -------------------------------------------------------------------------------------


class Core:
    """One dispatch in memory: its cases, its offers, its copies; says events, hears events."""

    def __init__(self, me: str, take: bool) -> None:
        self.me, self.now = me, MONDAY
        self.rules = rules_at(me, take=frozenset({"dispatch", "check", "assignment"}) if take else frozenset())
        self.cases: dict[str, Case] = {}
        self.flows: dict[str, list[Record]] = {}
        self.offers: dict[str, receiving.Incoming] = {}
        self.copies: dict[str, Copy] = {}
        self.waiting: dict[str, dict[int, CaseEvent]] = {}
        self.inbox: set[int] = set()

    def keep(self, work: Work) -> list[Event]:
        known = {r.seq for r in self.flows.get(work.case.case_id, [])}
        flow = self.flows.setdefault(work.case.case_id, [])
        flow += [r for r in work.records if r.seq not in known]
        self.cases[work.case.case_id] = work.case
        return [msgspec.structs.replace(e, jurisdiction=self.me, recorded_at=self.now) for e in work.events]

    def work(self, case_id: str) -> Work:
        return Work(self.cases[case_id], self.rules, self.now)

    def hear(self, event: Any) -> list[Event]:
        if event.jurisdiction == self.me:
            return []
        if isinstance(event, CaseEvent):
            mine = self.cases.get(event.case.case_id)
            if mine is None or mine.away:
                tell(self.copies, self.waiting, [event])
        if isinstance(event, CaseHandoverOffered) and event.to_jurisdiction == self.me:
            return self._offered(event)
        if isinstance(event, CaseHandoverWithdrawn) and event.to_jurisdiction == self.me:
            known = self.offers.get(event.offer_id)
            self.offers[event.offer_id] = receiving.taken_back(known, event, self.now)
        if isinstance(event, CustodyAnswered) and event.from_jurisdiction == self.me:
            return self._answered(event)
        if isinstance(event, CustodyReleased) and event.to_jurisdiction == self.me:
            return self._released(event)
        return []

    def _offered(self, event: CaseHandoverOffered) -> list[Event]:
        offer = receiving.received(self.offers.get(event.offer_id), event, self.now)
        self.offers[event.offer_id] = offer
        if offer.state == "offered" and receiving.takes_by_rule(event, self.rules, self.rules.tiers):
            return self.answer(event.offer_id, "accept")
        return []

    def answer(self, offer_id: str, decision: str) -> list[Event]:
        offer, said = receiving.answer(self.offers[offer_id], decision, LEADER, self.now, "理由")
        self.offers[offer_id] = offer
        return [msgspec.structs.replace(said, jurisdiction=self.me)]

    def claim_again(self, offer_id: str) -> list[Event]:
        return [msgspec.structs.replace(receiving.saying(self.offers[offer_id]), jurisdiction=self.me)]

    def _answered(self, event: CustodyAnswered) -> list[Event]:
        if event.case_id not in self.cases:
            return []
        work, was_away = self.work(event.case_id), self.cases[event.case_id].away
        release = custody.answered(work, event, self.flows[event.case_id])
        said = self.keep(work) if work.touched else []
        if release is not None and not was_away:
            copy = msgspec.structs.replace(work.case, away="", kept="", watcher="", offer=None)
            self.copies[event.case_id] = Copy(case=copy, as_of=self.now)
        return [*said, *([msgspec.structs.replace(release, jurisdiction=self.me)] if release else [])]

    def _released(self, event: CustodyReleased) -> list[Event]:
        offer = self.offers.get(event.offer_id)
        work = receiving.take(offer, event, self.cases.get(event.case_id), self.rules, self.rules.tiers, self.now)
        if work is None:
            return []
        assert offer is not None
        assert offer.state == "claimed", "only what we accepted is released to us"
        self.offers[event.offer_id] = msgspec.structs.replace(offer, state="taken")
        self.copies.pop(event.case_id, None)
        return self.keep(work)


class Links(RuleBasedStateMachine):
    """A city and two districts over links that may be late, cut, and repeat what they carried."""

    @initialize(city=st.booleans(), luohu=st.booleans(), nanshan=st.booleans())
    def begin(self, city: bool, luohu: bool, nanshan: bool) -> None:
        self.cores = {CITY: Core(CITY, city), LUOHU: Core(LUOHU, luohu), NANSHAN: Core(NANSHAN, nanshan)}
        self.lines: dict[tuple[str, str], list[Event]] = {
            (a, b): [] for a in self.cores for b in self.cores if a != b
        }
        self.carried: list[tuple[str, Event]] = []
        self.said: list[CaseEvent] = []
        work = filed_at_city()
        self.id = work.case.case_id
        core = self.cores[CITY]
        self.start = work.case.version
        core.keep(work)
        for other in (LUOHU, NANSHAN):
            self.cores[other].copies[self.id] = Copy(case=msgspec.structs.replace(work.case), as_of=MONDAY)

    def say(self, me: str, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, CaseEvent):
                self.said.append(event)
            for (a, _), line in self.lines.items():
                if a == me:
                    line.append(event)

    def custodians(self) -> list[str]:
        return [me for me, core in self.cores.items() if self.id in core.cases and not core.cases[self.id].away]

    @rule(me=st.sampled_from([CITY, LUOHU, NANSHAN]), to=st.sampled_from([CITY, LUOHU, NANSHAN]))
    def offers(self, me: str, to: str) -> None:
        core = self.cores[me]
        if me == to or self.id not in core.cases:
            return
        work = core.work(self.id)
        if _try(lambda: custody.offer(work, to, "dispatch", LEADER, core.flows[self.id])) is None:
            self.say(me, core.keep(work))

    @rule(me=st.sampled_from([CITY, LUOHU, NANSHAN]), why=st.sampled_from(["withdrawn", "went_on"]))
    def takes_back(self, me: str, why: str) -> None:
        core = self.cores[me]
        if self.id not in core.cases:
            return
        work = core.work(self.id)
        if _try(lambda: custody.withdraw(work, LEADER, why)) is None:
            self.say(me, core.keep(work))

    @rule(me=st.sampled_from([CITY, LUOHU, NANSHAN]))
    def an_alarm_rings(self, me: str) -> None:
        core = self.cores[me]
        if self.id not in core.cases:
            return
        core.now += dt.timedelta(hours=1)
        work = core.work(self.id)
        custody.ring(work)
        self.say(me, core.keep(work))

    @rule(me=st.sampled_from([CITY, LUOHU, NANSHAN]), decision=st.sampled_from(["accept", "refuse"]), data=st.data())
    def answers(self, me: str, decision: str, data: st.DataObject) -> None:
        core = self.cores[me]
        waiting = sorted(k for k, o in core.offers.items() if o.state == "offered")
        if waiting:
            self.say(me, core.answer(data.draw(st.sampled_from(waiting)), decision))

    @rule(me=st.sampled_from([CITY, LUOHU, NANSHAN]))
    def asks_again_for_a_release(self, me: str) -> None:
        core = self.cores[me]
        for key in sorted(k for k, o in core.offers.items() if o.state == "claimed"):
            self.say(me, core.claim_again(key))

    @rule(data=st.data(), many=st.integers(1, 5))
    def a_link_carries(self, data: st.DataObject, many: int) -> None:
        loaded = sorted(key for key, line in self.lines.items() if line)
        if not loaded:
            return
        key = data.draw(st.sampled_from(loaded))
        for _ in range(min(many, len(self.lines[key]))):
            event = self.lines[key].pop(0)
            self.carried.append((key[1], event))
            self.say(key[1], self.cores[key[1]].hear(event))

    @rule()
    def everything_arrives(self) -> None:
        for _ in range(6):
            for key in sorted(self.lines):
                while self.lines[key]:
                    event = self.lines[key].pop(0)
                    self.carried.append((key[1], event))
                    self.say(key[1], self.cores[key[1]].hear(event))

    @rule(data=st.data())
    def something_old_comes_again(self, data: st.DataObject) -> None:
        meant = [(to, event) for to, event in self.carried if event.addressee == to]
        if meant:
            to, event = data.draw(st.sampled_from(meant))
            self.say(to, self.cores[to].hear(event))

    @invariant()
    def nobody_writes_beside_the_custodian(self) -> None:
        if hasattr(self, "cores"):
            assert len(self.custodians()) <= 1

    @invariant()
    def one_line_of_versions_and_epochs(self) -> None:
        if not hasattr(self, "cores"):
            return
        versions = [e.case.case_version for e in self.said]
        assert versions == list(range(self.start + 1, self.start + 1 + len(versions)))
        epochs = [e.case.custody.epoch for e in self.said]
        assert epochs == sorted(epochs)
        assert {e.case.case_no for e in self.said} <= {"4403002026112300001"}

    @invariant()
    def copies_never_run_ahead(self) -> None:
        if not hasattr(self, "cores"):
            return
        last = self.said[-1].case.case_version if self.said else self.start
        for core in self.cores.values():
            for copy in core.copies.values():
                assert copy.case.version <= last

    def teardown(self) -> None:
        """The links heal: everything arrives, one node has the case, one history, every copy is up to date."""
        if not hasattr(self, "cores"):
            return
        for _ in range(40):
            moved = False
            for key in sorted(self.lines):
                while self.lines[key]:
                    moved = True
                    self.say(key[1], self.cores[key[1]].hear(self.lines[key].pop(0)))
            for me, core in self.cores.items():
                for offer_id in sorted(k for k, o in core.offers.items() if o.state == "claimed"):
                    moved = True
                    self.say(me, core.claim_again(offer_id))
            if not moved:
                break
        [me] = self.custodians()
        core = self.cores[me]
        case = core.cases[self.id]
        assert [r.seq for r in core.flows[self.id]] == list(range(core.flows[self.id][0].seq, case.seq + 1))
        for other, theirs in self.cores.items():
            if other != me and self.id in theirs.copies:
                assert theirs.copies[self.id].case.version == case.version
                assert theirs.copies[self.id].case.custody == case.custody
            assert not [o for o in theirs.offers.values() if o.state == "claimed"]


TestLinks = Links.TestCase
TestLinks.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
