"""Golden files: what each released event looked like on the wire, kept for ever.

``python -m yiwang.contracts.golden [FOLDER]`` adds what is missing and never changes a file: ``<tag>.json`` is a full
example, ``<tag>.min.json`` has only what is required, and ``<tag>.<n>.json`` follows when optional fields were added.
``sha256sums.txt`` lists them all, so that an edited or deleted one is noticed.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from ._registry import encode, registry
from ._samples import sample

SUMS: Final = "sha256sums.txt"


def readable(data: bytes) -> bytes:
    """*data* with one field per line, as golden files keep it."""
    return msgspec.json.format(data, indent=2) + b"\n"


def paths(value: Any, at: str = "") -> Iterator[str]:
    """Every field's path in decoded JSON; items of a list share one path.

    >>> sorted(paths({"a": [{"b": 1}, {"c": 2}]}))
    ['.a', '.a[].b', '.a[].c']
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{at}.{key}"
            yield from paths(inner, f"{at}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{at}[]")


def examples(folder: Path, tag: str) -> list[Path]:
    """The full examples of *tag*, oldest first."""
    later = sorted(folder.glob(f"{tag}.[0-9]*.json"), key=lambda p: int(p.name.removeprefix(tag).split(".")[1]))
    return [p for p in (folder / f"{tag}.json", *later) if p.exists()]


def uncovered(folder: Path, tag: str) -> set[str]:
    """Fields that *tag* has today and that no golden file shows."""
    seen = {path for file in examples(folder, tag) for path in paths(json.loads(file.read_bytes()))}
    return set(paths(json.loads(encode(sample(registry()[tag]))))) - seen


def altered(folder: Path) -> list[str]:
    """Golden files that were edited or deleted since they were added, or that nobody listed."""
    listed = dict(line.split("  ")[::-1] for line in _sums(folder).read_text().splitlines())
    present = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.glob("*.json")}
    return sorted(name for name in listed.keys() | present.keys() if listed.get(name) != present.get(name))


def add_missing(folder: Path) -> list[Path]:
    """Write what is missing in *folder* and return it. Raises ValueError if somebody changed a file."""
    folder.mkdir(parents=True, exist_ok=True)
    _sums(folder).touch()
    if changed := altered(folder):
        raise ValueError(f"golden files are never edited or deleted; restore {', '.join(changed)} from the history")
    added = []
    for tag, event_type in registry().items():
        least = folder / f"{tag}.min.json"
        if not least.exists():
            added.append(_write(least, encode(sample(event_type, full=False))))
        if uncovered(folder, tag):
            n = len(examples(folder, tag))
            added.append(_write(folder / (f"{tag}.{n}.json" if n else f"{tag}.json"), encode(sample(event_type))))
    with _sums(folder).open("a") as sums:
        sums.writelines(f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in added)
    return added


def _sums(folder: Path) -> Path:
    return folder / SUMS


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(readable(data))
    return path


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "libs/contracts/golden")
    for path in add_missing(target):
        sys.stdout.write(f"added {path}\n")
