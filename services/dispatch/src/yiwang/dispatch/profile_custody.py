"""``[dispatch.custody]`` of a profile: how cases pass between tiers, where the city's way differs from its governance's."""

from __future__ import annotations

from typing import Final

import msgspec

from .profile_files import Files
from .tiers import CITY, COMMAND, DISTRICT, HERE, HOLDERS, Governance, Press

WHERE: Final = "profile.toml [dispatch.custody]"
WHO: Final = (HERE, CITY, DISTRICT, COMMAND)
LEVELS: Final = ("county", "city", "province")
VISITS: Final = ("holder", "custodian")
CLOCK_STARTS: Final = ("accept", "offer", "continue")


class CustodyEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[dispatch.custody]``"""

    holders: dict[str, str] = {}
    """accept, dispatch, handle, check → here, city, district or command; what isn't named follows the governance"""
    take: tuple[str, ...] = ("accept", "dispatch", "handle", "check", "assignment", "recall")
    """Causes of an offer that are accepted without a person"""
    clock_start: str = "accept"
    """When the receiving stage's clock starts: accept, offer or continue"""
    offer_minutes: int = 30
    """After so long without an answer to an offer somebody is told"""
    press: tuple[Press, ...] = ()
    """Who presses overdue cases by rule (超时督办)"""
    visits: str = "holder"
    """holder: who took the report asks the reporter; custodian: who closes the case does, with the contact sealed to it"""


def governance_of(files: Files, name: str, entry: CustodyEntry) -> Governance:
    """The governance *name* with what the profile says otherwise; what is wrong goes to `files.mistakes`."""
    holders = HOLDERS.get(name, HOLDERS["single"])
    for part, who in entry.holders.items():
        if part not in holders or who not in WHO:
            files.mistakes.append(
                f"{WHERE} holders: {part} = {who!r} isn't known; write {', '.join(holders)} = one of {', '.join(WHO)}"
            )
    if entry.clock_start not in CLOCK_STARTS:
        files.mistakes.append(
            f"{WHERE} clock_start: {entry.clock_start!r} isn't known; write one of {', '.join(CLOCK_STARTS)}"
        )
    if not 1 <= entry.offer_minutes <= 7 * 24 * 60:
        files.mistakes.append(f"{WHERE} offer_minutes: {entry.offer_minutes} isn't from 1 minute to 7 days")
    for rule in entry.press:
        if rule.level not in LEVELS or min(rule.after_hours, rule.after_multiple, rule.reply_hours) < 0:
            files.mistakes.append(
                f"{WHERE} press: level is one of {', '.join(LEVELS)} and hours and multiples aren't below 0, not {rule}"
            )
    if entry.visits not in VISITS:
        files.mistakes.append(f"{WHERE} visits: {entry.visits!r} isn't known; write one of {', '.join(VISITS)}")
    return Governance(
        name=name,
        holders={**holders, **entry.holders},
        take=frozenset(entry.take),
        clock_start=entry.clock_start,
        offer_minutes=entry.offer_minutes,
        press=entry.press,
        visits=entry.visits,
    )
