"""Writing YAML that people read: nested maps, lists of maps, text of several lines as blocks. Everything else is JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_PLAIN = re.compile(r"^[A-Za-z_\u4e00-\u9fff][A-Za-z0-9_.\-\u4e00-\u9fff]*$")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def dump(value: Mapping[str, Any]) -> str:
    """The document of a mapping."""
    return "".join(_entries(value, ""))


def _entries(value: Mapping[str, Any], indent: str) -> list[str]:
    return [f"{indent}{_scalar(key)}:{_after(item, indent)}" for key, item in value.items()]


def _after(value: Any, indent: str) -> str:
    """What stands behind `key:` or `-`, with the line's end."""
    deeper = indent + "  "
    if isinstance(value, Mapping) and value:
        return "\n" + "".join(_entries(value, deeper))
    if isinstance(value, Sequence) and not isinstance(value, str) and any(isinstance(item, Mapping) for item in value):
        return "\n" + "".join(f"{deeper}-{_item(item, deeper)}" for item in value)
    if isinstance(value, str) and "\n" in value:
        lines = "".join(f"{deeper}{line}\n" if line else "\n" for line in value.rstrip("\n").split("\n"))
        return f" |{'' if value.endswith(chr(10)) else '-'}\n{lines}"
    return f" {_scalar(value)}\n"


def _item(value: Any, indent: str) -> str:
    if not isinstance(value, Mapping) or not value:
        return _after(value, indent)
    first, *rest = _entries(value, indent + "  ")
    return " " + first.lstrip() + "".join(rest)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.match(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
