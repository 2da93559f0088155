"""Whether a campaign's plan can be meant: dates, scope and targets, each mistake as a sentence. Pure."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final, Protocol

from msgspec.structs import replace
from yiwang.contracts import CampaignScope, CampaignTarget

from .campaign import within
from .refusals import Refused
from .rules import Rules

YEARS: Final = 10
"""The longest campaign: plans run for three or five years"""
MOST: Final = 100_000_000
PATTERN: Final = re.compile(r"^(\*|(part|event)/(\*|[0-9A-Za-z]{1,8}/(\*|[0-9A-Za-z]{1,8})))$")


class Plan(Protocol):
    """What is checked."""

    @property
    def begins_on(self) -> dt.date: ...
    @property
    def ends_on(self) -> dt.date: ...
    @property
    def scope(self) -> CampaignScope: ...
    @property
    def targets(self) -> tuple[CampaignTarget, ...]: ...


def checked(plan: Plan, rules: Rules, issuer: str) -> tuple[CampaignScope, tuple[CampaignTarget, ...]]:
    """Scope and targets as they are kept, the scope with its code set. Raises Refused with what is wrong."""
    if plan.ends_on < plan.begins_on:
        raise Refused("campaign_dates", why="结束早于开始", years=YEARS)
    if plan.ends_on.year - plan.begins_on.year > YEARS:
        raise Refused("campaign_dates", why=f"超过 {YEARS} 年", years=YEARS)
    for n, target in enumerate(plan.targets, 1):
        why = _wrong_target(plan, target, rules, issuer)
        if why:
            raise Refused("campaign_target", n=n, why=why)
    return _scope(plan.scope, rules, issuer), plan.targets


def _scope(scope: CampaignScope, rules: Rules, issuer: str) -> CampaignScope:
    code_set = scope.code_set or (rules.code_set if scope.categories else "")
    if code_set and code_set not in rules.codes.sets:
        raise Refused("campaign_scope", why=f"没有分类标准“{code_set}”")
    for one in scope.categories:
        if not PATTERN.match(one):
            raise Refused("campaign_scope", why=f"类别“{one}”写法不对")
        if "*" not in one and rules.codes.category(code_set, *one.split("/")) is None:
            raise Refused("campaign_scope", why=f"分类标准中没有类别 {one}")
    for condition in scope.conditions:
        if rules.codes.condition(condition) is None:
            raise Refused("campaign_scope", why=f"没有立案条件“{condition}”")
    for area in scope.areas:
        if not within(issuer, area):
            raise Refused("campaign_scope", why=f"区域 {area} 不在本辖区内")
    return replace(scope, code_set=code_set)


def _wrong_target(plan: Plan, target: CampaignTarget, rules: Rules, issuer: str) -> str:
    if target.area and not within(issuer, target.area):
        return f"区域 {target.area} 不在本辖区内"
    if target.unit_id and rules.units.get(target.unit_id) is None:
        return f"单位库中没有“{target.unit_id}”"
    if target.year and not plan.begins_on.year <= target.year <= plan.ends_on.year:
        return f"{target.year} 年不在专项期间内"
    if target.due_on and not plan.begins_on <= target.due_on <= plan.ends_on:
        return "完成日期不在专项期间内"
    if min(target.found, target.rectified) < 0 or not 0 <= target.rate_pct <= 100:
        return "数量不能为负，整改率在 0 到 100 之间"
    if max(target.found, target.rectified) > MOST:
        return "数量过大"
    if not (target.found or target.rectified or target.rate_pct):
        return "没有写明数量或整改率"
    return ""
