"""Area trees and duty grids that an upper tier announces: each becomes a version of the grid, active from its moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from yiwang.kit import App, Context
from yiwang.kit.announced import Announced, beside, listen

from .findings import Report
from .importing import build
from .layers import GridData
from .service import Grids, service
from .store import load, save, sql

SETS: Final = ("areas", "duty_grids")


def name_of(new: Announced) -> str:
    """The grid version that an announced set becomes."""
    return f"{new.set_name}.{new.version}"[:40]


async def _built(ctx: Context, new: Announced) -> tuple[GridData, Report]:
    """The version that *new* makes of the active one. Raises ValueError with the first mistakes."""
    base = await load(ctx.tx, await sql.value(ctx.tx, "active_version") or "")
    files = {new.set_name: new.content.encode()}
    data, report = await beside(ctx, lambda: build(name_of(new), files, base))
    if report.failed:
        said = "；".join(f.say for f in report.errors[:10])
        raise ValueError(f"网格数据有 {report.failed} 处错误：{said}")
    return data, report


async def check(ctx: Context, new: Announced, used: Sequence[Announced]) -> None:
    """Import it over the active version, for trial. Raises ValueError."""
    await _built(ctx, new)


async def apply(ctx: Context, new: Announced) -> None:
    """Store it and let it count from now on; the version before stays for questions about its days."""
    data, report = await _built(ctx, new)
    await sql.run(ctx.tx, "lock_versions")
    now = ctx.now()
    before = await sql.value(ctx.tx, "active_version")
    if before == data.version:
        return
    await save(ctx.tx, data, report, state="draft", at=now, by=new.issuer)
    await sql.run(ctx.tx, "supersede", now)
    await sql.run(ctx.tx, "activate", data.version, now if before else None)
    await sql.run(ctx.tx, "announce", data.version)


async def reload(app: App, used: Sequence[Announced]) -> None:
    """Take the active version over."""
    if used:
        await app.get(Grids).refresh(app)


listen(service, SETS, check=check, reload=reload, apply=apply)
