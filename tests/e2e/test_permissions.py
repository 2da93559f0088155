"""Nobody reads or writes another's area: a hostile client in each account tries everything on everybody else."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import msgspec
import nats
import nats.errors
import pytest
import pytest_asyncio
from nats.aio.client import Client
from yiwang.contracts import place_of
from yiwang.kit import links
from yiwang.kit.link import api
from yiwang.stack.refusals import refused_in, users_by_key
from yiwang.stack.tally import ids
from yiwang.stack.topology import read

from .mesh import BAIYUN, CITY, HUANGPU, PROVINCE, TIANHE, TOPOLOGY, Mesh, standing, until

NODES = (PROVINCE, CITY, TIANHE, BAIYUN, HUANGPU)
PAIRS = [(attacker, victim) for attacker in NODES for victim in NODES if attacker != victim]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def mesh() -> AsyncIterator[Mesh]:
    """A mesh of its own: what is tried here stands in the servers' logs."""
    async with standing(TOPOLOGY) as running:
        yield running


class Attempt(NamedTuple):
    what: str
    subject: str


def attempts(attacker: str, victim: str) -> list[Attempt]:
    """Publish, read, delete, take over and spoof: in JetStream's own words, by every road that leads to the victim.

    The domain of one's own servers is no such road: there `$JS.<domain>.API` means one's own account.
    """
    theirs = links.account(victim)
    found = [
        Attempt("speak in its name", f"yw.up.{place_of(victim)}.07.case.reported.v1"),
        Attempt("deliver into its parent's landing stream", links.up_delivery(victim)),
        Attempt("deliver into its DOWN", links.down_delivery(victim)),
    ]
    small = read(TOPOLOGY)
    roads = [f"JS.{theirs}.API"] if small.domain(attacker) == theirs else [f"$JS.{theirs}.API", f"JS.{theirs}.API"]
    for prefix in roads:
        found += [
            Attempt("read an event", f"{prefix}.STREAM.MSG.GET.UP"),
            Attempt("read what is personal", f"{prefix}.STREAM.MSG.GET.LOCAL"),
            Attempt("read by a consumer", f"{prefix}.CONSUMER.CREATE.LOCAL.spy"),
            Attempt("read its parked events", f"{prefix}.DIRECT.GET.PARKED"),
            Attempt("delete its events", f"{prefix}.STREAM.PURGE.UP"),
            Attempt("delete its stream", f"{prefix}.STREAM.DELETE.UP"),
            Attempt("change its stream", f"{prefix}.STREAM.UPDATE.UP"),
            Attempt("mute it", f"{prefix}.CONSUMER.DELETE.UP.{links.uplink(victim)}"),
            Attempt("rewind it", f"{prefix}.CONSUMER.RESET.UP.{links.uplink(victim)}"),
        ]
    return found


def refused(mesh: Mesh, attacker: str) -> set[tuple[str, str]]:
    """(user, subject) of what the attacker's server has written down."""
    users = users_by_key(mesh.net.data / "keys")
    found: set[tuple[str, str]] = set()
    for server in mesh.net.topology.carrier(attacker).server_list():
        lines = mesh.net.servers.log(server.name).read_text("utf-8", "replace").splitlines()
        found |= {(one.user, one.subject) for one in refused_in(lines, server.name, users)}
    return found


async def _tries(nc: Client, subject: str) -> bool:
    """Whether anybody answered."""
    with contextlib.suppress(nats.errors.Error, TimeoutError):
        answer = await nc.request(subject, msgspec.json.encode({"seq": 1}), timeout=0.15)
        return b'"error"' not in answer.data
    return False


@pytest.mark.parametrize(("attacker", "victim"), PAIRS, ids=lambda code: str(code))
async def test_every_attempt_on_another_account_fails_and_is_written_down(
    mesh: Mesh, attacker: str, victim: str
) -> None:
    """With the services' own login, on every road; the server's log names the user and the subject."""
    nc, tried = await mesh.client(attacker), attempts(attacker, victim)
    if links.subtree("down", attacker) != "yw.down.>" and not _above(attacker, victim):
        tried.append(Attempt("order it about", f"yw.down.{place_of(victim)}.07.case.directed.v1"))

    succeeded = [
        one for one, answered in zip(tried, await asyncio.gather(*(_tries(nc, t.subject) for t in tried)), strict=True)
        if answered
    ]  # fmt: skip

    assert succeeded == []

    async def written() -> bool:
        return {(links.account(attacker), t.subject) for t in tried} <= refused(mesh, attacker)

    await until(written, lambda: f"not in the log: {_unwritten(mesh, attacker, tried)}", 20)


