"""The hard side of a seal: a database that writes nothing, streams that take nothing, and the last event that leaves."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

import asyncpg
import click
from nats.aio.client import Client
from yiwang.contracts import AreaSealed, place_of
from yiwang.kit import Kit, links, operate
from yiwang.kit.fence import closed_subject
from yiwang.kit.link import PARKED, STREAMS, api
from yiwang.kit.mesh import Mesh, stream_config

Db: TypeAlias = "asyncpg.Connection[Any]"
OURS: Final = (*STREAMS.values(), PARKED)
POLL_S: Final = 0.2
QUIET_S: Final = 2.5
"""A source acknowledges what it has once a second: who cuts it after so long a silence cuts at a known place"""
FOR_QUIET_S: Final = 30.0
"""How long to look for such a silence; without one a few words of the parent come again, and the ids tell"""
_AT_WORK: Final = """
select (select count(*) from {0}.kit_lease where until > now()) + (select count(*) from {0}.kit_loop where until > now())
    as busy, (select coalesce(sum(greatest(events, 1)), 0) from {0}.kit_outbox) as unsent
"""
_HANG_UP: Final = """
select count(pg_terminate_backend(pid)) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
    and pg_has_role(usesysid, 'MEMBER')
"""


async def _until(done: Callable[[], Awaitable[str]], patience_s: float, do: str) -> None:
    """Wait until *done* has nothing more to say. Raises click.ClickException with its last word and *do*."""
    end = time.monotonic() + patience_s
    while waits := await done():
        if time.monotonic() > end:
            raise click.ClickException(f"{waits}：{do}")
        await asyncio.sleep(POLL_S)


# -- the database --------------------------------------------------------------------------------------------------


async def mark(db: Db) -> None:
    """Tell the services; from now on they refuse what is new. A seal that stands keeps its moment."""
    await db.execute("update yw.node set sealed_at = coalesce(sealed_at, now())")


async def rest(db: Db, patience_s: float) -> None:
    """Wait until no service works any more and everything decided is published. Raises click.ClickException."""

    async def left() -> str:
        rows = await db.fetch("select schemaname from pg_tables where tablename = 'kit_outbox' order by 1")
        waits = []
        for schema in (str(row["schemaname"]) for row in rows):
            [(busy, unsent)] = await db.fetch(_AT_WORK.format(schema))
            if busy or unsent:
                waits.append(f"{schema} 还有 {unsent} 条事件待发布，{busy} 项工作没有放下")
        return "；".join(waits)

    await _until(
        left, patience_s, "请检查这些服务和消息服务器是否在运行，再次运行 tenant seal，或用 tenant unseal 取消"
    )


async def close_database(db: Db) -> None:
    """Nobody writes any more: every session from now on is read-only, and those of before are ended."""
    await _read_only(db, "on")
    await db.execute(_HANG_UP)


async def open_database(db: Db) -> None:
    """Sessions may write again, and the services go on."""
    await _read_only(db, "off")
    await db.execute(_HANG_UP)
    await db.execute("update yw.node set sealed_at = null")


async def _read_only(db: Db, state: str) -> None:
    name = str(await db.fetchval("select current_database()")).replace('"', '""')
    await db.execute(f'alter database "{name}" set default_transaction_read_only = {state}')


# -- the streams ---------------------------------------------------------------------------------------------------


async def close_streams(nc: Client, kit: Kit, patience_s: float) -> int:
    """Let nothing more into the node's streams; the last event of UP says so. Returns its sequence."""
    for name in ("LOCAL", PARKED):
        await _change(nc, name, subjects=[closed_subject(name)])
    await _cut_down(nc)
    for name in await _landings(nc):
        await _change(nc, name, sources=[])
    await _until(lambda: _behind(nc), patience_s, "请检查消息服务器，再次运行 tenant seal")
    if (await _info(nc, "UP"))["config"]["subjects"] != [closed_subject("UP")]:
        last_word = f"yw.up.{place_of(kit.jurisdiction)}.*.area.sealed.v1"
        await _change(nc, "UP", subjects=[last_word])
        last = {name: int((await _info(nc, name))["state"]["last_seq"]) for name in OURS}
        await operate.say(kit, AreaSealed(area=kit.jurisdiction, last_versions=last))
        await _change(nc, "UP", subjects=[closed_subject("UP")])
    return int((await _info(nc, "UP"))["state"]["last_seq"])


