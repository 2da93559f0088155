"""The services that are installed: entry points of the group `yiwang.services`, or `module:attribute`."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from importlib.metadata import entry_points

import click
from yiwang.kit import Service

GROUP = "yiwang.services"
BUILT_IN = {"identity": "yiwang.kit.accounts:service"}
"""Services that come with the kit."""
COUNTY = ("intake", "grid", "dispatch", "notification", "national_sync")
CITY = (*COUNTY, "enforcement", "evaluation")
SETS = {"county": (*COUNTY, "mesh", "identity"), "city": (*CITY, "mesh", "identity")}
"""What `yiwang up --profile` runs: the county's five or the city's seven, the keeper of links, and local accounts."""


def installed() -> list[str]:
    """Names of the installed services."""
    return sorted({point.name for point in entry_points(group=GROUP)} | set(BUILT_IN))


def find_service(name: str) -> Service:
    """The service of an installed name or of `module:attribute`; raises click.ClickException with what exists."""
    name = BUILT_IN.get(name, name)
    if ":" in name:
        module, _, attribute = name.partition(":")
        try:
            found = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise click.ClickException(f"{name} 无法载入（{error}）：请核对模块和变量名") from error
    else:
        points = [point for point in entry_points(group=GROUP) if point.name == name.replace("-", "_")]
        if not points:
            raise click.ClickException(f"没有名为 {name} 的服务；已安装：{'、'.join(installed())}，或写成 模块:变量")
        found = points[0].load()
    if not isinstance(found, Service):
        raise click.ClickException(f"{name} 不是 yiwang.kit.Service：请指向 Service(...) 那个变量")
    return found


def find_services(names: Iterable[str]) -> list[Service]:
    """The services of these names, each once, in order."""
    return [find_service(name) for name in dict.fromkeys(names)]
