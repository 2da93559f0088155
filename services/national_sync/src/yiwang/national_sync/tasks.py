"""An inspection task as one tier sees it: given to a node below or received from above, and what may happen to it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Final, Literal

import msgspec
from yiwang.contracts import Figure, MediaRef, TaskShare

Side = Literal["given", "received"]
RESULTS: Final = ("done", "partly", "impossible")

NEXT: Final[dict[tuple[str, str, str], str]] = {
    ("given", "open", "feedback"): "answered",
    ("given", "returned", "feedback"): "answered",
    ("given", "answered", "feedback"): "answered",  # a supplement; the newest counts
    ("given", "open", "remind"): "open",
    ("given", "returned", "remind"): "returned",
    ("given", "answered", "return"): "returned",
    ("given", "open", "close"): "closed",  # withdrawn without an answer
    ("given", "returned", "close"): "closed",
    ("given", "answered", "close"): "closed",
    ("received", "open", "pass_on"): "open",
    ("received", "returned", "pass_on"): "returned",
    ("received", "open", "feedback"): "answered",
    ("received", "returned", "feedback"): "answered",
    ("received", "answered", "feedback"): "answered",
    ("received", "open", "remind"): "open",
    ("received", "returned", "remind"): "returned",
    ("received", "answered", "remind"): "answered",  # it crossed our answer
    ("received", "open", "return"): "returned",  # our answer of the round before was lost to a restore
    ("received", "returned", "return"): "returned",
    ("received", "answered", "return"): "returned",
    ("received", "open", "close"): "closed",
    ("received", "returned", "close"): "closed",
    ("received", "answered", "close"): "closed",
}
"""(side, state, action) → state; what isn't here may not be done."""

PERSONAL: Final = (
    re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)"),  # mobile numbers
    re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"),  # identity numbers (GB 11643)
)


class TaskDoc(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a task says; the same at every tier but for the deadline."""

    kind: str
    title: str
    content_masked: str
    issuer: str
    remind_before_s: int = 86400
    figures_wanted: tuple[str, ...] = ()
    case_nos: tuple[str, ...] = ()
    media: tuple[MediaRef, ...] = ()


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A feedback before it is sent."""

    result: str
    summary_masked: str
    figures: tuple[Figure, ...] = ()
    media: tuple[MediaRef, ...] = ()


def names_a_person(*texts: str) -> bool:
    """Whether a text has a mobile or an identity number: it may not leave its tier.

    >>> names_a_person("已整改"), names_a_person("联系人 13800138000")
    (False, True)
    """
    return any(pattern.search(text) for text in texts for pattern in PERSONAL)


def timeliness(at: dt.datetime, due: dt.datetime | None) -> str:
    """on_time (an end at the deadline is), overdue, or empty where nothing was due."""
    return "" if due is None else "on_time" if at <= due else "overdue"


def lacking(wanted: Iterable[str], figures: Iterable[Figure]) -> list[str]:
    """Codes of numbers that were asked for and aren't there."""
    given = {figure.code for figure in figures}
    return [code for code in wanted if code not in given]


def collected(own: Iterable[Figure], shares: Iterable[TaskShare]) -> tuple[Figure, ...]:
    """*own* numbers, and for those that nobody gave the sum of what the nodes below contributed (件, 处 …; no ratios).

    Numbers of different units or periods are never added.
    """
    found = {(f.code, f.unit, f.period): f for f in own}
    given = {f.code for f in found.values()}
    sums: dict[tuple[str, str, str], float] = {}
    for share in shares:
        for f in share.figures:
            if f.code not in given and f.unit != "%":
                key = (f.code, f.unit, f.period)
                sums[key] = sums.get(key, 0.0) + f.value
    summed = [Figure(code=c, value=v, unit=u, period=p) for (c, u, p), v in sorted(sums.items())]
    return (*found.values(), *summed)
