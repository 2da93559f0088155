"""An upper or neighbouring platform as data: what it wants, under which names and codes, and how it is reached.

No field-level text of the national exchange is public, so the shipped profiles are proposals: `verified` stays false,
and is shown as such, until a real platform has confirmed the profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from .payloads import Payload
from .records import FIELDS, ONLY_IN

FOLDER: Final = "sync"


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from"}):
    """One field of theirs: from which of ours, through which crosswalk, whether they insist on it."""

    source: str
    crosswalk: str = ""
    otherwise: str = ""
    """Our field to take when the crosswalk doesn't list the code"""
    required: bool = False


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of record: their name for it, and their field → ours."""

    fields: Mapping[str, str | Field]
    name: str = ""

    def field(self, theirs: str) -> Field:
        found = self.fields[theirs]
        return Field(found) if isinstance(found, str) else found


class Crosswalk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Our code → theirs. A code that isn't listed passes as it is, or is refused here when `strict`."""

    codes: Mapping[str, str]
    strict: bool = False


class Platform(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A platform on the other side."""

    name: str
    title: str
    version: str
    verified: bool = False
    direction: Literal["out", "in", "both"] = "out"
    transport: Literal["http", "directory", "pull", "served"] = "http"
    """http: batches are pushed; directory: files, written or read by us; pull: inbound only, we fetch them; served: outgoing
    only, they fetch from us"""
    endpoint: str = ""
    """URL or directory; YIWANG_NATIONAL_SYNC_ENDPOINTS overrides it"""
    secret: str = ""
    """Name of the shared secret among YIWANG_NATIONAL_SYNC_SECRETS; the platform's name if empty"""
    batch_size: int = 200
    areas: tuple[str, ...] = ()
    """Inbound: the areas that it may report for; empty: the node's own subtree. Outgoing: the docked places whose tasks it gets"""
    records: Mapping[str, Shape] = {}
    crosswalks: Mapping[str, Crosswalk] = {}

    @property
    def outgoing(self) -> bool:
        return self.direction in ("out", "both")

    @property
    def incoming(self) -> bool:
        return self.direction in ("in", "both")

    @property
    def pushed(self) -> bool:
        """Whether we bring it what it is to be told."""
        return self.outgoing and self.transport != "served"

    @property
    def kinds(self) -> list[str]:
        """The kinds of record that it wants of everything; what goes to docked places alone is told to them one by one."""
        return [] if self.areas else [kind for kind in FIELDS if kind in self.records]


class Refused(Exception):
    """The record can't be sent as the profile stands; the sentence says what to mend."""


def translate(platform: Platform, kind: str, payload: Payload, *, check: bool = True) -> Payload:
    """*payload* under their names and codes.

    Raises Refused where a required field or a strict code is missing, unless *check* is off: what has a sequence
    number must go out, for there may be no gap.
    """
    shape = platform.records[kind]
    found: Payload = {}
    for theirs in shape.fields:
        field = shape.field(theirs)
        value = payload.get(field.source)
        if value is not None and field.crosswalk:
            value = _crossed(platform.crosswalks[field.crosswalk], field, payload, str(value), check=check)
        if value is None:
            if field.required and check:
                raise Refused(f"缺少对方必填的 {theirs}（本地字段 {field.source}）：请补全案件后重发")
            continue
        found[theirs] = value
    return found


def _crossed(crosswalk: Crosswalk, field: Field, payload: Payload, code: str, *, check: bool) -> Any:
    if code in crosswalk.codes:
        return crosswalk.codes[code]
    if crosswalk.strict and check:
        raise Refused(f"代码对照表 {field.crosswalk} 没有 {code}：请在平台配置中补充后重发")
    return payload.get(field.otherwise) if field.otherwise else code


def untranslate(platform: Platform, kind: str, theirs: Mapping[str, Any]) -> Payload:
    """Their payload under our names and codes; what the profile doesn't name is left out. Raises Refused."""
    shape = platform.records.get(kind)
    if shape is None:
        raise Refused(f"本平台不接收 {kind} 类记录")
    found: Payload = {}
    for name in shape.fields:
        field = shape.field(name)
        value = theirs.get(name)
        if value is None or value == "":
            if field.required:
                raise Refused(f"缺少必填字段 {name}")
            continue
        if field.crosswalk:
            back = {theirs_code: ours for ours, theirs_code in platform.crosswalks[field.crosswalk].codes.items()}
            value = back.get(str(value), value)
        found[field.source] = value
    return found


def parse(text: bytes, where: str) -> Platform:
    """The platform in *text*. Raises ValueError with the file and what is wrong in it."""
    try:
        found = msgspec.toml.decode(text, type=Platform)
    except (msgspec.MsgspecError, ValueError) as error:
        raise ValueError(f"{where}: {error}. Mend the file.") from error
    mistakes = [f"unknown kind of record {kind!r}" for kind in found.records if kind not in FIELDS]
    inward = {} if found.direction == "out" else ONLY_IN
    known = {kind: fields | inward.get(kind, frozenset()) for kind, fields in FIELDS.items()}
    for kind, shape in found.records.items():
        for name in shape.fields:
            field = shape.field(name)
            for ours in (field.source, *([field.otherwise] if field.otherwise else [])):
                if ours not in known.get(kind, frozenset()):
                    mistakes.append(f"records.{kind}.fields.{name}: there is no field {ours!r} to take it from")
            if field.crosswalk and field.crosswalk not in found.crosswalks:
                mistakes.append(f"records.{kind}.fields.{name}: there is no crosswalk {field.crosswalk!r}")
    if found.transport != "http" and found.direction == "both":
        mistakes.append(f"transport {found.transport!r} goes one way: choose direction in or out, or two files")
    if found.transport == "pull" and (found.outgoing or not found.areas):
        mistakes.append('transport "pull" is for direction "in" and needs the areas whose records are fetched')
    if found.transport == "served" and found.incoming:
        mistakes.append('transport "served" is for direction "out": the other side fetches what it is to be told')
    if not 1 <= found.batch_size <= 5000:
        mistakes.append(f"batch_size {found.batch_size}: choose 1 to 5000")
    if mistakes:
        raise ValueError("\n".join(f"{where}: {m}" for m in mistakes))
    return found


def load_platforms(profile: str) -> dict[str, Platform]:
    """name → platform, from ``sync/*.toml`` of the *profile* directory; none without a profile.

    Raises ValueError with every mistake, also two files with one name.
    """
    folder = Path(profile) / FOLDER
    found: dict[str, Platform] = {}
    for file in sorted(folder.glob("*.toml")) if profile and folder.is_dir() else []:
        platform = parse(file.read_bytes(), str(file))
        if platform.name in found:
            raise ValueError(f"{file}: the name {platform.name} is taken by another file; choose another")
        found[platform.name] = platform
    return found
