"""Requirements on what runs: services, days, books, links, backups, audit, access."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from yiwang.stack.backup import Manifest
from yiwang.stack.books import balance

from .items import Finding, Item, judged
from .site import Site
from .trial import Trial

FRESH: Final = "5 minutes"
"""A link from which nothing was heard for so long doesn't count as established; the mesh says something every minute."""


async def service(site: Site, item: Item) -> Finding:
    """``args.name`` runs here; with ``args.or_hosted`` the node above may run it; with ``args.optional`` nobody need."""
    name = item.args["name"]
    if await site.running(name):
        return Finding(item, "pass", "本级运行", f"服务 {name}")
    host = site.mesh.me.hosted.get(name, "") if site.mesh else ""
    if host and item.args.get("or_hosted"):
        return Finding(item, "pass", "上级承担", f"服务 {name} 由 {host} 代为运行")
    if item.args.get("optional"):
        return Finding(item, "na", "未设置", f"本级没有 {name}，拓扑也没有指定由谁承担")
    return Finding(item, "fail", "没有运行", f"服务 {name} 一分钟内没有动静：请启动它")


async def identity(site: Site, item: Item) -> Finding:
    """People log in by local accounts or an OIDC provider, not as invented people."""
    if site.kit.dev_people:
        return Finding(item, "fail", "演示人员", "正在使用演示人员：请去掉 YIWANG_DEV_PEOPLE，改用真实账号")
    if await site.running("identity"):
        return Finding(item, "pass", "本地账号")
    if site.kit.jwks:
        return Finding(item, "pass", "统一身份认证", site.kit.issuer)
    return Finding(item, "fail", "", "没有账号服务，也没有设置 YIWANG_JWKS：请二选一")


async def readiness(site: Site, item: Item) -> Finding:
    """/readyz says yes."""
    answer = await site.http.get(site.at("/readyz"))
    waiting = answer.json()["waiting"] if answer.status_code in (200, 503) else {"readyz": answer.text[:200]}
    return Finding(
        item, "pass" if answer.status_code == 200 else "fail", "", "；".join(waiting.values()) or "各服务就绪"
    )


async def days_run(site: Site, item: Item) -> Finding:
    """Days from the first live report to now."""
    first = None
    if await site.has("intake.reports"):
        first = await site.value("select min(recorded_at) from intake.reports where purpose = 'live'")
    if first is None:
        return judged(item, 0, "还没有收到过上报")
    return judged(item, (site.clock.now() - first).days, f"首件上报于 {first.astimezone():%Y-%m-%d}")


async def cases(site: Site, item: Item) -> Finding:
    """How many live cases reached ``args.state``."""
    if not await site.has("dispatch.cases"):
        return Finding(item, "fail", "", "节点没有案件库：请先运行 dispatch 服务")
    query = "select count(*) from dispatch.cases where state = $1 and coalesce(doc::text::json->>'purpose', 'live') = 'live'"
    return judged(item, int(await site.value(query, item.args["state"])))


async def reports(site: Site, item: Item) -> Finding:
    """How many live reports came by ``args.channels``."""
    if not await site.has("intake.reports"):
        return Finding(item, "fail", "", "节点没有上报库：请先运行 intake 服务")
    query = "select count(*) from intake.reports where purpose = 'live' and channel = any($1)"
    return judged(item, int(await site.value(query, list(item.args["channels"]))))


async def books(site: Site, item: Item) -> Finding:
    """Nothing lost, nothing doubled, versions without gaps: the node's books balance.

    Stores and streams of a node at work are never read at one moment: what counts is what stands in two readings.
    """
    before, found = await balance(site.kit), await balance(site.kit)
    mistakes = [one for one in found.mistakes if one in before.mistakes]
    wrong = min(before.lost, found.lost) + min(before.doubled, found.doubled) + len(mistakes)
    say = (
        mistakes[0]
        if mistakes
        else f"上报 {found.reports}，案件 {found.cases}，丢失 {found.lost}，重复 {found.doubled}"
    )
    return judged(item, wrong, say)


async def parked(site: Site, item: Item) -> Finding:
    """Events that wait for a person's decision."""
    schemas = await site.db.fetch("select schemaname from pg_tables where tablename = 'kit_parked'")
    total = 0
    for row in schemas:
        total += await site.value(f"select count(*) from {row['schemaname']}.kit_parked where state = 'parked'")
    return judged(item, total, "用 yiwang parked list 查看并处理" if total else "")


