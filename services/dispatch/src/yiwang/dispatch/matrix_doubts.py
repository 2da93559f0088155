"""What is doubtful about the order of a responsibility matrix: rows that contradict each other, rows that never fire.

The first row that matches and finds a unit wins (see `matrix`). So two rows for the same class, condition, place and
days that name different units (``unit:``) contradict each other, and a row below a wider one whose unit always exists
is dead. A unit that depends on the place (``trade:``, ``owner``) may not be there: then the next row is meant to decide.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Final

from .codes import ANY
from .matrix import Rule
from .units import area_path

Key = tuple[str, str, str, str, str, str]
SURE: Final = "unit:"
"""A lead that is always there"""
_FIRST: Final = dt.date.min
_LAST: Final = dt.date.max


def doubts(rules: Iterable[Rule]) -> list[str]:
    """Sentences, each for one thing that an administrator must decide."""
    above: dict[Key, list[Rule]] = defaultdict(list)
    found: list[str] = []
    for rule in rules:
        if rule.valid_from and rule.valid_to and rule.valid_to <= rule.valid_from:
            found.append(f"rule {rule.rule_id!r} ends before it begins; correct valid_from or valid_to")
        twin = next((r for r in above[_key(rule)] if _together(r, rule)), None)
        wider = next((r for key in _wider(rule) for r in above[key] if _hides(r, rule)), None)
        same = twin is not None and (twin.lead, twin.co) == (rule.lead, rule.co)
        if twin is not None and not same and twin.lead.startswith(SURE):
            found.append(
                f"rules {twin.rule_id!r} and {rule.rule_id!r} say different units for the same cases at the same time: "
                f"{twin.lead} and {rule.lead}; keep one, or set apart their days, conditions or scopes"
            )
        elif twin is not None and same:
            found.append(f"rule {rule.rule_id!r} repeats {twin.rule_id!r}; drop one")
        elif wider is not None:
            found.append(f"rule {rule.rule_id!r} never fires: {wider.rule_id!r} above it takes all its cases; move it up")
        above[_key(rule)].append(rule)
    return found


def _key(rule: Rule) -> Key:
    return (rule.code_set, rule.kind, rule.major, rule.minor, rule.condition_id, rule.scope)


def _wider(rule: Rule) -> Iterator[Key]:
    """The keys of all rows that would match every case that *rule* matches."""
    choices = [dict.fromkeys((value, ANY)) for value in (rule.code_set, rule.kind, rule.major, rule.minor)]
    scope = rule.scope
    scopes = dict.fromkeys((scope, *(area_path(scope) if scope.isdigit() else ()), ""))
    for code_set, kind, major, minor, condition, place in product(*choices, dict.fromkeys((rule.condition_id, "")), scopes):
        if (code_set, kind, major, minor, condition, place) != _key(rule):
            yield (code_set, kind, major, minor, condition, place)


def _together(a: Rule, b: Rule) -> bool:
    """Whether there is a day on which both hold."""
    return max(a.valid_from or _FIRST, b.valid_from or _FIRST) < min(a.valid_to or _LAST, b.valid_to or _LAST)


def _hides(above: Rule, rule: Rule) -> bool:
    """Whether *above*, which matches all that *rule* does, also names a unit on every day on which *rule* holds."""
    covers = (above.valid_from or _FIRST) <= (rule.valid_from or _FIRST) and (rule.valid_to or _LAST) <= (above.valid_to or _LAST)
    return covers and above.lead.startswith(SURE)
