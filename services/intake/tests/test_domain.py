"""Numbers, digests and tokens."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st
from yiwang.intake.domain import (
    CASES,
    REPORTS,
    Keys,
    case_id_of,
    digest_of,
    report_id_of,
    token_fits,
    token_of,
    uuid5,
    uuid7,
)
from yiwang.intake.submission import Source
from yiwang.intake.testing import KEYS, a_submission, a_ticket


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=60))
def test_numbers_are_uuid5_of_system_and_record(system: str, record: str) -> None:
    """Anybody can compute the id of a report and of its case from the reporter's number."""
    report_id = report_id_of(Source(system=system, record_id=record))

    assert report_id == str(uuid.uuid5(REPORTS, f"{system}/{record}"))
    assert case_id_of(report_id) == str(uuid.uuid5(CASES, report_id))


def test_the_same_number_gives_the_same_report_and_case_on_every_retry() -> None:
    source = {"system": "12345", "record_id": "2026-000123"}
    first, second = (a_ticket(a_submission(source=source)) for _ in range(2))

    assert (first.report_id, first.case_id, first.digest) == (second.report_id, second.case_id, second.digest)


@given(st.integers(0, 2**47), st.integers(0, 2**47), st.binary(min_size=10, max_size=10))
def test_ids_without_a_number_are_ordered_by_time(earlier: int, later: int, random: bytes) -> None:
    earlier, later = sorted((earlier, later))

    assert uuid7(earlier, bytes(10)) <= uuid7(later, random) or earlier == later
    assert uuid.UUID(uuid7(later, random)).version == 7


def test_the_digest_tells_another_report_from_a_repetition() -> None:
    same = digest_of(a_submission(), KEYS)

    assert digest_of(a_submission(), KEYS) == same
    assert digest_of(a_submission(description="另一件事"), KEYS) != same


def test_the_digest_cannot_be_searched_without_the_node_s_key() -> None:
    """It travels upward; with an open hash a phone number in the text could be found by trying them all."""
    assert digest_of(a_submission(), KEYS) != digest_of(a_submission(), Keys.of(b"another node's secret"))


def test_a_token_fits_its_own_report_only() -> None:
    token = token_of("a", KEYS)

    assert token_fits(token, "a", KEYS)
    assert not token_fits(token, "b", KEYS)
    assert not token_fits(token, "a", Keys.of(b"another node's secret"))
    assert not token_fits("é", "a", KEYS)


def test_a_token_is_given_to_reporters_who_may_ask() -> None:
    assert a_ticket(a_submission(channel="33")).token
    assert not a_ticket(a_submission(channel="1")).token


def test_uuid5_is_that_of_the_standard_library() -> None:
    assert uuid5(CASES, "名") == str(uuid.uuid5(CASES, "名"))
