"""Reads the rules of a place: the files of its profile's `intake/` directory over the ones that ship here."""

from __future__ import annotations

import csv
import datetime as dt
import importlib.resources
import io
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from .lending import LendingRule
from .rules import LOCAL, VERIFY_POLICIES, Channel, ControlArea, Nature, Ring, Rules, Stage, by_word

FILES: Final = (
    "intake.toml", "channels.csv", "natures.csv", "stages.csv", "control_areas.geojson", "self_disposal.csv",
)  # fmt: skip


class BadProfile(Exception):
    """A file of the profile is wrong; the message names file, line and what the administrator must write."""


def load(profile: str = "", instead: Mapping[str, str] | None = None) -> Rules:
    """The rules of the profile directory *profile* (empty: those that ship); *instead*: file → the text that counts.

    Raises BadProfile.
    """
    new = instead or {}
    table = tomllib.loads(_text(profile, "intake.toml"))
    sets = table["code_sets"]
    try:
        natures = by_word(_nature(row) for row in _rows(profile, "natures.csv", new))
    except ValueError as error:
        raise BadProfile(str(error)) from error
    return Rules(
        code_set=str(sets["channel"]["name"]),
        version=str(sets["channel"]["version"]),
        channels={c.code: c for c in (_channel(row) for row in _rows(profile, "channels.csv", new))},
        natures=natures,
        stages={row["state"]: Stage(**row) for row in _rows(profile, "stages.csv")},
        control_areas=_control_areas(_text(profile, "control_areas.geojson")),
        lending=_lending(table.get("contact", {})),
        self_disposal={_key(row): row["name"] for row in _rows(profile, "self_disposal.csv")},
    )


def _text(profile: str, name: str) -> str:
    own = Path(profile) / "intake" / name
    if profile and own.is_file():
        return own.read_text("utf-8-sig")
    return (importlib.resources.files(__package__) / "data" / name).read_text("utf-8")


def _rows(profile: str, name: str, instead: Mapping[str, str] | None = None) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO((instead or {}).get(name) or _text(profile, name)))
    rows = []
    for row in reader:
        if None in row or None in row.values():
            raise BadProfile(f"{name} 第 {reader.line_num} 行的列数与表头不符，请管理员补齐")
        rows.append({key: value.strip() for key, value in row.items()})
    return rows


def _channel(row: dict[str, str]) -> Channel:
    channel = Channel(
        code=row["code"],
        name=row["name"],
        reporter_kind=row["reporter_kind"],
        verify_policy=row["verify_policy"],
        roles=tuple(row["roles"].split()),
        anonymous=row["anonymous"] == "yes",
        systems=tuple(row["systems"].split()),
        summary_limit=int(row["summary_limit"] or 0),
        follow_up=row["follow_up"] == "yes",
    )
    if channel.verify_policy not in VERIFY_POLICIES:
        raise BadProfile(
            f"channels.csv 渠道 {channel.code}：verify_policy 写的是“{channel.verify_policy}”，请管理员改为 "
            + "、".join(VERIFY_POLICIES)
        )
    if channel.anonymous and not channel.systems:
        raise BadProfile(
            f"channels.csv 渠道 {channel.code} 允许匿名，请在 systems 列写明来源系统，以免匿名者占用别的系统的编号"
        )
    return channel


def _nature(row: dict[str, str]) -> Nature:
    return Nature(
        code=row["code"],
        name=row["name"],
        is_case=row["is_case"] == "yes",
        answer_code=row["answer_code"],
        aliases=tuple(row["aliases"].split()),
    )


def _lending(table: dict[str, Any]) -> LendingRule:
    try:
        rule = msgspec.convert(table, LendingRule)
    except msgspec.ValidationError as error:
        raise BadProfile(
            f"intake.toml 的 [contact] 有误（{error}）：请管理员只写 hand_over、grant_to、hours"
        ) from error
    if mistake := rule.mistake():
        raise BadProfile(f"intake.toml 的 [contact]：{mistake}")
    return rule


def _key(row: dict[str, str]) -> tuple[str, str, str, str]:
    if row["kind"] not in ("part", "event") or not all(row.values()):
        raise BadProfile(
            f"self_disposal.csv 的“{','.join(row.values())}”有误：请管理员填全 code_set、kind（part 或 event）、"
            "major、minor、name 五列"
        )
    return row["code_set"], row["kind"], row["major"], row["minor"]


def _control_areas(text: str) -> tuple[ControlArea, ...]:
    return tuple(_control_area(n, feature) for n, feature in enumerate(msgspec.json.decode(text)["features"], 1))


def _control_area(n: int, feature: dict[str, Any]) -> ControlArea:
    properties, geometry = feature["properties"], feature["geometry"]
    try:
        return ControlArea(
            area_id=properties["id"],
            message=properties["message"],
            rings=_rings(geometry),
            valid_from=_moment(properties["valid_from"]),
            valid_to=_moment(properties["valid_to"]),
            daily_from=dt.time.fromisoformat(properties.get("daily_from", "00:00")),
            daily_to=dt.time.fromisoformat(properties.get("daily_to", "00:00")),
            minors=frozenset(properties.get("minors", ())),
            reporter_kinds=frozenset(properties.get("reporter_kinds", ("collector",))),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise BadProfile(
            f"control_areas.geojson 第 {n} 个区域有误（{error}）：请写全 id、message、valid_from、valid_to 和 Polygon"
        ) from error


def _rings(geometry: dict[str, Any]) -> tuple[Ring, ...]:
    polygons = {"Polygon": [geometry["coordinates"]], "MultiPolygon": geometry["coordinates"]}[geometry["type"]]
    return tuple(tuple((float(x), float(y)) for x, y, *_ in polygon[0]) for polygon in polygons)


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)
