"""Data sets that change while a service runs: announced from above, checked, used from a moment on, answered.

A service says which sets it uses and how::

    listen(service, {"codes", "matrix"}, check=check, reload=reload)

`config.adopted` (said by national_sync once the node has decided to take a version) is checked at once: what can't be
used is answered by `config.refused`. What can is kept, and from its moment on it is used: `apply` runs in the
transaction that says `config.applied`, and `reload` in every replica within a second, with everything used so far.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import datetime as dt
import hashlib
import zlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Final, TypeVar

import msgspec
from yiwang.contracts import ConfigAdopted, ConfigApplied, ConfigRefused, Event

from ._app import App
from ._context import Context
from ._service import Service, Timer

T = TypeVar("T")
TIMER: Final = "announced"
AWAY_S: Final = 1.0
"""Pause while the database is away"""
LOOK_S: Final = 60.0
"""A look without having heard anything"""
PACKED: Final = "zlib+base64"
PLAIN_MAX: Final = 256 * 1024
"""Longer texts travel compressed"""
TRAVEL_MAX: Final = 700 * 1024
"""Bytes of a content on its way: a message of the mesh holds 1 MiB"""
OPEN_MAX: Final = 32 * 1024 * 1024
"""Bytes of a content when it is unpacked"""


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one set."""

    set_name: str
    version: str
    valid_from: dt.datetime
    digest: str
    content: str
    issuer: str


Check = Callable[[Context, Announced, Sequence[Announced]], Awaitable[None]]
"""(context, the new version, everything used so far): raises ValueError with a sentence when it can't be used"""
Apply = Callable[[Context, Announced], Awaitable[None]]
"""(context, the new version): writes what using it takes; raises ValueError, before it writes, when it can't be used"""
Reload = Callable[[App, Sequence[Announced]], Awaitable[None]]


def digest_of(content: str) -> str:
    """SHA-256 of a set's text, in hex."""
    return hashlib.sha256(content.encode()).hexdigest()


def squeeze(content: str) -> tuple[str, str]:
    """*content* compressed, however long it is, and the encoding."""
    return base64.b64encode(zlib.compress(content.encode(), 9)).decode(), PACKED


def unpack(content: str, encoding: str) -> str:
    """The text of what travelled. Raises ValueError with a sentence."""
    if encoding == "":
        return content
    if encoding != PACKED:
        raise ValueError(f"编码 {encoding[:32]} 不认识：请发布方改用 {PACKED}，或升级本级软件")
    try:
        opener = zlib.decompressobj()
        data = opener.decompress(base64.b64decode(content.encode(), validate=True), OPEN_MAX)
        if opener.unconsumed_tail or not opener.eof:
            raise ValueError(f"解压后超过 {OPEN_MAX} 字节，或内容不完整：请发布方核对后重新发布")
        return data.decode()
    except (zlib.error, binascii.Error, UnicodeDecodeError) as error:
        raise ValueError("内容无法解开：请发布方重新发布") from error


async def beside(ctx: Context, work: Callable[[], T]) -> T:
    """Do long *work* in a thread while the transaction of *ctx* stays open: the server ends one that is idle for 10 s."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    while not (await asyncio.wait([task], timeout=2.0))[0]:
        await ctx.tx.execute("select 1")
    return task.result()


def listen(
    service: Service, sets: Collection[str], *, check: Check, reload: Reload, apply: Apply | None = None
) -> None:
    """Let *service* use announced versions of *sets*. Call it after the service's own `on_start`."""

    @service.on(ConfigAdopted)
    async def adopted(event: ConfigAdopted, ctx: Context) -> Event | None:
        return await _adopt(event, ctx, check) if event.set_name in sets else None

    @service.timer(TIMER)
    async def due(timer: Timer, ctx: Context) -> Event | None:
        return await _use(ctx, timer, check, apply)

    @service.on_start
    async def begin(app: App) -> None:
        await _follow(app, reload, {"n": 0})

    @service.background()
    async def follow_announced(app: App) -> None:
        seen = {"n": -1}
        while True:
            app.announced.clear()
            try:
                await _follow(app, reload, seen)
            except Exception as error:
                if not app.is_outage(error):
                    raise
                await asyncio.sleep(AWAY_S)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await app.announced.wait()


