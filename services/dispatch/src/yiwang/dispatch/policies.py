"""What differs from city to city on the side branches of a case: who approves, how much, how often, how near.

Each class is a section ``[dispatch.policies.<name>]`` of a profile. The defaults are the practice that the domain notes
(case management 1.5) name; a city that does otherwise says so in its profile.
"""

from __future__ import annotations

from typing import Final

import msgspec

APPROVERS: Final = ("dispatcher", "shift_leader", "leader", "acceptor")
"""Roles that may stand in an approval path; the asker's own department comes first by itself."""


class Extension(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """延期: at most two, each one original limit more, only before the deadline (domain notes 1.5, S1 and C6)."""

    most: int = 2
    """Granted ones in the life of a case; refused ones don't count"""
    times: int = 1
    """Original limits that one extension adds"""
    ordinary: tuple[str, ...] = ("shift_leader",)
    """Who decides the first request, one after the other: the shift leader on duty alone"""
    strict: tuple[str, ...] = ("dispatcher", "leader")
    """Who decides a second one, or one for engineering work"""
    engineering: tuple[str, ...] = ()
    """Classes whose requests are always strict, e.g. ``event/03/*``"""


class Hang(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """挂账 on request, and 积存, which a hung case becomes some days after the commander's consent (Ningbo: 60)."""

    direct: bool = True
    """Whether a dispatcher or leader may hang a case that nobody asked for"""
    path: tuple[str, ...] = ("dispatcher",)
    """Who decides a request, one after the other"""
    stock_days: int = 60
    """Natural days after consent; 0: nothing becomes stock"""
    consent: str = "leader"
    """The role whose agreement is the commander's consent"""


class Appeals(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """申诉 against an overdue mark: two reviews, facts stay (domain notes 1.5, S1)."""

    path: tuple[str, ...] = ("dispatcher", "acceptor")
    days: int = 0
    """After closing; 0: any time"""


class Reopening(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """重新办理 of a closed case by a person, or because its reporter isn't satisfied (domain notes 1.4, row 27)."""

    clock: str = "restart"
    """restart: the whole limit again; resume: what was left of it"""
    by_visit: bool = True
    """Whether a dissatisfied return visit reopens by itself"""


class Visits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """回访: what each answer is worth (domain notes 5.1), and which of them sends the case back."""

    points: tuple[int, ...] = (0, 100, 80, 50, 0, -100)
    """By the answer's code, from 0: not reached, 1: very satisfied … 5: very dissatisfied"""
    satisfied: tuple[int, ...] = (1, 2, 3)
    dissatisfied: tuple[int, ...] = (4, 5)


class Correction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """更正 of class or place after filing: what happens to the running limit and to the unit."""

    limit: str = "new"
    """new: the new class's limit, counted from when the old one began; keep: the limit fixed at filing stays"""
    unit: str = "ask"
    """ask: where the matrix names another unit, the dispatcher gets the case back; keep: the unit goes on"""


class Similar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """疑似重复: cases of the same minor class nearby (domain notes 1.5: 50 m and 24 h, configurable)."""

    metres: int = 50
    hours: int = 24
    hold: bool = False
    """Whether a case with such a neighbour waits for the acceptor instead of going on by rule"""


class Policies(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[dispatch.policies]``"""

    extension: Extension = Extension()
    hang: Hang = Hang()
    appeal: Appeals = Appeals()
    reopening: Reopening = Reopening()
    visits: Visits = Visits()
    correction: Correction = Correction()
    similar: Similar = Similar()


def mistakes(given: Policies) -> list[str]:
    """What is wrong in *given*, as sentences for the administrator."""
    found: list[str] = []
    paths = {
        "extension.ordinary": given.extension.ordinary, "extension.strict": given.extension.strict,
        "hang.path": given.hang.path, "appeal.path": given.appeal.path,
    }  # fmt: skip
    for name, path in paths.items():
        if not path or not set(path) <= set(APPROVERS) or len(set(path)) < len(path):
            found.append(f"{name}: {list(path)} is no path; name each of {', '.join(APPROVERS)} at most once, one at least")
    words = {
        "reopening.clock": (given.reopening.clock, ("restart", "resume")),
        "correction.limit": (given.correction.limit, ("new", "keep")),
        "correction.unit": (given.correction.unit, ("ask", "keep")),
        "hang.consent": (given.hang.consent, APPROVERS),
    }
    for name, (word, known) in words.items():
        if word not in known:
            found.append(f"{name}: {word!r} isn't known; write one of {', '.join(known)}")
    numbers = {
        "extension.most": (given.extension.most, 0, 9), "extension.times": (given.extension.times, 1, 9),
        "hang.stock_days": (given.hang.stock_days, 0, 365), "appeal.days": (given.appeal.days, 0, 3650),
        "similar.metres": (given.similar.metres, 1, 1000), "similar.hours": (given.similar.hours, 1, 24 * 30),
    }  # fmt: skip
    for name, (number, least, most) in numbers.items():
        if not least <= number <= most:
            found.append(f"{name}: {number} isn't from {least} to {most}")
    unknown = {*given.visits.satisfied, *given.visits.dissatisfied} - set(range(len(given.visits.points)))
    if unknown or set(given.visits.satisfied) & set(given.visits.dissatisfied):
        found.append("visits: every answer is satisfied, dissatisfied or neither, and has its points; put it right")
    return found
