"""What the source says about each event: its fields with types, meaning and order key, for docs and schemas."""

from __future__ import annotations

import ast
import datetime as dt
import inspect
import sys
import types
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from ._event import Event
from ._privacy import is_personal, structs_in
from ._registry import STAMPED

PLAIN: Final[dict[Any, str]] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "true/false",
    dt.datetime: "time",
    dt.date: "day",
}


class FieldDoc(NamedTuple):
    """One field as a person reads it."""

    wire: str
    type: str
    required: bool
    personal: bool
    meaning: str


def fields_of(struct: type[msgspec.Struct]) -> list[FieldDoc]:
    """The fields of *struct*, inherited ones first; the envelope's stamped ones count as required."""
    docs = _attribute_docs(struct)
    return [
        FieldDoc(
            f.encode_name,
            type_text(f.type),
            f.required or (issubclass(struct, Event) and f.name in STAMPED),
            is_personal(f.type),
            docs.get(f.name) or shared_meanings().get(f.encode_name, ""),
        )
        for f in msgspec.structs.fields(struct)
    ]


@cache
def shared_meanings() -> dict[str, str]:
    """Field → what it means wherever it stands, from ``data/fields.txt``."""
    lines = files(__package__).joinpath("data/fields.txt").read_text("utf-8").splitlines()
    pairs = (line.partition(": ") for line in lines if not line.startswith("#"))
    return {name: meaning for name, _, meaning in pairs}


def type_text(annotation: Any) -> str:
    """*annotation* in words.

    >>> type_text(tuple[str, ...]), type_text(int | None), type_text(dict[str, str])
    ('list of text', 'integer or null', 'map of text')
    """
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_text(args[0])
    if origin in (Union, types.UnionType):
        return " or ".join("null" if a is type(None) else type_text(a) for a in args)
    if origin is tuple:
        return f"list of {type_text(args[0])}"
    if origin is dict:
        return f"map of {type_text(args[1])}"
    if origin is Literal:
        return " | ".join(map(str, args))
    return PLAIN.get(annotation) or annotation.__name__


def values_of(event_types: list[type[Event]]) -> list[type[msgspec.Struct]]:
    """The Structs that the fields of *event_types* are made of, by name."""
    found: dict[str, type[msgspec.Struct]] = {}
    todo: list[type[msgspec.Struct]] = list(event_types)
    while todo:
        for field in msgspec.structs.fields(todo.pop()):
            for inner in structs_in(field.type):
                if inner.__name__ not in found:
                    found[inner.__name__] = inner
                    todo.append(inner)
    return [found[name] for name in sorted(found)]


def key_text(event_type: type[Event]) -> str:
    """The order key as the type's `key` property says it: ``case.case_id``, ``config/{set_name}``."""
    owner = next(cls for cls in event_type.__mro__ if "key" in vars(cls))
    body = _class(owner, "key")
    result = next(node for node in ast.walk(body) if isinstance(node, ast.Return))
    assert result.value is not None
    text = ast.unparse(result.value).replace("self.", "")
    return text[1:].strip("'\"") if text[:2] in ("f'", 'f"') else text


def _attribute_docs(struct: type) -> dict[str, str]:
    found: dict[str, str] = {}
    for cls in reversed(struct.__mro__):
        if cls.__module__.startswith(__package__):
            found |= _own_docs(cls)
    return found


@cache
def _own_docs(cls: type) -> dict[str, str]:
    body = _class(cls).body
    return {
        node.target.id: inspect.cleandoc(str(after.value.value))
        for node, after in pairwise(body)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
    }


def _class(cls: type, method: str = "") -> ast.ClassDef:
    found = next(n for n in _module(cls.__module__).body if isinstance(n, ast.ClassDef) and n.name == cls.__name__)
    if method:
        body = [n for n in found.body if isinstance(n, ast.FunctionDef) and n.name == method]
        return ast.ClassDef(name=method, bases=[], keywords=[], body=list(body), decorator_list=[])
    return found


@cache
def _module(name: str) -> ast.Module:
    return ast.parse(inspect.getsource(sys.modules[name]))
