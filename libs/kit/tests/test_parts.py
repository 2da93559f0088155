"""The kit's small parts: configuration, clock, SQL files, ids and envelopes, discovery."""

from __future__ import annotations

import datetime as dt
import json
import time
import uuid
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yiwang.contracts import Actor, CaseClosed, CaseFiled, CaseVisited, NoticeRequested, decode
from yiwang.kit import ConfigError, Kit, Node, Service, Sql, derived_id, load
from yiwang.kit._clock import SystemClock, VirtualClock, clock_from
from yiwang.kit._config import unknown
from yiwang.kit._engine import Item, spans_of
from yiwang.kit._envelope import NAMESPACE, Stamper
from yiwang.kit._sql import migrations_of, parse_queries
from yiwang.kit.testing import NOON, a_case
from yiwang.stack.testing import TestNode


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    area: str
    page_size: int = 50


def test_a_wrong_configuration_lists_all_its_mistakes_at_once() -> None:
    """Missing and unreadable settings together, each with its variable."""
    with pytest.raises(ConfigError) as refused:
        load(Settings, {"YIWANG_X_PAGE_SIZE": "many"}, "YIWANG_X")

    assert len(refused.value.mistakes) == 2
    assert "YIWANG_X_AREA is missing" in str(refused.value)
    assert "YIWANG_X_PAGE_SIZE='many'" in str(refused.value)


def test_a_configuration_is_read_from_the_environment() -> None:
    assert Settings("440300", 10) == load(Settings, {"YIWANG_X_AREA": "440300", "YIWANG_X_PAGE_SIZE": "10"}, "YIWANG_X")


def test_mistyped_variables_are_found() -> None:
    """YIWANG_BATHC is nobody's setting."""
    assert unknown({"YIWANG_BATHC": "1", "YIWANG_BATCH": "2", "PATH": ""}, {"YIWANG": Kit}) == ["YIWANG_BATHC"]


