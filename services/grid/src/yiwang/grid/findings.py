"""What the checks of an import found: each a sentence that says who must do what."""

from __future__ import annotations

from typing import Final

import msgspec

ERROR: Final = "error"
WARNING: Final = "warning"
LISTED: Final = 200
"""So many findings are listed; the rest is counted."""

ACCEPTABLE: Final = frozenset({"datum_suspected", "overlap", "gap", "parent_unknown", "outside_parent", "unit_unknown"})
"""Rules that an administrator may wave through with ``accept=``, having looked at the places."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the checks found; an `error` keeps the version from being stored."""

    severity: str
    rule: str
    layer: str
    where: str = ""
    """Code or number of the feature, line of the table"""
    say: str


class Report(msgspec.Struct, kw_only=True):
    """All findings of one import, and how much of each layer it has."""

    findings: list[Finding] = msgspec.field(default_factory=list)
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    more: int = 0
    """Findings beyond those that are listed"""
    failed: int = 0
    accepted: tuple[str, ...] = ()

    def add(self, rule: str, layer: str, say: str, *, where: str = "", severity: str = ERROR) -> None:
        """Write a finding down; an error whose rule was accepted becomes a warning."""
        if severity == ERROR and rule in self.accepted and rule in ACCEPTABLE:
            severity = WARNING
        self.failed += severity == ERROR
        if len(self.findings) >= LISTED:
            self.more += 1
            return
        self.findings.append(Finding(severity=severity, rule=rule, layer=layer, where=where, say=say))

    @property
    def errors(self) -> list[Finding]:
        """The listed findings that keep the version from being stored; `failed` counts them all."""
        return [f for f in self.findings if f.severity == ERROR]
