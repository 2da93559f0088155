"""The words of an enforcement record (nodes, kinds, outcomes) as versioned data."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

FILE: Final = "enforcement/codes.toml"
"""Where a profile keeps its own version."""


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of record; one that `needs_media` is refused without a file."""

    name: str
    needs_media: bool = False


class Codes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """code → Chinese name."""

    version: str
    nodes: Mapping[str, str]
    kinds: Mapping[str, Kind]
    outcomes: Mapping[str, str]

    def __post_init__(self) -> None:
        """Raises ValueError when a word is missing that the service itself writes."""
        missing = [w for w in ("clue", "closing", "erasure") if w not in self.nodes or w not in self.kinds]
        if missing:
            raise ValueError(f"{', '.join(missing)} must be among the nodes and the kinds: the service writes them")


def load_codes(profile: str = "") -> Codes:
    """The codes of the *profile* directory, or those that ship with the service.

    Raises ValueError with the file and the field that is wrong.
    """
    own = Path(profile) / FILE
    where = own if profile and own.is_file() else importlib.resources.files(__package__).joinpath("codes.toml")
    try:
        return msgspec.toml.decode(where.read_bytes(), type=Codes)
    except (msgspec.DecodeError, ValueError) as error:
        raise ValueError(f"{where}: {error}. Mend the file.") from error
