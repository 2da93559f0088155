"""Links between nodes, as pure definitions: names, subjects, filters, what a child may do at its parent.

A link has two directions, each a push-durable consumer beside the data that the other side's stream *sources*
(ADR-60, durable sourcing). The owner of the data decides what leaves; the other side may only RESET the consumer.

- up: the child's consumer ``UPLINK_<child>`` on its UP → the parent's landing stream ``IN_<child>`` → the parent's UP, which
  takes of it only what lies in the child's area.
- down: the parent's consumer ``DOWNLINK_<child>`` on its DOWN → the child's DOWN.

A node without servers of its own is an account on its host's servers; there the same consumers cross by exports and
imports of the accounts instead of a leaf link. Where a county is carried by the province while its city has servers of
its own, the link passes through the account at which the city's leaf lands: `passing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from yiwang.contracts import place_of
from yiwang.contracts.areas import city_of, level_of

DOMAIN_HASHED: Final = "*"
"""Token of the account's hash in the flow-control subjects of NATS 2.15 (v2 of ``$JS.FC``)"""
NEVER_CROSS: Final = ("yw.>",)
"""Core subjects that a leaf link denies in both directions: only JetStream's replication crosses"""


class Place(Protocol):
    """What a link needs to know of a node; nodes of the mesh page and of a topology file have it."""

    @property
    def code(self) -> str: ...
    @property
    def parent(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def docked(self) -> bool: ...


Places = Mapping[str, Place]


def account(code: str) -> str:
    """NATS account of a node, and the JetStream domain of its servers if it has any."""
    return f"n{code}"


def landing(child: str) -> str:
    """The parent's stream in which all that a child sends up lands first."""
    return f"IN_{child}"


def uplink(child: str) -> str:
    """The child's consumer that its parent's landing stream sources.

    Every node has another name for it: acknowledgements travel as ``$JS.FC.UP.<consumer>.*`` in the parent's account,
    where all its children hear them. Under one name each would take the others' for its own and skip what it never
    delivered (measured: 1,000 of 1,100 events lost when a link started again).
    """
    return f"UPLINK_{child}"


def downlink(child: str) -> str:
    """The parent's consumer that a child's DOWN sources."""
    return f"DOWNLINK_{child}"


def up_delivery(child: str) -> str:
    """Where a child's `uplink` delivers."""
    return f"_S.up.{account(child)}"


def down_delivery(child: str) -> str:
    """Where the parent's ``DOWNLINK_<child>`` delivers."""
    return f"_S.dn.{account(child)}"


def subtree(flow: str, code: str) -> str:
    """The filter of everything that belongs to a node and those below it.

    >>> subtree("up", "440106"), subtree("up", "440100"), subtree("down", "440000")
    ('yw.up.440100.440106.>', 'yw.up.440100.>', 'yw.down.>')
    """
    level = level_of(code)
    if level == "province":
        return f"yw.{flow}.>"
    return f"yw.{flow}.{city_of(code)}.>" if level == "city" else f"yw.{flow}.{place_of(code)}.>"


def ancestors(places: Places, code: str) -> list[str]:
    """The nodes above *code*, nearest first."""
    found: list[str] = []
    parent = places[code].parent
    while parent:
        found.append(parent)
        parent = places[parent].parent
    return found


def down_filters(places: Places, child: str) -> list[str]:
    """What goes down to *child*: what is addressed to its subtree, and what each node above it tells everybody."""
    return [subtree("down", child), *(f"yw.down.{city_of(upper)}.all.>" for upper in ancestors(places, child))]


def servers_of(places: Places, code: str) -> str:
    """The node whose servers carry *code*: itself, or its host (or that one's host)."""
    while host := places[code].host:
        code = host
    return code


def passing(places: Places, child: str) -> str:
    """The node through whose account the link of *child* to its parent passes; "" when the two meet directly.

    Only a node that is carried by one above its parent has such a link: account, then its parent's leaf.
    """
    parent = places[child].parent
    if not parent or not places[child].host or servers_of(places, child) == servers_of(places, parent):
        return ""
    return places[parent].parent


def passing_below(places: Places, child: str) -> list[str]:
    """The children of *child* whose links pass through its parent's account and over its leaf."""
    return [below for below in linked_children(places, child) if passing(places, below)]


def api_of(places: Places, me: str, other: str) -> str:
    """Prefix under which *me* reaches the JetStream API of *other*: its domain, or an imported alias on shared servers."""
    theirs = servers_of(places, other)
    child = me if places[me].parent == other else other
    aliased = theirs == servers_of(places, me) or passing(places, child)
    return f"JS.{account(other)}.API" if aliased else f"$JS.{account(theirs)}.API"


def linked_children(places: Places, code: str) -> list[str]:
    """The children that *code* exchanges events with over a link: all but those docked (another maker's platform)."""
    return sorted(p.code for p in places.values() if p.parent == code and not p.docked)


def consumer(stream: str, name: str, delivery: str, filters: Iterable[str]) -> dict[str, Any]:
    """Body of CONSUMER.CREATE for a consumer that another stream sources."""
    chosen = list(filters)
    config: dict[str, Any] = {
        "name": name, "durable_name": name, "deliver_subject": delivery, "ack_policy": "flow_control",
        "deliver_policy": "all", "replay_policy": "instant", "flow_control": True, "idle_heartbeat": 10**9,
        "max_deliver": -1,
    }  # fmt: skip
    config |= {"filter_subject": chosen[0]} if len(chosen) == 1 else {"filter_subjects": chosen}
    return {"stream_name": stream, "action": "", "config": config}


def consumers_of(places: Places, me: str) -> list[dict[str, Any]]:
    """The consumers that *me* makes beside its own data: one up to its parent, one down to each child."""
    found = []
    if places[me].parent:
        found.append(consumer("UP", uplink(me), up_delivery(me), [subtree("up", me)]))
    for child in linked_children(places, me):
        found.append(consumer("DOWN", downlink(child), down_delivery(child), down_filters(places, child)))
    return found


def durable_source(places: Places, me: str, other: str, stream: str, name: str, delivery: str) -> dict[str, Any]:
    """A stream's source: the consumer *name* that *other* keeps beside its *stream*."""
    return {
        "name": stream,
        "external": {"api": api_of(places, me, other), "deliver": ""},
        "consumer": {"name": name, "deliver_subject": delivery},
    }


def landing_source(places: Places, me: str, child: str) -> dict[str, Any]:
    """Source of ``IN_<child>``."""
    return durable_source(places, me, child, "UP", uplink(child), up_delivery(child))


def up_sources(places: Places, me: str) -> list[dict[str, Any]]:
    """Sources of UP: every landing stream, and of each only its child's own area."""
    return [{"name": landing(c), "filter_subject": subtree("up", c)} for c in linked_children(places, me)]


def down_sources(places: Places, me: str) -> list[dict[str, Any]]:
    """Sources of DOWN: the parent's consumer for this node; nothing at the top."""
    parent = places[me].parent
    if not parent:
        return []
    return [durable_source(places, me, parent, "DOWN", downlink(me), down_delivery(me))]


class Rights(dict[str, list[str]]):
    """``{"publish": [...], "subscribe": [...]}`` of NATS permissions."""


def leaf_rights(places: Places, child: str) -> Rights:
    """What a child's leaf user may do in its parent's account: the plumbing of its own two consumers, nothing else.

    *publish* is from the child to the parent. Without the flow-control subjects the sources stall after a few events.
    """
    parent = places[child].parent
    upper, lower = account(servers_of(places, parent)), account(servers_of(places, child))
    up, down = up_delivery(child), down_delivery(child)
    rights = Rights(
        publish=[
            "$JSC.R.>", up, f"{up}.>",
            f"$JS.FC.DOWN.{downlink(child)}.>", f"$JS.FC.{upper}.{DOMAIN_HASHED}.DOWN.{downlink(child)}.>",
            f"$JS.{upper}.API.CONSUMER.RESET.DOWN.{downlink(child)}",
        ],
        subscribe=[
            "$JSC.R.>", down, f"{down}.>",
            f"$JS.FC.UP.{uplink(child)}.>", f"$JS.FC.{lower}.{DOMAIN_HASHED}.UP.{uplink(child)}.>",
            f"$JS.{lower}.API.CONSUMER.RESET.UP.{uplink(child)}",
        ],
    )  # fmt: skip
    for below in passing_below(places, child):
        rights["publish"] += [
            f"JS.{account(below)}.API.CONSUMER.RESET.UP.{uplink(below)}", f"$JS.FC.UP.{uplink(below)}.>",
            down_delivery(below),
            "_R_.>",  # answers to requests of other accounts
        ]  # fmt: skip
        rights["subscribe"] += [
            f"$JS.{lower}.API.CONSUMER.RESET.DOWN.{downlink(below)}", f"$JS.FC.DOWN.{downlink(below)}.>",
            up_delivery(below),
        ]  # fmt: skip
    return rights


def exported(reader: str, stream: str, name: str, delivery: str, api: str = "$JS.API") -> list[dict[str, Any]]:
    """Exports of an account that let the account of *reader* source the consumer *name*, which answers at *api*."""
    to = [account(reader)]
    return [
        {"service": f"{api}.CONSUMER.RESET.{stream}.{name}", "response_type": "stream", "accounts": to},
        {"service": f"$JS.FC.{stream}.{name}.>", "response_type": "stream", "accounts": to},
        {"stream": delivery, "accounts": to},
    ]


def imported(
    owner: str, stream: str, name: str, delivery: str, *, through: str = "", api: str = "$JS.API"
) -> list[dict[str, Any]]:
    """Imports of the reader's account that match `exported`; they come from *owner*, or *through* another account."""
    them = account(through or owner)
    reset = f"CONSUMER.RESET.{stream}.{name}"
    return [
        {"service": {"account": them, "subject": f"{api}.{reset}"}, "to": f"JS.{account(owner)}.API.{reset}"},
        {"service": {"account": them, "subject": f"$JS.FC.{stream}.{name}.>"}},
        {"stream": {"account": them, "subject": delivery}},
    ]


def account_links(places: Places, me: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(exports, imports) of the account of *me* for its links to nodes on the same servers, and those that pass it."""
    exports: list[dict[str, Any]] = []
    imports: list[dict[str, Any]] = []
    here, parent = servers_of(places, me), places[me].parent
    if parent and (through := passing(places, me)):
        api = f"$JS.{account(servers_of(places, parent))}.API"
        exports += exported(through, "UP", uplink(me), up_delivery(me))
        imports += imported(parent, "DOWN", downlink(me), down_delivery(me), through=through, api=api)
    elif parent and servers_of(places, parent) == here:
        exports += exported(parent, "UP", uplink(me), up_delivery(me))
        imports += imported(parent, "DOWN", downlink(me), down_delivery(me))
    for child in linked_children(places, me):
        if servers_of(places, child) == here:
            exports += exported(child, "DOWN", downlink(child), down_delivery(child))
            imports += imported(child, "UP", uplink(child), up_delivery(child))
        for below in passing_below(places, child):
            api = f"$JS.{account(servers_of(places, child))}.API"
            exports += exported(below, "DOWN", downlink(below), down_delivery(below), api)
            imports += imported(below, "UP", uplink(below), up_delivery(below))
    return exports, imports
