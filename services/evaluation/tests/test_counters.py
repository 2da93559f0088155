"""The counters of a case: forty lives counted by hand, and every counter is met."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from yiwang.evaluation.counting import counters
from yiwang.evaluation.facts import Facts, decode, encode
from yiwang.evaluation.fold import fold
from yiwang.evaluation.rules import Rules
from yiwang.evaluation.testing import Life
from yiwang.evaluation.vocabulary import BY_NAME, CALL, COUNTERS, NAMES, NUMBER, SHARE

TABLE = tomllib.loads((Path(__file__).parent / "forty_cases.toml").read_text("utf-8"))
SETS: dict[str, str] = TABLE["sets"]
CASES: list[dict[str, Any]] = TABLE["case"]


def lived(life: Life) -> Facts:
    facts: Facts | None = None
    for seen in life.seen:
        facts = fold(facts, seen)
    assert facts is not None
    return facts


def ones(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for word in text.split():
        if word.startswith("*"):
            found |= ones(SETS[word[1:]])
        elif word.startswith("-"):
            del found[word[1:]]
        else:
            assert word in BY_NAME, f"{word} is no counter"
            found[word] = 1
    return found


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_life_counts_what_was_counted_by_hand(case: dict[str, Any]) -> None:
    """Every counter of the case, the zeros too."""
    facts = lived(Life("c").lead(*case["life"]))

    assert counters(facts, Rules()) == ones(case["ones"]) | case.get("amounts", {})


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_facts_are_the_same_when_they_were_stored_after_every_event(case: dict[str, Any]) -> None:
    facts: Facts | None = None
    for seen in Life("c").lead(*case["life"]).seen:
        facts = decode(encode(fold(facts, seen)))
    assert facts == lived(Life("c").lead(*case["life"]))


def test_the_table_has_forty_lives_and_meets_every_counter() -> None:
    met = set()
    for case in CASES:
        met |= set(ones(case["ones"])) | set(case.get("amounts", {}))

    shared = {one.name for one in COUNTERS if one.step in (SHARE, CALL)} | {"complained_num"}  # test_shared_work.py
    assert len(CASES) >= 40
    assert set(NAMES) - shared == met


def test_counters_keep_their_numbers() -> None:
    """Parts are stored by number: a new counter comes at the end, none is ever taken out."""
    assert [NUMBER[name] for name in ("report_num", "to_operate", "need_dispose", "archive_num", "satisfaction", "co_num")] == [
        0, 15, 27, 59, 69, 80,
    ]  # fmt: skip
    assert tuple(NUMBER) == NAMES