def test_a_virtual_clock_runs_faster_and_equally_in_every_process() -> None:
    start = dt.datetime(2026, 11, 23, 8, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    first, second = VirtualClock(start, 144, epoch=time.time()), VirtualClock(start, 144, epoch=time.time())
    assert abs(first.now() - second.now()) < dt.timedelta(seconds=2)
    assert clock_from("2026-11-23T08:00:00+08:00@x144").speed == 144


@pytest.mark.parametrize("spec", ["tomorrow", "2026-11-23T08:00:00@x2", "2026-11-23T08:00:00+08:00@fast"])
def test_a_wrong_clock_is_refused_with_an_example(spec: str) -> None:
    with pytest.raises(ValueError, match=r"YIWANG_CLOCK|\+08:00"):
        clock_from(spec)
    assert isinstance(clock_from(""), SystemClock)


@given(st.uuids(), st.text(max_size=40))
def test_derived_ids_are_uuid5_of_the_parent(parent: uuid.UUID, name: str) -> None:
    """The same in every language that has uuid5."""
    assert str(uuid.uuid5(parent, name)) == derived_id(str(parent), name)


def test_a_parent_that_is_no_uuid_is_mapped_into_our_namespace() -> None:
    assert str(uuid.uuid5(uuid.uuid5(NAMESPACE, "row 7"), "x")) == derived_id("row 7", "x")


NODE = Node(node_id="440310", tenant_id="440300", jurisdiction="440310", tier="county", incarnation=3)


def test_an_event_is_stamped_with_all_that_its_envelope_needs() -> None:
    """Handlers write facts; the kit writes who, when, where and why."""
    cause = a_case(id=str(uuid.UUID(int=1)), jurisdiction="440310", purpose="drill", correlation_id="c")
    out = Stamper(NODE, "dispatch").stamp(
        NoticeRequested(business_id="b", template="t", audience="unit:u"), NOON, parent=cause.id, n=2, cause=cause
    )
    event = decode(out.data)

    assert derived_id(cause.id, "440310/dispatch/notice.requested.v1/2") == event.id == out.id
    assert (event.source, event.tenant_id, event.jurisdiction, event.incarnation) == (
        "440310/dispatch",
        "440300",
        "440310",
        3,
    )
    assert (cause.id, "c", "drill") == (event.causation_id, event.correlation_id, event.purpose)
    assert (event.occurred_at, event.recorded_at, event.subject) == (NOON, NOON, "b")
    assert Actor(role="system", kind="system", via="dispatch") == event.actor


def test_what_a_watcher_says_is_said_in_its_own_name() -> None:
    """A city that watches a county's case doesn't speak for the county."""
    cause = a_case(id=str(uuid.UUID(int=1)), jurisdiction="440311")
    out = Stamper(NODE, "sync").stamp(
        NoticeRequested(business_id="b", template="t", audience="unit:u"), NOON, parent=cause.id, n=0, cause=cause
    )
    assert out.event.jurisdiction == "440310"


def test_queries_are_found_by_name_and_two_of_a_name_are_refused() -> None:
    text = "-- one: first\nselect 1;\n\n-- two: second\nselect\n  2"
    assert parse_queries(text) == {"one": "select 1", "two": "select\n  2"}
    with pytest.raises(ValueError, match="names one twice"):
        parse_queries("-- one: a\nselect 1\n-- one: b\nselect 2")


def test_an_unknown_query_is_named() -> None:
    with pytest.raises(LookupError, match="no query 'nothing'"):
        Sql("yiwang.kit", "migrations/0001_pre_spine.sql")["nothing"]


def test_migrations_are_numbered_and_named() -> None:
    [first, *_] = migrations_of("yiwang.kit")
    assert (first.number, first.phase, first.name) == (1, "pre", "spine")


async def test_a_migration_that_was_changed_after_it_ran_is_refused(node: TestNode) -> None:
    """History isn't edited: the change gets a number of its own."""
    from yiwang.kit import migrate

    service = Service("tidy", database=True)
    applied = await migrate([service], node.database_url)
    assert applied
    assert await migrate([service], node.database_url) == []
    import asyncpg

    db = await asyncpg.connect(node.database_url)
    await db.execute("update tidy.kit_migration set digest = 'other' where number = 1")
    await db.close()
    with pytest.raises(RuntimeError, match="write the change as a new number"):
        await migrate([service], node.database_url)


async def test_a_service_can_touch_its_own_schema_only(node: TestNode) -> None:
    """One schema and one role each: no cross-schema access."""
    import asyncpg

    one, other = Service("one", database=True), Service("other", database=True)
    async with node.running(one, other) as (first, _):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await first.pool.fetch("select * from other.kit_outbox")


async def test_running_services_answer_nats_micro(node: TestNode) -> None:
    """PING and INFO show who runs where."""
    service = Service("probe", database=True)
    service.on(CaseFiled)(lambda event, ctx: None)  # type: ignore[arg-type,return-value]
    async with node.running(service):
        link = await node.link()
        info = json.loads((await link.nc.request("$SRV.INFO.probe", timeout=30)).data)

        assert (info["name"], info["metadata"]["node"]) == ("probe", "440300")


def test_public_names_are_importable() -> None:
    """Everything in __all__ exists."""
    import yiwang.kit

    assert [name for name in yiwang.kit.__all__ if not hasattr(yiwang.kit, name)] == []
    assert Path(yiwang.kit.__file__).is_file()


def an_item(tag: str, key: str, seq: int) -> Item:
    service = _SERVICE
    sub = service.subscriptions[tag]
    return Item("UP", seq, "", b"", sub, key=key)


_SERVICE = Service("probe")


async def _many(events: object, ctx: object) -> list[None]:
    return []


async def _one(event: object, ctx: object) -> None:
    return None


_SERVICE.on_batch(CaseFiled)(_many)
_SERVICE.on_batch(CaseVisited)(_many)
_SERVICE.on_batch(CaseClosed)(lambda events, ctx: _many(events, ctx))
_SERVICE.on(NoticeRequested)(_one)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["case.filed.v1", "case.visited.v1", "case.closed.v1", "notice.requested.v1"]),
            st.sampled_from(["a", "b", "c"]),
        ),
        max_size=30,
    )
)
def test_regrouping_keeps_every_event_once_and_each_key_in_order(drawn: list[tuple[str, str]]) -> None:
    """Whatever the mix: nothing is lost or doubled, a key's events stay in order, `on` handlers get one at a time."""
    items = [an_item(tag, key, seq) for seq, (tag, key) in enumerate(drawn)]
    for regroup in (True, False):
        spans = spans_of(items, regroup=regroup)
        flat = [item for span in spans for item in span]
        assert sorted(item.seq for item in flat) == list(range(len(items)))
        for key in "abc":
            seqs = [item.seq for item in flat if item.key == key]
            assert seqs == sorted(seqs)
        assert all(len(span) == 1 or span[0].sub.batch for span in spans)
        if not regroup:
            assert [item.seq for item in flat] == list(range(len(items)))
