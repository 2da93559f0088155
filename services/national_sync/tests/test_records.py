"""What events become for an upper platform, and that nothing of a person is in it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import msgspec
import pytest
from yiwang.contracts import (
    Assignment,
    CaseClosed,
    CaseDispatched,
    CaseEvent,
    CaseFiled,
    CaseSnapshot,
    CaseSnapshotBody,
    CaseSummary,
    CaseVoided,
    Clock,
    FlowRecord,
    MediaRef,
    registry,
)
from yiwang.kit.testing import NOON, a_case, a_category, a_head, a_place, a_report
from yiwang.national_sync.records import FIELDS, base_of, records_of

SECRET = "不可外传"


def stamped(event: Any, **change: Any) -> Any:
    return msgspec.structs.replace(event, **({"occurred_at": NOON, "jurisdiction": "440300"} | change))


def a_value(kind: Any, name: str) -> Any:
    """A value of a contract's type; every person's field holds the secret."""
    kind = msgspec.inspect.type_info(kind) if not isinstance(kind, msgspec.inspect.Type) else kind
    inspect = msgspec.inspect
    if isinstance(kind, inspect.Metadata):
        return a_value(kind.type, name)
    if isinstance(kind, inspect.UnionType):
        return a_value(next(t for t in kind.types if not isinstance(t, inspect.NoneType)), name)
    if isinstance(kind, inspect.StructType):
        fields = {f.name: a_value(f.type, f.name) for f in kind.fields}
        return kind.cls(**fields)
    if isinstance(kind, inspect.StrType):
        return SECRET if "person" in name or name in ("handler_ref", "receiver", "on_behalf_of") else hex_or(name)
    if isinstance(kind, (inspect.VarTupleType, inspect.ListType)):
        one = a_value(kind.item_type, name)
        return (one,) if isinstance(kind, inspect.VarTupleType) else [one]
    if isinstance(kind, inspect.DictType):
        return {}
    plain: dict[Any, Any] = {
        inspect.IntType: 3,
        inspect.FloatType: 1.5,
        inspect.BoolType: True,
        inspect.DateTimeType: NOON,
    }
    return plain[type(kind)]


def hex_or(name: str) -> str:
    return "a" * 64 if name == "sha256" else f"some {name}"


def events() -> list[type[CaseEvent]]:
    return [k for k in registry().values() if issubclass(k, CaseEvent)]


@pytest.mark.parametrize("kind", events(), ids=lambda k: k.__name__)
def test_no_person_is_in_any_record_of_any_event(kind: type[CaseEvent]) -> None:
    """Every field of every event filled, every person's field with a secret: no record holds it, or an unknown field."""
    event = stamped(a_value(kind, "event"))
    found = records_of(event, None)
    assert found
    for record in found:
        assert SECRET not in json.dumps([record.payload, record.record_id], ensure_ascii=False)
        assert set(record.payload) <= FIELDS[record.kind]
        for name in ("phone", "openid", "person_ref", "contact"):
            assert name not in record.payload


@pytest.mark.parametrize("kind", [k for k in events() if k is not CaseSnapshot], ids=lambda k: k.__name__)
def test_every_event_is_one_flow_step_named_by_its_version(kind: type[CaseEvent]) -> None:
    event = stamped(a_value(kind, "event"))
    flows = [r for r in records_of(event, None) if r.kind == "case_flow"]
    assert [r.record_id for r in flows] == [f"{event.case.case_id}/flow/{event.case.case_version}"]
    assert flows[0].payload["step"] == event.case.case_version


def test_the_same_event_gives_the_same_records() -> None:
    event = stamped(a_case())
    assert records_of(event, None) == records_of(event, None)


def test_the_base_is_told_again_only_when_it_changed() -> None:
    report = stamped(a_report())
    [base] = [r for r in records_of(report, None) if r.kind == "case_base"]
    known = base_of(report, None)
    assert base.payload == known
    assert [r.kind for r in records_of(report, known)] == ["case_flow"]
    filed = stamped(a_case(head_change={"case_id": report.case.case_id}))
    [again] = [r for r in records_of(filed, known) if r.kind == "case_base"]
    assert again.payload["case_no"] == "4403102026112300001"
    assert again.payload["description"] == "路边暴露垃圾"
    assert again.payload["report_time"] == known["report_time"]


def test_a_place_is_told_with_its_grid_once() -> None:
    filed = stamped(a_case())
    [grid] = [r for r in records_of(filed, None) if r.kind == "grid_ref"]
    assert grid.payload == {
        "cell_code": "440310001003001",
        "duty_grid": "440310-G01",
        "district": "440310",
        "street": "440310001",
        "community": "440310001003",
        "grid_version": "1",
    }
    other = stamped(a_case())
    assert [r.record_id for r in records_of(other, None) if r.kind == "grid_ref"] == [grid.record_id]