def _above(upper: str, lower: str) -> bool:
    return upper == PROVINCE or (upper == CITY and lower != PROVINCE)


def _unwritten(mesh: Mesh, attacker: str, tried: list[Attempt]) -> set[tuple[str, str]]:
    return {(links.account(attacker), t.subject) for t in tried} - refused(mesh, attacker)


@pytest.mark.parametrize(("attacker", "victim"), PAIRS, ids=lambda code: str(code))
async def test_nobody_can_source_anothers_streams(mesh: Mesh, attacker: str, victim: str) -> None:
    """No stream of one's own may be made for it, and a source added to UP brings nothing."""
    nc = await mesh.client(attacker)
    sender = await mesh.sender(victim)
    await sender.one()
    stolen: dict[str, Any] = {"name": "STEAL", "sources": [{"name": "LOCAL", "external": {"api": _road(victim)}}]}
    assert not await _tries_body(nc, "$JS.API.STREAM.CREATE.STEAL", stolen)
    assert (links.account(attacker), "$JS.API.STREAM.CREATE.STEAL") in refused(mesh, attacker)

    own = (await api(nc, "STREAM.INFO.LOCAL"))["config"]
    spying = {**own, "sources": [{"name": "LOCAL", "external": {"api": _road(victim)}}]}
    await _tries_body(nc, "$JS.API.STREAM.UPDATE.LOCAL", spying)
    try:
        assert [one for one in await ids(nc, "LOCAL") if one.startswith(sender.name)] == []
        state = await api(nc, "STREAM.INFO.LOCAL")
        assert state["state"]["messages"] == 0 or not state.get("sources") or state["sources"][0].get("active") == -1
    finally:
        await api(nc, "STREAM.UPDATE.LOCAL", own)


def _road(victim: str) -> str:
    return f"$JS.{links.account(victim)}.API"


async def _tries_body(nc: Client, subject: str, body: dict[str, Any]) -> bool:
    with contextlib.suppress(nats.errors.Error, TimeoutError):
        answer = await nc.request(subject, msgspec.json.encode(body), timeout=0.5)
        return b'"error"' not in answer.data
    return False


async def test_nobody_hears_what_is_said_elsewhere(mesh: Mesh) -> None:
    """Everybody listens to everything; what one node says reaches the others' streams alone, never a listener."""
    heard: dict[str, list[str]] = {code: [] for code in NODES}
    subs = []
    for code in NODES:
        nc = await mesh.client(code)

        async def hear(msg: Any, code: str = code) -> None:
            heard[code].append(msg.subject)

        subs.append(await nc.subscribe("yw.>", cb=hear))
        await nc.flush()
    sender = await mesh.sender(TIANHE)
    await sender.burst(5)
    for code in (CITY, PROVINCE):
        await mesh.arrived(code, "UP", sender)
    own = f"yw.up.{place_of(TIANHE)}."
    assert len([subject for subject in heard[TIANHE] if subject.startswith(own)]) == 5
    for code in NODES:
        if code != TIANHE:
            assert [subject for subject in heard[code] if subject.startswith(own)] == []
    for sub in subs:
        await sub.unsubscribe()


async def test_the_key_of_a_link_is_no_login(mesh: Mesh) -> None:
    """Who steals a county's leaf seed cannot log in with it as a client of the city."""
    [server] = mesh.net.topology.node(CITY).server_list()
    seed = mesh.net.keys.seed(f"leaf-{links.account(TIANHE)}").decode()

    async def hear(_: Exception) -> None: ...

    with pytest.raises((nats.errors.Error, OSError)):
        await nats.connect(
            f"nats://127.0.0.1:{server.ports.client}", nkeys_seed_str=seed, max_reconnect_attempts=0,
            allow_reconnect=False, connect_timeout=5, error_cb=hear,
        )  # fmt: skip


async def test_the_audit_of_what_was_refused_is_one_command(mesh: Mesh) -> None:
    """`yiwang mesh refused` shows user, server and subject of each attempt, and how often."""
    nc = await mesh.client(HUANGPU)
    await _tries(nc, "$JS.n440100.API.STREAM.DELETE.DOWN")

    async def shown() -> bool:
        command = [sys.executable, "-m", "yiwang.stack", "mesh", "refused", "--data", str(mesh.net.data)]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
        text = "".join(done.stdout.split())
        return "n440112" in text and "STREAM.DELETE.DOWN" in text.replace("│", "")

    await until(shown, "the refusal is not shown", 20)
