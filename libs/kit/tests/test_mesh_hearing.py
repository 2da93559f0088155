"""A service at a node below another, and one that acts for a neighbour, on real servers."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from yiwang.contracts import CaseFiled, ConfigPublished, EnforcementClosed, copy_down, encode, subject_of, tag_of
from yiwang.contracts._samples import sample
from yiwang.kit import Context, Scope, Service
from yiwang.kit.mesh import MeshNode, MeshPage
from yiwang.kit.testing import a_case, a_head
from yiwang.stack.testing import TestNode

PAGE = MeshPage(
    topology="test",
    nodes=(
        MeshNode(code="440100", tier="city"),
        MeshNode(code="440106", parent="440100"),
        MeshNode(code="440111", parent="440100", hosted={"watcher": "440100"}),
    ),
)


@pytest.fixture
def page(tmp_path: Path) -> str:
    file = tmp_path / "mesh.json"
    file.write_bytes(msgspec.json.encode(PAGE))
    return str(file)


def watcher(heard: list[tuple[str, str]]) -> Service:
    service = Service("watcher", package="", database=True)

    @service.on(CaseFiled)
    async def filed(event: CaseFiled, ctx: Context) -> EnforcementClosed | None:
        heard.append(("filed", event.jurisdiction))
        return msgspec.structs.replace(
            sample(EnforcementClosed), id="", jurisdiction="", source="", file_id=event.case.case_id
        )

    @service.on(ConfigPublished)
    async def published(event: ConfigPublished, ctx: Context) -> None:
        heard.append(("published", event.addressee or "all"))

    @service.on(EnforcementClosed, scope=Scope.SUBTREE)
    async def closed(event: EnforcementClosed, ctx: Context) -> None:
        heard.append(("closed", event.jurisdiction))

    return service


async def test_what_came_down_is_heard_once_and_what_is_meant_for_others_is_not(node: TestNode, page: str) -> None:
    """A copy of a fact in DOWN reaches the handler of that fact; a repeated copy is the same fact."""
    heard: list[tuple[str, str]] = []
    async with node.running(watcher(heard), jurisdiction="440106", mesh=page):
        fact = msgspec.structs.replace(sample(EnforcementClosed), jurisdiction="440100")
        subject = subject_of(fact, tag_of(EnforcementClosed))
        for n in range(2):
            await node.publish_raw(copy_down(subject, "440106"), encode(fact), f"{n}")
        await node.publish_raw(copy_down(subject, "440111"), encode(fact), "other")
        for addressee in ("440106", "440111", ""):
            await node.publish(msgspec.structs.replace(
                sample(ConfigPublished), id="", jurisdiction="440100", addressee=addressee, set_name=f"set-{addressee}"
            ))  # fmt: skip
        await node.settled()

    assert sorted(heard) == [("closed", "440100"), ("published", "440106"), ("published", "all")]


async def test_a_host_acts_in_the_name_of_those_it_acts_for(node: TestNode, page: str) -> None:
    """The city hears its own case and that of the county it acts for, and answers each in its name."""
    heard: list[tuple[str, str]] = []
    async with node.running(watcher(heard), jurisdiction="440100", mesh=page):
        for code in ("440100", "440111"):
            await node.publish(msgspec.structs.replace(a_case(head=a_head(case_id=f"c-{code}")), jurisdiction=code))
        await node.settled()

    assert sorted(heard) == [("closed", "440100"), ("closed", "440111"), ("filed", "440100"), ("filed", "440111")]
