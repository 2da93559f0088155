"""What a release could read: its schemas in one file, so that later versions can be tried against an older reader.

``python -m yiwang.contracts.released VERSION [FOLDER]`` writes ``<VERSION>.json`` when a version is released, once and
for ever. The file holds the schemas without their prose, shared definitions once, and the names of its golden events.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ._registry import registry
from ._schemas import json_schema

PROSE: Final = frozenset({"title", "description", "$schema", "$id"})


def bare(value: Any, *, names: bool = False) -> Any:
    """*value* without prose; *names*: its keys are names of fields, which stay whatever they are called."""
    if isinstance(value, dict):
        inner = ("properties", "$defs")
        return {k: bare(v, names=k in inner and not names) for k, v in value.items() if names or k not in PROSE}
    return [bare(item) for item in value] if isinstance(value, list) else value


def frozen(schemas: Mapping[str, Mapping[str, Any]], golden: list[str]) -> dict[str, Any]:
    """The release file of *schemas* (tag → JSON Schema). Raises ValueError when one name means two things."""
    shared: dict[str, Any] = {}
    events: dict[str, Any] = {}
    for tag, schema in sorted(schemas.items()):
        plain = bare(schema)
        for name, definition in plain.pop("$defs", {}).items():
            if shared.setdefault(name, definition) != definition:
                raise ValueError(f"{tag}: {name} is defined in two ways; give one of them another name")
        events[tag] = plain
    return {"events": events, "$defs": dict(sorted(shared.items())), "golden": sorted(golden)}


def schema_of(release: Mapping[str, Any], tag: str) -> dict[str, Any]:
    """The schema by which *release* reads *tag*. Raises KeyError for a type that it doesn't know: it skips those."""
    return {**release["events"][tag], "$defs": release["$defs"]}


def write(version: str, folder: Path, golden: Path) -> Path:
    """Freeze today's contracts as *version*. Raises FileExistsError: a release never changes."""
    folder.mkdir(exist_ok=True)
    names = [path.name for path in golden.glob("*.json")]
    page = frozen({tag: json_schema(tag) for tag in registry()}, names)
    with (folder / f"{version}.json").open("x", encoding="utf-8") as out:
        json.dump(page, out, ensure_ascii=False, indent=1)
        out.write("\n")
    return folder / f"{version}.json"


if __name__ == "__main__":
    root = Path(sys.argv[2] if len(sys.argv) > 2 else "libs/contracts")
    sys.stdout.write(f"{write(sys.argv[1], root / 'released', root / 'golden')}\n")
