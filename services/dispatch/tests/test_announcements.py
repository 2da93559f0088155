"""Announced tables over a profile: what counts, what conflicts, and by what an open case is judged."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from yiwang.dispatch.announcements import Tables, reload, rules_with, with_extensions
from yiwang.dispatch.app import service
from yiwang.dispatch.case import Case
from yiwang.dispatch.rules import Rules
from yiwang.dispatch.testing import some_case, some_rules
from yiwang.kit import App, Kit
from yiwang.kit.announced import Announced
from yiwang.kit.link import Link
from yiwang.kit.mesh import MeshNode, MeshPage

SHENZHEN = str(Path(__file__).parents[3] / "deploy/profiles/shenzhen")
HEAD = "code_set,kind,major,minor,major_name,minor_name,extension\n"


def announced(set_name: str, version: str, content: str) -> Announced:
    at = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    return Announced(set_name=set_name, version=version, valid_from=at, digest="", content=content, issuer="440000")


def test_the_newest_of_each_set_counts_and_the_rest_is_the_places_own() -> None:
    """Holidays and working hours together name the calendar."""
    days = announced("holidays", "2027", "date,kind,name\n2027-01-01,holiday,元旦\n")
    older = announced("holidays", "2026", "date,kind,name\n2026-01-01,holiday,元旦\n")
    hours = announced("schedules", "h-1", '[[schedules]]\nid = "s"\nslots = ["09:00-12:00"]\n')
    own = rules_with(Tables(SHENZHEN, ()))
    rules = rules_with(Tables(SHENZHEN, (older, days, hours)))
    assert rules.versions == own.versions | {"calendar": "h-1"}
    assert rules.codes.categories == own.codes.categories


def test_a_places_own_extensions_stay_and_a_conflict_is_named() -> None:
    """The published list may add and change what is not an extension."""
    own = HEAD + "t,event,01,01,市容,垃圾,\nt,event,01,99,市容,共享单车,yes\n"
    merged = with_extensions(HEAD + "t,event,01,02,市容,油烟,\n", own)
    assert [line.split(",")[3] for line in merged.splitlines()[1:]] == ["02", "99"]
    with pytest.raises(ValueError, match="本地扩展为“共享单车”，发布为“无人机”"):
        with_extensions(HEAD + "t,event,01,99,市容,无人机,\n", own)


@pytest.mark.parametrize(
    ("set_name", "content", "sentence"),
    [
        ("conditions", "a,b\n1,2\n", "missing"),
        ("matrix", "", "no rule catches everything"),
        ("schedules", "x = [", "TOML"),
        ("schedules", 'policy = "ask"', "只应有"),
        ("holidays", "date,kind,name\nnever,holiday,x\n", "is no day"),
    ],
)
def test_a_table_that_can_not_be_used_says_why(set_name: str, content: str, sentence: str) -> None:
    """The issuer reads it."""
    with pytest.raises(ValueError, match=sentence):
        rules_with(Tables(SHENZHEN, (announced(set_name, "2", content),)))


def pinned(**versions: str) -> Case:
    case: Any = some_case()
    case.pinned_versions = versions
    return case  # type: ignore[no-any-return]


async def test_an_announced_table_leaves_the_governance_to_the_topology(tmp_path: Path) -> None:
    """The mesh page says how city and districts share the work; a new calendar from above changes nothing of that."""
    page = MeshPage(nodes=(
        MeshNode(code="440300", tier="city", governance="single"),
        MeshNode(code="440305", parent="440300", governance="single"),
    ))  # fmt: skip
    (tmp_path / "mesh.json").write_bytes(msgspec.json.encode(page))
    kit = Kit(jurisdiction="440305", profile=SHENZHEN, mesh=str(tmp_path / "mesh.json"))
    app = App(service, kit, Link(nc=None, publisher=None, streams={}), {})  # type: ignore[arg-type]
    days = announced("holidays", "2027", "date,kind,name\n2027-01-01,holiday,元旦\n")
    await reload(app, (days,))
    rules = app.get(Rules)
    assert (rules.governance.name, rules.two_commands, rules.tiers is not None) == ("single", False, True)
    assert [past.governance.name for past in rules.past] == ["single"]


def test_an_open_case_is_judged_by_the_versions_that_it_pinned() -> None:
    """A case that isn't filed, or whose versions nobody keeps, is judged by what is in force."""
    old = replace(some_rules(), versions={"codes": "1", "matrix": "1"})
    new = replace(old, versions={"codes": "2", "matrix": "1"}, past=(old,))
    assert new.of(pinned(codes="1", matrix="1", grid="g")) is old
    assert new.of(pinned(codes="2", matrix="1")) is new
    assert new.of(pinned(codes="0", matrix="1")) is new
    assert new.of(pinned()) is new
