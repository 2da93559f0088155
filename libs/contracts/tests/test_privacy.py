"""Personal data stays in the tier that took it."""

from __future__ import annotations

import pytest
from yiwang.contracts import CaseEvent, Event, Personal, Value, check_privacy, personal_fields, registry


class Witness(Value, frozen=True, kw_only=True):
    phone: str = ""


class Leaky(Event, frozen=True, kw_only=True, tag="test.leaky.v1"):
    told_by: Personal[str] = ""


class NamedLikeIt(Event, frozen=True, kw_only=True, tag="test.named.v1"):
    seen_by: tuple[Witness, ...] = ()


class PersonalAsAWhole(CaseEvent, frozen=True, kw_only=True, tag="test.whole.v1"):
    personal = True


@pytest.mark.parametrize("tag", [t for t, cls in registry().items() if cls.flow != "local"])
def test_no_up_or_down_event_has_a_personal_field(tag: str) -> None:
    """Walks every nested type: neither marked `Personal` nor named like a person's name, phone or openid."""
    check_privacy(registry()[tag])

    assert personal_fields(registry()[tag]) == ()


def test_what_names_a_person_is_marked_and_local() -> None:
    """The only events with personal fields are contact and notices."""
    with_personal = {tag for tag, cls in registry().items() if personal_fields(cls)}

    notices = {f"notice.{what}.v1" for what in ("requested", "delivered", "failed", "unsent")}
    assert {"report.contact.v1", *notices} == with_personal
    assert all(registry()[tag].personal for tag in with_personal)


@pytest.mark.parametrize(
    ("leak", "where"),
    [(Leaky, "told_by"), (NamedLikeIt, r"seen_by\.phone"), (PersonalAsAWhole, "personal as a whole")],
)
def test_refuses_an_event_that_would_carry_personal_data_upward(leak: type[Event], where: str) -> None:
    """A stranger's event is refused with the path of the field."""
    with pytest.raises(TypeError, match=where):
        check_privacy(leak)
