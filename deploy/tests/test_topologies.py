"""Every shipped topology, rendered node by node into the chart and held against three versions of Kubernetes."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from yiwang.stack.embedded import find_nats_server
from yiwang.stack.topology import load
from yiwang.stack.topology.model import TopologyNode

from . import chart
from .manifests import KUBERNETES, mistakes
from .objects import Object, Workload
from .restricted import violations
from .test_chart import CASES


@pytest.mark.parametrize("case", CASES)
def test_the_charts_own_cases_are_valid_manifests(case: str, tmp_path: Path) -> None:
    """Strictly, against each version."""
    assert mistakes(chart.render(tmp_path, CASES[case])) == []


def test_a_misspelt_field_would_be_found(tmp_path: Path) -> None:
    """The check itself can fail."""
    found = chart.render(tmp_path)
    one = chart.find(found, "Deployment", "n440305-intake")
    bad = msgspec.structs.replace(one, spec=one.spec | {"replicaz": 2})
    assert len(mistakes([bad])) == len(KUBERNETES)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the keys of the shipped topologies are made, once."""
    return tmp_path_factory.mktemp("keys")


def shapes(nodes: tuple[TopologyNode, ...]) -> dict[tuple[Any, ...], TopologyNode]:
    """One node of each kind: a province's 122 counties differ in names alone."""
    found: dict[tuple[Any, ...], TopologyNode] = {}
    for node in nodes:
        if node.runs_services:
            shape = (
                node.tier,
                node.klass,
                bool(node.host),
                node.servers,
                bool(node.parent),
                tuple(sorted(node.services)),
            )
            found.setdefault(shape, node)
    return found


@pytest.mark.parametrize("topology", chart.TOPOLOGIES)
@pytest.mark.timeout(600)
def test_each_kind_of_node_is_installed_as_its_topology_says(topology: str, keys: Path, tmp_path: Path) -> None:
    """Services, servers, page and database from the topology; valid and sealed."""
    description = load(chart.ROOT / "deploy" / "topologies" / f"{topology}.toml")
    values = chart.node_values(topology, keys)
    for node in shapes(description.nodes).values():
        found = chart.render(tmp_path, values[node.code], chart.OURS, name=node.account.lower())
        ran = sorted(name for one in found if one.kind == "Deployment" for name in _args(one)[2:])
        assert ran == sorted(node.own_services), node.code
        servers = [one.as_(Workload).replicas for one in found if one.kind == "StatefulSet"]
        assert servers == ([node.servers] if node.has_servers else []), node.code
        environ = chart.pods(found)[_first(found)].spec.containers[0]
        assert environ.variable("YIWANG_JURISDICTION") == node.code
        assert environ.variable("YIWANG_DATABASE_URL") is not None
        assert f"/{node.database}?" in str(environ.variable("YIWANG_DATABASE_URL"))
        assert not {name: wrong for name, pod in chart.pods(found).items() if (wrong := violations(pod.spec))}
        assert not [one.id for one in found if one.kind == "Secret"]
        assert mistakes(found) == [], node.code


@pytest.mark.parametrize("topology", chart.TOPOLOGIES)
def test_the_values_of_every_node_hold_no_secret(topology: str, keys: Path) -> None:
    """Neither a seed nor a private key of the key ring is in any node's values."""
    secrets = {
        file.read_text().strip() for file in keys.rglob("*") if file.is_file() and file.suffix in (".nk", ".key")
    }
    for code, values in chart.node_values(topology, keys).items():
        text = str(values)
        assert not [code for secret in secrets if secret and secret in text]
        assert "PRIVATE KEY" not in text
        assert "BEGIN" not in text


@pytest.mark.parametrize("topology", chart.TOPOLOGIES)
def test_the_servers_start_on_what_the_chart_mounts(topology: str, keys: Path, tmp_path: Path) -> None:
    """nats-server accepts each configuration with the files that lie beside it in the pod, none missing."""
    description = load(chart.ROOT / "deploy" / "topologies" / f"{topology}.toml")
    values = chart.node_values(topology, keys)
    for node in shapes(description.nodes).values():
        if not node.has_servers:
            continue
        found = chart.render(tmp_path, values[node.code], chart.OURS, name=node.account.lower())
        secrets = chart.node_secrets(topology, keys, node.code)
        [servers] = [one for one in found if one.kind == "StatefulSet"]
        config = chart.find(found, "ConfigMap", f"{servers.metadata.name}-config").data
        pod = tmp_path / f"{topology}-{node.code}"
        files = mounted(servers, {servers.metadata.name: config}, secrets)
        for path, content in files.items():
            file = pod / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(
                content.replace(b'"/etc/nats', f'"{pod}/etc/nats'.encode()).replace(b'"/data', f'"{pod}/data'.encode())
            )
        for number in range(1, node.servers + 1):
            start = pod / f"etc/nats/{servers.metadata.name}-{number}/nats.conf"
            done = subprocess.run(
                [find_nats_server(), "-t", "-c", str(start)], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr


def mounted(
    servers: Object, configs: dict[str, dict[str, str]], secrets: dict[str, dict[str, bytes]]
) -> dict[str, bytes]:
    """Path in the pod → content, by the volumes of the StatefulSet. Raises KeyError for a key that a Secret lacks."""
    pod = servers.as_(Workload).template.spec
    volumes = {volume["name"]: volume for volume in pod.volumes}
    files: dict[str, bytes] = {}
    for mount in pod.containers[0].volume_mounts:
        for source in volumes.get(mount.name, {}).get("projected", {}).get("sources", []):
            if "configMap" in source:
                of = configs[source["configMap"]["name"].removesuffix("-config")]
                files |= {
                    f"{mount.mount_path}/{i['path']}": of[i["key"]].encode() for i in source["configMap"]["items"]
                }
            else:
                held = secrets[source["secret"]["name"]]
                files |= {f"{mount.mount_path}/{i['path']}": held[i["key"]] for i in source["secret"]["items"]}
    return files


def _args(one: Object) -> list[str]:
    [container] = one.as_(Workload).template.spec.containers
    args: list[str] = container.args
    return args


def _first(objects: list[Object]) -> str:
    return next(one.id for one in objects if one.kind == "Deployment")
