"""By the book: who is told what, with which words."""

from __future__ import annotations

import doctest

import msgspec
import pytest
from yiwang.contracts import Actor, CaseLocated, CaseOverdue, CaseVerifyRequested, Person
from yiwang.kit.testing import a_head, a_place
from yiwang.notification import audience, book, facts, mail, retry, webhook
from yiwang.notification.domain import NotTellable, drafts_of, requested
from yiwang.notification.service import HEARD
from yiwang.notification.testing import a_clock, a_wish, closed, dispatched

BOOK = book.load("", HEARD)


@pytest.mark.parametrize("module", [audience, book, facts, mail, retry, webhook])
def test_the_examples_in_the_docstrings_are_true(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]

    assert result.attempted > 0
    assert result.failed == 0


def test_each_assigned_unit_is_told_with_its_own_deadline() -> None:
    """Lead and helping unit each get one notice, in Chinese and Chinese time."""
    lead, other = drafts_of(dispatched("8508", "8484"), BOOK)

    assert (lead.audience, other.audience) == ("unit:8508", "unit:8484")
    assert lead.title == "新派遣案件 4403102026112300001"
    assert lead.body == "暴露垃圾，位于坪山大道12号。由坪山街道执法队办理，请于11月23日 18:00前办结。"
    assert lead.notice_id != other.notice_id


def test_the_same_fact_makes_the_same_notice() -> None:
    """Redelivered, it is the same row; another version of the case is another notice."""
    event = dispatched(head={"case_id": "c-1"})
    later = msgspec.structs.replace(event, case=msgspec.structs.replace(event.case, case_version=9))

    assert drafts_of(event, BOOK)[0].notice_id == drafts_of(event, BOOK)[0].notice_id
    assert drafts_of(event, BOOK)[0].notice_id != drafts_of(later, BOOK)[0].notice_id


@pytest.mark.parametrize("purpose", ["test", "drill", "historical"])
def test_nobody_is_told_of_history_tests_and_drills(purpose: str) -> None:
    """An import of ten thousand old cases wakes nobody."""
    assert drafts_of(dispatched(purpose=purpose), BOOK) == []
    assert requested(a_wish(purpose=purpose), BOOK) is None


@pytest.mark.parametrize(("person", "told"), [("p-7", []), ("p-1", ["person:p-1"]), ("", [])])
def test_a_test_tells_nobody_but_its_own_tester(person: str, told: list[str]) -> None:
    """Who sends himself a task to try the way to his terminal gets it; nobody else is woken."""
    tester = Actor(person_ref="p-1", role="acceptor")
    head = a_head(case_version=3, place=a_place())
    task = CaseVerifyRequested(case=head, task_id="t1", assignee=Person(person_ref=person), clock=a_clock(),
                               purpose="test", actor=tester)  # fmt: skip

    assert [draft.audience for draft in drafts_of(task, BOOK)] == told


@pytest.mark.parametrize(("person", "told"), [("p-7", "person:p-7"), ("", "collector@440310001003")])
def test_a_task_goes_to_the_person_or_to_the_inspectors_of_the_place(person: str, told: str) -> None:
    """Rules with an empty fact in their audience stay silent."""
    head = a_head(case_version=3, place=a_place())
    task = CaseVerifyRequested(case=head, task_id="t1", assignee=Person(person_ref=person), clock=a_clock())

    assert [told] == [draft.audience for draft in drafts_of(task, BOOK)]


@pytest.mark.parametrize(("outcome", "told"), [("located", []), ("unlocated", ["acceptor@440300"])])
def test_a_condition_decides_whether_a_rule_speaks(outcome: str, told: list[str]) -> None:
    """Only what a person must resolve is told."""
    event = CaseLocated(case=a_head(case_version=2), place=a_place(), outcome=outcome, jurisdiction="440300")

    assert told == [draft.audience for draft in drafts_of(event, BOOK)]


def test_an_overdue_case_is_urgent_for_the_unit() -> None:
    """The rule says so, whatever the case's own urgency."""
    event = CaseOverdue(
        case=a_head(case_version=7), clock_id="c", stage="disposal", due_at=a_clock().due_at, unit_id="8508"
    )
    unit, supervisor = drafts_of(msgspec.structs.replace(event, jurisdiction="440300"), BOOK)

    assert (unit.audience, unit.urgency) == ("unit:8508", "urgent")
    assert (supervisor.audience, supervisor.urgency) == ("supervisor@440300", "normal")


def test_the_reporter_is_told_by_the_case_not_by_name() -> None:
    """The audience holds no personal data; the contact is looked up when the notice leaves."""
    [draft] = drafts_of(closed("c-9"), BOOK)

    assert draft.audience == "reporter:c-9"
    assert draft.steps == (("webhook",),)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"template": "nonsense"}, "the administrator adds it to templates.toml"),
        ({"params": {"title": "x"}}, "the sender must give text"),
        ({"params": {"title": "x", "text": "a\0b"}}, "leave out the character NUL"),
        ({"audience": "everybody"}, "role@area"),
        ({"audience": "unit:a b"}, "is no audience"),
        ({"notice_purpose": "legal_service"}, "consent_id"),
    ],
)
def test_a_wish_that_cannot_be_met_says_who_must_mend_it(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(NotTellable, match=sentence):
        requested(a_wish(**change), BOOK)


def test_a_legal_notice_has_no_second_way() -> None:
    """No silent fallback: what the party consented to is the only channel."""
    both = msgspec.structs.replace(BOOK.templates["message"], channels=(("webhook",), ("email",)))
    changed = msgspec.structs.replace(BOOK, templates={"message": both})
    legal = requested(a_wish(notice_purpose="legal_service", consent_id="s-1"), changed)
    business = requested(a_wish(), changed)

    assert legal is not None
    assert business is not None
    assert legal.steps == (("webhook",),)
    assert business.steps == (("webhook",), ("email",))
