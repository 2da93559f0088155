"""The node's streams: their definition, and making them of the size that there is room for."""

from __future__ import annotations

from typing import Any, Final

import structlog
from nats.aio.client import Client
from yiwang.contracts import place_of

from ._config import ConfigError, Kit
from ._hears import FLOWS, STREAMS
from ._mesh import Mesh
from ._nats import PARKED, JetStreamError, api
from .links import subtree

log: Final = structlog.get_logger("yiwang.streams")
LARGEST_GIB: Final = 20.0
LEAST_GIB: Final = 0.25
"""What a stream is given when nothing is said: as much as the server has room for, between these two"""
NO_ROOM: Final = frozenset({10002, 10047})
"""JetStream's codes for an account, or a server, that has not so much left"""


def stream_config(name: str, kit: Kit, mesh: Mesh | None = None, gib: float = 0) -> dict[str, Any]:
    """The definition of one of the node's streams, without what its links add.

    Within a mesh, UP takes from this node's services only what they may say: facts of its own jurisdiction, of those for
    which it acts, and of the docked places right below, whose platforms report to it.
    """
    flow = FLOWS.get(name)
    subjects = [f"yw.{flow}.>"] if flow else ["yw-parked.>"]
    if flow == "up" and mesh is not None:
        docked = [subtree("up", code) for code in mesh.docked_below]
        acted = [f"yw.up.{place_of(code)}.>" for code in sorted({mesh.code, *mesh.hosted_areas})]
        within = tuple(wide.removesuffix(">") for wide in docked)
        subjects = [*(one for one in acted if not one.startswith(within)), *docked]
    return {
        "name": name,
        "subjects": subjects,
        "retention": "limits",
        "storage": "file",
        "num_replicas": kit.stream_replicas,
        "max_age": kit.stream_max_age_days * 86400 * 10**9,
        "max_bytes": int((gib or kit.stream_max_gib or LARGEST_GIB) * 2**30),
        "max_msgs": -1,
        "max_consumers": -1,
        "max_msgs_per_subject": -1,
        # A stream that owns facts says no when it is full; it never drops the oldest to make room.
        "discard": "new",
        "duplicate_window": kit.duplicate_window_s * 10**9,
        "allow_direct": True,
        "allow_msg_ttl": True,
        "allow_rollup_hdrs": False,
    }


async def ensure_streams(nc: Client, kit: Kit) -> dict[str, str]:
    """Create the node's streams where missing; returns stream → creation time (its identity).

    A stream that is smaller than YIWANG_STREAM_MAX_GIB says is made larger, none is made smaller.
    Raises ConfigError with a sentence when the server has no room for them.
    """
    created, maker = {}, _Maker(nc, kit)
    for name in (*STREAMS.values(), PARKED):
        try:
            info = await api(nc, f"STREAM.INFO.{name}")
            await maker.grow(name, info["config"])
        except JetStreamError as error:
            if error.code != 10059:  # stream not found
                raise
            info = await maker.make(name)
        created[name] = str(info["created"])
    return created


class _Maker:
    """Makes a node's streams, all of one size, and smaller ones where the server has no room and nobody said a size."""

    def __init__(self, nc: Client, kit: Kit) -> None:
        self._nc, self._kit, self._mesh = nc, kit, Mesh.load(kit.mesh, kit.jurisdiction)
        self._gib = kit.stream_max_gib or LARGEST_GIB
        self._made: list[str] = []

    async def make(self, name: str) -> dict[str, Any]:
        while True:
            try:
                info = await self._ask("CREATE", name)
            except JetStreamError as refusal:
                if refusal.code == 10058:  # another replica created it meanwhile, with another default
                    return await api(self._nc, f"STREAM.INFO.{name}")
                if refusal.code not in NO_ROOM:
                    raise
                await self._halve(name)
            else:
                self._made.append(name)
                return info

    async def grow(self, name: str, config: dict[str, Any]) -> None:
        wanted = int(self._kit.stream_max_gib * 2**30)
        if 0 < int(config["max_bytes"]) < wanted:
            try:
                await api(self._nc, f"STREAM.UPDATE.{name}", config | {"max_bytes": wanted})
            except JetStreamError as refusal:
                if refusal.code not in NO_ROOM:
                    raise
                log.warning("stream_not_grown", stream=name, gib=self._kit.stream_max_gib, reason=str(refusal))

    async def _halve(self, name: str) -> None:
        if self._kit.stream_max_gib or self._gib <= LEAST_GIB:
            raise ConfigError(
                [
                    f"消息服务器没有空间建立 {self._gib:g} GiB 的事件流 {name}：请管理员调小 YIWANG_STREAM_MAX_GIB，"
                    "或给消息服务器更大的磁盘（max_file_store，账户的 max_file）"
                ]
            )
        self._gib = max(self._gib / 2, LEAST_GIB)
        for earlier in self._made:
            await self._ask("UPDATE", earlier)

    async def _ask(self, what: str, name: str) -> dict[str, Any]:
        return await api(self._nc, f"STREAM.{what}.{name}", stream_config(name, self._kit, self._mesh, self._gib))