async def upward(site: Site, item: Item) -> Finding:
    """The exchange with the platform above: the mesh link is fresh, or the last push to a platform was taken."""
    if site.mesh and site.mesh.parent and await site.has("mesh.probe"):
        query = f"select recorded_at from mesh.probe where node = $1 and recorded_at > now() - interval '{FRESH}'"
        heard = await site.value(query, site.mesh.parent.code)
        if heard is not None:
            return Finding(
                item, "pass", "已连通", f"上级 {site.mesh.parent.name}，最近一次来信 {heard.astimezone():%H:%M:%S}"
            )
    if await site.has("national_sync.platforms"):
        row = await site.db.fetchrow("select platform, last_ok_at, failures, last_error from national_sync.platforms"
                                     " order by last_ok_at desc nulls last limit 1")  # fmt: skip
        if row is not None:
            return _exchange(item, row)
    return Finding(item, "fail", "", "没有与上级平台连通：请按拓扑建立链路，或设置 YIWANG_NATIONAL_SYNC_ENDPOINTS")


def _exchange(item: Item, row: Mapping[str, Any]) -> Finding:
    if row["last_ok_at"] is None or row["failures"]:
        figure = f"连续失败 {row['failures']} 次" if row["failures"] else "未推送"
        return Finding(item, "fail", figure, f"平台 {row['platform']}：{row['last_error'] or '还没有推送成功过'}")
    last = row["last_ok_at"].astimezone()
    return Finding(item, "pass", "已对接", f"平台 {row['platform']}，最近一次成功 {last:%Y-%m-%d %H:%M}")


async def reconciled(site: Site, item: Item) -> Finding:
    """The last comparison of each platform and district found nothing missing."""
    if not await site.has("national_sync.reconciliations"):
        return Finding(item, "na", "", "本级没有数据交换服务")
    row = await site.db.fetchrow(
        "select count(*) n, coalesce(sum(cardinality(missing) + cardinality(foreign_ids)), 0) wrong from"
        " (select distinct on (platform, district) missing, foreign_ids from national_sync.reconciliations"
        " order by platform, district, day desc) last"
    )
    if not row["n"]:
        return Finding(item, "na", "", "还没有对过账：上级平台提供对账接口后自动进行")
    return judged(item, int(row["wrong"]), f"最近一次对账，{row['n']} 个区划")


async def backup(site: Site, item: Item) -> Finding:
    """Age of the newest complete backup of this node in the backup directories, in days."""
    made = [
        page for root in site.backups for page in _manifests(root) if page.node.jurisdiction == site.kit.jurisdiction
    ]
    where = "、".join(str(root) for root in site.backups)
    if not made:
        return Finding(item, "fail", "", f"{where} 里没有本节点的备份：请执行 yiwang backup，或用 --backups 指出目录")
    newest = max(page.made_at for page in made)
    age = (dt.datetime.now(dt.UTC) - newest).total_seconds() / 86400
    return judged(item, age, f"共 {len(made)} 份，最新 {newest.astimezone():%Y-%m-%d %H:%M}", digits=1)


def _manifests(root: Path) -> list[Manifest]:
    found = []
    for page in (*root.glob("manifest.json"), *root.glob("*/manifest.json")):
        try:
            found.append(msgspec.json.decode(page.read_bytes(), type=Manifest))
        except (OSError, msgspec.DecodeError):
            continue  # half written or another program's
    return found


async def audited(site: Site, item: Item) -> Finding:
    """What the trial did stands in the audit trail of the services that it called."""
    if not isinstance(site.trial, Trial):
        return Finding(item, "fail", "", str(site.trial))
    missing = []
    for schema, route in (("intake", "/reports"), ("dispatch", "/cases/{no}/void")):
        query = f"select count(*) from {schema}.kit_audit where person_ref = $1 and replace(route, ':str', '') = $2"
        if not await site.value(query, site.trial.person, route):
            missing.append(route)
    if missing:
        return Finding(item, "fail", "", f"审计记录里没有测试人员对 {missing[0]} 的操作：请检查审计")
    return Finding(item, "pass", "有记录", "测试人员的上报和作废都在审计记录里")


async def refused(site: Site, item: Item) -> Finding:
    """A stranger gets 401 at ``args.path``."""
    answer = await site.http.get(site.at(item.args["path"]))
    return Finding(
        item, "pass" if answer.status_code == 401 else "fail", f"应答 {answer.status_code}", "未登录访问案件列表"
    )