async def used(db: Any) -> list[Announced]:
    """Every version that this service uses or used, in the order in which they came into use."""
    rows = await db.fetch(
        "select set_name, version, valid_from, digest, content, issuer from kit_announced where state = 'used'"
        " order by used_at, n"
    )
    return [Announced(**row) for row in rows]


async def _adopt(event: ConfigAdopted, ctx: Context, check: Check) -> Event | None:
    try:
        whole = event.content if event.parts <= 1 else await _whole(event, ctx)
        if whole is None:
            return None  # the other parts follow
        content = unpack(whole, event.encoding)
    except ValueError as error:
        return ConfigRefused(set_name=event.set_name, version=event.version, reason=str(error))
    new = Announced(
        set_name=event.set_name, version=event.version, valid_from=event.valid_from, digest=event.digest, content=content,
        issuer=event.issuer,
    )  # fmt: skip
    try:
        await check(ctx, new, await used(ctx.tx))
    except ValueError as error:
        await _keep(ctx, new, "refused", str(error))
        return ConfigRefused(set_name=new.set_name, version=new.version, reason=str(error)[:4000])
    number = await _keep(ctx, new, "waiting")
    if number:
        await ctx.set_timer(TIMER, str(number), max(new.valid_from, ctx.now()))
    return None


async def _whole(event: ConfigAdopted, ctx: Context) -> str | None:
    from .announced_parts import gather  # it uses this module's limits

    key = (event.set_name, event.version, event.digest)
    return await gather(ctx.tx, *key, event.part, event.parts, event.content)


async def _keep(ctx: Context, new: Announced, state: str, reason: str = "") -> int:
    """The row's number; 0 when the version is used, or waits, already."""
    number = await ctx.tx.fetchval(
        "insert into kit_announced (set_name, version, valid_from, digest, content, issuer, state, reason)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (set_name, version, digest) do update"
        " set state = excluded.state, reason = excluded.reason, valid_from = excluded.valid_from"
        " where kit_announced.state = 'refused' returning n",
        new.set_name, new.version, new.valid_from, new.digest, new.content, new.issuer, state, reason,
    )  # fmt: skip
    return int(number or 0)


async def _use(ctx: Context, timer: Timer, check: Check, apply: Apply | None) -> Event | None:
    """The moment has come: the version is used from now on, if it still can be."""
    row = await ctx.tx.fetchrow(
        "select set_name, version, valid_from, digest, content, issuer from kit_announced where n = $1"
        " and state = 'waiting' for update",
        int(timer.key),
    )
    if row is None:
        return None
    new = Announced(**row)
    try:
        await (apply(ctx, new) if apply else check(ctx, new, await used(ctx.tx)))
    except ValueError as error:  # something else came into use meanwhile, and they don't fit together
        await ctx.tx.execute(
            "update kit_announced set state = 'refused', reason = $2 where n = $1", int(timer.key), str(error)
        )
        return ConfigRefused(set_name=new.set_name, version=new.version, reason=str(error)[:4000])
    await ctx.tx.execute(
        "with used as (update kit_announced set state = 'used', used_at = $2 where n = $1)"
        " select pg_notify('kit_' || current_schema(), 'announced')",
        int(timer.key), ctx.now(),
    )  # fmt: skip
    return ConfigApplied(set_name=new.set_name, version=new.version, digest=new.digest)


async def _follow(app: App, reload: Reload, seen: dict[str, int]) -> None:
    """Load what came into use since the last look."""
    count = int(await app.pool.fetchval("select count(*) from kit_announced where state = 'used'"))
    if count == seen["n"]:
        return
    await reload(app, await used(app.pool))
    seen["n"] = count
    if count:
        app.log.info("announced_sets_in_use", versions=count)


__all__ = ["PACKED", "Announced", "beside", "digest_of", "listen", "squeeze", "unpack", "used"]
