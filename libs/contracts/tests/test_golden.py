"""What was released once can be read for ever."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from yiwang.contracts import decode, encode, registry, tag_of
from yiwang.contracts.golden import SUMS, add_missing, altered, uncovered

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = sorted(p.name for p in GOLDEN.glob("*.json"))


def exactly(data: bytes) -> Any:
    return json.loads(data, parse_float=Decimal)


@pytest.mark.parametrize("name", FILES)
def test_reads_every_released_event_and_loses_no_fact(name: str) -> None:
    """Decoding with today's contracts and encoding again gives the same facts."""
    data = (GOLDEN / name).read_bytes()

    event = decode(data)

    assert exactly(encode(event)) == exactly(data)
    assert name.startswith(tag_of(type(event)))


def test_every_event_has_a_full_and_a_minimal_example() -> None:
    """A new event, or a new field, is released with `make golden`."""
    missing = {tag for tag in registry() if {f"{tag}.json", f"{tag}.min.json"} - set(FILES)}

    assert missing == set()
    assert {tag: fields for tag in registry() if (fields := uncovered(GOLDEN, tag))} == {}


def test_no_golden_file_was_edited_or_deleted() -> None:
    """The sums agree with the files, in both directions."""
    assert altered(GOLDEN) == []


def test_adds_only_what_is_missing(tmp_path: Path) -> None:
    """A second run adds nothing."""
    assert len(add_missing(tmp_path)) == 2 * len(registry())
    assert add_missing(tmp_path) == []


def test_refuses_to_go_on_when_a_file_was_changed(tmp_path: Path) -> None:
    """An edited file is restored by a person, not overwritten by the tool."""
    add_missing(tmp_path)
    (tmp_path / "case.filed.v1.json").write_bytes(b"{}\n")

    with pytest.raises(ValueError, match=r"restore case\.filed\.v1\.json"):
        add_missing(tmp_path)


def test_a_new_optional_field_gets_a_further_example(tmp_path: Path) -> None:
    """The first example stays as it was; the next one shows the new field."""
    add_missing(tmp_path)
    first = tmp_path / "case.filed.v1.json"
    older = json.loads(first.read_bytes())
    del older["filing_basis"]
    first.write_text(json.dumps(older))
    sums = tmp_path / SUMS
    sums.write_text("".join(line for line in sums.open() if not line.endswith("  case.filed.v1.json\n")))
    with sums.open("a") as out:
        out.write(f"{hashlib.sha256(first.read_bytes()).hexdigest()}  {first.name}\n")

    assert add_missing(tmp_path) == [tmp_path / "case.filed.v1.1.json"]
