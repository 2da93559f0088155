"""投诉对象单位: the reporter names whom they complain of, in their own words."""

from __future__ import annotations

import pytest
from yiwang.contracts import Actor, CaseReported
from yiwang.intake import facts
from yiwang.intake.testing import a_citizen_body, a_submission, a_ticket


@pytest.mark.parametrize(("said", "travels"), [
    ("罗湖区执法队", "罗湖区执法队"), ("patrol", "patrol"), ("", ""), ("执法队 电话13812345678", "执法队 电话【号码】"),
])  # fmt: skip
def test_the_unit_complained_of_travels_with_the_report_without_personal_numbers(said: str, travels: str) -> None:
    """Dispatch never sends the case to it; what could be a person's number stays behind."""
    ticket = a_ticket(a_submission(**a_citizen_body(complained_unit=said)))
    event = facts.reported(ticket, facts.masked(ticket), jurisdiction="440300", point=None, media=(), actor=Actor())

    assert isinstance(event, CaseReported)
    assert event.complained_unit == travels
