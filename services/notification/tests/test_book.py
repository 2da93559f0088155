"""Templates and rules are data: mistakes are named before anybody isn't told."""

from __future__ import annotations

from pathlib import Path

import pytest
from yiwang.notification.book import BadBook, load, parse
from yiwang.notification.service import HEARD

ROOT = Path(__file__).parents[3]
TEMPLATES = 'version = "1"\n[hello]\ntitle = "{case_no}"\n'
RULE = '[[rule]]\nid = "r"\nevent = "case.closed.v1"\ntemplate = "hello"\naudience = "unit:{lead_unit}"\n'


def rules(*extra: str, rule: str = RULE) -> str:
    return 'version = "1"\n' + rule + "\n".join(extra)


@pytest.mark.parametrize("profile", ["", "shenzhen", "dongguan"])
def test_the_books_that_ship_are_right(profile: str) -> None:
    """The one in the package, and those of both city profiles."""
    made = load(str(ROOT / "deploy/profiles" / profile) if profile else "", HEARD)

    assert made.templates
    assert made.rules["case.dispatched.v1"]


def test_a_profile_replaces_a_file_as_a_whole(tmp_path: Path) -> None:
    """What it doesn't bring comes from the package."""
    (tmp_path / "notices").mkdir()
    (tmp_path / "notices" / "rules.toml").write_text('version = "sz-7"\n')
    made = load(str(tmp_path), HEARD)

    assert made.rules == {}
    assert made.rules_version == "sz-7"
    assert "dispatched" in made.templates


@pytest.mark.parametrize(
    ("templates", "rules_toml", "sentence"),
    [
        (TEMPLATES, rules(rule=RULE.replace("case.closed.v1", "case.eaten.v1")), "no event that can be told"),
        (TEMPLATES, rules(rule=RULE.replace('"hello"', '"bye"')), "no template 'bye'"),
        (TEMPLATES, rules(rule=RULE.replace("lead_unit", "mayor")), r"doesn't tell \{mayor\}"),
        (TEMPLATES.replace("case_no", "colour"), rules(), r"doesn't tell \{colour\}"),
        (TEMPLATES, rules('when = { mood = "x" }'), r"doesn't tell \{mood\}"),
        (TEMPLATES, rules('channels = [["pigeon"]]'), r"no channel \{pigeon\}"),
        (TEMPLATES, rules('urgency = "very"'), "urgency is normal, urgent or case"),
        (TEMPLATES, rules(rule=RULE.replace("unit:{lead_unit}", "everybody")), "role@area"),
        (TEMPLATES, rules('colour = "red"'), "rules.toml"),
        (TEMPLATES, "= what", "rules.toml"),
        ("[hello]\ntitle = 'x'\n", rules(), "templates.toml"),
        (TEMPLATES + 'params = ["x"]\n', rules(), r"\{case_no\} isn't among its params"),
    ],
)
def test_a_mistake_is_named_with_its_place(templates: str, rules_toml: str, sentence: str) -> None:
    """The service refuses to start with it."""
    with pytest.raises(BadBook, match=sentence):
        parse(templates, rules_toml, HEARD)


def test_all_mistakes_are_told_at_once() -> None:
    """One start, one list."""
    two = RULE.replace("lead_unit", "mayor") + RULE.replace('"hello"', '"bye"')

    with pytest.raises(BadBook) as caught:
        parse(TEMPLATES, rules(rule=two), HEARD)

    assert len(str(caught.value).splitlines()) == 2
