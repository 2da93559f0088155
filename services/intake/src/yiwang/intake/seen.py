"""Which report numbers may be here already: a Bloom filter in memory, so that a new report costs no query.

It errs to one side only: what it doesn't hold isn't in the table. Report ids are uuid5 or uuid7; their last 80 bits are
as good as random and serve as hashes.
"""

from __future__ import annotations

from typing import Final

BITS: Final = 16
"""Bits a number: with five probes one new number in a thousand is asked for in vain"""
PROBES: Final = 5
SMALLEST: Final = 1 << 16


class Filter:
    """A set of report ids that may say yes too often, never too seldom."""

    def __init__(self, room: int = SMALLEST) -> None:
        self.room = max(room, SMALLEST)
        """So many ids fit; beyond them it says yes too often"""
        self.size = 0
        self._slots = self.room * BITS
        self._bits = bytearray(self._slots // 8)

    def add(self, report_id: str) -> None:
        """Remember *report_id*, a UUID as text."""
        bits, at, step = self._bits, *self._start(report_id)
        for _ in range(PROBES):
            bits[at >> 3] |= 1 << (at & 7)
            at = (at + step) % self._slots
        self.size += 1

    def __contains__(self, report_id: str) -> bool:
        bits, at, step = self._bits, *self._start(report_id)
        for _ in range(PROBES):
            if not bits[at >> 3] >> (at & 7) & 1:
                return False
            at = (at + step) % self._slots
        return True

    def _start(self, report_id: str) -> tuple[int, int]:
        low = int(report_id[-17:].replace("-", ""), 16)
        return (low & 0xFFFFFFFFFF) % self._slots, (low >> 40 | 1) % self._slots
