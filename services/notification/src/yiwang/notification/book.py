"""The city's book of notices: templates (模板) and rules, as data with versions.

``templates.toml``: ``version``, then one table per template with `title`, `body`, `channels` (a list of steps; all
channels of a step are used, the next step only when nothing of the step before reached anybody) and, for
templates that other services request, `params`. ``rules.toml``: ``version``, `[quiet]`, and `[[rule]]` with event,
`when`, audience, template, channels and urgency.
"""

from __future__ import annotations

import datetime as dt
import importlib.resources
import string
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from yiwang.contracts import Event

from .audience import Audience
from .facts import Facts, names_of
from .retry import Quiet

CHANNELS: Final = ("inbox", "webhook", "email")
FOLDER: Final = "notices"
"""Where a profile keeps its own version of the two files."""

Steps = tuple[tuple[str, ...], ...]


@cache
def steps_text(steps: Steps) -> str:
    """``inbox webhook>email`` for two steps."""
    return ">".join(" ".join(step) for step in steps)


@cache
def steps_of(text: str) -> Steps:
    """The other way round."""
    return tuple(tuple(step.split(" ")) for step in text.split(">"))


class BadBook(ValueError):
    """Templates or rules are wrong; a line for each mistake says what the administrator must write."""


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A notice's wording with {facts} or {params} in it."""

    title: str
    body: str = ""
    channels: Steps = (("inbox",),)
    params: tuple[str, ...] = ()

    @property
    def used(self) -> frozenset[str]:
        return fields_in(self.title + self.body)


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """If *event* and all of `when`, tell `audience` by `template`. An audience with an empty fact tells nobody."""

    id: str
    event: str
    template: str
    audience: str
    when: dict[str, str | list[str]] = {}
    unless: dict[str, str | list[str]] = {}
    channels: Steps = ()
    urgency: str = "case"
    """normal, urgent, or `case`: as urgent as the case"""

    @property
    def used(self) -> frozenset[str]:
        return fields_in(self.audience) | self.when.keys() | self.unless.keys()

    def fits(self, facts: Facts) -> bool:
        """Whether every `when` and no `unless` holds."""
        if not (self.when or self.unless):
            return True
        return all(_is(facts, *one) for one in self.when.items()) and not any(
            _is(facts, *one) for one in self.unless.items()
        )

    def audience_of(self, facts: Facts) -> Audience | None:
        """Whom to tell, or None where the event doesn't say it."""
        for name in fields_in(self.audience):
            if not facts[name]:
                return None
        return Audience.parse(filled(self.audience, facts))


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """All templates and rules of a place."""

    templates: dict[str, Template]
    templates_version: str
    rules: dict[str, tuple[Rule, ...]]
    """event → its rules, in the file's order"""
    rules_version: str
    quiet: Quiet = Quiet()


class _QuietToml(msgspec.Struct, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    start: dt.time
    end: dt.time


class _Rules(msgspec.Struct, forbid_unknown_fields=True):
    version: str
    rule: list[Rule] = []
    quiet: _QuietToml | None = None


def load(profile: str, heard: Mapping[str, type[Event]]) -> Book:
    """The book of the *profile* directory, or the one that ships where the profile has no file of its own.

    *heard* are the events of which the service can tell. Raises BadBook with all mistakes.
    """
    return parse(_read(profile, "templates.toml"), _read(profile, "rules.toml"), heard)


def _read(profile: str, name: str) -> str:
    own = Path(profile) / FOLDER / name
    if profile and own.is_file():
        return own.read_text("utf-8")
    return importlib.resources.files(__package__).joinpath("data", name).read_text("utf-8")


def parse(templates_toml: str, rules_toml: str, heard: Mapping[str, type[Event]]) -> Book:
    """The book in two TOML texts. Raises BadBook with all mistakes."""
    try:
        raw = tomllib.loads(templates_toml)
        version = str(raw.pop("version"))
        templates = msgspec.convert(raw, dict[str, Template])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, KeyError) as error:
        raise BadBook(f"templates.toml: {error!s}; give it a version and tables with title, body, channels") from error
    try:
        rules = msgspec.convert(tomllib.loads(rules_toml), _Rules)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadBook(f"rules.toml: {error!s}; give it a version, [quiet] and [[rule]] entries") from error
    if mistakes := [*_template_mistakes(templates), *_rule_mistakes(rules.rule, templates, heard)]:
        raise BadBook("\n".join(mistakes))
    by_event: dict[str, tuple[Rule, ...]] = {}
    for rule in rules.rule:
        by_event[rule.event] = (*by_event.get(rule.event, ()), rule)
    quiet = Quiet(start=rules.quiet.start, end=rules.quiet.end) if rules.quiet else Quiet()
    return Book(
        templates=templates, templates_version=version, rules=by_event, rules_version=rules.version, quiet=quiet
    )