def test_numbers_and_moments_are_written_the_same_in_every_language() -> None:
    """Decimals as text of seven places, moments in China's zone to the millisecond."""
    base = base_of(stamped(a_case(place=a_place())), None)
    assert (base["lon"], base["lat"]) == ("114.3462000", "22.6908000")
    assert base["report_time"] == "2026-11-23T12:00:00.000+08:00"


def test_the_day_is_that_of_china() -> None:
    late = stamped(a_report(), occurred_at=dt.datetime(2026, 11, 22, 16, 30, tzinfo=dt.UTC))
    assert records_of(late, None)[0].day == dt.date(2026, 11, 23)


def a_media(media_id: str = "m1") -> MediaRef:
    return MediaRef(
        media_id=media_id, sha256="a" * 64, size=9, mime="image/jpeg", stage="report", home_node="440300", shot_at=NOON
    )


def test_photos_go_as_references_and_never_as_bytes() -> None:
    [media] = [r for r in records_of(stamped(a_report(media=(a_media(),))), None) if r.kind == "media_ref"]
    assert (media.payload["hash"], media.payload["home_node"]) == ("a" * 64, "440300")
    assert "url" not in media.payload


def a_clock() -> Clock:
    return Clock(
        clock_id="c",
        stage="dispose",
        unit_kind="work_hour",
        limit=4,
        started_at=NOON,
        due_at=NOON + dt.timedelta(hours=4),
    )


def test_a_dispatch_tells_the_units() -> None:
    event = stamped(
        CaseDispatched(
            case=a_head(case_version=5, state_before="filed", state_after="dispatched", open_clocks=(a_clock(),)),
            assignments=(
                Assignment(assignment_id="a", unit_id="u1", unit_name="坪山环卫所", unit_level=2, clock=a_clock()),
            ),
            dispatch_level="district",
        )
    )
    found = {r.kind: r for r in records_of(event, None)}
    assert found["unit_ref"].payload == {"unit_code": "u1", "name": "坪山环卫所", "level": 2}
    flow = found["case_flow"].payload
    assert (flow["stage"], flow["action"]) == ("file", "dispatched")
    assert flow["deadline"] == "2026-11-23T16:00:00.000+08:00"


def a_summary(**change: Any) -> CaseSummary:
    fields: dict[str, Any] = {"reported_at": NOON, "closed_at": NOON + dt.timedelta(days=1), "timeliness": "on_time"}
    return CaseSummary(**(fields | change))


def test_an_end_tells_the_result() -> None:
    closed = CaseClosed(case=a_head(case_version=9, state_after="closed"), archive_type=1, summary=a_summary())
    [result] = [r for r in records_of(stamped(closed), None) if r.kind == "case_result"]
    assert (result.payload["outcome"], result.payload["timeliness"], result.payload["rework_count"]) == (
        "closed",
        "on_time",
        0,
    )
    voided = CaseVoided(
        case=a_head(case_version=3, state_after="voided"),
        void_kind="not_accepted",
        reason_code="duplicate",
        opinion="重复",
    )
    [result] = [r for r in records_of(stamped(voided), None) if r.kind == "case_result"]
    assert (result.payload["outcome"], result.payload["reason_code"]) == ("not_accepted", "duplicate")


def test_a_snapshot_tells_every_step_under_the_ids_of_the_steps_themselves() -> None:
    """A link that was cut too long is healed by snapshots, and nothing is told twice."""
    head = a_head(case_version=2, state_after="located")
    steps = tuple(
        FlowRecord(
            seq=n, action="x", state_before="", state_after="reported", role="system", started_at=NOON, ended_at=NOON
        )
        for n in (1, 2)
    )
    body = CaseSnapshotBody(head=head, history=steps, media=(a_media(),), summary=a_summary())
    found = records_of(stamped(CaseSnapshot(case=head, reader="national_sync", body=body)), None)
    flows = [r.record_id for r in found if r.kind == "case_flow"]
    assert flows == [f"{head.case_id}/flow/1", f"{head.case_id}/flow/2"]
    assert {"case_base", "media_ref", "case_result"} <= {r.kind for r in found}


def test_the_district_is_that_in_whose_name_the_act_was_done() -> None:
    """A town of a city without counties keeps its nine digits."""
    town = stamped(a_report(), jurisdiction="441900003")
    assert {r.district for r in records_of(town, None)} == {"441900003"}


def test_a_category_names_its_class_with_code_set_and_kind() -> None:
    filed = stamped(a_case(category=a_category("04", "10")))
    assert isinstance(filed, CaseFiled)
    assert base_of(filed, None)["class_key"] == "gbt30428.2-2013/event/04"
