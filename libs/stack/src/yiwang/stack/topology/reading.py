"""Reading a topology file. What a node doesn't say comes from its tier, its class and the node above it."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any

import msgspec
from yiwang.contracts.areas import city_of, level_of, province_of

from .model import GOVERNANCE, Ports, Quotas, ServicePlan, Topology, TopologyNode

COUNTY_SERVICES = ("intake", "grid", "dispatch", "notification", "national_sync")
EVERYWHERE = ("mesh", "identity")
"""The links of the mesh, and local accounts until an OIDC provider is named."""
OWN = {
    "basic": COUNTY_SERVICES,
    "standard": (*COUNTY_SERVICES, "enforcement", "evaluation"),
    "smart": (*COUNTY_SERVICES, "enforcement", "evaluation"),
}
"""class → services that a node runs itself when it says nothing else."""
HOSTED = {"basic": ("enforcement",)}
"""class → services that the node above runs for it."""
CLASS = {"province": "smart", "city": "standard", "county": "basic"}


class TopologyError(Exception):
    """The file can't be used; `mistakes` are sentences that say who must do what."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class Defaults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What nodes of one tier have in common (``[defaults.county]``); None = the program's own default."""

    klass: str | None = msgspec.field(name="class", default=None)
    governance: str | None = None
    profile: str | None = None
    retention_days: int | None = None
    sync: str | None = None
    servers: int | None = None
    pace: str | None = None
    max_file_gib: float | None = None
    quotas: Quotas | None = None
    address: str | None = None
    services: dict[str, int | str | ServicePlan] = {}


class Row(Defaults, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One node as the file writes it. `services`: a number = replicas, 0 = none, a code = hosted by that node."""

    code: str
    name: str = ""
    tier: str = ""
    parent: str | None = None
    host: str = ""
    docked: bool = False
    lacks: tuple[str, ...] = ()
    elsewhere: bool = False
    offset: int = 0
    ports: Ports | None = None


class Network(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the servers are: an address with ``{server}`` in it, and the ports that all nodes share."""

    address: str = "127.0.0.1"
    ports: Ports = Ports()


class Page(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file."""

    name: str
    title: str = ""
    nodes: tuple[Row, ...]
    defaults: dict[str, Defaults] = {}
    network: Network = Network()


def load(path: Path) -> Topology:
    """The topology in the file. Raises TopologyError when it can't be read; `check` finds what is wrong in it."""
    try:
        return read(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TopologyError([f"{path} 读不出来（{error}）：请给出 UTF-8 的拓扑文件"]) from error
    except TopologyError as error:
        raise TopologyError([f"{path}：{mistake}" for mistake in error.mistakes]) from error


def read(text: str) -> Topology:
    """The topology that *text* (TOML) describes. Raises TopologyError."""
    try:
        page = msgspec.convert(tomllib.loads(text), Page)
    except tomllib.TOMLDecodeError as error:
        raise TopologyError([f"不是合格的 TOML（{error}）：请改正该行"]) from error
    except msgspec.ValidationError as error:
        raise TopologyError([f"内容不合格式（{error}）：请对照 deploy/topologies/README.md 改正"]) from error
    nodes = _nodes(page)
    return Topology(name=page.name, title=page.title, version=_version(nodes), nodes=nodes)


def _nodes(page: Page) -> tuple[TopologyNode, ...]:
    codes = {row.code for row in page.nodes}
    rows = {row.code: row for row in page.nodes}
    done: dict[str, TopologyNode] = {}

    def complete(row: Row, seen: tuple[str, ...] = ()) -> TopologyNode:
        parent = _parent(row, codes)
        above = None
        if parent in rows and parent not in seen:
            above = done.get(parent) or complete(rows[parent], (*seen, row.code))
        node = _node(row, parent, above, page)
        done.setdefault(row.code, node)
        return node

    return tuple(complete(row) for row in page.nodes)


def _parent(row: Row, codes: set[str]) -> str:
    """The node above: as written, else the city's or the province's where the file has one."""
    if row.parent is not None:
        return row.parent
    above = (city_of(row.code), province_of(row.code)) if len(row.code) >= 6 else ()
    return next((code for code in above if code in codes and code != row.code), "")


def _node(row: Row, parent: str, above: TopologyNode | None, page: Page) -> TopologyNode:
    tier = row.tier or _tier(row.code)
    common = page.defaults.get(tier, Defaults())

    def said(field: str, otherwise: Any) -> Any:
        for source in (row, common):
            value = getattr(source, field)
            if value is not None:
                return value
        return otherwise

    klass = said("klass", CLASS.get(tier, "basic"))
    servers = said("servers", 1)
    idle = row.docked or row.elsewhere
    return TopologyNode(
        code=row.code,
        name=row.name,
        tier=tier,
        parent=parent,
        klass=klass,
        host=row.host,
        docked=row.docked,
        lacks=row.lacks,
        elsewhere=row.elsewhere,
        services=_services(row, common, klass, parent),
        governance=said("governance", above.governance if above and above.tier != "province" else GOVERNANCE[0]),
        profile=said("profile", above.profile if above else ""),
        retention_days=said("retention_days", 30),
        # One box has nobody else to remember what it hadn't flushed; a cluster has its replicas.
        sync=said("sync", "always" if servers == 1 else "2m"),
        servers=servers,
        pace=said("pace", "prompt"),
        max_file_gib=said("max_file_gib", 200.0),
        quotas=said("quotas", None) if row.host and not idle else None,
        address=said("address", page.network.address),
        ports=(row.ports or page.network.ports).moved(row.offset),
    )


def _tier(code: str) -> str:
    try:
        level = level_of(code)
    except ValueError:
        return ""
    return level if level in CLASS else "county"


def _services(row: Row, common: Defaults, klass: str, parent: str) -> dict[str, ServicePlan]:
    if row.docked:
        names: dict[str, int | str | ServicePlan] = {}
    else:
        names = dict.fromkeys((*OWN.get(klass, ()), *EVERYWHERE), 1)
        names |= dict.fromkeys(HOSTED.get(klass, ()), parent) if parent else {}
        names |= common.services
    names |= row.services
    return {name: plan for name, entry in names.items() if (plan := _plan(entry)) is not None}


def _plan(entry: int | str | ServicePlan) -> ServicePlan | None:
    if isinstance(entry, ServicePlan):
        return entry
    if isinstance(entry, str):
        return ServicePlan(hosted_by=entry)
    return ServicePlan(replicas=entry) if entry else None


def _version(nodes: tuple[TopologyNode, ...]) -> str:
    """Twelve digits of what the nodes say: equal descriptions have equal versions."""
    return hashlib.sha256(msgspec.json.encode(nodes, order="deterministic")).hexdigest()[:12]
