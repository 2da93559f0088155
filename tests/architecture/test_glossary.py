"""The words of the services are in the glossary."""

from __future__ import annotations

from pathlib import Path

import pytest
from yiwang.dispatch import states

GLOSSARY = (Path(__file__).parents[2] / "docs/glossary.md").read_text()


@pytest.mark.parametrize("word", [*states.STATES, *states.ACTIONS, *sorted(states.ROLE_NAMES.keys() - {"system", "import"})])
def test_every_word_of_the_state_table_is_explained(word: str) -> None:
    """States, actions and roles that a case really meets."""
    assert f"| `{word}` |" in GLOSSARY
