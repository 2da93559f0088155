"""What follows from a report, and what of it may travel."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from yiwang.contracts import Actor, CaseReported, Point, ReportAnswered, encode
from yiwang.intake import facts
from yiwang.intake.submission import Submission
from yiwang.intake.testing import RULES, a_body, a_citizen_body, a_submission, a_ticket

POINT = Point(lon=114.3461, lat=22.6908, crs="cgcs2000")


def _reported(submission: Submission) -> CaseReported | ReportAnswered:
    ticket = a_ticket(submission)
    return facts.reported(ticket, facts.masked(ticket), jurisdiction="440300", point=POINT, media=(), actor=Actor())


def test_a_report_begins_a_case_at_version_one() -> None:
    event = _reported(a_submission())

    assert isinstance(event, CaseReported)
    assert (event.case.case_version, event.case.state_before, event.case.state_after) == (1, "", "reported")
    assert event.case.custody.jurisdiction == "440300"
    assert event.case.report_ids == (event.report_id,)
    assert (event.case.channel.code, event.case.channel.version) == ("1", RULES.version)
    assert (event.nature, event.verify_policy, event.reporter_kind) == ("patrol", "skip", "collector")


def test_public_reports_must_be_verified_and_leaders_ones_need_not() -> None:
    policies = {code: channel.verify_policy for code, channel in RULES.channels.items()}

    assert {policies[code] for code in ("33", "12345", "12319", "11", "31", "wechat")} == {"must"}
    assert {policies[code] for code in ("1", "2", "34", "36", "leader")} == {"skip"}
    assert policies["41"] == "human_confirm"


def test_only_what_is_a_case_becomes_one() -> None:
    """投诉 and 求决 are cases; 咨询, 建议, 感谢 and what nobody classified are registered and answered."""
    is_case = {word: isinstance(_reported(a_submission(nature=word)), CaseReported) for word in RULES.natures}

    assert {word for word, case in is_case.items() if not case} == {
        "咨询", "consultation", "建议", "suggestion", "意见", "感谢", "thanks", "表扬", "-", "unknown", "其他",
    }  # fmt: skip


def test_a_nature_that_nobody_knows_is_looked_at_by_a_person() -> None:
    event = _reported(a_submission(nature="奇事"))

    assert isinstance(event, CaseReported)
    assert event.nature == "奇事"


def test_an_unknown_code_of_an_open_set_passes() -> None:
    category = {"code_set": "pingshan-2018", "version": "1", "kind": "event", "major": "1159", "minor": "9999"}
    event = _reported(a_submission(category=category))

    assert isinstance(event, CaseReported)
    assert event.claimed_category is not None
    assert event.claimed_category.minor == "9999"


def test_what_the_citizen_said_and_who_they_are_stays_here() -> None:
    """Name, phone, openid, room and the exact words are in report.contact and nowhere else."""
    ticket = a_ticket(msgspec.convert(a_citizen_body(), Submission))
    text = facts.masked(ticket)
    up = encode(facts.reported(ticket, text, jurisdiction="440300", point=POINT, media=(), actor=Actor())).decode()

    assert text.personal
    assert set(facts.private_of(ticket)) == {"text", "address", "name", "phone", "openid"}
    assert not [word for word in ("张三丰", "13800138000", "138 0013", "o-test-openid", "501房") if word in up]


def test_a_citizen_s_text_is_personal_even_where_nothing_was_masked() -> None:
    said = a_citizen_body(description="楼下垃圾没人收", contact=None)

    assert facts.masked(a_ticket(msgspec.convert(said, Submission))).personal


def test_an_inspector_s_plain_text_needs_no_second_event() -> None:
    assert not facts.masked(a_ticket(a_submission())).personal


def test_an_inspector_s_text_is_masked_too() -> None:
    ticket = a_ticket(a_submission(description="业主电话13800138000，占道经营"))
    text = facts.masked(ticket)

    assert text.personal
    assert "138" not in text.description


_phones = st.from_regex(r"\A1[3-9][0-9]{9}\Z")


@given(_phones, st.sampled_from(["description", "address", "reply"]))
def test_no_phone_number_reaches_an_up_event(phone: str, where: str) -> None:
    change: dict[str, Any] = {
        "description": {"description": f"请回电{phone}谢谢"},
        "address": {"place": {"address": f"兴华路 电话{phone}"}},
        "reply": {"imported": {"unit": {"unit_id": "1"}, "reply": f"已电话答复{phone}"}},
    }[where]
    event = _reported(msgspec.convert(a_body(**change), Submission))

    assert phone not in encode(event).decode()


def test_a_contact_holds_only_what_is_sealed_and_the_hash_of_the_token() -> None:
    ticket = a_ticket(msgspec.convert(a_citizen_body(), Submission))
    event = facts.contact(ticket, dict.fromkeys(facts.private_of(ticket), "sealed"), Actor())

    assert (event.name, event.phone, event.openid, event.text, event.address) == ("sealed",) * 5
    assert len(event.token_hash) == 64
    assert ticket.token not in encode(event).decode()


def test_a_trial_counts_nowhere() -> None:
    """Its purpose is what keeps a report out of figures, off the upper platforms and without clocks."""
    assert (_reported(a_submission(test=True)).purpose, _reported(a_submission()).purpose) == ("test", "live")


def test_an_imported_record_is_history() -> None:
    report = a_submission(
        source={"system": "pingshan-2018", "record_id": "72687"},
        channel={"code_set": "pingshan-channel", "version": "2018", "code": "@坪山"},
        imported={"unit": {"unit_id": "8508", "unit_name": "龙田街道综合执法队"}, "timeliness": "on_time"},
        nature="求决",
    )
    event = _reported(report)

    assert isinstance(event, CaseReported)
    assert event.purpose == "historical"
    assert event.origin is not None
    assert (event.origin.mode, event.origin.system_id, event.origin.record_id) == ("imported", "pingshan-2018", "72687")
    assert event.case.channel.code_set == "pingshan-channel"
    assert event.imported is not None
    assert event.imported.unit.unit_id == "8508"
