"""The chart, rendered by helm and read back as objects."""

from __future__ import annotations

import base64
import datetime as dt
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml
from yiwang.stack.topology import load
from yiwang.stack.topology.containers import container_files, helm_values
from yiwang.stack.topology.keys import KeyRing

from .objects import Object, Pod, pod_of

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "yiwang"
BIN = Path(sys.executable).parent
TOPOLOGIES = sorted(path.stem for path in (ROOT / "deploy" / "topologies").glob("*.toml"))
OURS: dict[str, Any] = {
    "nats": {"egress": [{"cidr": "10.9.0.0/24", "port": 4222}], "parent": [{"cidr": "10.8.0.1/32", "port": 7422}]},
    "identity": {"jwks": "https://login.example/jwks.json", "egress": [{"cidr": "10.7.0.1/32", "port": 443}]},
}
"""What a topology can't know and a rendered node still needs: where others stand."""


def tool(name: str) -> str:
    """A program of deploy/requirements.txt. Raises FileNotFoundError with what to do."""
    if not (BIN / name).exists():
        raise FileNotFoundError(f"{name} is not installed here: run make check-deploy")
    return str(BIN / name)


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run helm."""
    return subprocess.run([tool("helm"), *arguments], capture_output=True, text=True, check=False)


def values_file(directory: Path, values: Mapping[str, Any]) -> str:
    """Write values as a file."""
    file = directory / f"values-{abs(hash(str(values)))}.yaml"
    file.write_text(yaml.safe_dump(dict(values), allow_unicode=True), "utf-8")
    return str(file)


def render(directory: Path, *layers: Mapping[str, Any], name: str = "n440305", upgrade: bool = False) -> list[Object]:
    """Objects of the chart with these values over its own. Raises RuntimeError with helm's words."""
    files = [word for values in layers for word in ("--values", values_file(directory, values))]
    done = helm("template", name, str(CHART), "--namespace", "city", *files, *(["--is-upgrade"] if upgrade else []))
    if done.returncode:
        raise RuntimeError(done.stderr)
    return [msgspec.convert(document, Object) for document in yaml.load_all(done.stdout, yaml.CSafeLoader) if document]


def find(objects: list[Object], kind: str, name: str) -> Object:
    """The one object of that kind and name. Raises LookupError with what there is."""
    for found in objects:
        if (found.kind, found.metadata.name) == (kind, name):
            return found
    raise LookupError(f"no {kind}/{name} among {[one.id for one in objects]}")


def pods(objects: list[Object]) -> dict[str, Pod]:
    """Object → the pod that it makes."""
    return {one.id: pod for one in objects if (pod := pod_of(one)) is not None}


@cache
def keys_of(topology: str, directory: Path) -> KeyRing:
    """Fresh keys for a shipped topology."""
    ring = KeyRing(directory / f"{topology}.keys")
    ring.make(load(ROOT / "deploy" / "topologies" / f"{topology}.toml"), dt.datetime.now(dt.UTC))
    return ring


def node_values(topology: str, directory: Path) -> dict[str, dict[str, Any]]:
    """Code → rendered values, of every node of a shipped topology that runs services."""
    found = load(ROOT / "deploy" / "topologies" / f"{topology}.toml")
    ring = keys_of(topology, directory)
    return {node.code: helm_values(found, node, ring) for node in found.nodes if node.runs_services}


def node_secrets(topology: str, directory: Path, code: str) -> dict[str, dict[str, bytes]]:
    """Secret → key → content, as the rendered secrets.yaml of a node has them."""
    found = load(ROOT / "deploy" / "topologies" / f"{topology}.toml")
    text = container_files(found, keys_of(topology, directory))[f"nodes/{code}/secrets.yaml"]
    return {
        secret["metadata"]["name"]: {key: base64.b64decode(value) for key, value in secret["data"].items()}
        for secret in yaml.load_all(text, yaml.CSafeLoader)
    }


def chart_version() -> str:
    """The chart's own version."""
    return str(yaml.safe_load((CHART / "Chart.yaml").read_text())["version"])


def product_version() -> str:
    """The version of the packages."""
    return str(tomllib.loads((ROOT / "libs/stack/pyproject.toml").read_text())["project"]["version"])
