"""Address → place: longest match of address rows and area names inside an area (row of GB/T 30428.3).

The names of areas that the text contains narrow the search down the tree; inside the area found, the longest address
row that the text contains wins, the more precise type first. Two different places of equal rank are no answer but
candidates for a person.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from yiwang.contracts.areas import contains, level_of

from .layers import ADDRESS_KINDS, Address, GridData
from .text import normal, short_name

_LEVELS: Final = ("city", "county", "extension", "street", "community")
PRECISE: Final = ("street", "community")
"""An area name alone answers only from the street (or town) down: above it nobody could be dispatched."""
SHORTEST: Final = 2


class Match(NamedTuple):
    """What a piece of the text may mean: an address row, or only an area."""

    matched: str
    area: str
    address: Address | None = None


class Geocoder:
    """Names and addresses of one version."""

    def __init__(self, data: GridData) -> None:
        self._areas = _Words()
        for area in data.areas:
            level = level_of(area.code)
            if level in _LEVELS and not area.valid_to:
                for word in {normal(area.name), normal(short_name(area.name)), _bare(area.name, level)}:
                    self._areas.add(word, area.code)
        self._rows = _Words()
        self._addresses = data.addresses
        for i, row in enumerate(data.addresses):
            for word in {normal(row.full), normal(row.name), self._local(row.full)}:
                self._rows.add(word, str(i))

    def _local(self, full: str) -> str:
        """A full address without the areas that it begins with."""
        text = normal(full).removeprefix("广东省")
        while found := self._areas.at(text, 0):
            text = text[len(found[0]) :]
        return text

    def search(self, address: str, area: str = "") -> list[Match]:
        """The best matches for *address* inside *area*, all of equal rank; one = an answer, several = candidates."""
        text = normal(address)
        inside = self._narrow(text, area)
        rows = [m for top in inside or [area] for m in self._row_matches(text, top)]
        if rows:
            best = max(_rank(m) for m in rows)
            top = {m.address.code: m for m in rows if _rank(m) == best and m.address is not None}
            return [top[code] for code in sorted(top)]
        return [Match(text, code) for code in inside if level_of(code) in PRECISE]

    def _row_matches(self, text: str, area: str) -> list[Match]:
        found = []
        for word, ids in self._rows.within(text):
            for i in ids:
                row = self._addresses[int(i)]
                belongs = row.cell or row.community or row.street
                if not area or not belongs or contains(area, belongs):
                    found.append(Match(word, belongs, row))
        return found

    def _narrow(self, text: str, area: str) -> list[str]:
        """The deepest areas that the text names, each inside the one before, inside *area*."""
        current = [area] if area else []
        named = self._areas.within(text)
        for level in _LEVELS:
            codes = {c for _, found in named for c in found if level_of(c) == level}
            deeper = sorted(c for c in codes if not current or any(contains(top, c) for top in current))
            if deeper:
                current = deeper
        return current if current != [area] else []


def _rank(match: Match) -> tuple[int, int]:
    kind = match.address.kind if match.address else ""
    precision = len(ADDRESS_KINDS) - ADDRESS_KINDS.index(kind) if kind in ADDRESS_KINDS else 0
    return len(match.matched), precision


def _bare(name: str, level: str) -> str:
    """罗湖 for 罗湖区: only of counties and cities; a bare street name is too often something else."""
    bare = name.rstrip("市区县") if level in ("city", "county") else name
    return normal(bare if len(bare) >= SHORTEST else name)


class _Words:
    """A dictionary that is asked for the longest word at a position."""

    def __init__(self) -> None:
        self._codes: dict[str, list[str]] = {}
        self._lengths: dict[str, set[int]] = {}

    def add(self, word: str, code: str) -> None:
        if len(word) >= SHORTEST:
            self._codes.setdefault(word, []).append(code)
            self._lengths.setdefault(word[:SHORTEST], set()).add(len(word))

    def at(self, text: str, start: int) -> tuple[str, list[str]] | None:
        """The longest word that begins at *start*."""
        for length in sorted(self._lengths.get(text[start : start + SHORTEST], ()), reverse=True):
            word = text[start : start + length]
            if codes := self._codes.get(word):
                return word, codes
        return None

    def within(self, text: str) -> list[tuple[str, list[str]]]:
        """The longest word at each position; a word inside a longer one doesn't count."""
        found, start = [], 0
        while start < len(text):
            if hit := self.at(text, start):
                found.append(hit)
                start += len(hit[0])
            else:
                start += 1
        return found
