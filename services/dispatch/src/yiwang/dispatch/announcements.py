"""Announced versions of a city's tables (codes, conditions, matrix, holidays, working hours) over its profile.

New cases are judged by what is in force when they are filed; a filed case goes on under the versions that it pinned.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec.structs import replace
from yiwang.kit import App, Context, Service
from yiwang.kit.announced import Announced, beside, listen, used

from .around import with_tiers
from .profile import MAIN, load_profile
from .profile_files import BadProfile, Files
from .profile_overlay import Overlay
from .recomputing import after_adoption
from .rules import Rules

VERSION_OF: Final = {
    "codes": "codes",
    "conditions": "conditions",
    "matrix": "matrix",
    "holidays": "calendar",
    "schedules": "calendar",
}
"""Announced set → the version that a case pins"""
FILE_OF: Final = {"codes": "categories", "conditions": "conditions", "matrix": "matrix", "holidays": "holidays"}
"""Announced set → the file of the profile that it replaces"""
PAST: Final = 8
"""So many earlier states of the rules are kept for open cases"""
KEY: Final = ("code_set", "kind", "major", "minor")


class Tables(NamedTuple):
    """A profile directory and what was announced, newest last."""

    directory: str
    announced: Sequence[Announced]


def rules_with(tables: Tables) -> Rules:
    """The rules with everything that was announced, newest last. Raises ValueError with every mistake."""
    newest: dict[str, Announced] = {one.set_name: one for one in tables.announced}
    raw = Files(Path(tables.directory)).toml(MAIN).get("dispatch", {})
    overlay = Overlay(
        files={FILE_OF[name]: _text(one, tables.directory, raw) for name, one in newest.items() if name in FILE_OF},
        versions=_versions(tables.announced),
        settings=_hours(newest["schedules"].content) if "schedules" in newest else {},
    )
    return load_profile(tables.directory, overlay).rules


def _versions(announced: Sequence[Announced]) -> dict[str, str]:
    """What a case pins for each set; the calendar is named after the last of its two parts that changed."""
    return {VERSION_OF[one.set_name]: one.version for one in announced}


def _text(one: Announced, directory: str, raw: Mapping[str, Any]) -> str:
    if one.set_name != "codes":
        return one.content
    name = raw.get("files", {}).get("categories", "dispatch/categories.csv")
    try:
        own = (Path(directory) / name).read_text("utf-8-sig")
    except OSError:
        own = ""
    return with_extensions(one.content, own)


def with_extensions(published: str, own: str) -> str:
    """*published* with the place's own extension classes of *own*.

    Raises ValueError where a published class means something else under the number of an own extension.
    """
    table = csv.DictReader(io.StringIO(published))
    fields = list(table.fieldnames or ())
    rows = {tuple(row.get(name) or "" for name in KEY): row for row in table}
    conflicts, kept = [], []
    for row in csv.DictReader(io.StringIO(own)):
        if row.get("extension") != "yes":
            continue
        key = tuple(row.get(name) or "" for name in KEY)
        other = rows.get(key)
        if other is None:
            kept.append(row)
        elif other.get("minor_name") != row.get("minor_name"):
            conflicts.append(f"{'/'.join(key)} 本地扩展为“{row.get('minor_name')}”，发布为“{other.get('minor_name')}”")
    if conflicts:
        raise ValueError("与本地扩展类别冲突：" + "；".join(conflicts) + "。请发布方改号，或本级先迁移本地扩展")
    if not kept:
        return published
    out = io.StringIO()
    writer = csv.DictWriter(out, fields, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows([*rows.values(), *kept])
    return out.getvalue()


def _hours(content: str) -> dict[str, Any]:
    """``[[schedules]]`` of a TOML text, as profile.toml has them. Raises ValueError."""
    try:
        raw = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"作息时间不是合格的 TOML：{error}。请发布方改正") from error
    if set(raw) != {"schedules"} or not isinstance(raw["schedules"], list) or not raw["schedules"]:
        raise ValueError("作息时间只应有 [[schedules]]，至少一段。请发布方改正")
    return raw


async def check(ctx: Context, new: Announced, used: Sequence[Announced]) -> None:
    """Build the rules with *new*. Raises ValueError with every mistake."""
    try:
        tables = Tables(ctx.app.kit.profile, (*used, new))
        await beside(ctx, lambda: rules_with(tables))
    except BadProfile as error:
        raise ValueError("；".join(error.mistakes[:20])) from error


async def apply(ctx: Context, new: Announced) -> None:
    """Use *new* from now on, if it still fits. Raises ValueError as `check` does."""
    await check(ctx, new, await used(ctx.tx))
    await after_adoption(ctx, new)


async def reload(app: App, used: Sequence[Announced]) -> None:
    """Swap the rules; those that were in force before stay for the cases that pinned them."""
    if not used:
        return
    states = [rules_with(Tables(app.kit.profile, used[:n])) for n in range(max(0, len(used) - PAST), len(used))]
    now = with_tiers(rules_with(Tables(app.kit.profile, used)), app)
    app.resources[Rules] = replace(now, past=tuple(with_tiers(rules, app) for rules in states[::-1]))


def use_announced(service: Service) -> None:
    """Let dispatch take over what upper tiers announce."""
    listen(service, VERSION_OF, check=check, reload=reload, apply=apply)
