"""Events that wait for company, and feeds that sift what the server hands over."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yiwang.contracts import CaseClosed, CaseFiled, CaseVisited, NoticeRequested, tag_of
from yiwang.kit import Again, Context, Scope, Service
from yiwang.kit._company import Alone
from yiwang.kit._engine import Item
from yiwang.kit._hears import MANY, Sieve, coarse
from yiwang.kit.testing import a_case, a_head
from yiwang.stack.testing import TestNode

_SERVICE = Service("probe")


async def _many(events: Any, ctx: Context) -> list[None]:
    return [None] * len(events)


_SERVICE.on_batch(CaseFiled, company_s=1.0)(_many)
_SERVICE.on_batch(CaseClosed)(_many)


def an_item(seq: int, key: str, patient: bool) -> Item:
    sub = _SERVICE.subscriptions[tag_of(CaseFiled if patient else CaseClosed)]
    return Item("UP", seq, "", b"", sub, key=key)


@given(st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=5), max_size=12), st.floats(0.01, 2.0))
def test_whoever_waits_is_handled_once_in_the_order_of_its_key_and_before_its_time_is_over(
    rounds: list[list[tuple[str, bool]]], step: float
) -> None:
    """Nothing is lost, doubled or overtaken; positions stay in front of what waits."""
    alone, seq, given_, got, came = Alone(), 0, [], [], {}
    for n, batch in enumerate(rounds):
        items = []
        for key, patient in batch:
            seq += 1
            came[seq] = n * step
            items.append(an_item(seq, key, patient))
        given_ += items
        ready = alone.pair(items, n * step)
        got += ready
        left = {id(item) for item in given_} - {id(item) for item in got}
        waiting = [item for item in given_ if id(item) in left]
        assert len(waiting) == len(alone)
        assert alone.floor() == ({"UP": min(item.seq for item in waiting)} if waiting else {})
        assert all(n * step < came[item.seq] + 1.0 for item in waiting)
    got += alone.pair([], len(rounds) * step + 1.0)

    assert sorted(item.seq for item in got) == [item.seq for item in given_]
    for key in "abc":
        assert [i.seq for i in got if i.key == key] == sorted(i.seq for i in got if i.key == key)


async def test_what_waits_is_handled_with_the_next_event_of_its_case_or_alone_in_time(node: TestNode) -> None:
    """One batch where company comes; its own where none does; after a stop it is delivered again."""
    batches: list[list[str]] = []

    def patient(company_s: float) -> Service:
        service = Service("patient", database=True)

        async def hear(events: Any, ctx: Context) -> list[Any]:
            batches.append([f"{e.case.case_id}{e.case.case_version}" for e in events])
            return [NoticeRequested(business_id=e.case.case_id, template="t", audience="unit:u") for e in events]

        service.on_batch(CaseFiled, again=Again.KNOWN, company_s=company_s)(hear)
        service.on_batch(CaseVisited, again=Again.KNOWN)(hear)
        return service

    async with node.running(patient(3600)) as app:
        await node.publish(a_case(head=a_head(case_id="a")), a_case(head=a_head(case_id="b")))
        await node.publish(CaseVisited(case=a_head(case_id="a", case_version=2), **_VISIT))
        await node.until(NoticeRequested, 2)
        assert batches == [["a1", "a2"]]
        assert await app.pool.fetchval("select seq from kit_position where stream = 'UP'") == 1

    batches.clear()
    async with node.running(patient(0.05)):
        await node.settled()
        told = await node.until(NoticeRequested, 3)

    assert "b1" in {name for batch in batches for name in batch}
    assert sorted({e.business_id for e in told}) == ["a", "b"]


_VISIT: dict[str, Any] = {"score": 5, "satisfied": True}


def test_few_types_are_filtered_by_the_server_and_many_by_the_reader() -> None:
    """With several partition groups the server still keeps the groups apart."""
    few = [f"yw.up.440300.440300.*.case.t{n}.v1" for n in range(MANY)]
    many = [f"yw.up.*.*.{pp:02d}.case.t{n}.v1" for n in range(MANY + 1) for pp in (3, 11)]

    assert coarse(few) == few
    assert coarse([*few, "yw.up.*.*.*.case.other.v1"]) == []
    assert coarse(many) == ["yw.up.*.*.03.>", "yw.up.*.*.11.>"]
    assert coarse([">"]) == [">"]


def test_a_sieve_keeps_exactly_the_types_and_places_that_are_heard() -> None:
    """A type of one's own jurisdiction isn't kept from another's."""
    sieve = Sieve(["yw.up.440300.440300.*.case.filed.v1", "yw.up.*.*.*.case.closed.v1", "yw.up.440000.*.*.case.voided.v1"])
    kept = {
        b"yw.up.440000.all.07.case.voided.v1": True,
        b"yw.up.440300.440300.07.case.filed.v1": True, b"yw.up.440300.440310.07.case.filed.v1": False,
        b"yw.up.440300.440310.07.case.closed.v1": True, b"yw.up.440300.440300.07.case.voided.v1": False,
    }  # fmt: skip
    assert {subject: sieve.keeps(subject) for subject in kept} == kept


@pytest.mark.parametrize("groups", [1, 4])
async def test_a_service_of_many_types_hears_its_own_and_no_others(node: TestNode, groups: int) -> None:
    """Sifted by the reader: own facts of one type, the subtree's of another."""
    service, heard = Service("many", database=True), []

    async def hear(events: Any, ctx: Context) -> list[None]:
        heard.extend((e.case.case_id, e.jurisdiction) for e in events)
        return [None] * len(events)

    from yiwang.contracts import case as cases

    kinds = (cases.CaseReopened, cases.CaseVoided, cases.CaseSuspended, cases.CaseResumed, CaseClosed)
    for kind in kinds:
        service.on_batch(kind)(hear)
    service.on_batch(CaseFiled)(hear)
    service.on_batch(CaseVisited, scope=Scope.SUBTREE)(hear)
    async with node.running(service, groups=groups):
        for n in range(6):
            for place in ("440300", "440310"):
                await node.publish(a_case(head=a_head(case_id=f"f{n}{place}"), jurisdiction=place))
                await node.publish(CaseVisited(case=a_head(case_id=f"v{n}{place}"), jurisdiction=place, **_VISIT))
        await node.settled()

    want = {(f"f{n}440300", "440300") for n in range(6)}
    want |= {(f"v{n}{place}", place) for n in range(6) for place in ("440300", "440310")}
    assert set(heard) == want
    assert len(heard) == len(want)
