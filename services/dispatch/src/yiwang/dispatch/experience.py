"""Who handled such cases before: the most likely units for a case, learnt from finished ones by counting.

A suggestion beside the matrix's answer, never instead of it. For each finished case a count is raised under each of
its *keys*: every level of its class, with and without the street, the community and the channel. The model is two
steps, both explainable to the person who reads them:

1. A ladder from the whole to the particular (kind, kind and street, major, major and street, minor, minor and
   street): on each rung the counts found there are mixed with what the rung below expects, as if `PRIOR` cases had
   gone that way (Dirichlet smoothing), so that a rung with few cases says little.
2. The community and the channel weigh in by how much more often than usual the unit meets them, at half their
   logarithm (`SHARE`), because they are not independent of the street and the class.

`PRIOR` and `SHARE` were chosen on the months before those on which the figures of docs/bench.md are measured. Nothing
here reads a clock: the caller says which months count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

PRIOR: Final = 4.0
"""How many cases the rung below is worth"""
SHARE: Final = 0.5
"""How much of their evidence the community and the channel may give"""
FLOOR: Final = 5.0
"""Cases of usual behaviour that every unit is credited with in a community or a channel"""
ALL: Final = "*"
"""The key of every case"""


class Rung(msgspec.Struct, frozen=True, gc=False):
    """A key under which cases are counted, and what people call the cases that share it."""

    key: str
    words: str


class Situation(msgspec.Struct, frozen=True):
    """What is known of a case before its unit is: the ladder, coarse to fine, and what stands beside it."""

    ladder: tuple[Rung, ...]
    beside: tuple[Rung, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key under which such a case is counted, sorted: the order in which counts are locked."""
        return tuple(sorted({ALL, *(r.key for r in self.ladder), *(r.key for r in self.beside)}))


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A unit, how likely it is (0..1), and the finished cases behind it: `hits` of `of` that share `words`."""

    unit_id: str
    confidence: float
    hits: int
    of: int
    words: str

    def reason(self, name: str) -> str:
        """The suggestion in words, as the dispatcher reads it."""
        return f"近一年{self.words} {self.of} 件中 {self.hits} 件由{name}处置"


def situation(
    path: Sequence[str], names: Sequence[str], *, street: str = "", community: str = "", channel: str = ""
) -> Situation:
    """What a case of the class *path* (code of each level, coarse to fine, called *names*) is counted under."""
    ladder: list[Rung] = []
    for depth, name in enumerate(names, 1):
        code = "/".join(path[:depth])
        ladder.append(Rung(f"k|{code}", f"同{name}"))
        if street:
            ladder.append(Rung(f"s|{code}|{street}", f"同{name}同街道"))
    beside = [Rung(f"c|{community}", "同社区")] if community else []
    if channel:
        beside.append(Rung(f"h|{channel}", "同渠道"))
    return Situation(tuple(ladder), tuple(beside))


class Experience:
    """Counts by key and unit, of the months that the caller chose."""

    def __init__(self, counts: Mapping[str, Mapping[str, int]] | None = None) -> None:
        self.counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for key, units in (counts or {}).items():
            self.counts[key].update(units)

    def learn(self, keys: Iterable[str], unit_id: str) -> None:
        for key in keys:
            self.counts[key][unit_id] += 1

    def suggest(self, at: Situation, most: int = 3) -> list[Suggestion]:
        """At most *most* units, the likeliest first; none where nothing was ever finished."""
        likely = self._likelihoods(at)
        whole = sum(likely.values())
        best = sorted(likely, key=lambda unit: (-likely[unit], unit))[:most]
        return [self._explained(unit, likely[unit] / whole, at) for unit in best]

    def _likelihoods(self, at: Situation) -> dict[str, float]:
        everything = self.counts.get(ALL, {})
        total = sum(everything.values())
        likely = {unit: n / total for unit, n in everything.items()}
        for rung in at.ladder:
            found = self.counts.get(rung.key)
            if found:
                seen = sum(found.values()) + PRIOR
                likely = {unit: (found.get(unit, 0) + PRIOR * p) / seen for unit, p in likely.items()}
        for rung in at.beside:
            found = self.counts.get(rung.key)
            if found:
                usual = sum(found.values()) / total
                for unit, n in everything.items():
                    here = (found.get(unit, 0) + FLOOR * usual) / (n + FLOOR)
                    likely[unit] *= (here / usual) ** SHARE
        return likely

    def _explained(self, unit: str, confidence: float, at: Situation) -> Suggestion:
        """With the most particular rung on which the unit was ever seen."""
        rungs = (*reversed(at.ladder), *at.beside, Rung(ALL, "全部"))
        rung = next(r for r in rungs if unit in self.counts.get(r.key, {}))
        found = self.counts[rung.key]
        return Suggestion(
            unit_id=unit, confidence=round(confidence, 4), hits=found[unit], of=sum(found.values()), words=rung.words
        )
