"""A hosted node's room in its host's database: PostgreSQL has no quota, so the node refuses what is new when it is used up."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from yiwang.kit import Problem, Service
from yiwang.kit.mesh import MeshNode, MeshPage, Space, space
from yiwang.stack.testing import TestNode


@pytest.mark.parametrize(
    ("used", "most", "refused"), [(5.0, 0.0, False), (4.9, 5.0, False), (5.0, 5.0, True), (6.0, 5.0, True)]
)
def test_only_a_quota_that_is_used_up_refuses(used: float, most: float, refused: bool) -> None:
    """Without a quota nothing is refused, however much there is; the sentence says who can give more."""
    found = Space(used, most)
    assert bool(found.refusal) is refused
    assert not refused or "请承载平台在拓扑文件里加大quotas.max_database_gib" in found.refusal


def quota(page: Path, gib: float) -> None:
    """The mesh page by which the province's servers carry 440300 with that quota."""
    nodes = (
        MeshNode(code="440000", tier="province"),
        MeshNode(code="440300", tier="city", parent="440000", host="440000", database_gib=gib),
    )
    page.write_bytes(msgspec.json.encode(MeshPage(topology="test", nodes=nodes)))


async def test_a_node_over_its_quota_takes_nothing_new_until_it_gets_more(node: TestNode, tmp_path: Path) -> None:
    """A larger quota in the page counts at once, without a restart."""
    page = tmp_path / "mesh.json"
    quota(page, 0.001)
    service = Service("keeper", database=True)
    async with node.running(service, jurisdiction="440300", mesh=str(page)) as running:
        app = running.app
        assert 0.001 < (await space(app)).used < 1
        with pytest.raises(Problem) as told:
            await app.pressure()
        assert told.value.status == 503
        assert "达到承载平台给的配额0.00 GiB" in str(told.value)
        quota(page, 1)
        assert (await space(app)).refusal == ""
