"""JSON Schemas and the AsyncAPI 3 document, from the registry."""

from __future__ import annotations

import inspect
from typing import Any, Final

import msgspec

from ._event import Event
from ._privacy import personal_fields
from ._reflect import fields_of, key_text, values_of
from ._registry import STAMPED, registry
from .subjects import PARTITIONS

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
PARAMETERS: Final = {
    "city": "City in whose name the act is done, by its 6-digit GB/T 2260 code (440100); a province: its own",
    "county": "County in whose name (440106), or a 9-digit town or zone directly below a city, or the city itself",
    "pp": f"Partition 00 to {PARTITIONS - 1}: crc32(order key) mod {PARTITIONS}; one order key keeps its order",
}


def summary(event_type: type) -> str:
    """The first line of the docstring."""
    return (event_type.__doc__ or "").strip().partition("\n")[0]


def components(event_types: list[type[Event]], template: str) -> dict[str, dict[str, Any]]:
    """Schemas of *event_types* and of all that they are made of, with every field's meaning."""
    _, schemas = msgspec.json.schema_components(event_types, ref_template=template)
    described: dict[str, dict[str, Any]] = {}
    for struct in [*event_types, *values_of(event_types)]:
        schema = schemas[struct.__name__]
        schema["description"] = inspect.cleandoc(
            struct.__doc__ or ""
        )  # Python 3.13 dedents it by itself, older ones not
        for field in fields_of(struct):
            if field.meaning:
                schema["properties"][field.wire]["description"] = field.meaning
        if issubclass(struct, Event):
            _require_envelope(schema)
        described[struct.__name__] = schema
    return described


def _require_envelope(schema: dict[str, Any]) -> None:
    """What the kit stamps may be left out by a handler, but never on the wire."""
    for wire in STAMPED.values():
        schema["properties"][wire].pop("default", None)
    schema["required"] = list(dict.fromkeys([*STAMPED.values(), *schema["required"]]))


def json_schema(tag: str) -> dict[str, Any]:
    """The schema of one event, whole in itself."""
    event_type = registry()[tag]
    parts = components([event_type], "#/$defs/{name}")
    own = parts.pop(event_type.__name__)
    head = {"$schema": DIALECT, "$id": f"urn:yiwang:event:{tag}"}
    return head | own | _marks(event_type) | {"$defs": parts}


def _marks(event_type: type[Event]) -> dict[str, Any]:
    return {
        "x-flow": event_type.flow,
        "x-ordering-key": key_text(event_type),
        "x-personal-data": list(personal_fields(event_type)),
    }


def asyncapi(version: str) -> dict[str, Any]:
    """The mesh as AsyncAPI 3: one channel per event, by flow and subject."""
    types = registry()
    schemas = components(list(types.values()), "#/components/schemas/{name}")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Yiwang events",
            "version": version,
            "description": "Facts that services share over NATS JetStream, as JSON with CloudEvents names.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {tag: _channel(tag, cls) for tag, cls in types.items()},
        "components": {
            "messages": {cls.__name__: _message(tag, cls) for tag, cls in types.items()},
            "parameters": {name: {"description": text} for name, text in PARAMETERS.items()},
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _channel(tag: str, cls: type[Event]) -> dict[str, Any]:
    return {
        "address": f"yw.{cls.flow}.{{city}}.{{county}}.{{pp}}.{tag}",
        "messages": {cls.__name__: {"$ref": f"#/components/messages/{cls.__name__}"}},
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in PARAMETERS},
        **_marks(cls),
    }


def _message(tag: str, cls: type[Event]) -> dict[str, Any]:
    return {
        "name": tag,
        "summary": summary(cls),
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": ["Nats-Msg-Id"],
            "properties": {
                "Nats-Msg-Id": {"type": "string", "description": "The event's id"},
                "traceparent": {"type": "string", "description": "W3C trace context"},
            },
        },
        "payload": {"$ref": f"#/components/schemas/{cls.__name__}"},
    }
