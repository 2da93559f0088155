"""What several units share: the parts of co-units, the calls of a whistle, a complaint about a unit's people. Pure.

The case as a whole counts all of them; each unit counts its own, beside what it counts as the unit that handles the case.
Whistles (社区吹哨、部门报到) are judged by how many came in time, what was settled and whether the community was satisfied
(domain notes, case management, 9: 响应率、解决率、满意率).
"""

from __future__ import annotations

from collections.abc import Iterator

from . import vocabulary as v
from .facts import Call, Facts, Share

Hits = dict[str, int]


def totals(f: Facts) -> Hits:
    """The counters of everything that is shared in the case."""
    found: Hits = {"complained_num": 1} if f.complained_unit else {}
    for share in f.shares.values():
        for name, value in _share(share).items():
            found[name] = found.get(name, 0) + value
    return found


def whistle(f: Facts) -> Hits:
    """The counters of a whistle; one that was taken back counts nowhere."""
    if f.withdrawn:
        return {}
    found = _outcome(f, f.satisfied)
    for call in f.calls.values():
        for name, value in _call(call).items():
            found[name] = found.get(name, 0) + value
    return found


def of_units(f: Facts) -> Iterator[tuple[str, str, Hits]]:
    """(unit, step, counters) of what is each unit's own."""
    if f.complained_unit:
        yield f.complained_unit, v.REPORT, {"complained_num": 1}
    for share in f.shares.values():
        yield share.unit, v.SHARE, _nonzero(_share(share))
    if f.withdrawn:
        return
    for unit, call in f.calls.items():
        own = _outcome(f, f.satisfied and unit not in f.blamed) if call.lead else {}
        yield unit, v.CALL, _nonzero(_call(call) | own)


def _nonzero(hits: Hits) -> Hits:
    return {name: int(value) for name, value in hits.items() if value}


def _share(share: Share) -> Hits:
    returned, excused = share.state == "returned", share.state == "excused"
    done = share.state == "confirmed"
    return {
        "co_num": not returned,
        "co_done": done,
        "intime_co": done and share.timeliness == "on_time",
        "overtime_co": not returned and (share.timeliness == "overdue" or (share.overdue and not done)),
        "co_return": returned,
        "co_rework": share.reworks > 0,
        "co_excused": excused,
    }


def _call(call: Call) -> Hits:
    return {
        "whistle_called": 1,
        "whistle_responded": call.responded == "on_time",
        "whistle_arrived": call.arrived == "on_time",
        "whistle_late": call.arrived == "overdue" or (call.late and not call.arrived),
    }


def _outcome(f: Facts, satisfied: bool) -> Hits:
    settled = f.state in ("resolved", "scored")
    return {
        "whistle_num": 1,
        "whistle_resolved": settled,
        "intime_whistle": settled and f.timeliness == "on_time",
        "whistle_scored": f.state == "scored",
        "whistle_satisfied": f.state == "scored" and satisfied,
    }
