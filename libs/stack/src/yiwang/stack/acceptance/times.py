"""Requirements on response times: the slowest of the trial's rounds against the limit."""

from __future__ import annotations

from .items import Finding, Item, judged
from .site import Site
from .trial import Trial


async def measured(site: Site, item: Item) -> Finding:
    """The slowest round of ``args.name``, in seconds."""
    if not isinstance(site.trial, Trial):
        return Finding(item, "fail", "", str(site.trial))
    seconds = site.trial.seconds.get(item.args["name"])
    if not seconds:
        return Finding(item, "fail", "", "没有测得：" + str(item.args.get("without", "节点没有所需的数据或服务")))
    several = f"{len(seconds)} 次中最慢的一次" if len(seconds) > 1 else "1 次"
    note = str(item.args.get("note", ""))
    return judged(item, max(seconds), several + (f"；{note}" if note else ""), digits=2)


async def voided(site: Site, item: Item) -> Finding:
    """Every test case of the trial ended as void."""
    if not isinstance(site.trial, Trial):
        return Finding(item, "fail", "", str(site.trial))
    state = "pass" if site.trial.voided == site.trial.sent else "fail"
    return Finding(
        item, state, f"{site.trial.voided}/{site.trial.sent} 件", "测试件用途为 test，不计入任何统计，不上报"
    )
