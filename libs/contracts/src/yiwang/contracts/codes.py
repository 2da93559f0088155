"""Open, versioned code sets (代码集): words that differ from city to city and grow, so they are data and no enums.

A set is a CSV file ``<name>@<version>.csv`` in UTF-8 with at least the columns ``code`` and ``name``; other columns
are kept as attributes. A deployment replaces a set by shipping a file of a new version. A code that a set doesn't
know passes with an empty name: a reader must never refuse an event for a word that it hasn't learnt yet.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec

from ._types import Code

__all__ = ["CodeEntry", "CodeSet", "builtin"]


class CodeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One word of a set. `valid_from` is included, `valid_to` is not; None is open."""

    code: str
    name: str
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    attributes: dict[str, str] = {}

    def valid_on(self, day: dt.date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)


class CodeSet(msgspec.Struct, frozen=True, kw_only=True):
    """All words of one set in one version, in the file's order."""

    name: str
    version: str
    entries: dict[str, CodeEntry]

    def __contains__(self, code: object) -> bool:
        return code in self.entries

    def __len__(self) -> int:
        return len(self.entries)

    def code(self, code: str) -> Code:
        """*code* as events carry it: with its set, its version and, if known, its name."""
        entry = self.entries.get(code)
        return Code(code_set=self.name, version=self.version, code=code, name=entry.name if entry else "")

    def name_of(self, code: str) -> str:
        """The wording of *code*, or the code itself where the set doesn't know it."""
        entry = self.entries.get(code)
        return entry.name if entry else code

    @classmethod
    def load(cls, path: Path) -> CodeSet:
        """The set in the file at *path*. Raises ValueError with a sentence that names file and line."""
        return cls.parse(path.name, path.read_bytes())

    @classmethod
    def parse(cls, filename: str, data: bytes) -> CodeSet:
        """The set in *data*, named by *filename*. Raises ValueError like `load`."""
        name, at, version = filename.removesuffix(".csv").partition("@")
        if not (name and at and version):
            raise ValueError(f"{filename}: name a code set's file <name>@<version>.csv, e.g. channel@1.csv")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"{filename}: byte {error.start} is no UTF-8; save the file as UTF-8") from error
        reader = csv.DictReader(io.StringIO(text))
        if not {"code", "name"} <= set(reader.fieldnames or ()):
            raise ValueError(f"{filename}: the first line must name at least the columns code and name")
        entries: dict[str, CodeEntry] = {}
        for row in reader:
            entry = _entry(f"{filename} line {reader.line_num}", row)
            if entry.code in entries:
                raise ValueError(f"{filename} line {reader.line_num}: code {entry.code!r} stands there twice; drop one")
            entries[entry.code] = entry
        return cls(name=name, version=version, entries=entries)


def _entry(where: str, row: dict[str, str]) -> CodeEntry:
    if None in row or None in row.values():
        raise ValueError(f"{where}: this row has not as many fields as the first line; quote a text that has a comma")
    values = {key: value.strip() for key, value in row.items()}
    code, name = values.pop("code"), values.pop("name")
    if not code or not name:
        raise ValueError(f"{where}: code and name must both be filled in")
    start, end = (_day(where, column, values.pop(column, "")) for column in ("valid_from", "valid_to"))
    return CodeEntry(code=code, name=name, valid_from=start, valid_to=end, attributes=values)


def _day(where: str, column: str, value: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value) if value else None
    except ValueError as error:
        raise ValueError(f"{where}: {column} is {value!r}; write a day as 2026-01-31") from error


@cache
def builtin(name: str) -> CodeSet:
    """The newest version of set *name* that ships with the contracts: a start that a deployment may replace.

    Raises LookupError when none of that name ships.
    """
    found = [f for f in files(__package__).joinpath("data").iterdir() if f.name.startswith(f"{name}@")]
    if not found:
        raise LookupError(f"no code set {name!r} ships with the contracts; give its file to CodeSet.load")
    newest = max(found, key=lambda f: [part.zfill(8) for part in f.name.removesuffix(".csv").split("@")[1].split(".")])
    return CodeSet.parse(newest.name, newest.read_bytes())
