"""Sealed hand-overs as events and timers: asked for, granted or refused, opened into the vault, destroyed at the end."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Final

import msgspec
from yiwang.contracts import (
    CaseHandoverAccepted,
    CaseVisited,
    ContactAsked,
    ContactDestroyed,
    ContactRefused,
    ContactRevoked,
    ContactSealed,
    ContactSettled,
    ContactWanted,
)
from yiwang.kit import Context, Event, Reject, Scope, Service, Timer
from yiwang.kit.sealed import new_pair, open_sealed, seal_for

from . import lending, lending_store, store
from .lending import FIELDS, REASONS, Lending
from .receive import Desk

END: Final = "lending"
"""Timer of the asker: nobody answered, or what was given must be destroyed."""
BY_RULE: Final = "规则"
UNKNOWN, ERASED, NOT_ALLOWED, PERSON = "unknown", "erased", "not_allowed", "person"
OUTCOMES: Final = {"expired": "silent", "revoked": ERASED}
"""Why a contact was destroyed → how the visits of this node hear of it"""
SENTENCES: Final = {
    UNKNOWN: "本单位没有这份报告的联系方式，请核对受理单位",
    ERASED: "报告人的个人信息已按其要求删除，请在不回访的情况下结束",
    NOT_ALLOWED: "本单位规定不向外移交联系方式，请由本单位回访",
}


def key_of(ask_id: str) -> str:
    """The vault's name of the key under which all of one request lies."""
    return f"lending/{ask_id}"


# -- the asker -------------------------------------------------------------------------------------------------------


async def wanted(event: ContactWanted, ctx: Context) -> list[Event]:
    """Our dispatch would let our own people ask the reporter: ask the holder, with a key made for this alone."""
    hours, said = ctx.app.get(Desk).rules.lending.hours, []
    for report_id in event.report_ids:
        ask_id = str(uuid.uuid5(uuid.UUID(event.id), report_id))
        line = lending.taken(event, ask_id, report_id, event.jurisdiction, ctx.now(), hours)
        pair = new_pair()
        await lending_store.start(ctx.tx, line, pair.public, await ctx.app.vault.seal(key_of(ask_id), pair.private))
        assert line.expires_at is not None  # taken sets it
        await ctx.set_timer(END, ask_id, line.expires_at)
        asked = ContactAsked(
            case_id=line.case_id, case_no=line.case_no, ask_id=ask_id, report_id=report_id, public_key=pair.public,
            opinion=line.opinion, addressee=line.other, jurisdiction=line.me, purpose=event.purpose,
        )  # fmt: skip
        said.append(asked)
    return list(said)


async def sealed(event: ContactSealed, ctx: Context) -> Event | None:
    """What we asked for has come: opened once, here, into our vault."""
    kept = await lending_store.lock(ctx.tx, event.ask_id) if event.addressee in ctx.app.acts_for else None
    if kept is None or not lending.fits(kept.line, event, ctx.now()):
        return None
    line, vault = kept.line, ctx.app.vault
    private = await vault.open(key_of(line.ask_id), kept.private)
    if private is None:
        return None
    bound = lending.context(line.ask_id, line.report_id, line.other, line.me, event.expires_at)
    try:
        fields = msgspec.json.decode(open_sealed(private, event.sealed, bound), type=dict[str, str])
    except ValueError as error:
        raise Reject(f"{line.other} sealed request {line.ask_id} wrongly ({error}): it must grant a new one") from error
    locked = await vault.seal_all(key_of(line.ask_id), {name: fields[name] for name in FIELDS if name in fields})
    done = msgspec.structs.replace(
        line, state="held", decided_at=event.occurred_at, expires_at=event.expires_at,
        decided_by=BY_RULE if event.by_rule else event.actor.person_ref,
    )  # fmt: skip
    await lending_store.save(ctx.tx, done, ctx.now(), locked)
    await ctx.set_timer(END, line.ask_id, event.expires_at)
    return _settled(done, "held")