async def still_open(nc: Client) -> dict[str, list[str]]:
    """stream → subjects, of those of the node's streams that still take something."""
    found = {name: list((await _info(nc, name))["config"]["subjects"]) for name in OURS}
    return {name: subjects for name, subjects in found.items() if subjects != [closed_subject(name)]}


async def open_streams(nc: Client, kit: Kit) -> None:
    """The streams take again what they should; the mesh service brings their links."""
    mesh = Mesh.load(kit.mesh, kit.jurisdiction)
    for name in OURS:
        await _change(nc, name, subjects=stream_config(name, kit, mesh)["subjects"])


async def handed_over(nc: Client, kit: Kit, last: int, patience_s: float) -> None:
    """Wait until the node above has acknowledged UP up to *last*. Raises click.ClickException."""
    mesh = Mesh.load(kit.mesh, kit.jurisdiction)
    if mesh is None or mesh.parent is None or mesh.parent.docked:
        return
    name = links.uplink(kit.jurisdiction)

    async def missing() -> str:
        floor = int((await api(nc, f"CONSUMER.INFO.UP.{name}"))["ack_floor"]["stream_seq"])
        return "" if floor >= last else f"上级还没有确认第 {floor + 1} 至 {last} 条事件"

    await _until(missing, patience_s, "请用 yiwang mesh status 检查链路，再次运行 tenant seal，或用 tenant unseal 取消")


async def _info(nc: Client, name: str) -> dict[str, Any]:
    return await api(nc, f"STREAM.INFO.{name}")


async def _change(nc: Client, name: str, **to: Any) -> None:
    config = (await _info(nc, name))["config"]
    if any((config.get(key) or []) != value for key, value in to.items()):
        await api(nc, f"STREAM.UPDATE.{name}", config | to)


async def _landings(nc: Client) -> list[str]:
    return [name for name in (await api(nc, "STREAM.NAMES")).get("streams") or [] if name.startswith("IN_")]


async def _behind(nc: Client) -> str:
    """What UP has not yet taken of what children sent."""
    lag = sum(int(source.get("lag", 0)) for source in (await _info(nc, "UP")).get("sources") or ())
    return f"下级送来的 {lag} 条事件还没有收完" if lag else ""


async def _cut_down(nc: Client) -> None:
    """Draw nothing more from the node above. What it says from now on waits there for the new place.

    Its consumer goes on after the last acknowledgement, so nothing can be lost; cut in a silence, nothing comes twice.
    """
    end = time.monotonic() + FOR_QUIET_S
    while sources := (info := await _info(nc, "DOWN"))["config"].get("sources"):
        if _quiet(info) or time.monotonic() > end:
            await _change(nc, "DOWN", sources=[])
            if (await _info(nc, "DOWN"))["state"]["last_seq"] == info["state"]["last_seq"] or time.monotonic() > end:
                break
            await _change(nc, "DOWN", sources=sources)
        await asyncio.sleep(POLL_S)
    await _change(nc, "DOWN", subjects=[closed_subject("DOWN")])


def _quiet(info: dict[str, Any]) -> bool:
    silence = _moment(info["ts"]) - _moment(info["state"]["last_ts"])
    alive = all(0 <= int(s.get("active", -1)) < 2 * 10**9 and not s.get("lag") for s in info.get("sources") or ())
    return alive and silence > dt.timedelta(seconds=QUIET_S)


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text[:19] + "+00:00")
