"""The stranger's service: tested as a stranger would, first without any server, then on real ones."""

from __future__ import annotations

from flood_watch import service
from yiwang.contracts import NoticeRequested
from yiwang.kit.testing import a_case, a_category, a_place, run
from yiwang.stack.testing import TestNode

DRAIN = a_category("01", "02", kind="part")
FLOODED = a_place(cell15="440310001003002")


async def test_warns_the_crew_about_a_drain_in_a_flood_prone_cell() -> None:
    """One notice to the crew, about this case."""
    [notice] = await run(service, a_case(category=DRAIN, place=FLOODED))
    assert isinstance(notice, NoticeRequested)
    assert notice.audience == "unit:drainage-crew"


async def test_leaves_the_crew_alone_when_it_is_no_drain_or_no_flood_prone_cell() -> None:
    """Event 0102 is an unlicensed shop-front, not a drain: the kind counts; and other cells do not flood."""
    shop_front = a_category("01", "02", kind="event")
    assert await run(service, a_case(category=shop_front, place=FLOODED)) == []
    assert await run(service, a_case(category=DRAIN, place=a_place(cell15="440310001003099"))) == []


async def test_one_notice_on_a_real_mesh_however_often_the_case_is_told(node: TestNode) -> None:
    """A redelivered event asks for nothing new: the notice's id is derived from the event's."""
    async with node.running(service):
        [told] = await node.publish(a_case(category=DRAIN, place=FLOODED))
        await node.publish(told)
        await node.until(NoticeRequested)
        await node.drained()
        assert len(await node.events(NoticeRequested)) == 1
