"""Subjects: the only module that knows their grammar, ``yw.<flow>.<city>.<county>.<pp>.<tag>``.

The string is the same at every tier. City and county name the jurisdiction in whose name the act is done; in the
`down` flow they name the addressee, or ``<city of the issuer>.all`` when everybody below the issuer is meant.
``pp`` is the partition of the order key, fixed for ever.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from ._event import Event, Flow
from .areas import city_of, county_of

__all__ = ["PARTITIONS", "Subject", "copy_down", "filters", "parse", "partition_of", "place_of", "subject_of"]

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


@lru_cache(maxsize=8192)
def place_of(code: str) -> str:
    """The two tokens of a jurisdiction.

    >>> place_of("440106"), place_of("440100"), place_of("441900003")
    ('440100.440106', '440100.440100', '441900.441900003')
    """
    return f"{city_of(code)}.{county_of(code)}"


def subject_of(event: Event, tag: str) -> str:
    """The subject on which a stamped *event* travels."""
    code = event.jurisdiction
    if event.flow == "down":
        where = place_of(event.addressee) if event.addressee else f"{city_of(code)}.all"
    else:
        where = place_of(code)
    return f"yw.{event.flow}.{where}.{partition_of(event.key):02d}.{tag}"


def copy_down(subject: str, addressee: str) -> str:
    """The subject on which the copy of an `up` fact goes down to the node *addressee*.

    >>> copy_down("yw.up.440100.440100.07.case.handover_accepted.v1", "440106")
    'yw.down.440100.440106.07.case.handover_accepted.v1'
    """
    parts = parse(subject)
    return f"yw.down.{place_of(addressee)}.{parts.partition:02d}.{parts.tag}"


@lru_cache(maxsize=16384)
def parse(subject: str) -> Subject:
    """The parts of *subject*. Raises ValueError when it isn't one of ours."""
    parts = subject.split(".", 5)
    if len(parts) != 6 or parts[0] != "yw" or not parts[4].isdigit():
        raise ValueError(f"{subject!r} is no subject of the mesh: yw.<flow>.<city>.<county>.<pp>.<tag>")
    return Subject(parts[1], parts[2], parts[3], int(parts[4]), parts[5])


def filters(
    flow: Flow, tags: Iterable[str], *, jurisdiction: str = "", partitions: Iterable[int] | None = None
) -> list[str]:
    """Filter subjects that hear *tags*: of one *jurisdiction* or of the whole subtree, of some *partitions* or all.

    In the `down` flow: what is meant for *jurisdiction*, alone or as one of all below an issuer.
    """
    places = [place_of(jurisdiction)] if jurisdiction else ["*.*"]
    if flow == "down" and jurisdiction:
        places.append("*.all")
    pps = ["*"] if partitions is None else [f"{pp:02d}" for pp in partitions]
    return [f"yw.{flow}.{place}.{pp}.{tag}" for tag in tags for place in places for pp in pps]
