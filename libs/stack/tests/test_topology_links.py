"""The rendered servers carry events over every kind of link, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import nats.errors
import pytest
import pytest_asyncio
from yiwang.stack.testing_topology import FULL, Lab, lab, place, until
from yiwang.stack.topology import read
from yiwang.stack.topology.running import on_this_machine

MANY = 1100
"""More than the 1,000 that a consumer sends without flow control coming back: a link without it would stall."""


@pytest_asyncio.fixture(name="mesh", scope="module")
async def _mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    async with lab(on_this_machine(read(FULL)), tmp_path_factory.mktemp("mesh")) as found:
        yield found


@pytest.mark.timeout(300)
async def test_all_that_a_node_says_reaches_every_node_above_it_and_directives_reach_it(mesh: Lab) -> None:
    """Own servers, hosted by the parent, by the parent's parent, below a hosted node: all the same."""
    codes = [node.code for node in mesh.topology.nodes]
    for code in codes:
        await mesh.publish(code, [f"yw.up.{place(code)}.00.test.{i}" for i in range(MANY)])
    await mesh.publish("440000", [f"yw.down.{place(code)}.00.test.{i}" for code in codes for i in range(MANY)])

    async def arrived() -> bool:
        for code in codes:
            at = [code, *(above.code for above in mesh.topology.ancestors(code))]
            if [await mesh.held(upper, "UP", f"yw.up.{place(code)}.>") for upper in at] != [MANY] * len(at):
                return False
            if await mesh.held(code, "DOWN", f"yw.down.{place(code)}.>") != MANY:
                return False
        return True

    await until(arrived, "not everything arrived", 120)


async def test_a_node_gets_down_only_what_is_for_it_and_those_below(mesh: Lab) -> None:
    await mesh.publish("440000", [f"yw.down.{place('440904')}.00.secret.1", "yw.down.440000.all.00.news.1"])

    async def arrived() -> bool:
        return bool(
            await mesh.held("440904", "DOWN", f"yw.down.{place('440904')}.00.secret.>")
            and await mesh.held("440904", "DOWN", "yw.down.440000.all.00.news.>")
            and await mesh.held("440106", "DOWN", "yw.down.440000.all.00.news.>")
        )

    await until(arrived, "the directive and the news did not arrive")
    assert await mesh.held("440902", "DOWN", f"yw.down.{place('440904')}.00.secret.>") == 0
    assert await mesh.held("440100", "DOWN", f"yw.down.{place('440904')}.00.secret.>") == 0


async def test_core_subjects_and_other_nodes_api_do_not_cross_a_link(mesh: Lab) -> None:
    """A county can neither publish to nor ask its city, its province or its neighbours."""
    county = await mesh.client("440106")
    heard: list[str] = []

    async def hear(message: nats.aio.msg.Msg) -> None:
        heard.append(message.subject)

    for code in ("440100", "440000", "440111"):
        await (await mesh.client(code)).subscribe("yw.>", cb=hear)
        await (await mesh.client(code)).flush()
    await county.publish("yw.up.440100.440111.00.spoof.1", b"x")
    await county.flush()

    for api in ("$JS.n440100.API", "$JS.n440000.API", "JS.n440111.API"):
        for what in ("STREAM.INFO.UP", "STREAM.DELETE.UP", "CONSUMER.INFO.UP.UPLINK_440111", "STREAM.NAMES"):
            with pytest.raises((nats.errors.NoRespondersError, nats.errors.TimeoutError)):
                await county.request(f"{api}.{what}", b"", timeout=0.3)
    assert heard == []


async def test_a_hosted_node_cannot_take_more_than_its_quota(mesh: Lab) -> None:
    answer = await mesh.api(
        "440111",
        "STREAM.CREATE.LOCAL",
        {"name": "LOCAL", "subjects": ["yw.local.>"], "max_bytes": 2 * 2**30, "storage": "file"},
    )

    assert "insufficient storage" in str(answer["error"])


async def test_a_hosted_node_sees_its_own_streams_alone(mesh: Lab) -> None:
    streams = (await mesh.api("440111", "STREAM.NAMES"))["streams"]

    assert sorted(streams) == ["DOWN", "UP"]
