"""The one path of every report: judge, look up, keep what is private, publish, compare. 202 only at its end.

Order matters: the sealed contact is in JetStream before the report is, so that no case exists whose reporter is lost.
Ids derive from the reporter's number; a repetition is recognised by the look-up, or by JetStream's answer that it has
that id already, and its digest says whether it really is the same report.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
import nats.errors
from yiwang.contracts import Actor, Event, MediaRef, Point, decode
from yiwang.kit import App, Caller, FieldError, JetStreamError, Problem, PubAck, Role
from yiwang.kit.files import Erased
from yiwang.kit.http import invalid
from yiwang.kit.names import REPORTS

from . import checks, facts, photos
from .checks import Mistake
from .domain import Keys, Ticket, channel_of, ticket_of
from .errors import CHANNEL_LOGIN, CHANNEL_ROLE, CONFLICT, CONTROL_AREA, IMPORT_ROLE, NOT_SAFE, TEST_ROLE
from .lookup import Lookup
from .rules import IMPORTED, Channel, Rules
from .submission import Receipt, Source, Submission

PARENT: Final = "00000000-0000-0000-0000-000000000000"
"""Nothing derives from it: intake's events have ids of their own."""
RETRY_AFTER_S: Final = 5
TESTERS: Final = frozenset({Role.ACCEPTOR, Role.ADMIN, Role.SYSTEM_ACCOUNT})
_NOTHING: Final[tuple[Event | None, tuple[MediaRef, ...] | Problem]] = (None, ())
UNSAFE: Final = (JetStreamError, nats.errors.Error, OSError, TimeoutError)


class Desk(msgspec.Struct, frozen=True):
    """What receiving needs besides the app."""

    rules: Rules
    keys: Keys
    lookup: Lookup


class Handed(msgspec.Struct, frozen=True):
    """A report, who hands it in, and the Idempotency-Key that numbers it where it has no number of its own."""

    report: Submission
    caller: Caller
    key: str = ""


class Judged(msgspec.Struct, frozen=True):
    """A report that may be taken, its place in CGCS2000, and who hands it in."""

    ticket: Ticket
    point: Point | None
    caller: Caller


async def receive(app: App, handed: Sequence[Handed]) -> list[Receipt | Problem]:
    """A receipt or a refusal for each of *handed*, in order. Raises the 503 Problem when nothing can be taken now."""
    await app.pressure()
    desk, now = app.get(Desk), app.clock.now()
    judged = [_judged(one, desk, now) for one in handed]
    outcomes: list[Receipt | Problem | None] = [j if isinstance(j, Problem) else None for j in judged]
    waiting = {n: j for n, j in enumerate(judged) if isinstance(j, Judged)}
    if numbers := [j.ticket.report_id for j in waiting.values() if j.ticket.numbered]:
        known = await desk.lookup.known(numbers)
        for n, one in list(waiting.items()) if known else ():
            if found := known.get(one.ticket.report_id):
                outcomes[n] = _repeated(one.ticket, found.digest)
                del waiting[n]
    if waiting:
        try:
            for n, outcome in (await _keep(app, waiting)).items():
                outcomes[n] = outcome
        except UNSAFE as error:
            unsafe = NOT_SAFE(why=_reason(error), retry_after=RETRY_AFTER_S)
            for n in waiting:
                outcomes[n] = unsafe
    told = [outcome for outcome in outcomes if outcome is not None]
    _count(judged, told)
    return told


def judge(report: Submission, desk: Desk, caller: Caller, now: dt.datetime, key: str = "") -> Judged:
    """Numbers and policy for *report*. Raises the Problem that refuses it, with all mistakes at once."""
    found = channel_of(report, desk.rules)
    if found is None:
        raise invalid(FieldError("$.channel", f"没有这个渠道，本地渠道有 {'、'.join(desk.rules.channels)}"))
    channel, code = found
    _admit(report, channel, caller)
    source = report.source
    mistakes = checks.mistakes_of(report, channel, now)
    mistakes += checks.source_mistakes(source, channel, known=caller.known)
    mistakes += checks.self_disposal(report, desk.rules)
    if source is None and key:
        source = Source(system=f"key:{caller.person_ref or 'anonymous'}", record_id=key)
        mistakes += checks.key_mistakes(key, known=caller.known)
    point = None
    if report.place.point is not None:
        try:
            point = checks.convert(report.place.point)
        except checks.GeoError as error:
            mistakes.append(Mistake("$.place.point", str(error)))
    if mistakes:
        raise invalid(*(FieldError(path, say) for path, say in mistakes))
    if blocked := checks.control_area(report, channel, desk.rules, point, now):
        raise CONTROL_AREA(message=blocked.say, errors=[FieldError(*blocked)])
    fresh = "" if source else facts.new_report_id(now, secrets.token_bytes(10))
    return Judged(ticket_of(report, channel, code, desk.rules, desk.keys, source=source, fresh_id=fresh), point, caller)


def _judged(one: Handed, desk: Desk, now: dt.datetime) -> Judged | Problem:
    try:
        return judge(one.report, desk, one.caller, now, one.key)
    except Problem as refusal:
        return refusal


