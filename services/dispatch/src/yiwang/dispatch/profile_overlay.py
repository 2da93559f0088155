"""What counts instead of parts of a profile: tables that an upper tier announced."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from .profile_files import Files

T = TypeVar("T", bound=msgspec.Struct)


class Overlay(msgspec.Struct, frozen=True, kw_only=True):
    """What counts instead of parts of a profile: announced tables (field of `Paths` → text), versions, settings."""

    files: dict[str, str] = {}
    versions: dict[str, str] = {}
    settings: dict[str, Any] = {}


def overlaid(files: Files, settings: T, overlay: Overlay) -> T:
    """*settings* that read the overlay's tables. An announced holiday table covers just the years that it lists."""
    of: Any = settings
    names = {field: getattr(of.files, field) or f"announced/{field}.csv" for field in overlay.files}
    files.instead |= {names[field]: text for field, text in overlay.files.items()}
    changed: dict[str, Any] = {
        "files": msgspec.structs.replace(of.files, **names),
        "versions": of.versions | overlay.versions,
    }
    if "holidays" in overlay.files:
        changed["published_years"] = ()
    return msgspec.structs.replace(settings, **changed)
