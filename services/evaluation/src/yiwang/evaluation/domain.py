"""What this service decides, in one place: facts of a case, its counters, and whose they are. Pure.

>>> import datetime as dt
>>> noon = dt.datetime(2026, 11, 23, 4, tzinfo=dt.UTC)
>>> case = Facts(case_id="c", reported_at=noon, state="closed", filed=True, dispatched=True, disposed_at=noon,
...     timeliness="on_time", channel="1", place="440310001003", custody="440310")
>>> found = counters(case, Rules())
>>> found["archive_num"], found["intime_archive"], found.get("overtime_dispose", 0)
(1, 1, 0)
"""

from __future__ import annotations

from .applying import Told, tell
from .attribution import Spot, area_chain, difference, keys_of, parts_of
from .counting import Counters, counters
from .facts import Facts, elapse
from .fold import fold
from .rules import Rules, Unit

__all__ = [
    "Counters", "Facts", "Rules", "Spot", "Told", "Unit", "area_chain", "counters", "difference", "elapse", "fold",
    "keys_of", "parts_of", "tell",
]  # fmt: skip
