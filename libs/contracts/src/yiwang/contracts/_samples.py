"""A full, invented example of any event: every optional field filled, so that golden files leave nothing out."""

from __future__ import annotations

import datetime as dt
import types
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec

from ._event import Event

START: Final = dt.datetime(2026, 3, 2, 8, 30, tzinfo=dt.timezone(dt.timedelta(hours=8)))

TEXTS: Final = {
    "source": "440300/dispatch",
    "tenant_id": "440000",
    "jurisdiction": "440300",
    "addressee": "440304",
    "purpose": "demo",
    "person_ref": "p-7f3a",
    "handler_ref": "p-51c0",
    "post_id": "post-12",
    "unit_id": "4403-cg-01",
    "unit_name": "示例街道执法队",
    "role": "dispatcher",
    "kind": "event",
    "code_set": "example",
    "version": "1",
    "code": "11",
    "province": "440000",
    "city": "440300",
    "county": "440304",
    "street9": "440304003",
    "community12": "440304003012",
    "cell15": "440304003012001",
    "area": "440304",
    "part_id16": "4403040101000001",
    "crs": "cgcs2000",
    "method": "point",
    "unit_kind": "work_hour",
    "case_no": "4403002026030200001",
    "state_before": "filed",
    "state_after": "dispatched",
    "nature": "投诉",
    "urgency": "urgent",
    "major": "04",
    "minor": "10",
    "major_name": "街面秩序",
    "minor_name": "非机动车乱停放",
    "sha256": "5f" * 32,
    "sm3": "a7" * 32,
    "mime": "image/jpeg",
    "home_node": "440300",
    "archive_type": "1",
    "timeliness": "on_time",
    "from_jurisdiction": "440300",
    "to_jurisdiction": "440304",
    "name": "示例",
    "phone": "00000000000",
    "text": "示例:路口单车堆放。",
    "address": "示例路 1 号",
    "description_masked": "路口单车堆放",
    "opinion": "同意",
    "audience": "unit:4403-cg-01",
    "alg": "sha256+ed25519",
    "key_id": "k1",
}
"""Field name → value; a text that isn't listed is ``<field>-1``."""

STATED: Final = {
    "Custody.jurisdiction": "440300",
    "ExternalId.id": "SZ-1",
    "Actor.kind": "human",
    "Origin.mode": "docked",
    "Assignment.role": "co",
    "AssignmentRef.name": "示例街道执法队",
    "Clock.stage": "disposal",
    "MediaRef.stage": "before",
    "TaskAssigned.kind": "report",
    "TaskAssigned.issuer": "440000",
    "Figure.period": "2026-11",
    "Ranking.period": "2026-11",
    "ConfigPublished.encoding": "zlib+base64",
    "ConfigAdopted.encoding": "zlib+base64",
}
"""Values of one Struct's field where the name alone would say something else."""


def sample(event_type: type[Event], *, full: bool = True) -> Event:
    """An example as it travels; without *full*, only what is required on the wire."""
    made = _struct(event_type, full)
    assert isinstance(made, Event)
    stamped = msgspec.structs.replace(
        made,
        id="0197f3c2-5e1b-7c44-9d0a-3f6b2a1c8e70",
        source=TEXTS["source"],
        occurred_at=START,
        recorded_at=START + dt.timedelta(seconds=2),
        subject="",
        tenant_id=TEXTS["tenant_id"],
        jurisdiction=TEXTS["jurisdiction"],
    )
    return msgspec.structs.replace(stamped, subject=stamped.key)


def _struct(cls: type[msgspec.Struct], full: bool) -> msgspec.Struct:
    values = {}
    for field in msgspec.structs.fields(cls):
        if full or field.required:
            value = _value(f"{cls.__name__}.{field.name}", field.type, full)
            values[field.name] = (not value) if value is field.default else value
    return cls(**values)


def _value(where: str, annotation: Any, full: bool) -> Any:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _value(where, args[0], full)
    if origin in (Union, types.UnionType):
        return _value(where, next(a for a in args if a is not type(None)), full)
    if origin is Literal:
        return args[0]
    if origin is tuple:
        return (_value(where, args[0], full),)
    if origin is dict:
        return {"example": _value(where, args[1], full)}
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return _struct(annotation, full)
    return _plain(where, annotation)


def _plain(where: str, annotation: Any) -> Any:
    name = where.partition(".")[2]
    if annotation is str:
        return STATED.get(where) or TEXTS.get(name, f"{name}-1")
    if annotation is bool:
        return True
    if annotation is int:
        return 2
    if annotation is float:
        return {"lon": 114.0579, "lat": 22.5431}.get(name, 0.5)
    if annotation is dt.datetime:
        return START + dt.timedelta(hours=sum(name.encode()) % 72)
    if annotation is dt.date:
        return START.date()
    raise TypeError(f"{where} has the type {annotation!r}, for which there is no example; say one in _samples.py")
