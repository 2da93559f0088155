"""Open code sets are data."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from yiwang.contracts import Code, CodeSet, builtin

HEAD = "code,name,valid_from,valid_to,family\n"


def parse(text: str, name: str = "channel@2.csv") -> CodeSet:
    return CodeSet.parse(name, text.encode())


def test_a_code_travels_with_its_set_and_version() -> None:
    """Readers of another city can tell 11 from 11."""
    assert Code(code_set="channel", version="1", code="11", name="热线举报") == builtin("channel").code("11")


def test_an_unknown_code_passes_without_a_name() -> None:
    """It is shown as it is until somebody teaches it."""
    channels = builtin("channel")

    assert channels.code("drone") == Code(code_set="channel", version="1", code="drone")
    assert channels.name_of("drone") == "drone"
    assert "drone" not in channels


@pytest.mark.parametrize("name", ["channel", "nature", "reason", "role", "source_status", "state", "action"])
def test_a_start_of_every_open_set_ships(name: str) -> None:
    """A deployment replaces it by a file of another version."""
    assert len(builtin(name)) > 5


def test_every_source_status_leads_to_a_state() -> None:
    """The crosswalk from eGova's numbers uses states that exist."""
    targets = {entry.attributes["state"] for entry in builtin("source_status").entries.values()}

    assert targets <= set(builtin("state").entries)


def test_a_word_is_valid_from_a_day_up_to_another() -> None:
    """The last day is not included."""
    entry = parse(HEAD + "8,旧渠道,2026-01-01,2026-07-01,public\n").entries["8"]

    assert [entry.valid_on(day) for day in (dt.date(2025, 12, 31), dt.date(2026, 6, 30), dt.date(2026, 7, 1))] == [
        False,
        True,
        False,
    ]
    assert entry.attributes == {"family": "public"}


@pytest.mark.parametrize(
    ("text", "name", "sentence"),
    [
        (HEAD, "channel.csv", "<name>@<version>.csv"),
        ("id,name\n", "channel@2.csv", "columns code and name"),
        (HEAD + "8,甲,,,\n8,乙,,,\n", "channel@2.csv", "line 3: code '8' stands there twice"),
        (HEAD + "8,,,,\n", "channel@2.csv", "line 2: code and name must both"),
        (HEAD + "8,甲,01/02/2026,,\n", "channel@2.csv", "valid_from is '01/02/2026'"),
        (HEAD + "8,甲\n", "channel@2.csv", "not as many fields"),
        (HEAD + "8,甲,,,,多\n", "channel@2.csv", "not as many fields"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_line(text: str, name: str, sentence: str) -> None:
    """The person who keeps the file knows what to mend."""
    with pytest.raises(ValueError, match=sentence):
        parse(text, name)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """With the sentence that says how to save it; a byte-order mark is fine."""
    path = tmp_path / "channel@2.csv"
    path.write_bytes("code,name\n8,热线\n".encode("gb18030"))
    with pytest.raises(ValueError, match="save the file as UTF-8"):
        CodeSet.load(path)

    path.write_bytes("code,name\n8,热线\n".encode("utf-8-sig"))
    assert CodeSet.load(path).name_of("8") == "热线"


def test_a_set_that_does_not_ship_is_said_so() -> None:
    """The sentence says where else to look."""
    with pytest.raises(LookupError, match=r"CodeSet\.load"):
        builtin("colour")