async def refused(event: ContactRefused, ctx: Context) -> Event | None:
    """The holder keeps the contact to itself, and says why."""
    kept = await lending_store.lock(ctx.tx, event.ask_id) if event.addressee in ctx.app.acts_for else None
    if kept is None or (kept.line.state, kept.line.other) != ("asked", event.jurisdiction):
        return None
    return await _over(ctx, kept.line, "refused", event.reason, ERASED if event.reason_code == ERASED else "")


async def revoked(event: ContactRevoked, ctx: Context) -> list[Event]:
    """The reporter wants to be forgotten: what we were given goes at once."""
    kept = await lending_store.lock(ctx.tx, event.ask_id) if event.addressee in ctx.app.acts_for else None
    if kept is None or kept.line.state not in ("asked", "held") or kept.line.other != event.jurisdiction:
        return []
    return await _destroy(ctx, kept.line, "revoked")


async def visited(event: CaseVisited, ctx: Context) -> list[Event]:
    """The reporter was asked: nobody needs the contact any more."""
    said: list[Event] = []
    for line in await lending_store.of_case(ctx.tx, event.case.case_id, "held"):
        said += await _destroy(ctx, line, "visited")
    return said


async def ended(timer: Timer, ctx: Context) -> list[Event]:
    """The end has come: of waiting for an answer, or of what was given."""
    kept = await lending_store.lock(ctx.tx, timer.key)
    if kept is None or kept.line.state not in ("asked", "held"):
        return []
    if kept.line.state == "held":
        return await _destroy(ctx, kept.line, "expired")
    return [await _over(ctx, kept.line, "silent", "对方逾期未答复")]


async def _over(ctx: Context, line: Lending, state: str, reason: str, outcome: str = "") -> ContactSettled:
    done = msgspec.structs.replace(line, state=state, reason=reason, ended_at=ctx.now())
    await lending_store.save(ctx.tx, done, ctx.now())
    await ctx.cancel_timer(END, line.ask_id)
    await ctx.app.vault.erase(key_of(line.ask_id))
    return _settled(done, outcome or state)


async def _destroy(ctx: Context, line: Lending, why: str) -> list[Event]:
    """Key and contact go: what lies in streams and backups is unreadable from here on."""
    settled = await _over(ctx, line, "ended", REASONS[why], OUTCOMES.get(why, ""))
    told = ContactDestroyed(
        case_id=line.case_id, case_no=line.case_no, ask_id=line.ask_id, report_id=line.report_id, reason_code=why,
        addressee=line.other, jurisdiction=line.me,
    )  # fmt: skip
    return [told, settled] if why in OUTCOMES else [told]


def _settled(line: Lending, outcome: str) -> ContactSettled:
    return ContactSettled(
        case_id=line.case_id, case_no=line.case_no, ask_id=line.ask_id, report_id=line.report_id, outcome=outcome,
        reason=line.reason,
    )  # fmt: skip


# -- the holder ------------------------------------------------------------------------------------------------------


async def asked(event: ContactAsked, ctx: Context) -> list[Event]:
    """Another tier asks for a contact that is here: granted by rule, refused, or left to an authorised person."""
    if event.addressee not in ctx.app.acts_for:
        return []
    rule, standing = ctx.app.get(Desk).rules.lending, await store.standing(ctx.tx, event.report_id)
    row = await store.contact(ctx.tx, event.report_id)
    area = (standing.county or standing.jurisdiction) if standing else ""
    line = lending.given(event, area, ctx.now())
    await lending_store.start(ctx.tx, line, event.public_key)
    if standing is None or standing.case_id != event.case_id or row is None:
        code = ERASED if standing is not None and standing.erased else UNKNOWN
        return [await refuse(ctx, line, code, SENTENCES[code], BY_RULE)]
    if rule.hand_over == "never":
        return [await refuse(ctx, line, NOT_ALLOWED, SENTENCES[NOT_ALLOWED], BY_RULE)]
    custodian = await lending_store.custodian(ctx.tx, event.case_id)
    if lending.by_rule(rule, event.jurisdiction, custodian, _above(ctx, line.me)):
        return await grant(ctx, line, event.public_key, BY_RULE)
    return []


