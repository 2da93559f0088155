"""Subjects: the only module that knows their grammar, ``yw.<flow>.<city>.<county>.<pp>.<tag>``.

The string is the same at every tier. City and county name the jurisdiction in whose name the act is done;
``pp`` is the partition of the order key, fixed for ever.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Final, NamedTuple

from ._event import Event, Flow
from .areas import city_of, county_of

__all__ = ["PARTITIONS", "Subject", "filters", "parse", "partition_of", "subject_of"]

PARTITIONS: Final = 64


class Subject(NamedTuple):
    flow: str
    city: str
    county: str
    partition: int
    tag: str


def partition_of(key: str) -> int:
    """crc32(key) % 64.

    >>> partition_of("case-1"), partition_of("case-2")
    (6, 60)
    """
    return zlib.crc32(key.encode()) % PARTITIONS


def subject_of(event: Event, tag: str) -> str:
    """The subject on which a stamped *event* travels."""
    code = event.jurisdiction
    return f"yw.{event.flow}.{city_of(code)}.{county_of(code)}.{partition_of(event.key):02d}.{tag}"


def parse(subject: str) -> Subject:
    """The parts of *subject*. Raises ValueError when it isn't one of ours."""
    parts = subject.split(".", 5)
    if len(parts) != 6 or parts[0] != "yw" or not parts[4].isdigit():
        raise ValueError(f"{subject!r} is no subject of the mesh: yw.<flow>.<city>.<county>.<pp>.<tag>")
    return Subject(parts[1], parts[2], parts[3], int(parts[4]), parts[5])


def filters(
    flow: Flow, tags: Iterable[str], *, jurisdiction: str = "", partitions: Iterable[int] | None = None
) -> list[str]:
    """Filter subjects that hear *tags*: of one *jurisdiction* or of the whole subtree, of some *partitions* or all."""
    where = f"{city_of(jurisdiction)}.{county_of(jurisdiction)}" if jurisdiction else "*.*"
    pps = ["*"] if partitions is None else [f"{pp:02d}" for pp in partitions]
    return [f"yw.{flow}.{where}.{pp}.{tag}" for tag in tags for pp in pps]
