"""Bundled limits (捆绑时限): what the upper unit leaves unused, the lower one may use, and the other way round. Pure.

The bundle begins when the city sent the case down (or filed it); the limits of the upper unit's stages come first, the
disposal limit follows. On-time is judged against its end where the city says so (Ningbo: domain notes 2.1).
"""

from __future__ import annotations

import datetime as dt

import msgspec
from yiwang.contracts import Clock

from . import clocks
from .case import Case
from .rules import Rules


def bundled(case: Case, clock: Clock, rules: Rules) -> Clock:
    """The disposal *clock* that has just started, with the bundle's end where this city has bundles."""
    bundle = rules.practice.bundle
    begun = case.times.get(bundle.start) if bundle else None
    if bundle is None or begun is None:
        return clock
    for stage in bundle.stages:
        begun = rules.due(begun, *rules.stages[stage]).due_at
    told = msgspec.structs.replace(clock, bundle_started_at=begun, policy="bundle" if bundle.judged else "")
    told = clocks.counted(told, (), clock.started_at, rules)
    clocks.put(case, told)
    return told


def sent_down(case: Case, at: dt.datetime) -> None:
    """The moment from which upper and lower unit share their time."""
    case.times = case.times | {"sent_down": at}
