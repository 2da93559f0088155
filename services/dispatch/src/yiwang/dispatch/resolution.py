"""721工作法: service, manage, enforce are tried in this order; leaving one out, or going back, wants a reason. Pure."""

from __future__ import annotations

from .acts import HandledBody
from .draft import Draft
from .practice import MODE_NAMES, MODES
from .refusals import Refused


def mode_in_order(d: Draft) -> None:
    """Of 100 problems 70 are solved by service, 20 by management, 10 by enforcement (the reply: domain notes 9)."""
    body, rule = d.act.body, d.rules.practice.resolution
    if not isinstance(body, HandledBody) or body.resolution_mode not in MODES or body.mode_reason.strip():
        return
    now = MODES.index(body.resolution_mode)
    tried = d.case.modes
    before = MODES.index(tried[-1]) if tried else MODES.index(rule.first) - 1
    if tried and now < before and not rule.back:
        raise Refused("mode_back", mode=MODE_NAMES[body.resolution_mode], before=MODE_NAMES[tried[-1]])
    if now > before + 1 and not rule.skip:
        raise Refused("mode_skipped", mode=MODE_NAMES[body.resolution_mode], wanted=MODE_NAMES[MODES[before + 1]])


def tried(modes: tuple[str, ...], mode: str) -> tuple[str, ...]:
    """*modes* and now *mode*; the same one again is no further attempt.

    >>> tried(("service",), "manage")
    ('service', 'manage')
    """
    return modes if not mode or modes[-1:] == (mode,) else (*modes, mode)
