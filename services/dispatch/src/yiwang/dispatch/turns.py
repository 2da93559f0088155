"""Whose word a case waits for (待审批): each open request and appeal with the role that decides next, and who may give it.

A request goes through its path level by level (case-management 1.5: handler → department → dispatcher or shift leader
→ leader); a queue of one's own approvals therefore needs the role, the area or unit over which it decides, and that
nobody decides what they asked for themselves. `rights_of` is `authority.post_for` turned round: not whether one
person may act on one case, but of which cases a person may.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec
from yiwang.contracts.areas import contains, county_of
from yiwang.kit import Caller

from .authority import SUPERVISING
from .case import Case
from .rules import Rules

APPEAL: Final = "appeal"
BY_UNIT: Final = "dept_operator"
APPROVERS: Final = (BY_UNIT, "dispatcher", "acceptor", "shift_leader", "leader")
"""Roles that may stand in a path of approval"""


class Turn(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One open request: its kind, the role whose word it waits for, and who asked."""

    kind: str
    """extension, hang or appeal"""
    role: str
    by: str
    """Pseudonym of who asked, who may not decide it"""
    city: bool
    """The city commands the case: a district's dispatcher doesn't decide"""


class Right(msgspec.Struct, frozen=True, kw_only=True):
    """In one role somebody decides about the cases of a unit, of an area, or of the whole node."""

    role: str
    area: str = ""
    unit_id: str = ""
    whole: bool = False
    """The whole city: also what the city itself commands"""


def turns_of(case: Case) -> tuple[Turn, ...]:
    """What *case* waits for a word about."""
    city = case.command == "city"
    found = [Turn(kind=one.kind, role=one.path[one.level], by=one.person_ref, city=city) for one in case.requests if one.path]
    one = case.appeal
    if one is not None and not one.decision and one.path:
        found.append(Turn(kind=APPEAL, role=one.path[one.level], by=one.person_ref, city=city))
    return tuple(found)


def rights_of(caller: Caller, rules: Rules, jurisdiction: str) -> tuple[Right, ...]:
    """Over which cases of the node of *jurisdiction* the posts of *caller* let them decide."""
    found: list[Right] = []
    for post in caller.posts:
        if post.role == BY_UNIT:
            found += [Right(role=BY_UNIT, unit_id=unit) for unit in _below(post.unit_id, rules)]
        elif post.role in APPROVERS:
            found += [right for area in post.areas for right in _over(post.role, area, rules, jurisdiction)]
    return tuple(dict.fromkeys(found))


def _below(unit_id: str, rules: Rules) -> tuple[str, ...]:
    """The unit, and the units for which its people may act."""
    if not unit_id:
        return ()
    return (unit_id, *(u.unit_id for u in rules.units if u.unit_id != unit_id and unit_id in rules.line_of(u.unit_id)))


def _over(role: str, area: str, rules: Rules, jurisdiction: str) -> Iterator[Right]:
    if contains(area, jurisdiction):
        yield Right(role=role, whole=True)
        return
    by_city = rules.supervise == "city" if role in SUPERVISING else not rules.two_commands
    if not by_city and contains(area, county_of(area)):
        yield Right(role=role, area=area)
