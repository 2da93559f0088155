"""Sealed hand-over of a reporter's contact between tiers (联系方式密封移交): what may be given, and how it stands. Pure.

A return visit belongs to the tier that holds the contact, or the contact is given sealed to one recipient, for a time
(design, architecture 3). 个人信息保护法 Art. 23 (giving to another body), Art. 47 (deleted once the purpose is reached)
and Art. 6 (no more than the purpose needs: name, phone and openid go, the exact words and the address don't).
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec
from yiwang.contracts import ContactAsked, ContactSealed, ContactWanted, Moment

GIVEN, TAKEN = "given", "taken"
"""The side of the holder, and that of the asker."""
STATES: Final = {
    "asked": "待移交",
    "given": "已移交",
    "held": "已接收",
    "refused": "不予移交",
    "silent": "逾期未答复",
    "ended": "已销毁",
}
FIELDS: Final = ("name", "phone", "openid")
REASONS: Final = {"expired": "到期", "visited": "回访完成", "revoked": "原持有单位撤销"}
RULES: Final = ("ask", "rule", "never")
WHOM: Final = ("custodian", "above")


class LendingRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[contact]`` of intake.toml: how this place hands contacts over."""

    hand_over: str = "ask"
    """ask (a person decides), rule (`grant_to` is granted at once, the rest asks a person) or never"""
    grant_to: tuple[str, ...] = ("custodian",)
    """custodian (the node to which the case was handed over), above (the tiers above this one)"""
    hours: int = 72
    """How long the recipient may keep it, and how long it waits for an answer"""

    def mistake(self) -> str:
        """What the administrator must put right; empty where all is well."""
        if self.hand_over not in RULES:
            return f"hand_over 写的是“{self.hand_over}”，请改为 {'、'.join(RULES)}"
        if wrong := [one for one in self.grant_to if one not in WHOM]:
            return f"grant_to 写的是“{wrong[0]}”，请改为 {'、'.join(WHOM)}"
        return "" if 1 <= self.hours <= 720 else f"hours 写的是 {self.hours}，请写 1 到 720"


class Lending(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request for one report's contact, in the books of the side that keeps it. Nothing in it is personal."""

    ask_id: str
    side: str
    state: str
    case_id: str
    case_no: str = ""
    report_id: str
    other: str
    """The node on the other side"""
    me: str
    """The jurisdiction on this side"""
    area: str = ""
    opinion: str = ""
    asked_by: str = ""
    asked_at: Moment
    decided_by: str = ""
    """A person's pseudonym, or 规则"""
    decided_at: Moment | None = None
    expires_at: Moment | None = None
    reason: str = ""
    ended_at: Moment | None = None


def context(ask_id: str, report_id: str, holder: str, recipient: str, expires_at: dt.datetime) -> str:
    """What is bound to the sealed text: it opens for this request, this report and this end alone."""
    return "\n".join((ask_id, report_id, holder, recipient, expires_at.astimezone(dt.UTC).isoformat()))


def taken(wanted: ContactWanted, ask_id: str, report_id: str, me: str, now: dt.datetime, hours: int) -> Lending:
    """The asker's line."""
    return Lending(
        ask_id=ask_id, side=TAKEN, state="asked", case_id=wanted.case_id, case_no=wanted.case_no, report_id=report_id,
        other=wanted.holder, me=me, area=wanted.area or me, opinion=wanted.opinion, asked_by=wanted.actor.person_ref,
        asked_at=now, expires_at=now + dt.timedelta(hours=hours),
    )  # fmt: skip


def given(asked: ContactAsked, area: str, now: dt.datetime) -> Lending:
    """The holder's line."""
    return Lending(
        ask_id=asked.ask_id, side=GIVEN, state="asked", case_id=asked.case_id, case_no=asked.case_no,
        report_id=asked.report_id, other=asked.jurisdiction, me=asked.addressee, area=area, opinion=asked.opinion,
        asked_by=asked.actor.person_ref, asked_at=now,
    )  # fmt: skip


def by_rule(rule: LendingRule, asker: str, custodian: str, above: frozenset[str]) -> bool:
    """Whether the request of *asker* is granted without a person."""
    if rule.hand_over != "rule":
        return False
    return ("custodian" in rule.grant_to and asker == custodian) or ("above" in rule.grant_to and asker in above)


def fits(line: Lending, event: ContactSealed, now: dt.datetime) -> bool:
    """Whether *event* answers an open request of ours, from whom it was asked, and not after its end."""
    answers = (line.side, line.state, line.other, line.me) == (TAKEN, "asked", event.jurisdiction, event.addressee)
    return answers and event.report_id == line.report_id and now < event.expires_at
