"""Who may speak with whom in the cluster: what the subjects need, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import chart
from .objects import Object, Peer, Pod, Policy

Edge = tuple[str, str, int | str]
"""(from, to, port): pods by component, namespaces as `ns:`, networks as they are"""


def policies(objects: list[Object]) -> list[Policy]:
    """The NetworkPolicies of a rendered node."""
    return [one.as_(Policy) for one in objects if one.kind == "NetworkPolicy"]


def places(peer: Peer, pods: dict[str, Pod]) -> list[str]:
    """Whom a peer of a rule means."""
    if peer.ip_block is not None:
        return [str(peer.ip_block["cidr"])]
    if peer.namespace_selector is not None:
        return [f"ns:{peer.namespace_selector.match_labels['kubernetes.io/metadata.name']}"]
    assert peer.pod_selector is not None
    named = [component(pod) for pod in pods.values() if peer.pod_selector.takes(pod.metadata.labels)]
    return named or [f"pods:{peer.pod_selector.match_labels}"]


def component(pod: Pod) -> str:
    """A pod's name in edges."""
    return pod.metadata.labels["app.kubernetes.io/component"]


def edges(objects: list[Object], direction: str) -> set[Edge]:
    """All (from, to, port) that the policies let through in that direction."""
    pods = chart.pods(objects)
    return {edge for policy in policies(objects) for edge in _of(policy, pods, direction)}


def _of(policy: Policy, pods: dict[str, Pod], direction: str) -> Iterator[Edge]:
    own = [component(pod) for pod in pods.values() if policy.pod_selector.takes(pod.metadata.labels)]
    for rule in policy.ingress if direction == "in" else policy.egress:
        for peer in rule.from_ if direction == "in" else rule.to:
            for other in places(peer, pods):
                for port in rule.ports:
                    for pod in own:
                        yield (other, pod, port.port) if direction == "in" else (pod, other, port.port)


SERVICES = ("dispatch", "grid", "identity", "intake", "national_sync", "notification")
JOBS = ("migrate-before", "migrate-after", "migrate-install")
DATABASE: dict[str, Any] = {"database": {"egress": [{"cidr": "10.5.0.1/32", "port": 5432}]}}


def test_everything_is_closed_unless_it_is_opened(tmp_path: Path) -> None:
    """One policy takes every pod of the release and allows nothing, in both directions."""
    found = chart.render(tmp_path, DATABASE)
    [closed] = [p for p in policies(found) if not p.ingress and not p.egress]
    assert set(closed.policy_types) == {"Ingress", "Egress"}
    assert all(closed.pod_selector.takes(pod.metadata.labels) for pod in chart.pods(found).values())


def test_a_node_alone_speaks_with_its_own_servers_only(tmp_path: Path) -> None:
    """Services reach NATS, the database and the issuer; jobs the database; NATS itself nobody but its cluster."""
    found = edges(chart.render(tmp_path, DATABASE), "out")
    names = {edge for edge in found if edge[1] == "ns:kube-system"}
    assert {edge[2] for edge in names} == {53}
    assert found - names == {
        *((name, "nats", "client") for name in SERVICES),
        *((name, "10.5.0.1/32", 5432) for name in (*SERVICES, *JOBS)),
        *((name, "identity", "http") for name in SERVICES),
        *(("test", name, "http") for name in SERVICES),
        ("nats", "nats", "cluster"),
    }


def test_only_the_ingress_the_monitoring_and_the_test_come_in(tmp_path: Path) -> None:
    """And to NATS its own services; to the issuer those who read its public keys."""
    found = edges(chart.render(tmp_path, DATABASE), "in")
    assert found == {
        *((who, name, "http") for name in SERVICES for who in ("ns:ingress-nginx", "ns:monitoring", "test")),
        *((name, "identity", "http") for name in SERVICES),
        *((name, "nats", "client") for name in SERVICES),
        ("nats", "nats", "cluster"),
        ("ns:monitoring", "nats", "monitor"),
    }


def test_links_to_the_parent_and_from_children_are_opened_for_nats_alone(tmp_path: Path) -> None:
    """Tiers meet at the leaf port; no service ever leaves the node for another tier."""
    link = {
        "nats": {"leaf": {"enabled": True, "from": ["10.2.0.0/16"]}, "parent": [{"cidr": "10.3.0.1/32", "port": 7422}]}
    }
    plain, linked = chart.render(tmp_path, DATABASE), chart.render(tmp_path, DATABASE, link)
    assert edges(linked, "out") - edges(plain, "out") == {("nats", "10.3.0.1/32", 7422)}
    assert edges(linked, "in") - edges(plain, "in") == {("10.2.0.0/16", "nats", "leaf")}


def test_a_service_with_a_platform_outside_reaches_that_one_alone(tmp_path: Path) -> None:
    """The gateway of messages is not reachable for the others."""
    outside = {"services": {"notification": {"egress": [{"cidr": "10.1.0.9/32", "port": 443}]}}}
    plain, opened = chart.render(tmp_path, DATABASE), chart.render(tmp_path, DATABASE, outside)
    assert edges(opened, "out") - edges(plain, "out") == {("notification", "10.1.0.9/32", 443)}


def test_a_hosted_node_reaches_its_hosts_servers(tmp_path: Path) -> None:
    """Given servers are networks and ports; there is no NATS of its own to open."""
    given = {
        "nats": {
            "own": False,
            "url": "nats://host:4222",
            "user": "host",
            "egress": [{"cidr": "10.4.0.0/24", "port": 4222}],
        }
    }
    found = edges(chart.render(tmp_path, DATABASE, given), "out")
    assert {edge for edge in found if edge[1] == "10.4.0.0/24"} == {(name, "10.4.0.0/24", 4222) for name in SERVICES}
    assert "nats" not in {edge[1] for edge in found}
