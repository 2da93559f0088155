"""Room for the streams: what there is, unless somebody says a size; a full stream is seen by its own size."""

from __future__ import annotations

import itertools
from typing import Any

import nats
import pytest
from yiwang.kit import ConfigError, Kit
from yiwang.kit._streams import LARGEST_GIB, LEAST_GIB
from yiwang.kit.link import PARKED, STREAMS, Link, api
from yiwang.stack.embedded import Account
from yiwang.stack.testing import TestServers

GIB = 2**30
_names = itertools.count()


def an_account(servers: TestServers, max_file: float) -> str:
    """URL of a new account whose streams may take so many GiB together."""
    name = f"room{next(_names)}"
    servers.nats.add_accounts(Account(name, max_file=int(max_file * GIB)))
    return servers.nats.url(name)


async def sizes(kit: Kit) -> dict[str, float]:
    """The GiB of each of the node's streams, made now where they are missing; they are given back."""
    link = await Link.open(kit, "test")
    infos: dict[str, Any] = {name: await api(link.nc, f"STREAM.INFO.{name}") for name in (*STREAMS.values(), PARKED)}
    await link.nc.close()
    return {name: info["config"]["max_bytes"] / GIB for name, info in infos.items()}


async def give_back(url: str) -> None:
    """The tests' server is one for all: what is reserved there lacks the others."""
    nc = await nats.connect(url)
    for stream in await nc.jetstream().streams_info():
        await nc.jetstream().delete_stream(str(stream.config.name))
    await nc.close()


async def test_the_streams_take_what_there_is_room_for_and_all_the_same(test_servers: TestServers) -> None:
    """20 GiB each don't fit into an account of three: they are halved until all four fit, the first ones, too."""
    kit = Kit(nats_url=an_account(test_servers, 3))
    found = await sizes(kit)
    assert set(found.values()) == {LARGEST_GIB / 32}
    assert await sizes(kit) == found, "a second start changes nothing"
    await give_back(kit.nats_url)


async def test_a_size_that_was_said_is_kept_or_refused_with_a_sentence(test_servers: TestServers) -> None:
    """No stream is smaller than the administrator believes."""
    url = an_account(test_servers, 3)
    with pytest.raises(ConfigError, match="请管理员调小 YIWANG_STREAM_MAX_GIB"):
        await sizes(Kit(nats_url=url, stream_max_gib=1))
    await give_back(url)
    narrow = an_account(test_servers, 3 * LEAST_GIB)
    with pytest.raises(ConfigError, match=r"没有空间建立 0\.25 GiB"):
        await sizes(Kit(nats_url=narrow))
    await give_back(narrow)


async def test_a_larger_size_makes_streams_larger_that_exist_and_a_smaller_one_none_smaller(
    test_servers: TestServers,
) -> None:
    """The administrator who reads "the stream is full" sets a larger size and starts again; nothing is refused by that."""
    url = an_account(test_servers, 3)
    assert set((await sizes(Kit(nats_url=url, stream_max_gib=0.25))).values()) == {0.25}
    assert set((await sizes(Kit(nats_url=url, stream_max_gib=0.5))).values()) == {0.5}
    assert set((await sizes(Kit(nats_url=url, stream_max_gib=0.25))).values()) == {0.5}
    assert set((await sizes(Kit(nats_url=url, stream_max_gib=1.5))).values()) == {0.5, 1.5}, "as far as there is room"
    await give_back(url)
