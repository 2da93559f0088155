"""How contracts grow, and what they refuse."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import msgspec
import pytest
from yiwang.contracts import (
    STAMPED,
    CaseEvent,
    CaseFiled,
    CaseHandled,
    Code,
    ReportContact,
    UnknownEvent,
    decode,
    encode,
    registry,
)
from yiwang.contracts._samples import sample

LISTED = """
case.reported report.contact case.located case.corrected case.verify_requested case.check_requested case.verified
case.checked case.accepted case.filed case.dispatched case.returned case.handling_started case.arrived case.handled
case.handling_confirmed case.reworked case.deadline_warned case.overdue case.suspended case.resumed
case.extension_requested case.extension_decided case.closed case.voided case.reopened case.visited case.appealed
case.appeal_decided case.supervised case.supervision_replied case.handover_offered case.handover_accepted
case.handover_refused case.merged case.linked case.snapshot case.referred_to_enforcement enforcement.clue_opened
enforcement.recorded enforcement.closed evidence.head_signed evidence.cosigned notice.requested notice.delivered
notice.failed sync.delivered sync.refused config.published config.applied config.refused area.sealed
"""
"""The first version of the contracts, by name."""


def wire(event_type: type[Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(encode(sample(event_type)))
    return found


def test_every_event_of_the_first_version_exists() -> None:
    """Facts are hard to add later, so they exist before their logic does."""
    assert {f"{name}.v1" for name in LISTED.split()} <= set(registry())


def test_a_field_from_a_newer_version_is_passed_over() -> None:
    """Old readers go on when new optional fields arrive, at any depth."""
    body = wire(CaseFiled)
    body["weather"] = "rain"
    body["case"]["place"]["storey"] = 3

    assert decode(json.dumps(body).encode()) == sample(CaseFiled)


def test_an_event_from_a_newer_version_is_named_not_guessed() -> None:
    """The reader skips it; nothing is parked."""
    with pytest.raises(UnknownEvent, match=r"case\.filed\.v9"):
        decode(json.dumps(wire(CaseFiled) | {"type": "case.filed.v9"}).encode())


def test_a_word_that_no_code_set_knows_passes() -> None:
    """Codes are open: a new channel of one city stops nobody."""
    body = wire(CaseFiled)
    body["case"]["channel"] = {"code_set": "somewhere", "version": "7", "code": "drone"}
    event = decode(json.dumps(body).encode())

    assert isinstance(event, CaseFiled)
    assert event.case.channel == Code(code_set="somewhere", version="7", code="drone")


@pytest.mark.parametrize("field", STAMPED.values())
def test_what_the_kit_stamps_is_required_on_the_wire(field: str) -> None:
    """An event that a stranger forgot to stamp is refused by the field's name."""
    body = wire(CaseFiled)
    del body[field]

    with pytest.raises(msgspec.ValidationError, match=f"`{field}`"):
        decode(json.dumps(body).encode())


@pytest.mark.parametrize("path", [("time",), ("case", "open_clocks", 0, "due_at")])
def test_refuses_a_time_without_its_zone(path: tuple[str | int, ...]) -> None:
    """09:00 means nothing until it says where; the error names the field."""
    body: Any = wire(CaseFiled)
    inner = body
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = "2026-03-02T09:00:00"

    with pytest.raises(msgspec.ValidationError, match=str(path[-1])):
        decode(json.dumps(body).encode())


def test_refuses_to_send_a_time_without_its_zone() -> None:
    """The mistake shows where it is made, not at the readers."""
    naive = msgspec.structs.replace(sample(CaseFiled), occurred_at=dt.datetime(2026, 3, 2, 9))  # noqa: DTZ001

    with pytest.raises(ValueError, match="aware"):
        encode(naive)


@pytest.mark.parametrize("amount", ["12.5", "12.0", '"12"'])
def test_money_is_integer_fen(amount: str) -> None:
    """A float loses money sooner or later."""
    text = json.dumps(wire(CaseHandled) | {"cost": "COST"}).replace('"COST"', amount)

    with pytest.raises(msgspec.ValidationError, match="cost"):
        decode(text.encode())


def test_the_minimal_event_has_no_optional_field() -> None:
    """What is absent has its default; empty things are not sent."""
    body = json.loads(encode(sample(ReportContact, full=False)))

    assert {"type", *STAMPED.values(), "report_id", "case_id"} == set(body)


@pytest.mark.parametrize("tag", [t for t, kind in registry().items() if issubclass(kind, CaseEvent)])
def test_every_event_of_a_case_carries_its_version(tag: str) -> None:
    """Readers apply by version and see a gap; without it they would have to trust clocks."""
    body = json.loads(encode(sample(registry()[tag], full=False)))

    assert isinstance(body["case"]["case_version"], int)
    assert body["subject"] == body["case"]["case_id"]
    del body["case"]["case_version"]
    with pytest.raises(msgspec.ValidationError, match="case_version"):
        decode(json.dumps(body).encode())