def _admit(report: Submission, channel: Channel, caller: Caller) -> None:
    """Whether the caller may use the channel; imported records and foreign channels are for system accounts."""
    if (report.imported is not None or channel is IMPORTED) and Role.SYSTEM_ACCOUNT not in caller.roles:
        raise IMPORT_ROLE()
    if report.test and caller.roles.isdisjoint(TESTERS):
        raise TEST_ROLE()
    if channel is IMPORTED and report.imported is None:
        raise invalid(FieldError("$.channel", "其他编码集的渠道只用于导入的历史记录，请同时给出 imported"))
    if report.imported is not None or channel.anonymous:
        return
    if not caller.known:
        raise CHANNEL_LOGIN(channel=channel.name)
    if channel.roles and caller.roles.isdisjoint(channel.roles):
        names = "、".join(Role(role).label for role in channel.roles)
        raise CHANNEL_ROLE(channel=channel.name, roles=names)


def _count(judged: Sequence[Judged | Problem], outcomes: Sequence[Receipt | Problem]) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for one, outcome in zip(judged, outcomes, strict=True):
        said = "refused" if isinstance(outcome, Problem) else "repeated" if outcome.duplicate else "taken"
        counts[one.ticket.channel.code or "imported" if isinstance(one, Judged) else "-", said] += 1
    for labels, n in counts.items():
        REPORTS.labels(*labels).inc(n)


async def _keep(app: App, waiting: dict[int, Judged]) -> dict[int, Receipt | Problem]:
    """Publish; whatever is not in the answer of JetStream was not taken."""
    outcomes: dict[int, Receipt | Problem] = {}
    contacts: list[Event] = []
    events: dict[int, Event] = {}
    texts = {n: facts.masked(one.ticket) for n, one in waiting.items()}
    slow = [n for n, one in waiting.items() if one.ticket.submission.media_ids or texts[n].personal]
    kept = await asyncio.gather(*(_kept(app, waiting[n], texts[n]) for n in slow))
    beside = dict(zip(slow, kept, strict=True))
    for n, one in waiting.items():
        contact, media = beside.get(n, _NOTHING)
        if isinstance(media, Problem):
            outcomes[n] = media
            continue
        if contact is not None:
            contacts.append(contact)
        events[n] = facts.reported(
            one.ticket, texts[n], jurisdiction=app.node.jurisdiction, point=one.point, media=media,
            actor=_actor(one.caller, one.ticket.channel),
        )  # fmt: skip
    if contacts:
        await app.publish(*contacts, parent=PARENT)
    acks = await app.publish(*events.values(), parent=PARENT) if events else []
    for n, ack in zip(events, acks, strict=True):
        ticket = waiting[n].ticket
        outcomes[n] = _repeated(ticket, await _stored_digest(app, ack)) if ack.duplicate else _receipt(ticket)
    return outcomes


async def _kept(app: App, one: Judged, text: facts.Masked) -> tuple[Event | None, tuple[MediaRef, ...] | Problem]:
    """What the store of files and the vault have to do with a report: the sealed contact, if there is anything
    private, and its photos; a Problem when one isn't there.
    """
    ticket = one.ticket
    try:
        media = await photos.refs(app, ids, named=ticket.nature.is_case) if (ids := ticket.submission.media_ids) else ()
    except Problem as refusal:
        return None, refusal
    private = facts.private_of(ticket) if text.personal else {}
    if not private:
        return None, media
    try:
        sealed = await app.vault.seal_all(ticket.report_id, private)
    except Erased:  # a late repetition of a report whose reporter asked to be forgotten
        return None, media
    return facts.contact(ticket, sealed, one.caller.actor()), media


@lru_cache(maxsize=1024)
def _actor(caller: Caller, channel: Channel) -> Actor:
    """The caller in the post by which the channel takes the report."""
    return caller.actor(next((post.role for post in caller.posts if post.role in channel.roles), ""))


def _receipt(ticket: Ticket, *, duplicate: bool = False) -> Receipt:
    return Receipt(
        report_id=ticket.report_id,
        case_id=ticket.case_id if ticket.nature.is_case else "",
        token=ticket.token,
        duplicate=duplicate,
    )


def _repeated(ticket: Ticket, digest: str) -> Receipt | Problem:
    """The same report again gets the same receipt; another one under its number is refused."""
    if digest == ticket.digest:
        return _receipt(ticket, duplicate=True)
    source = ticket.submission.source
    return CONFLICT(number=source.record_id if source else ticket.report_id)


async def _stored_digest(app: App, ack: PubAck) -> str:
    """The digest in the event that JetStream has under the same id, read by its sequence."""
    reply = await app.nc.request(f"$JS.API.DIRECT.GET.{ack.stream}", msgspec.json.encode({"seq": ack.seq}), timeout=3)
    if (reply.headers or {}).get("Status"):
        raise JetStreamError(f"{ack.stream} message {ack.seq}", 404, "the message that it repeats is gone")
    stored: Any = decode(reply.data)
    return str(stored.digest)


def _reason(error: BaseException) -> str:
    if isinstance(error, JetStreamError):
        return f"消息服务器拒绝写入（{error.code}）"
    return "消息服务器没有及时应答"
