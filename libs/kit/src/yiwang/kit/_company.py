"""Events that may wait a moment for the next one of their key, because both together cost half of one after the other.

What waits is in memory only: the position stays in front of it, and after a crash it is delivered again.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from ._engine import Item

MOST: Final = 2000
"""So many wait at the most; beyond them nobody does"""


class Alone:
    """The events of one group that wait for company, at least *least_s*: a calm neighbour takes its time to send it."""

    def __init__(self, least_s: float = 0.0) -> None:
        self._least_s = least_s
        self._waiting: dict[str, tuple[float, Item]] = {}
        """key → until when (monotonic), and the event"""

    def __len__(self) -> int:
        return len(self._waiting)

    def pair(self, items: list[Item], now: float) -> list[Item]:
        """What is to be handled now, in the order of each key: *items* without those that may wait, and with those
        whose company has come or whose time is over.
        """
        ready = [self._waiting.pop(key)[1] for key in self._due(now)]
        often = Counter(item.key for item in items)
        for item in items:
            if item.key in self._waiting:
                ready.append(self._waiting.pop(item.key)[1])
            elif item.sub.company_s and often[item.key] == 1 and not item.poison and len(self._waiting) < MOST:
                self._waiting[item.key] = (now + max(item.sub.company_s, self._least_s), item)
                continue
            ready.append(item)
        return ready

    def _due(self, now: float) -> list[str]:
        due = []
        for key, (until, _) in self._waiting.items():  # in the order in which they came
            if until > now:
                break
            due.append(key)
        return due

    def pause(self, now: float, most: float) -> float:
        """Seconds until the first one's time is over, *most* at the most."""
        for until, _ in self._waiting.values():
            return max(0.001, min(most, until - now))
        return most

    def floor(self) -> dict[str, int]:
        """Stream → the lowest sequence that waits: positions stay below it."""
        lowest: dict[str, int] = {}
        for _, item in self._waiting.values():
            lowest[item.stream] = min(item.seq, lowest.get(item.stream, item.seq))
        return lowest
