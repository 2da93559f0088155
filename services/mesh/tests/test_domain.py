"""What may come over a link, and who below is told."""

from __future__ import annotations

import datetime as dt

import pytest
from yiwang.contracts import Event
from yiwang.kit import Node, parcels
from yiwang.kit.link import ready
from yiwang.kit.mesh import Mesh, MeshNode, MeshPage
from yiwang.kit.testing import NOON, a_report, complete
from yiwang.mesh.domain import Sight, refusal, sight, told_below, within

PAGE = MeshPage(
    topology="test",
    nodes=(
        MeshNode(code="440000", tier="province"),
        MeshNode(code="440100", tier="city", parent="440000"),
        MeshNode(code="440106", parent="440100", hosted={"enforcement": "440100"}),
        MeshNode(code="440111", parent="440100"),
        MeshNode(code="440300", tier="city", parent="440000"),
        MeshNode(code="440303", parent="440300"),
        MeshNode(code="441900", tier="city", parent="440000", docked=True),
    ),
)
"""A province with two cities of ours and a docked one."""


def at(code: str) -> Mesh:
    return Mesh(PAGE, code)


def wire(code: str, event: Event, now: dt.datetime = NOON) -> tuple[str, bytes]:
    node = Node(node_id=code, tenant_id=code, jurisdiction=code, tier="county")
    out = ready(complete(event, node, now))
    return out.subject, out.data


def fact(sender: str, *, addressee: str = "", name: str = "", service: str = "dispatch") -> Sight:
    return Sight(id="e", source=f"{sender}/{service}", jurisdiction=name or sender, addressee=addressee)


@pytest.mark.parametrize(
    ("child", "subject", "inside"),
    [
        ("440106", "yw.up.440100.440106.01.case.filed.v1", True),
        ("440106", "yw.up.440100.440111.01.case.filed.v1", False),
        ("440106", "yw.up.440100.440100.01.case.filed.v1", False),
        ("440100", "yw.up.440100.440106.01.case.filed.v1", True),
        ("440100", "yw.up.440300.440303.01.case.filed.v1", False),
        ("441900003", "yw.up.441900.441900003.01.case.filed.v1", True),
        ("440106", "yw.down.440100.440106.01.case.filed.v1", False),
        ("440106", "elsewhere", False),
    ],
)
def test_a_child_speaks_for_its_own_area_alone(child: str, subject: str, inside: bool) -> None:
    assert within(child, subject) is inside


def test_an_honest_report_passes() -> None:
    subject, data = wire("440106", a_report())
    assert refusal(at("440100"), "440106", subject, data) == ""
    assert refusal(at("440000"), "440100", subject, data) == ""


def test_a_body_in_anothers_name_is_refused() -> None:
    """The subject is the child's own, the body says that its sibling speaks."""
    subject, _ = wire("440106", a_report())
    _, lying = wire("440111", a_report())
    assert "不符" in refusal(at("440100"), "440106", subject, lying)


def test_a_body_said_by_a_node_elsewhere_is_refused() -> None:
    subject, data = wire("440106", a_report(source="440111/intake"))
    assert "不在 440106 之下" in refusal(at("440100"), "440106", subject, data)


def test_what_is_no_event_is_refused() -> None:
    subject, _ = wire("440106", a_report())
    assert refusal(at("440100"), "440106", subject, b"\xff{") == "内容不是事件"
    assert sight(b"[]") is None


def test_a_photo_on_its_way_up_is_no_forgery() -> None:
    """Its parts are bytes and no events; they come from the child's own area, and are no larger than parts are."""
    own = parcels.subject_of("440106", "a" * 64)
    assert refusal(at("440100"), "440106", own, b"\x89PNG") == ""
    assert "超过" in refusal(at("440100"), "440106", own, bytes(parcels.PART + 1))
    assert "不属于" in refusal(at("440100"), "440106", parcels.subject_of("440111", "a" * 64), b"\x89PNG")


def test_a_sibling_is_told_by_the_city_alone() -> None:
    """County to county: the copy starts down at the lowest node above both."""
    seen = fact("440106", addressee="440111")
    assert told_below(at("440100"), seen) == ("440111",)
    assert told_below(at("440000"), seen) == ()
    assert told_below(at("440106"), seen) == ()


def test_a_county_of_another_city_is_told_by_the_province() -> None:
    seen = fact("440106", addressee="440303")
    assert told_below(at("440000"), seen) == ("440303",)
    assert told_below(at("440100"), seen) == ()


def test_a_street_is_told_through_its_county() -> None:
    assert told_below(at("440100"), fact("440111", addressee="440106003")) == ("440106",)


def test_what_goes_up_is_not_told_below() -> None:
    assert told_below(at("440100"), fact("440106", addressee="440100")) == ()
    assert told_below(at("440000"), fact("440106", addressee="440000")) == ()


def test_a_hosted_service_tells_the_jurisdiction_in_whose_name_it_acts() -> None:
    """The city's enforcement acts for the county: the county hears of it, by the city."""
    seen = fact("440100", name="440106", service="enforcement")
    assert told_below(at("440100"), seen) == ("440106",)
    assert told_below(at("440100"), fact("440100", name="440106", service="grid")) == ()


def test_a_docked_platform_is_told_by_exchange_only() -> None:
    assert told_below(at("440000"), fact("440106", addressee="441900")) == ()
