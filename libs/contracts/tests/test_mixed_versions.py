"""Nodes are upgraded one by one: an old county lives under a new province, and a new county under an old one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from yiwang.contracts import UnknownEvent, decode, encode, registry, subject_of
from yiwang.contracts._samples import sample
from yiwang.contracts.released import bare, frozen, schema_of, write

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "golden"
RELEASES: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_bytes()) for path in sorted((ROOT / "released").glob("*.json"))
}
CASES = [(version, tag) for version, release in RELEASES.items() for tag in release["events"]]
OLD_EVENTS = [(version, name) for version, release in RELEASES.items() for name in release["golden"]]


def of_tomorrow(event: Any) -> bytes:
    """The event as a later version may send it: with optional fields that nobody here knows, at every depth."""
    return json.dumps(_grown(json.loads(encode(event))), ensure_ascii=False).encode()


def _grown(value: Any) -> Any:
    if isinstance(value, dict):
        named = {k: _grown(v) for k, v in value.items()}
        return named | {"field_of_tomorrow": {"deep": [1, "二"]}} if "example" not in value else named
    return [_grown(item) for item in value] if isinstance(value, list) else value


def test_a_release_is_kept() -> None:
    """Without one these promises would be empty."""
    assert "0.1.0" in RELEASES
    assert len(CASES) > 50


@pytest.mark.parametrize(("version", "tag"), CASES)
@pytest.mark.parametrize("full", [True, False])
def test_an_old_reader_understands_what_is_sent_today(version: str, tag: str, full: bool) -> None:
    """Every event that a release knew still fits the schema by which that release reads it."""
    assert tag in registry(), f"{tag} of {version} is gone: an old node still sends and expects it"
    reader = jsonschema_rs.validator_for(schema_of(RELEASES[version], tag))

    reader.validate(json.loads(encode(sample(registry()[tag], full=full))))


@pytest.mark.parametrize(("version", "tag"), CASES)
def test_an_old_reader_takes_fields_that_it_does_not_know(version: str, tag: str) -> None:
    """They are skipped, at any depth; so optional fields may be added without asking anybody."""
    reader = jsonschema_rs.validator_for(schema_of(RELEASES[version], tag))

    reader.validate(json.loads(of_tomorrow(sample(registry()[tag]))))


@pytest.mark.parametrize(("version", "name"), OLD_EVENTS)
def test_todays_reader_understands_what_an_old_node_sends(version: str, name: str) -> None:
    """Every golden event of a release decodes, has a subject, and is sent on without losing a fact."""
    data = (GOLDEN / name).read_bytes()

    event = decode(data)

    assert subject_of(event, json.loads(data)["type"])
    assert json.loads(encode(event)) == json.loads(data)


@pytest.mark.parametrize("tag", list(registry()))
def test_todays_reader_takes_what_tomorrow_sends(tag: str) -> None:
    """Unknown optional fields are skipped; what is known stays as it was."""
    event = sample(registry()[tag])

    assert decode(of_tomorrow(event)) == event


def test_an_event_type_that_is_unknown_is_skipped_by_name() -> None:
    """It is no mistake of the sender: the reader says which it was and goes on."""
    with pytest.raises(UnknownEvent, match=r"case\.of_tomorrow\.v1"):
        decode(b'{"type": "case.of_tomorrow.v1", "id": "1"}')


def test_a_field_that_was_required_is_still_required_and_has_its_type() -> None:
    """An old reader would refuse the event otherwise; the frozen schema finds it."""
    old = schema_of(RELEASES["0.1.0"], "case.filed.v1")
    event = json.loads(encode(sample(registry()["case.filed.v1"])))
    reader = jsonschema_rs.validator_for(old)
    for broken in ({k: v for k, v in event.items() if k != "condition_id"}, event | {"limit": "four"}):
        with pytest.raises(jsonschema_rs.ValidationError):
            reader.validate(broken)


def test_a_release_file_is_written_once(tmp_path: Path) -> None:
    """It holds what today's contracts can read, and nobody overwrites it."""
    path = write("9.9.9", tmp_path / "released", GOLDEN)
    page = json.loads(path.read_bytes())
    assert set(page["events"]) == set(registry())
    assert "description" not in msgspec.json.encode(page["events"]).decode().replace("description_masked", "")
    with pytest.raises(FileExistsError):
        write("9.9.9", tmp_path / "released", GOLDEN)


def test_one_name_never_means_two_things() -> None:
    """Shared definitions stand once; a field may be called like a piece of prose."""
    with pytest.raises(ValueError, match="two ways"):
        frozen({"a": {"$defs": {"X": {"type": "string"}}}, "b": {"$defs": {"X": {"type": "integer"}}}}, [])
    assert bare({"title": "T", "properties": {"title": {"type": "string", "title": "t"}}}) == {
        "properties": {"title": {"type": "string"}}
    }
