"""Requirements on data: grid, units, matrix, conditions, calendar, people."""

from __future__ import annotations

import datetime as dt
from typing import Final

from .items import Finding, Item, judged
from .site import Site
from .trial import Place

_CLASS: Final = ("code_set", "kind", "major", "minor")
_GRID: Final = {
    "streets": "select count(*) from grid.grid_area a join grid.grid_version v using (version)"
    " where v.state = 'active' and a.level = 'street' and a.code like $1",
    "communities": "select count(*) from grid.grid_area a join grid.grid_version v using (version)"
    " where v.state = 'active' and a.level = 'community' and a.code like $1",
    "cells": "select count(*) from grid.grid_cell c join grid.grid_version v using (version)"
    " where v.state = 'active' and c.code like $1",
    "addresses": "select count(*) from grid.grid_address r join grid.grid_version v using (version)"
    " where v.state = 'active' and r.street like $1",
}
_BARE: Final = """
select count(*) filter (where not exists (
         select from grid.grid_cell c where c.version = a.version and left(c.code, 12) = a.code)) as bare, count(*) as total
from grid.grid_area a join grid.grid_version v using (version)
where v.state = 'active' and a.level = 'community' and a.code like $1
"""
_WITHOUT_DUTY: Final = """
select count(*) filter (where c.code not in (
         select unnest(d.cells) from grid.grid_duty d where d.version = c.version)) as bare, count(*) as total
from grid.grid_cell c join grid.grid_version v using (version) where v.state = 'active' and c.code like $1
"""


def _below(site: Site) -> str:
    """The pattern of codes in the node's area: 440300 → ``4403%``, 440000 → ``44%``, 440305 → ``440305%``."""
    code = site.kit.jurisdiction
    if len(code) == 6 and code.endswith("00"):
        code = code[:2] if code.endswith("0000") else code[:4]
    return code + "%"


async def grid(site: Site, item: Item) -> Finding:
    """How many rows of a layer (``args.layer``: streets, communities, cells, addresses) the grid in force has here."""
    if not await site.has("grid.grid_version"):
        return Finding(item, "fail", "", "节点没有网格库：请先运行 grid 服务")
    count = await site.value(_GRID[item.args["layer"]], _below(site))
    return judged(item, int(count))


async def grid_share(site: Site, item: Item) -> Finding:
    """Share of communities with cells (``args.of``: communities) or of cells with a duty grid (cells), in percent."""
    if not await site.has("grid.grid_version"):
        return Finding(item, "fail", "", "节点没有网格库：请先运行 grid 服务")
    query = _BARE if item.args["of"] == "communities" else _WITHOUT_DUTY
    row = await site.db.fetchrow(query, _below(site))
    if not row["total"]:
        return Finding(item, "fail", "0", "网格库里没有数据：请导入网格（POST /grid/versions）")
    return judged(item, 100 * (1 - row["bare"] / row["total"]), f"{row['total']} 个中 {row['bare']} 个没有", digits=1)


async def place(site: Site) -> Place | None:
    """Where test reports may be: inside a cell of the grid in force, else in a street; None without areas."""
    if not await site.has("grid.grid_version"):
        return None
    cell = await site.db.fetchrow(
        "select c.code, c.geom, a.name, a.code as area from grid.grid_cell c join grid.grid_version v using (version)"
        " left join grid.grid_area a on a.version = c.version and a.code = left(c.code, 12)"
        " where v.state = 'active' and c.code like $1 order by c.code limit 1", _below(site),
    )  # fmt: skip
    if cell is not None:
        import shapely

        inside = shapely.from_wkb(cell["geom"]).representative_point()
        return Place(area=cell["area"] or cell["code"][:12], name=cell["name"] or cell["code"], cell=cell["code"],
                     lon=round(inside.x, 7), lat=round(inside.y, 7))  # fmt: skip
    area = await site.db.fetchrow(
        "select a.code, a.name from grid.grid_area a join grid.grid_version v using (version) where v.state = 'active'"
        " and a.level in ('street', 'community') and a.code like $1 order by length(a.code), a.code limit 1", _below(site),
    )  # fmt: skip
    return Place(area=area["code"], name=area["name"]) if area is not None else None


async def table(site: Site, item: Item) -> Finding:
    """Rows of a table of the profile (``args.table``), those where ``args.where`` holds."""
    where = item.args.get("where", {})
    rows = [row for row in site.rows(item.args["table"]) if all(row.get(k) == v for k, v in where.items())]
    return judged(item, len(rows), f"城市配置 {item.args['table']}")


async def classes(site: Site, item: Item) -> Finding:
    """Share of part and event classes that a table (``args.table``) has a row for, ``*`` being any, in percent."""
    known, wanted = site.rows(item.args["table"]), site.rows("dispatch/categories.csv")
    if not wanted:
        return Finding(item, "fail", "", "城市配置里没有类别表 dispatch/categories.csv：请补上")
    bare = [one for one in wanted if not any(all(row[k] in ("*", one[k]) for k in _CLASS) for row in known)]
    say = f"{len(wanted)} 个小类中 {len(bare)} 个没有" + (f"，如 {bare[0]['minor_name']}" if bare else "")
    return judged(item, 100 * (1 - len(bare) / len(wanted)), say, digits=1)


async def calendar(site: Site, item: Item) -> Finding:
    """Whether the holiday table has this year (and, from December on, the next)."""
    today = site.today()
    years = {dt.date.fromisoformat(row["date"]).year for row in site.rows("dispatch/holidays.csv")}
    wanted = {today.year} | ({today.year + 1} if today.month == 12 else set())
    if missing := sorted(wanted - years):
        return Finding(item, "fail", "", f"节假日表没有 {missing[0]} 年：公布后请补上，否则时限都是暂定的")
    return Finding(item, "pass", "、".join(map(str, sorted(wanted))) + " 年")


async def people(site: Site, item: Item) -> Finding:
    """How many enabled local accounts hold one of ``args.roles`` here; a place with an OIDC provider counts by hand."""
    if not await site.has("identity.account"):
        return Finding(item, "manual", "", "账号由统一身份认证管理，平台里数不出：请按人员名册核对")
    count = await site.value(
        "select count(distinct a.login) from identity.account a join identity.post p using (login)"
        " where not a.disabled and p.ended_at is null and p.role = any($1)", list(item.args["roles"]),
    )  # fmt: skip
    return judged(item, int(count))


async def apart(site: Site, item: Item) -> Finding:
    """Nobody holds more than one of ``args.roles`` (三员分立)."""
    if not await site.has("identity.account"):
        return Finding(item, "manual", "", "账号由统一身份认证管理：请按人员名册核对")
    logins = await site.db.fetch(
        "select login from identity.account a join identity.post p using (login) where not a.disabled"
        " and p.ended_at is null and p.role = any($1) group by login having count(distinct p.role) > 1",
        list(item.args["roles"]),
    )  # fmt: skip
    if logins:
        return Finding(item, "fail", f"{len(logins)} 人", f"{logins[0]['login']} 身兼两员：请分给不同的人")
    return Finding(item, "pass", "0 人兼任")
