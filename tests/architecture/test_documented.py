"""What an operator or a developer can use is written down: settings, events, metrics, verbs, commands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import msgspec
from yiwang.contracts import registry as events
from yiwang.kit import Kit
from yiwang.stack import pages
from yiwang.stack.registry import find_services

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs/reference.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def test_the_reference_is_what_the_code_says() -> None:
    """`make docs` writes docs/reference.md; nobody edits it. A fresh process: tests declare error codes of their own."""
    command = [sys.executable, "-c", "from yiwang.stack import pages; print(pages.page(), end='')"]
    assert subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout == REFERENCE


def test_every_setting_says_what_it_is() -> None:
    """A line below each field of every settings Struct."""
    structs = {"kit": Kit} | {s.name: s.settings_type for s in find_services(pages.shipped()) if s.settings_type}
    silent = []
    for name, struct in structs.items():
        meanings = pages.field_meanings(struct)
        silent += [f"{name}.{f.name}" for f in msgspec.structs.fields(struct) if not meanings.get(f.name)]
    assert not silent, f"write a line of text below: {', '.join(silent)}"


def test_every_variable_that_the_stack_reads_is_in_the_reference() -> None:
    """No hidden switches: each YIWANG_… in the stack's sources stands in the page."""
    text = "\n".join(path.read_text("utf-8") for path in ROOT.glob("libs/stack/src/yiwang/stack/*.py"))
    read = set(re.findall(r"""environ(?:\.get\(|\[|\.setdefault\()["'](YIWANG_[A-Z_]+)""", text))
    assert "YIWANG_BACKEND" in read
    missing = sorted(name for name in read if f"`{name}`" not in REFERENCE)
    assert not missing


def test_every_command_explains_itself() -> None:
    """Each command and each option of `yiwang` has a help text."""
    silent = []
    for name, command in pages.commands():
        if not command.help:
            silent.append(name)
        silent += [f"{name} {p.name}" for p in command.params if isinstance(p, click.Option) and not p.help]
    assert not silent


def test_every_event_is_in_the_event_page() -> None:
    """Each event version of the registry has its section in docs/events.md."""
    page = (ROOT / "docs/events.md").read_text("utf-8")
    assert not [tag for tag in events() if tag not in page]


def test_make_prints_every_verb() -> None:
    """At most 22 verbs, each with a line of help, each declared phony."""
    verbs = re.findall(r"^([a-z][a-z0-9-]*):", MAKEFILE, re.MULTILINE)
    helped = re.findall(r"^([a-z][a-z0-9-]*):.*## \S", MAKEFILE, re.MULTILINE)
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert verbs == helped
    assert phony is not None
    assert sorted(phony[1].split()) == sorted(verbs)
    assert len(verbs) <= 22


def test_the_readme_names_only_verbs_and_pages_that_exist() -> None:
    """Every `make x` of the READMEs is a verb, every linked page is there."""
    verbs = set(re.findall(r"^([a-z][a-z0-9-]*):", MAKEFILE, re.MULTILINE))
    for name in ("README.md", "README.zh.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text("utf-8")
        assert set(re.findall(r"`make ([a-z][a-z-]*)", text)) <= verbs
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / link).exists(), f"{name} links to {link}"


def test_the_readmes_service_is_the_one_that_is_tested() -> None:
    """The 25 lines of README.md are examples/flood_watch, letter for letter."""
    source = (ROOT / "examples/flood_watch/flood_watch.py").read_text("utf-8")
    assert f"```python\n{source}```" in (ROOT / "README.md").read_text("utf-8")
