"""The published documents say what the contracts say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from yiwang.contracts import builtin, personal_fields, registry
from yiwang.contracts._reflect import fields_of, key_text, shared_meanings, values_of
from yiwang.contracts.docs import drift, said_by

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
GOLDEN = Path(__file__).parents[1] / "golden"
ASYNCAPI: dict[str, Any] = json.loads((DOCS / "asyncapi.json").read_bytes())


def refs(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for inner in value.values() for found in refs(inner)]
    return [found for inner in value for found in refs(inner)] if isinstance(value, list) else []


def test_the_generated_pages_are_up_to_date() -> None:
    """After a change of the contracts: `make docs`."""
    assert drift(DOCS) == []


def test_every_field_says_what_it_means() -> None:
    """In its own docstring, or once for all in data/fields.txt."""
    structs = [*registry().values(), *values_of(list(registry().values()))]

    assert {f"{s.__name__}.{f.wire}" for s in structs for f in fields_of(s) if not f.meaning} == set()
    assert set(shared_meanings()) <= {f.wire for s in structs for f in fields_of(s)}


def test_every_event_has_its_chinese_word() -> None:
    """The first line of the docstring ends with what the people of the domain call it."""
    assert {tag for tag, cls in registry().items() if not re.search("[\u4e00-\u9fff]", cls.__doc__ or "")} == set()


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda p: p.name)
def test_every_golden_event_fits_its_published_schema(path: Path) -> None:
    """A reader in another language validates the same bytes."""
    event = json.loads(path.read_bytes())
    schema = json.loads((DOCS / "schemas" / f"{event['type']}.json").read_bytes())

    jsonschema_rs.validator_for(schema).validate(event)


def test_the_schema_asks_for_what_the_kit_stamps() -> None:
    """Optional for the author of a handler, required on the wire."""
    schema = json.loads((DOCS / "schemas/case.filed.v1.json").read_bytes())

    assert {"id", "source", "time", "recorded_at", "subject", "tenant_id", "jurisdiction"} <= set(schema["required"])


def test_asyncapi_has_one_channel_per_event_by_flow() -> None:
    """With its order key and its personal fields."""
    assert set(ASYNCAPI["channels"]) == set(registry())
    for tag, channel in ASYNCAPI["channels"].items():
        cls = registry()[tag]
        assert channel["address"] == f"yw.{cls.flow}.{{city}}.{{county}}.{{pp}}.{tag}"
        assert channel["x-personal-data"] == list(personal_fields(cls))
        assert channel["x-ordering-key"] == key_text(cls)


def test_asyncapi_refers_to_nothing_that_is_missing() -> None:
    """Every $ref has its target inside the document."""
    for ref in set(refs(ASYNCAPI)):
        target: Any = ASYNCAPI
        for step in ref.removeprefix("#/").split("/"):
            target = target[step]


@pytest.mark.parametrize(
    ("tag", "key"),
    [
        ("case.filed.v1", "case.case_id"),
        ("config.applied.v1", "config/{set_name}"),
        ("enforcement.closed.v1", "file_id"),
    ],
)
def test_the_order_key_is_told_as_the_code_has_it(tag: str, key: str) -> None:
    """Read from the property itself, so that it can't differ."""
    assert key == key_text(registry()[tag])


def test_every_event_has_somebody_who_may_say_it() -> None:
    """A new family needs a line in `SAID_BY`."""
    assert all(said_by(tag) for tag in registry())


def glossary() -> str:
    return (DOCS / "glossary.md").read_text()


def test_the_glossary_has_every_word_of_every_event_name() -> None:
    """A reader who knows only the standard finds the code's words, and the other way round."""
    words = {word for tag in registry() for word in re.split(r"[._]", tag.rpartition(".v")[0])}

    assert {word for word in words if f"`{word}`" not in glossary()} == set()


@pytest.mark.parametrize("name", ["role", "state", "action"])
def test_the_glossary_has_every_role_state_and_action(name: str) -> None:
    """Code beside its Chinese wording."""
    missing = {e.code for e in builtin(name).entries.values() if f"| `{e.code}` | {e.name} |" not in glossary()}

    assert missing == set()
