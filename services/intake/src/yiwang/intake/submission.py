"""What a reporter sends: the shape of one report, and what is answered."""

from __future__ import annotations

from typing import Annotated

import msgspec
from yiwang.contracts import Category, ImportedOutcome, Moment

_Tail = r"(?![\s\S])"  # `$` would let a line break pass
Text64 = Annotated[str, msgspec.Meta(max_length=64)]
Text128 = Annotated[str, msgspec.Meta(max_length=128)]
Text256 = Annotated[str, msgspec.Meta(max_length=256)]
SystemId = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=rf"^[^/\s]+{_Tail}")]
RecordId = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
CountyCode = Annotated[str, msgspec.Meta(max_length=9, pattern=rf"^([0-9]{{6}}([A-Z][0-9]{{2}})?)?{_Tail}")]
StreetCode = Annotated[str, msgspec.Meta(max_length=9, pattern=rf"^([0-9]{{9}})?{_Tail}")]
CommunityCode = Annotated[str, msgspec.Meta(max_length=12, pattern=rf"^([0-9]{{12}})?{_Tail}")]
CellCode = Annotated[str, msgspec.Meta(max_length=15, pattern=rf"^([0-9]{{15}})?{_Tail}")]
PartCode = Annotated[str, msgspec.Meta(max_length=16, pattern=rf"^([0-9]{{16}})?{_Tail}")]
DESCRIPTION_MAX = 4000
BATCH_LINES = 1000
MEDIA_MAX = 20


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Base of what a reporter sends; a field that we don't know is refused, so that nothing is lost unseen."""


class Source(Part, frozen=True, kw_only=True):
    """The reporter's own number of the report: sending it again is safe."""

    system: SystemId
    record_id: RecordId


class ReportedPoint(Part, frozen=True, kw_only=True):
    """A position; `crs` says in which datum and is required (an untagged GCJ-02 point lands 600 m off)."""

    lon: float
    """Degrees east; metres east for a projected crs"""
    lat: float
    """Degrees north; metres north for a projected crs"""
    crs: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    """cgcs2000, wgs84, gcj02, bd09 or EPSG:nnnn"""
    accuracy_m: Annotated[float, msgspec.Meta(ge=0, le=100_000)] | None = None
    source: Text64 = ""


class ReportedPlace(Part, frozen=True, kw_only=True):
    """Where it is: at least one of point, cell, community, street or address (or the report's `part_id`)."""

    point: ReportedPoint | None = None
    address: Text256 = ""
    county: CountyCode = ""
    street9: StreetCode = ""
    community12: CommunityCode = ""
    cell15: CellCode = ""


class Contact(Part, frozen=True, kw_only=True):
    """How to reach the reporter: personal, never leaves the tier."""

    name: Text64 = ""
    phone: Text64 = ""
    openid: Text128 = ""
    consent: Text64 = ""


class ChannelRef(Part, frozen=True, kw_only=True):
    """A channel of another code set (imported and docked records)."""

    code_set: Text64
    version: Text64
    code: Text64
    name: Text64 = ""


class OtherId(Part, frozen=True, kw_only=True):
    """The number of the same matter in a further system."""

    system: SystemId
    id: RecordId


class Submission(Part, frozen=True, kw_only=True):
    """One report as it comes in."""

    channel: Text64 | ChannelRef
    """A code of this place's channel set; other code sets only in imported records"""
    occurred_at: Moment
    """When it was seen, with its time zone"""
    description: Annotated[str, msgspec.Meta(max_length=DESCRIPTION_MAX)] = ""
    nature: Text64 = ""
    """投诉 complaint, 求决 petition, 咨询 consultation, 建议 suggestion, 感谢 thanks, patrol …; empty: by channel"""
    place: ReportedPlace = ReportedPlace()
    source: Source | None = None
    category: Category | None = None
    """As the reporter sees it; any code set"""
    part_id: PartCode = ""
    alarm_id: Text128 = ""
    urgency: Text64 = "normal"
    complained_unit: Text64 = ""
    """The unit whose people are complained of (投诉对象单位), by its name or id: it never handles the case itself"""
    contact: Contact | None = None
    wants_reply: bool = False
    self_disposed: bool = False
    media_ids: Annotated[tuple[Text128, ...], msgspec.Meta(max_length=MEDIA_MAX)] = ()
    external_ids: Annotated[tuple[OtherId, ...], msgspec.Meta(max_length=16)] = ()
    device_at: Moment | None = None
    test: bool = False
    """A trial of the whole path (验收、联调): in no figure and on no upper platform; only for acceptors and administrators"""
    imported: ImportedOutcome | None = None
    """What another system already recorded; only for system accounts, makes the report historical"""


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer of 202: the report is safe."""

    report_id: str
    case_id: str = ""
    """Empty where the nature isn't a case's (a consultation is registered and answered)"""
    token: str = ""
    """For `GET /reports/{id}`: only the reporter gets it, only its hash is kept"""
    duplicate: bool = False
    """The same report was received before; nothing new was stored"""


decoder = msgspec.json.Decoder(Submission)
canonical = msgspec.json.Encoder(order="deterministic")
