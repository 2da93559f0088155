"""Personal data by type: where an event keeps it, and the rule that it stays in the tier that took it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Final, get_args, get_origin

import msgspec

from ._event import Event

__all__ = ["check_privacy", "personal_fields"]

SUSPECT: Final = frozenset(
    {"name", "names", "phone", "mobile", "tel", "telephone", "email", "openid", "wechat", "id_card", "id_number"}
    | {"address", "text", "description", "contact", "reporter", "party", "plate_no", "face"}
)
"""Field names that mean a person's data unless `THING_NAMES` says that the thing named isn't a person."""

THING_NAMES: Final = frozenset({"Code.name", "AreaRef.names", "AssignmentRef.name", "PartRef.name"})
"""A code's wording, the names of areas, the name of a unit, what a part of the city is called."""


def personal_fields(event_type: type[Event]) -> tuple[str, ...]:
    """Paths of all fields under *event_type*, nested ones too, that are `Personal[...]` or named like it."""
    return _personal_fields(event_type)


@cache
def _personal_fields(event_type: type[msgspec.Struct]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_walk(event_type, "", ())))


def check_privacy(event_type: type[Event]) -> None:
    """Raise TypeError when *event_type* could carry personal data out of its tier.

    The law behind it: 个人信息保护法 Art. 6 (the least that the purpose needs) and Art. 51 (technical measures).
    """
    if event_type.flow == "local":
        return
    if event_type.personal:
        raise TypeError(f"{event_type.__name__} is personal as a whole; declare it with flow='local'")
    if found := personal_fields(event_type):
        raise TypeError(
            f"{event_type.__name__} flows {event_type.flow} and carries personal data in {', '.join(found)}; "
            "move it to an event with flow='local', or send a masked value under another name"
        )


def _walk(struct: type[msgspec.Struct], path: str, seen: tuple[type, ...]) -> Iterator[str]:
    for field in msgspec.structs.fields(struct):
        here = f"{path}.{field.encode_name}" if path else field.encode_name
        named = field.name in SUSPECT and f"{struct.__name__}.{field.name}" not in THING_NAMES
        if named or is_personal(field.type):
            yield here
        for inner in structs_in(field.type):
            if inner not in seen:
                yield from _walk(inner, here, (*seen, struct))


def is_personal(annotation: Any) -> bool:
    """Whether `Personal[...]` stands anywhere in *annotation*."""
    if get_origin(annotation) is Annotated:
        _, *marks = get_args(annotation)
        if any(isinstance(m, msgspec.Meta) and (m.extra or {}).get("personal") for m in marks):
            return True
    return any(is_personal(inner) for inner in get_args(annotation) if not isinstance(inner, msgspec.Meta))


def structs_in(annotation: Any) -> list[type[msgspec.Struct]]:
    """The Structs that *annotation* is made of, at any depth of unions and containers."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return [annotation]
    return [found for inner in get_args(annotation) for found in structs_in(inner)]
