"""The compose layers: what each adds, sealed containers, and that compose itself finds no mistake."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from yiwang.stack.registry import SETS, installed
from yiwang.stack.topology import load
from yiwang.stack.topology.containers import compose

from . import chart
from .test_chart import known_settings

LAYERS = {
    "county": ("docker-compose.yml",),
    "city": ("docker-compose.yml", "compose.city.yml"),
    "province": ("docker-compose.yml", "compose.city.yml", "compose.province.yml"),
}
SERVERS = {"nats", "nats-2", "nats-3", "postgres", "gateway"}
TOOLS = {"migrate", "tools"}


@cache
def project() -> Path:
    """A copy of what an operator has, with passwords made there."""
    import tempfile

    place = Path(tempfile.mkdtemp(prefix="yiwang-compose-"))
    for name in ("docker-compose.yml", "compose.city.yml", "compose.province.yml"):
        shutil.copy2(chart.ROOT / name, place / name)
    shutil.copytree(
        chart.ROOT / "deploy" / "compose", place / "deploy" / "compose", ignore=shutil.ignore_patterns("secrets")
    )
    subprocess.run(["sh", "deploy/compose/secrets.sh"], cwd=place, check=True, capture_output=True)
    return place


@cache
def config(tier: str, **variables: str) -> dict[str, Any]:
    """The whole configuration of a tier, as compose reads it. Raises AssertionError with compose's words."""
    files = [word for name in LAYERS[tier] for word in ("--file", name)]
    command = [chart.tool("docker-compose"), *files, "--profile", "*", "config", "--format", "json"]
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("YIWANG_", "COMPOSE_"))}
    done = subprocess.run(command, cwd=project(), capture_output=True, text=True, check=False, env=environ | variables)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("tier", LAYERS)
def test_the_layers_are_what_compose_accepts(tier: str) -> None:
    """And they run the services of the tier's set, each in a container of its own."""
    services = config(tier)["services"]
    ran = {
        name for found in services.values() if found.get("command", [""])[0] == "run" for name in found["command"][2:]
    }
    assert ran == {*SETS["county" if tier == "county" else "city"], "mesh"}
    assert set(services) == ran | TOOLS | (SERVERS if tier == "province" else SERVERS - {"nats-2", "nats-3"})
    assert ran <= {*installed(), "mesh"}
    assert set(services["migrate"]["command"][1:]) == ran, "every service finds its schema"


@pytest.mark.parametrize("tier", LAYERS)
def test_containers_are_sealed(tier: str) -> None:
    """Read-only, without capabilities (NATS may read keys of their owner), with a limit of memory, started again."""
    for name, found in config(tier)["services"].items():
        assert "no-new-privileges:true" in found["security_opt"], name
        assert found["restart"] == ("no" if name in TOOLS else "unless-stopped"), name
        if name == "postgres":
            continue
        assert found["read_only"] is True, name
        assert found["cap_drop"] == ["ALL"], name
        assert found.get("cap_add", []) == (["DAC_OVERRIDE"] if name.startswith("nats") else []), name
        assert int(found["mem_limit"]) >= 128 * 2**20, name


@pytest.mark.parametrize("tier", LAYERS)
def test_every_setting_in_compose_exists(tier: str) -> None:
    """A variable that no service reads is a mistake in a layer."""
    known = known_settings() | {"YIWANG_NODE", "YIWANG_SERVICES_PASSWORD"}
    given = {
        key
        for found in config(tier)["services"].values()
        for key in found.get("environment", {})
        if key.startswith("YIWANG_")
    }
    assert given <= known


@pytest.mark.parametrize("tier", LAYERS)
def test_the_tier_is_told_to_every_service(tier: str) -> None:
    """And they all speak of one node, whose database is there."""
    node = {"county": "440305", "city": "440300", "province": "440000"}[tier]
    for name, found in config(tier)["services"].items():
        environ = found.get("environment", {})
        if "YIWANG_TIER" in environ:
            assert (environ["YIWANG_TIER"], environ["YIWANG_JURISDICTION"]) == (tier, node), name
            assert environ["YIWANG_DATABASE_URL"].endswith(f"/yw_{node}"), name
    assert config(tier)["services"]["postgres"]["environment"]["YIWANG_NODE"] == node


def test_a_rendered_node_speaks_to_its_own_servers() -> None:
    """`docker compose --env-file rendered/nodes/440305/compose.env`: every service gets the node's own address and page."""
    topology = load(chart.ROOT / "deploy" / "topologies" / "demo.toml")
    wanted = compose(topology, topology.node("440305"))
    file = project() / "rendered" / "nodes" / "440305" / "compose.env"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{key}={value}\n" for key, value in wanted.items()), "utf-8")
    services = config("county", COMPOSE_ENV_FILES=str(file))["services"]
    told = {name: services[name]["environment"] for name in ("intake", "dispatch", "mesh")}
    assert {each["YIWANG_NATS_URL"] for each in told.values()} == {wanted["YIWANG_NATS_URL"]}
    assert {each["YIWANG_MESH"] for each in told.values()} == {wanted["YIWANG_MESH"]}


def test_a_province_keeps_three_copies() -> None:
    """On three servers that know each other."""
    services = config("province")["services"]
    assert services["intake"]["environment"]["YIWANG_STREAM_REPLICAS"] == "3"
    conf = (chart.ROOT / "deploy/compose/nats-cluster.conf").read_text()
    for name in ("nats", "nats-2", "nats-3"):
        assert f"nats-route://{name}:6222" in conf
        assert [v["target"] for v in services[name]["volumes"] if v["type"] == "volume"] == ["/data"]
    stores = {services[name]["volumes"][-1]["source"] for name in ("nats-2", "nats-3")}
    assert stores == {"nats-2", "nats-3"}


def test_only_the_gateway_and_the_door_for_links_are_reached_from_outside() -> None:
    """Both on this machine alone unless somebody decides otherwise."""
    for tier, open_ in (("county", {"gateway"}), ("city", {"gateway", "nats"})):
        published = {name: found["ports"] for name, found in config(tier)["services"].items() if found.get("ports")}
        assert set(published) == open_
        assert {port["host_ip"] for ports in published.values() for port in ports} == {"127.0.0.1"}


def test_passwords_are_files_that_only_their_owner_reads() -> None:
    """No password stands in a compose file; a second run keeps those that are there."""
    secrets = project() / "deploy" / "compose" / "secrets"
    before = {file.name: file.read_text() for file in secrets.iterdir()}
    assert all(file.stat().st_mode & 0o077 == 0 for file in (secrets, *secrets.iterdir()))
    subprocess.run(["sh", "deploy/compose/secrets.sh"], cwd=project(), check=True, capture_output=True)
    assert {file.name: file.read_text() for file in secrets.iterdir()} == before
    password = before["postgres.password"]
    assert len(password) > 40
    for name in LAYERS["province"]:
        assert password not in (project() / name).read_text()


def test_the_gateway_knows_every_service() -> None:
    """Each first part of a path leads to the service that has it; the rest is the worklist's."""
    text = (chart.ROOT / "deploy/compose/gateway.conf").read_text()
    for service in ("intake", "grid", "enforcement", "national_sync", "notification", "identity", "mesh", "dispatch"):
        assert f" {service};" in text
    for path in ("metrics", "livez", "readyz"):
        assert path in text.partition("return 404")[0].rpartition("location")[2]
