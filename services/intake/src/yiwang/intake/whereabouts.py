"""Where a report stands, told in plain words; and the reporter's contact, opened only for who must call back."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from yiwang.contracts import Moment
from yiwang.kit import App, Caller

from . import store
from .domain import token_fits
from .errors import NOT_FOUND
from .receive import Desk
from .rules import Stage
from .store import Standing


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One stage that the case went through."""

    state: str
    word: str
    at: Moment


class Whereabouts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A report's standing; nothing in it is personal."""

    report_id: str
    state: str
    word: str
    sentence: str
    received_at: Moment | None = None
    changed_at: Moment | None = None
    case_no: str = ""
    merged: bool = False
    """The matter is handled under another report's case"""
    steps: list[Step] = []


class OpenedContact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Personal: for the call back only."""

    report_id: str
    name: str = ""
    phone: str = ""
    openid: str = ""
    text: str = ""
    address: str = ""
    consent: str = ""


async def tell(app: App, caller: Caller, report_id: str, token: str) -> Whereabouts:
    """Raises intake.report_not_found also for who may not know: a stranger learns nothing by guessing."""
    desk = app.get(Desk)
    holder = bool(token) and token_fits(token, report_id, desk.keys)
    standing = await store.standing(app.pool, report_id)
    if standing is None:
        if not holder:
            raise NOT_FOUND(report_id=report_id)
        stage = desk.rules.stage("reported")  # its 202 was a moment ago: the read model follows
        return Whereabouts(report_id=report_id, state=stage.state, word=stage.word, sentence=stage.sentence)
    if not holder and not _staff(caller, standing):
        raise NOT_FOUND(report_id=report_id)
    return _told(standing, await store.steps(app.pool, standing.leading_case_id), desk)


async def staffed(app: App, caller: Caller, report_id: str, roles: Iterable[str]) -> Standing:
    """The report, for who has one of *roles* over its area. Raises intake.report_not_found or kit.out_of_area."""
    standing = await store.standing(app.pool, report_id)
    if standing is None:
        raise NOT_FOUND(report_id=report_id)
    caller.require(roles, standing.county or standing.jurisdiction)
    return standing


async def contact(app: App, caller: Caller, report_id: str) -> OpenedContact:
    """The opened contact; empty fields once it was erased. Raises as `staffed`."""
    standing = await staffed(app, caller, report_id, ("acceptor",))
    await store.look(app.pool, report_id, caller.person_ref, app.clock.now())
    row = await store.contact(app.pool, report_id)
    if row is None or standing.erased:
        return OpenedContact(report_id=report_id)
    sealed: dict[str, str] = msgspec.json.decode(row.sealed)
    opened = {name: await app.vault.open(report_id, words) for name, words in sealed.items()}
    return OpenedContact(report_id=report_id, consent=row.consent, **opened)


def _staff(caller: Caller, standing: Standing) -> bool:
    area = standing.county or standing.jurisdiction
    return any(post.covers(area) for post in caller.posts)


def _told(standing: Standing, course: Iterable[store.StepRow], desk: Desk) -> Whereabouts:
    stage: Stage = desk.rules.stage("answered" if standing.answered else standing.state)
    return Whereabouts(
        report_id=standing.report_id,
        state=stage.state,
        word=stage.word,
        sentence=stage.sentence,
        received_at=standing.recorded_at,
        changed_at=standing.changed_at,
        case_no=standing.case_no,
        merged=bool(standing.case_id) and standing.leading_case_id != standing.case_id,
        steps=[Step(state=step.state, word=desk.rules.stage(step.state).word, at=step.at) for step in course],
    )