def _above(ctx: Context, code: str) -> frozenset[str]:
    mesh = ctx.app.mesh
    return frozenset(mesh.page.chain(code)[1:]) if mesh else frozenset()


async def grant(ctx: Context, line: Lending, public_key: str, by: str) -> list[Event]:
    """Seal the contact for the asker alone, and write down who allowed it."""
    row, report_id = await store.contact(ctx.tx, line.report_id), line.report_id
    fields: dict[str, str] = {}
    for name, words in msgspec.json.decode(row.sealed, type=dict[str, str]).items() if row else ():
        opened = await ctx.app.vault.open(report_id, words) if name in FIELDS else None
        if opened:
            fields[name] = opened
    if not fields:
        return [await refuse(ctx, line, ERASED, SENTENCES[ERASED], by)]
    now = ctx.now()
    ends = now + dt.timedelta(hours=ctx.app.get(Desk).rules.lending.hours)
    bound = lending.context(line.ask_id, report_id, line.me, line.other, ends)
    cipher = seal_for(public_key, msgspec.json.encode(fields).decode(), bound)
    done = msgspec.structs.replace(line, state="given", decided_by=by, decided_at=now, expires_at=ends)
    await lending_store.save(ctx.tx, done, now)
    await store.look(ctx.tx, report_id, f"{by} → {line.other}", now)
    said = ContactSealed(
        case_id=line.case_id, case_no=line.case_no, ask_id=line.ask_id, report_id=report_id, sealed=cipher,
        expires_at=ends, by_rule=by == BY_RULE, addressee=line.other, jurisdiction=line.me,
    )  # fmt: skip
    return [said, _settled(done, "given")]


async def refuse(ctx: Context, line: Lending, code: str, reason: str, by: str) -> ContactRefused:
    """Say no, and why."""
    now = ctx.now()
    done = msgspec.structs.replace(line, state="refused", reason=reason, decided_by=by, decided_at=now)
    await lending_store.save(ctx.tx, done, now)
    return ContactRefused(
        case_id=line.case_id, case_no=line.case_no, ask_id=line.ask_id, report_id=line.report_id, reason_code=code,
        reason=reason, addressee=line.other, jurisdiction=line.me,
    )  # fmt: skip


async def destroyed(event: ContactDestroyed, ctx: Context) -> None:
    """The other side keeps nothing any more: our books say so."""
    kept = await lending_store.lock(ctx.tx, event.ask_id) if event.addressee in ctx.app.acts_for else None
    if kept is None or kept.line.state != "given" or kept.line.other != event.jurisdiction:
        return
    reason = REASONS.get(event.reason_code, event.reason_code)
    done = msgspec.structs.replace(kept.line, state="ended", reason=reason, ended_at=event.occurred_at)
    await lending_store.save(ctx.tx, done, ctx.now())


async def revoke(ctx: Context, report_id: str) -> list[Event]:
    """The report's data is erased here: whoever was given it must destroy it."""
    return [
        ContactRevoked(
            case_id=line.case_id, case_no=line.case_no, ask_id=line.ask_id, report_id=report_id, addressee=line.other,
            jurisdiction=line.me,
        )
        for line in await lending_store.given_of_report(ctx.tx, report_id)
    ]  # fmt: skip


async def handed_over(event: CaseHandoverAccepted, ctx: Context) -> None:
    """Who has a case now: the rule gives a contact to nobody else."""
    await lending_store.note_custodian(ctx.tx, event.case.case_id, event.to_jurisdiction, event.epoch)


def lend(service: Service) -> None:
    """Both sides of the sealed hand-over."""
    service.on(ContactWanted)(wanted)
    service.on(ContactAsked, scope=Scope.BELOW)(asked)
    service.on(ContactSealed, scope=Scope.BELOW)(sealed)
    service.on(ContactRefused, scope=Scope.BELOW)(refused)
    service.on(ContactRevoked, scope=Scope.BELOW)(revoked)
    service.on(ContactDestroyed, scope=Scope.BELOW)(destroyed)
    service.on(CaseHandoverAccepted, scope=Scope.SUBTREE)(handed_over)
    service.on(CaseVisited)(visited)
    service.timer(END)(ended)
