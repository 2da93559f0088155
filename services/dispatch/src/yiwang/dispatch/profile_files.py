"""Reading a profile's files so that every mistake is told at once, with file, line, column and what to do."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


class BadProfile(ValueError):
    """The profile can't be used; `mistakes` are sentences, each for one thing that an administrator must mend."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


class Row:
    """One line of a table. Its getters note a mistake and give a harmless value, so that reading goes on."""

    def __init__(self, files: Files, where: str, values: dict[str, str]) -> None:
        self._files, self.where, self._values = files, where, values

    def wrong(self, column: str, sentence: str) -> None:
        self._files.mistakes.append(f"{self.where} column {column}: {sentence}")

    def doubts(self, table: str) -> bool:
        return table in self._files.doubtful

    def text(self, column: str) -> str:
        return self._values[column]

    def needed(self, column: str) -> str:
        if not self._values[column]:
            self.wrong(column, "is empty; fill it in")
        return self._values[column]

    def words(self, column: str) -> tuple[str, ...]:
        """The parts between ``|``."""
        return tuple(part.strip() for part in self._values[column].split("|") if part.strip())

    def one_of(self, column: str, allowed: Sequence[str]) -> str:
        value = self._values[column]
        if value not in allowed:
            self.wrong(column, f"{value!r} isn't known here; write one of {', '.join(allowed)}")
            return allowed[0]
        return value

    def number(self, column: str) -> int:
        value = self._values[column]
        if not (value.isascii() and value.isdigit() and int(value) > 0):
            self.wrong(column, f"{value!r} is no number; write a whole number from 1 up")
            return 1
        return int(value)

    def day(self, column: str) -> dt.date | None:
        value = self._values[column]
        try:
            return dt.date.fromisoformat(value) if value else None
        except ValueError:
            self.wrong(column, f"{value!r} is no day; write it as 2026-01-31")
            return None

    def has(self, column: str) -> bool:
        """Whether the file has this column, which it needn't have."""
        return column in self._values

    def season(self, column: str) -> tuple[str, str] | None:
        """``03-01..05-31`` as its two days."""
        value = self._values[column]
        if not value:
            return None
        first, _, last = value.partition("..")
        if not (is_month_day(first) and is_month_day(last)):
            self.wrong(column, f"{value!r} is no season; write it as 03-01..05-31")
            return None
        return first, last


class Files:
    """The files below one directory, and the mistakes found in them so far."""

    def __init__(self, directory: Path, instead: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.instead = dict(instead or {})
        """File → the text that counts instead of it"""
        self.mistakes: list[str] = []
        self.doubtful: set[str] = set()
        """Tables whose mistakes would only repeat themselves in the tables that refer to them"""
        self.digests: dict[str, str] = {}
        """File → the first 16 hex digits of its SHA-256: what a version number alone can't prove"""

    def toml(self, name: str) -> dict[str, Any]:
        data = self._read(name)
        try:
            return tomllib.loads(data)
        except tomllib.TOMLDecodeError as error:
            self.mistakes.append(f"{name}: {error}; mend the TOML there")
            return {}

    def table(self, name: str, columns: Sequence[str]) -> Iterator[Row]:
        """The rows of a CSV file. A column that the file lacks, or a row of another length, is a mistake."""
        reader = csv.DictReader(io.StringIO(self._read(name)))
        header = reader.fieldnames
        if header is None:
            return
        lacking = [column for column in columns if column not in header]
        if lacking:
            self.mistakes.append(f"{name} line 1: the column {', '.join(lacking)} is missing; add it to the first line")
            return
        for values in reader:
            where = f"{name} line {reader.line_num}"
            if None in values or None in values.values():
                self.mistakes.append(f"{where}: has not as many fields as line 1; quote a text that has a comma")
                continue
            yield Row(self, where, {key: value.strip() for key, value in values.items()})

    def _read(self, name: str) -> str:
        path = self.directory / name
        try:
            data = self.instead[name].encode() if name in self.instead else path.read_bytes()
        except OSError:
            self.mistakes.append(f"{name}: can't be read in {self.directory.name}; put the file there")
            return ""
        self.digests[name] = hashlib.sha256(data).hexdigest()[:16]
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self.mistakes.append(f"{name} line {line}: is no UTF-8; save the file as UTF-8")
            return ""


def is_month_day(text: str) -> bool:
    """Whether *text* is a day of every year, as ``02-29``."""
    try:
        return dt.date.fromisoformat(f"2000-{text}").strftime("%m-%d") == text
    except ValueError:
        return False
