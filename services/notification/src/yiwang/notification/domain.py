"""From an event to the notices that are due: pure, by the book."""

from __future__ import annotations

import uuid
from typing import Final

import msgspec
from yiwang.contracts import CaseDispatched, CaseEvent, NoticeRequested, tag_of

from .audience import Audience
from .book import Book, Rule, Steps, Template, filled, steps_of, steps_text
from .facts import Facts, facts_of

TOLD: Final = frozenset({"live", "demo"})
"""Only these purposes reach people: drills and history tell nobody, a test tells its own tester."""
TEST: Final = "test"
_HEARD: Final = TOLD | {TEST}

NAMESPACE: Final = uuid.UUID("6f1d3c52-8b0e-5f43-9a57-2d1c7f0b9e64")


class NotTellable(ValueError):
    """A requested notice that can't be made; the sentence says who must mend what."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """One notice for one audience, before it is stored."""

    notice_id: uuid.UUID
    """From audience, template, business id and version: the same notice is the same row"""
    audience: str
    kind: str
    role: str
    area: str
    business_id: str
    version: int
    template: str
    template_version: str
    rule: str
    title: str
    body: str
    urgency: str
    notice_purpose: str
    consent_id: str
    purpose: str
    case_id: str
    case_no: str
    plan: str
    """Its steps, as `steps_text` writes them"""
    inbox: bool
    """Whether the first step puts it into the in-app inbox, which always succeeds"""

    @property
    def steps(self) -> Steps:
        return steps_of(self.plan)

    def heard_by(self) -> list[str]:
        """What endpoints may listen to in order to hear it."""
        return Audience.parse(self.audience).heard_by()


def drafts_of(event: CaseEvent, book: Book) -> list[Draft]:
    """The notices that *event* asks for: all of them in live and demo; in a test those that the actor sends to himself."""
    tag = tag_of(type(event))
    rules = book.rules.get(tag)
    if rules is None or event.purpose not in _HEARD:
        return []
    business = f"{event.case.case_id}/{tag.split('.')[1]}"
    return [
        _draft(event, book, rule, facts, audience, business)
        for facts in facts_of(event)
        for rule in rules
        if rule.fits(facts) and (audience := rule.audience_of(facts))
        if event.purpose in TOLD or (audience.kind, audience.value) == ("person", event.actor.person_ref)
    ]


def _draft(event: CaseEvent, book: Book, rule: Rule, facts: Facts, audience: Audience, business: str) -> Draft:
    template = book.templates[rule.template]
    assignment = facts["assignment_id"] if isinstance(event, CaseDispatched) else ""
    return _made(
        audience,
        business_id=f"{business}/{assignment}" if assignment else business,
        version=event.case.case_version,
        template=rule.template,
        template_version=book.templates_version,
        rule=f"{rule.id}@{book.rules_version}",
        title=filled(template.title, facts),
        body=filled(template.body, facts),
        urgency=event.case.urgency if rule.urgency == "case" else rule.urgency,
        notice_purpose="business",
        consent_id="",
        purpose=event.purpose,
        case_id=event.case.case_id,
        case_no=event.case.case_no,
        steps=rule.channels or template.channels,
    )


def requested(event: NoticeRequested, book: Book) -> Draft | None:
    """The notice that another service asked for; None outside live and demo.

    Raises NotTellable for an unknown template, missing params, a bad audience, or a legal notice without a consent
    (service of documents needs the party's consent: 行政处罚法 Art. 61).
    """
    if event.purpose not in TOLD:
        return None
    template = book.templates.get(event.template)
    if template is None:
        raise NotTellable(
            f"no template {event.template!r}: the administrator adds it to templates.toml, or the sender uses one"
        )
    if missing := template.used - event.params.keys():
        raise NotTellable(f"{event.template}: the sender must give {', '.join(sorted(missing))}")
    if any("\0" in text for text in (event.business_id, event.consent_id, *event.params.values())):
        raise NotTellable(f"{event.template}: the sender must leave out the character NUL")
    if event.notice_purpose == "legal_service" and not event.consent_id:
        raise NotTellable("a notice with legal effect needs the consent_id of the party; the sender must give it")
    try:
        audience = Audience.parse(event.audience)
    except ValueError as error:
        raise NotTellable(f"the sender must name an audience: {error}") from error
    return _made(
        audience,
        business_id=event.business_id,
        version=event.version,
        template=event.template,
        template_version=book.templates_version,
        rule="requested",
        title=filled(template.title, event.params),
        body=filled(template.body, event.params),
        urgency=event.urgency,
        notice_purpose=event.notice_purpose,
        consent_id=event.consent_id,
        purpose=event.purpose,
        case_id="",
        case_no="",
        steps=_steps(event, template),
    )


def _steps(event: NoticeRequested, template: Template) -> Steps:
    """A notice with legal effect falls back to nothing silently: only its first step counts."""
    return template.channels[:1] if event.notice_purpose == "legal_service" else template.channels


def _made(audience: Audience, *, steps: Steps, **fields: object) -> Draft:
    role, area = (audience.value, audience.area) if audience.kind == "role" else ("", "")
    text = f"{role}@{area}" if role else f"{audience.kind}:{audience.value}"
    key = f"{text}|{fields['template']}|{fields['business_id']}|{fields['version']}"
    return Draft(
        notice_id=uuid.uuid5(NAMESPACE, key), plan=steps_text(steps), inbox="inbox" in steps[0],
        audience=text, kind=audience.kind, role=role, area=area, **fields  # type: ignore[arg-type]
    )  # fmt: skip
