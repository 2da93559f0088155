"""The rules of a place: `evaluation/evaluation.toml` of its profile, over what the package brings."""

from __future__ import annotations

import csv
import importlib.resources
import tomllib
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from .indicators import Indicator, Indicators
from .rules import Rules, Unit
from .scoring import Scheme
from .warning import Rule

FOLDER: Final = "evaluation"
T = TypeVar("T")


class Book(msgspec.Struct, kw_only=True):
    """Everything that is data."""

    rules: Rules
    indicators: Indicators
    schemes: dict[str, Scheme]
    """Ways of scoring, and the city's goals"""
    warnings: tuple[Rule, ...]
    """Rules of early warning"""


class WarningFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`warnings.toml`"""

    rule: tuple[Rule, ...]


class IndicatorFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`indicators.toml`"""

    indicator: tuple[Indicator, ...]


class File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`evaluation.toml`, the part about counting."""

    attribution: dict[str, str] = {}
    period: str = "reported"
    patrol_channels: tuple[str, ...] | None = None
    video_channels: tuple[str, ...] | None = None
    leader_channels: tuple[str, ...] = ()
    scores: dict[str, int] | None = None
    exempt_on_time: bool = True
    units: str = ""
    """A CSV of the unit registry, relative to the profile: unit_id, name, level, parent, areas, aliases"""


def load(directory: str | Path) -> Book:
    """The book of the profile in *directory* ("": defaults). Raises ValueError with a sentence."""
    profile = Path(directory) if directory else None
    indicators = _indicators(profile)
    return Book(
        rules=_rules(profile), indicators=indicators, schemes=_schemes(profile, indicators), warnings=_warnings(profile)
    )


def _warnings(profile: Path | None) -> tuple[Rule, ...]:
    """The rules of the profile, else the package's."""
    own = profile / FOLDER / "warnings.toml" if profile else None
    path = own if own is not None and own.is_file() else _packaged("warnings.toml")
    rules = _convert(path, WarningFile).rule
    for rule in rules:
        sound = rule.kind in ("surge", "overdue_wave", "silent") and rule.of in ("reported", "overdue")
        sound = sound and rule.per in ("", "reported") and rule.per != rule.of
        if not sound or rule.hours < 1 or rule.weeks < 2 or not 0 < rule.chance < 0.5:
            raise ValueError(f"{path}：规则 {rule.code} 不能用，请管理员核对 kind、of、per、hours、weeks、chance")
    return rules


def _indicators(profile: Path | None) -> Indicators:
    """The package's indicators, with those of the profile in their place or after them."""
    rows = {row.code: row for row in _convert(_packaged("indicators.toml"), IndicatorFile).indicator}
    own = profile / FOLDER / "indicators.toml" if profile else None
    if own is not None and own.is_file():
        rows |= {row.code: row for row in _convert(own, IndicatorFile).indicator}
    return Indicators(rows.values())


def _schemes(profile: Path | None, indicators: Indicators) -> dict[str, Scheme]:
    """The package's schemes, with the files of the profile's `evaluation/schemes` over them."""
    paths = [_packaged(f"{name}.toml") for name in ("jinhua", "jiangmen", "goals")]
    if profile is not None:
        paths += sorted((profile / FOLDER / "schemes").glob("*.toml"))
    found: dict[str, Scheme] = {}
    for path in paths:
        scheme = _convert(path, Scheme)
        unknown = {i.indicator for i in scheme.item if i.indicator and i.indicator not in indicators.rows}
        if unknown or not scheme.grade or not scheme.item:
            raise ValueError(f"{path}：没有指标 {'、'.join(sorted(unknown)) or '项或等级'}，请管理员改正")
        _ = scheme.formulas  # raises ValueError where one is none
        found[scheme.code] = scheme
    return found


def _packaged(name: str) -> Path:
    return Path(str(importlib.resources.files("yiwang.evaluation").joinpath("data", name)))


def _convert(path: Path, to: type[T]) -> T:
    try:
        return msgspec.convert(_read(path), to, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(f"{path}：{error}，请管理员改正") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}：不能读取（{error}），请管理员改正") from None


def _rules(profile: Path | None) -> Rules:
    rules = Rules()
    path = profile / FOLDER / "evaluation.toml" if profile else None
    if profile is None or path is None or not path.is_file():
        return _with_units(rules, profile, "dispatch/units.csv", required=False)
    file = _convert(path, File)
    if file.period not in ("reported", "happened"):
        raise ValueError(f"{path}：period 应为 reported 或 happened，不能是 {file.period}")
    for group, base in file.attribution.items():
        if group not in rules.attribution or base not in ("place", "unit", "custodian"):
            raise ValueError(f"{path}：归属 {group} = {base} 不认识，应为 reported、disposal、closing = place、unit、custodian")
    rules = Rules(
        attribution=rules.attribution | file.attribution,
        period=file.period,
        patrol_channels=rules.patrol_channels if file.patrol_channels is None else frozenset(file.patrol_channels),
        video_channels=rules.video_channels if file.video_channels is None else frozenset(file.video_channels),
        leader_channels=frozenset(file.leader_channels),
        scores=rules.scores if file.scores is None else {int(code): points for code, points in file.scores.items()},
        exempt_on_time=file.exempt_on_time,
    )
    return _with_units(rules, profile, file.units or "dispatch/units.csv", required=bool(file.units))


def _with_units(rules: Rules, profile: Path | None, name: str, *, required: bool) -> Rules:
    """The registry of units that the profile has; without one, units stand alone and work for the custodian's area."""
    path = profile / name if profile else None
    if path is None or not path.is_file():
        if required:
            raise ValueError(f"{path}：没有单位表，请管理员核对 units")
        return rules
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            area = row.get("areas", "").replace("|", " ").split()
            rules.units = rules.units | {
                row["unit_id"]: Unit(
                    unit_id=row["unit_id"], name=row["name"], parent=row.get("parent") or "",
                    level=int(row.get("level") or 1), area=area[0] if len(area) == 1 else "",
                )
            }  # fmt: skip
            for alias in (row.get("aliases") or "").split("|"):
                if alias:
                    rules.aliases = rules.aliases | {alias: row["unit_id"]}
    return rules
