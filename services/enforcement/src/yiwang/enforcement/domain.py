"""What an enforcement record must be, and how it becomes a leaf of the log.

Rules: at least two officers with certificates (行政处罚法 Art. 42), auxiliaries do no enforcement acts
(城市管理执法办法), the whole course is recorded by text and audio-video and stays traceable (全过程记录). The leaf is
hashed when the record is taken in: courts ask what happened *before* a record entered the chain of custody.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from yiwang.contracts import MediaRef, Moment, Point, areas

from .codes import Codes
from .merkle import Suite

SALT_BYTES: Final = 32
MIN_OFFICERS: Final = 2
"""行政处罚法 Art. 42: law enforcement officers must be no fewer than two."""
CLOCK_SLACK: Final = dt.timedelta(minutes=5)
"""How far a recorder's clock may run ahead of ours."""
OFFICER_ROLE: Final = "enforcement_officer"
SCHEMA: Final = "yiwang.enforcement.record.v1"
EARLIEST: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""No record of an act is older than the systems that keep it."""

Line = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$", description="One line of text")]
Text = Annotated[str, msgspec.Meta(max_length=20_000, description="Free text; stays in this service")]


class Officer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An officer on the scene: pseudonym, certificate number (执法证号) and role."""

    ref: Line
    cert_ref: Line
    role: Line = OFFICER_ROLE


class Party(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The party (当事人): never leaves this service."""

    name: Line
    kind: Line = "person"
    """person (个人) or unit (单位)"""
    id_no: Line = ""
    phone: Line = ""
    address: Line = ""


class Scene(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the act took place."""

    address: Line = ""
    point: Point | None = None


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A record as an officer hands it in."""

    kind: Line
    node_code: Line
    occurred_at: Moment
    officers: Annotated[tuple[Officer, ...], msgspec.Meta(max_length=50)]
    text: Text = ""
    place: Scene = Scene()
    media: Annotated[tuple[MediaRef, ...], msgspec.Meta(max_length=200)] = ()
    party: Party | None = None
    device_at: Moment | None = None
    """What the recorder's own clock showed"""


class Mistake(NamedTuple):
    """Where in the draft, and what is wrong there (Chinese, for the officer)."""

    path: str
    message: str


def mistakes_of(draft: Draft, codes: Codes, now: dt.datetime) -> list[Mistake]:
    """Everything that keeps *draft* from being a record."""
    return [*_officer_mistakes(draft), *_content_mistakes(draft, codes), *_time_mistakes(draft, now)]


def _officer_mistakes(draft: Draft) -> list[Mistake]:
    found = []
    for n, officer in enumerate(draft.officers):
        at = f"$.officers[{n}]"
        if officer.role != OFFICER_ROLE:
            found.append(Mistake(f"{at}.role", "执法辅助人员等非执法人员不能作为记录人，请换成持证执法人员"))
        if not officer.cert_ref.strip():
            found.append(Mistake(f"{at}.cert_ref", "请填写执法证号"))
        if not officer.ref.strip():
            found.append(Mistake(f"{at}.ref", "请填写执法人员编号"))
    people = {o.ref.strip() for o in draft.officers}
    certificates = {o.cert_ref.strip() for o in draft.officers}
    if min(len(people), len(certificates)) < MIN_OFFICERS:
        found.append(
            Mistake("$.officers", "执法人员不得少于两人，且姓名编号、执法证号各不相同（行政处罚法第四十二条）")
        )
    return found


def _content_mistakes(draft: Draft, codes: Codes) -> list[Mistake]:
    found = []
    kind = codes.kinds.get(draft.kind)
    if kind is None:
        found.append(Mistake("$.kind", f"没有记录种类“{draft.kind}”，可用：{'、'.join(codes.kinds)}"))
    elif kind.needs_media and not draft.media:
        found.append(Mistake("$.media", f"{kind.name}必须附上文件"))
    if draft.node_code not in codes.nodes:
        found.append(Mistake("$.node_code", f"没有环节“{draft.node_code}”，可用：{'、'.join(codes.nodes)}"))
    if not draft.text.strip() and not draft.media:
        found.append(Mistake("$.text", "请写明文字记录，或附上音像、照片、文书"))
    if not draft.place.address.strip() and draft.place.point is None:
        found.append(Mistake("$.place", "请填写地点：地址或坐标"))
    if len({m.sha256 for m in draft.media}) < len(draft.media):
        found.append(Mistake("$.media", "同一文件附了两次，请删去重复的"))
    return found


def _time_mistakes(draft: Draft, now: dt.datetime) -> list[Mistake]:
    if draft.occurred_at < EARLIEST:
        return [Mistake("$.occurred_at", "记录时间早于 2000 年，请核对执法记录仪的时钟")]
    if draft.occurred_at > now + CLOCK_SLACK:
        return [Mistake("$.occurred_at", "记录时间在未来，请核对执法记录仪的时钟")]
    return []


def _plain(value: Any) -> Any:
    """*value* without floats: coordinates as decimals of 7 places, so that every language writes the same bytes."""
    if isinstance(value, float):
        return f"{value:.7f}"
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value


def canonical(record: dict[str, Any]) -> bytes:
    """*record* as JSON with sorted keys, no spaces, no floats, UTF-8: the same bytes for the same facts."""
    plain = msgspec.to_builtins(record)
    return msgspec.json.encode(_plain(plain), order="sorted")


def commitment(suite: Suite, salt: bytes, body: bytes) -> bytes:
    """H(salt ‖ canonical record). Without salt and body it tells nothing, not even to who tries all likely texts."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} random bytes, not {len(salt)}")
    return suite.digest(salt + body)


def record_of(
    draft: Draft, *, file_id: str, agency_id: str, record_id: str, recorded_by: str, received_at: dt.datetime
) -> dict[str, Any]:
    """The whole record as it is sealed; party and text never leave this service."""
    return {
        "schema": SCHEMA,
        "file_id": file_id,
        "agency_id": agency_id,
        "record_id": record_id,
        "recorded_by": recorded_by,
        "received_at": received_at.astimezone(dt.UTC),
        **{f: getattr(draft, f) for f in draft.__struct_fields__},
    }


def subtree_pattern(area_code: str) -> str:
    """The SQL `like` pattern of all codes in the subtree of *area_code*.

    >>> subtree_pattern("440000"), subtree_pattern("440300"), subtree_pattern("440304"), subtree_pattern("441900003")
    ('44%', '4403%', '440304%', '441900003%')
    """
    prefix = area_code
    if areas.level_of(area_code) in ("province", "city"):
        prefix = area_code.rstrip("0").ljust(2 if area_code.endswith("0000") else 4, "0")
    return f"{prefix}%"