def _template_mistakes(templates: dict[str, Template]) -> Iterable[str]:
    for name, template in templates.items():
        yield from _channel_mistakes(f"templates.toml [{name}]", template.channels)
        if template.params and (unknown := template.used - set(template.params)):
            yield f"templates.toml [{name}]: {_listed(unknown)} isn't among its params; add it there or take it out"


def _rule_mistakes(
    rules: list[Rule], templates: dict[str, Template], heard: Mapping[str, type[Event]]
) -> Iterable[str]:
    for rule in rules:
        where = f"rules.toml rule {rule.id!r}"
        if rule.event not in heard:
            yield f"{where}: {rule.event} is no event that can be told; use one of {', '.join(sorted(heard))}"
            continue
        if rule.template not in templates:
            yield f"{where}: there is no template {rule.template!r}; add it to templates.toml"
            continue
        if unknown := (rule.used | templates[rule.template].used) - names_of(heard[rule.event]):
            known = ", ".join(sorted(names_of(heard[rule.event])))
            yield f"{where}: {rule.event} doesn't tell {_listed(unknown)}; it tells {known}"
        yield from _channel_mistakes(where, rule.channels)
        if rule.urgency not in ("normal", "urgent", "case"):
            yield f"{where}: urgency is normal, urgent or case, not {rule.urgency!r}"
        try:
            Audience.parse(rule.audience.format_map(_Example()))
        except ValueError as error:
            yield f"{where}: {error}"


def _channel_mistakes(where: str, steps: Steps) -> Iterable[str]:
    if unknown := {channel for step in steps for channel in step} - set(CHANNELS):
        yield f"{where}: no channel {_listed(unknown)}; use {', '.join(CHANNELS)}"


class _Example(dict[str, Any]):
    """Any fact, as something that fits into every audience."""

    def __missing__(self, name: str) -> str:
        return "440304"


@cache
def fields_in(text: str) -> frozenset[str]:
    """The {names} in *text*.

    >>> sorted(fields_in("unit:{unit_id} in {area}"))
    ['area', 'unit_id']
    """
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)


@cache
def _pieces(text: str) -> tuple[tuple[str, str], ...] | None:
    """(words, the {name} after them or nothing); None where a {name} asks for more than its fact."""
    found = []
    for words, name, spec, conversion in string.Formatter().parse(text):
        if spec or conversion or not (name is None or name.isidentifier()):
            return None
        found.append((words, name or ""))
    return tuple(found)


def filled(text: str, facts: Mapping[str, str]) -> str:
    """*text* with the facts in place of their {names}, as `str.format_map` does it.

    >>> filled("{n} 件", {"n": "3"})
    '3 件'
    """
    pieces = _pieces(text)
    if pieces is None:
        return text.format_map(facts)
    return "".join([words + facts[name] if name else words for words, name in pieces])


def _is(facts: Facts, name: str, wanted: str | list[str]) -> bool:
    return facts[name] in wanted if isinstance(wanted, list) else facts[name] == wanted


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names))
