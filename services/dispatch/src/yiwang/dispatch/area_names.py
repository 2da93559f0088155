"""What people call areas: a node as the mesh page names it, any other as a case there says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from .rules import Rules
from .store import below, sql


class Name(msgspec.Struct, frozen=True):
    """A row."""

    code: str
    name: str


async def names_of(db: Any, rules: Rules, codes: Iterable[str]) -> dict[str, str]:
    """Code → name for each of *codes* (6 to 12 characters, GB/T 2260 and its streets); the code itself where nobody knows one."""
    found = {code: rules.tiers.name(code) if rules.tiers else code for code in codes}
    unknown = [code for code, name in found.items() if code == name]
    starts = [below(code).rstrip("%") for code in unknown]
    told = await sql.rows(db, "area_names", Name, unknown, starts) if unknown else []
    return found | {row.code: row.name for row in told}
