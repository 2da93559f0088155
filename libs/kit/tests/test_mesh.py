"""The mesh page: who is above, below, and who acts for whom; and what a service hears by it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from yiwang.contracts import CaseFiled, CaseHandoverOffered, ConfigPublished
from yiwang.kit import ConfigError, Kit, Scope, Service
from yiwang.kit._hears import own_echo, subscribed
from yiwang.kit._mesh import Mesh, MeshNode, MeshPage
from yiwang.kit._streams import stream_config

PAGE = MeshPage(
    topology="test",
    version="1",
    nodes=(
        MeshNode(code="440000", tier="province"),
        MeshNode(code="440100", tier="city", parent="440000"),
        MeshNode(code="440106", parent="440100"),
        MeshNode(code="440111", parent="440100", hosted={"enforcement": "440100"}),
        MeshNode(code="445224", parent="440000", host="440000"),
    ),
)


def hearing(name: str) -> Service:
    service = Service(name)

    async def nothing(event: object, ctx: object) -> None: ...

    service.on(CaseFiled)(nothing)
    service.on(CaseHandoverOffered, scope=Scope.SUBTREE)(nothing)
    service.on(ConfigPublished)(nothing)
    return service


def test_everybody_knows_who_is_above_and_below() -> None:
    """A street belongs to the lowest node that covers it; a place outside of the deployment to none."""
    city = Mesh(PAGE, "440100")
    assert city.parent is not None
    assert city.parent.code == "440000"
    assert [child.code for child in city.children] == ["440106", "440111"]
    assert city.node_for("440106003012") == "440106"
    assert city.node_for("440105001") == "440100"
    assert city.node_for("449900") == "440000"
    assert city.node_for("330100") == ""
    assert city.below("440106")
    assert not city.below("445224")
    assert city.above("440000")
    assert Mesh(PAGE, "440000").branch("440106") == "440100"
    assert city.branch("445224") == ""


def test_a_host_hears_and_may_say_what_those_it_acts_for_hear_and_say() -> None:
    """The city's enforcement acts for the county that has none; its other services don't."""
    city = Mesh(PAGE, "440100")
    heard = subscribed(hearing("enforcement"), "UP", "440100", mesh=city, tag="case.filed.v1")
    assert heard == ["yw.up.440100.440100.*.case.filed.v1", "yw.up.440100.440111.*.case.filed.v1"]
    assert subscribed(hearing("dispatch"), "UP", "440100", mesh=city, tag="case.filed.v1") == heard[:1]
    assert stream_config("UP", Kit(), city)["subjects"] == ["yw.up.440100.440100.>", "yw.up.440100.440111.>"]
    assert stream_config("UP", Kit(), None)["subjects"] == ["yw.up.>"]


def test_below_another_node_copies_of_facts_come_down() -> None:
    """A county hears in DOWN what its parent or a neighbour said to it, and nothing that was meant for others."""
    county = Mesh(PAGE, "440106")
    down = subscribed(hearing("dispatch"), "DOWN", "440106", mesh=county)
    assert down == [
        "yw.down.440100.440106.*.case.filed.v1",
        "yw.down.440100.440106.*.case.handover_offered.v1",
        "yw.down.440100.440106.*.config.published.v1",
        "yw.down.*.all.*.config.published.v1",
    ]
    at_the_top = subscribed(hearing("dispatch"), "DOWN", "440000", mesh=Mesh(PAGE, "440000"))
    assert [pattern.rpartition(".*.")[2] for pattern in at_the_top] == ["config.published.v1"] * 2


def test_a_copy_hears_others_only_and_costs_nothing_where_there_are_none() -> None:
    """What a node said itself isn't told back to it; a node without children asks its own stream for nothing."""
    service = Service("dispatch")

    async def copy(event: object, ctx: object) -> None: ...

    service.on(CaseFiled, scope=Scope.BELOW)(copy)
    [sub] = service.subscriptions.values()
    assert subscribed(service, "UP", "440300") == []
    assert subscribed(service, "UP", "440106", mesh=Mesh(PAGE, "440106")) == []
    assert subscribed(service, "UP", "440100", mesh=Mesh(PAGE, "440100")) == ["yw.up.*.*.*.case.filed.v1"]
    assert subscribed(service, "DOWN", "440106", mesh=Mesh(PAGE, "440106")) == [
        "yw.down.440100.440106.*.case.filed.v1"
    ]
    assert own_echo(sub, "yw.up.440100.440100.07.case.filed.v1", ("440100",))
    assert not own_echo(sub, "yw.up.440100.440106.07.case.filed.v1", ("440100",))


def test_a_page_that_is_wrong_stops_the_start(tmp_path: Path) -> None:
    """The sentence says which file and what to do."""
    file = tmp_path / "mesh.json"
    file.write_bytes(msgspec.json.encode(PAGE))
    assert Mesh.load(str(file), "440106") is not None
    assert Mesh.load("", "440106") is None
    with pytest.raises(ConfigError, match=r"knows no node 440199.*topology test"):
        Mesh.load(str(file), "440199")
    with pytest.raises(ConfigError, match="yiwang topology render"):
        Mesh.load(str(tmp_path / "nowhere.json"), "440106")


def test_what_docked_places_report_is_said_here_and_nothing_of_other_nodes() -> None:
    """A city on another maker's platform, with all its towns, and a district: right below, and in their own names."""
    page = MeshPage(
        nodes=(
            MeshNode(code="440000", tier="province"),
            MeshNode(code="441900", tier="city", parent="440000", docked=True, hosted={"evaluation": "440000"}),
            MeshNode(code="440300", tier="city", parent="440000"),
            MeshNode(code="440304", parent="440300", docked=True),
        )
    )
    up = {code: stream_config("UP", Kit(), Mesh(page, code))["subjects"] for code in ("440000", "440300")}
    assert up == {
        "440000": ["yw.up.440000.440000.>", "yw.up.441900.>"],
        "440300": ["yw.up.440300.440300.>", "yw.up.440300.440304.>"],
    }
