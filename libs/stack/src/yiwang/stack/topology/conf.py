"""Writing nats-server's configuration format: nested blocks that people can read and compare line by line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


class Variable(str):
    """A value that the server takes from the file it includes (``$LEAF_SEED``), so that no secret stands here."""


class Include(str):
    """A file whose lines belong here; its place is relative to this file."""


class Note(str):
    """A comment line before the next entry."""


def write(entries: Mapping[str, Any], depth: int = 0) -> str:
    """The lines of a block's entries, one entry a line, nested ones indented by two."""
    return "".join(_entry(key, value, "  " * depth, depth) for key, value in entries.items())


def _entry(key: str, value: Any, indent: str, depth: int) -> str:
    if isinstance(value, Note):
        return f"{indent}# {value}\n"
    if isinstance(value, Include):
        return f"{indent}include {json.dumps(value)}\n"
    if isinstance(value, Mapping):
        return f"{indent}{key} {{\n{write(value, depth + 1)}{indent}}}\n" if value else f"{indent}{key} {{}}\n"
    return f"{indent}{key}: {_value(value, depth)}\n"


def _value(value: Any, depth: int) -> str:
    if isinstance(value, Variable):
        return f"${value}"
    if isinstance(value, Mapping):
        inner = write(value, depth + 1)
        return f"{{\n{inner}{'  ' * depth}}}" if _deep(value) else _flat(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        if not any(isinstance(item, Mapping) for item in value) and len(_inline(value)) <= 110:
            return _inline(value)
        indent = "  " * (depth + 1)
        items = "".join(f"{indent}{_value(item, depth + 1)}\n" for item in value)
        return f"[\n{items}{'  ' * depth}]"
    return json.dumps(value, ensure_ascii=False)


def _deep(value: Mapping[str, Any]) -> bool:
    return any(isinstance(item, Mapping | list | tuple | Note) for item in value.values()) and len(_flat(value)) > 110


def _flat(value: Mapping[str, Any]) -> str:
    return "{ " + ", ".join(f"{key}: {_inline(item)}" for key, item in value.items()) + " }"


def _inline(value: Any) -> str:
    if isinstance(value, Variable):
        return f"${value}"
    if isinstance(value, Mapping):
        return _flat(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)
