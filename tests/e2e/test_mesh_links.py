"""The links of the mesh on real servers: what goes up, what comes down, and what happens when something breaks."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
import time
from typing import Any

import nats.errors
import pytest
from nats.aio.client import Client
from yiwang.contracts import ResyncRequested, decode, place_of
from yiwang.kit import JetStreamError, links
from yiwang.kit.link import api
from yiwang.kit.testing import a_report
from yiwang.mesh.keep import restart_source
from yiwang.stack.tally import Sender, ids

from .mesh import (
    BAIYUN,
    CITY,
    HUANGPU,
    PROVINCE,
    TIANHE,
    Mesh,
    answers_of,
    mesh,
    said,
    until,
)

__all__ = ["mesh"]
pytestmark = pytest.mark.timeout(300)


async def test_reports_of_counties_appear_in_city_and_province_in_order(mesh: Mesh) -> None:
    """Each of them once, the order of each case kept; a county without servers of its own is no different."""
    senders = [await mesh.sender(code) for code in (TIANHE, BAIYUN, HUANGPU)]
    await asyncio.gather(*(sender.burst(600) for sender in senders))

    for sender in senders:
        for code in (CITY, PROVINCE):
            await mesh.arrived(code, "UP", sender)
            assert (await mesh.find(code, "UP", sender)).clean


async def test_a_report_needs_less_than_a_second_to_the_province(mesh: Mesh) -> None:
    """County → city → province, mostly in milliseconds; the bench holds p99 to a second on a quiet machine."""
    heard: dict[str, float] = {}
    nc = await mesh.client(PROVINCE)
    sender = await mesh.sender(TIANHE)

    async def hear(msg: Any) -> None:
        heard[msg.headers["Nats-Msg-Id"]] = time.perf_counter()

    sub = await nc.jetstream().subscribe("yw.up.*.*.*.case.reported.v1", stream="UP", ordered_consumer=True, cb=hear)
    took = {}
    for _ in range(100):
        begin = time.perf_counter()
        took[await sender.one()] = begin
        await asyncio.sleep(0.01)

    async def all_heard() -> bool:
        return took.keys() <= heard.keys()

    await until(all_heard, "the province did not hear all")
    await sub.unsubscribe()
    seconds = sorted(heard[one] - begin for one, begin in took.items())
    print(f"county → province p50 {seconds[50] * 1000:.1f} ms, p99 {seconds[98] * 1000:.1f} ms")
    assert seconds[50] < 1.0


async def test_facts_for_a_sibling_come_down_to_it_alone_once_and_in_order(mesh: Mesh) -> None:
    """What one county tells another goes up to their city and down again, unchanged; a third one gets nothing of it."""
    sender = await mesh.sender(TIANHE, answers_of(TIANHE, BAIYUN))
    await sender.burst(200)

    down = f"yw.down.{place_of(BAIYUN)}.*.case.handover_refused.v1"
    await mesh.arrived(BAIYUN, "DOWN", sender, filter_subject=down, suffix=f"/down/{BAIYUN}")
    found = await mesh.find(BAIYUN, "DOWN", sender, down, f"/down/{BAIYUN}")
    assert found.clean
    assert found.wanted == 200
    elsewhere = [await mesh.find(code, "DOWN", sender) for code in (HUANGPU, TIANHE, PROVINCE)]
    assert [one.wanted - len(one.missing) for one in elsewhere] == [0, 0, 0]


async def test_a_cut_line_stops_nobody_below_and_loses_nothing(mesh: Mesh) -> None:
    """Under load in both directions; the upper side shows the cut, and the alarm ends after the repair."""
    up, down = await mesh.sender(TIANHE), await mesh.sender(PROVINCE, answers_of(PROVINCE, TIANHE))
    up.start(150)
    down.start(60)
    mesh.net.cut(TIANHE)
    before = up.count

    async def seen() -> bool:
        return any(
            alarm.startswith(("link_cut/440106", "link_stalled/440106")) for alarm in await mesh.alarms(PROVINCE)
        )

    await until(seen, "the cut is not shown at the province")
    assert up.count > before  # the county goes on
    own = await mesh.http(TIANHE, "GET", "/mesh")
    assert [place["code"] for place in own["places"]] == [TIANHE]  # and sees its own part
    mesh.net.mend(TIANHE)
    begin = time.monotonic()
    await asyncio.gather(up.stop(), down.stop())
    await mesh.arrived(PROVINCE, "UP", up)
    filter_subject = f"yw.down.{place_of(TIANHE)}.>"
    await mesh.arrived(TIANHE, "DOWN", down, filter_subject=filter_subject, suffix=f"/down/{TIANHE}")
    print(f"line mended: {up.count} up and {down.count} down drained {time.monotonic() - begin:.1f} s after the repair")

    assert (await mesh.find(PROVINCE, "UP", up)).clean
    assert (await mesh.find(CITY, "UP", up)).clean
    assert (await mesh.find(TIANHE, "DOWN", down, filter_subject, f"/down/{TIANHE}")).clean

    async def calm() -> bool:
        return not any(TIANHE in alarm for alarm in await mesh.alarms(PROVINCE))

    await until(calm, "the alarm does not end")


async def test_a_killed_city_loses_nothing(mesh: Mesh) -> None:
    """kill -9 of the city's server, which carries a hosted county too, while all counties report."""
    senders = [await mesh.sender(code) for code in (TIANHE, BAIYUN, HUANGPU)]
    for sender in senders:
        sender.start(80)
    await _sends(senders[0], 80)
    mesh.net.kill(CITY, "servers")
    await _sends(senders[0], 160)  # a county with servers of its own goes on
    mesh.net.start(CITY)
    begin = time.monotonic()
    await asyncio.gather(*(sender.stop() for sender in senders))
    for sender in senders:
        await mesh.arrived(PROVINCE, "UP", sender)
    total = sum(sender.count for sender in senders)
    print(f"city killed: {total} events drained {time.monotonic() - begin:.1f} s after it came back")

    for sender in senders:
        assert (await mesh.find(CITY, "UP", sender)).clean
        assert (await mesh.find(PROVINCE, "UP", sender)).clean


async def test_a_lost_consumer_is_made_again_and_a_restarted_source_goes_on_where_it_was(mesh: Mesh) -> None:
    """Without its UPLINK a county is mute for good: its watchdog mends that. Restarting a source repeats nothing."""
    sender = await mesh.sender(HUANGPU)
    sender.start(200)
    await api(await mesh.client(HUANGPU), f"CONSUMER.DELETE.UP.{links.uplink(HUANGPU)}")
    await mesh.arrived(PROVINCE, "UP", sender)
    city = await mesh.client(CITY)
    for number in (1, 2, 3):
        await restart_source(city, links.landing(HUANGPU), number)
        await _sends(sender, 30)
    await sender.stop()
    await mesh.arrived(PROVINCE, "UP", sender)

    assert (await mesh.find(CITY, "UP", sender)).clean
    assert (await mesh.find(PROVINCE, "UP", sender)).clean


async def _sends(sender: Sender, more: int) -> None:
    """Wait until *sender* has sent so many more."""
    wanted = sender.count + more

    async def sent() -> bool:
        return sender.count >= wanted

    await until(sent, f"{sender.name} stands still")


async def _fake(rogue: Client, subject: str, data: bytes, event_id: str) -> None:
    """A rogue operator has all rights on its own server: its UP takes anything, and its UPLINK sends anything."""
    info = await api(rogue, "STREAM.INFO.UP")
    await api(rogue, "STREAM.UPDATE.UP", {**info["config"], "subjects": ["yw.up.>"]})
    body = links.consumer("UP", links.uplink(HUANGPU), links.up_delivery(HUANGPU), ["yw.up.>"])
    await api(rogue, f"CONSUMER.CREATE.UP.{links.uplink(HUANGPU)}.yw.up.>", body)
    await rogue.jetstream().publish(subject, data, headers={"Nats-Msg-Id": event_id}, timeout=5)


async def test_a_rogue_county_cannot_speak_for_its_sibling(mesh: Mesh) -> None:
    """What it fakes lands apart, is counted and alarmed, and never enters the city's UP; a person ends the alarm."""
    rogue = await nats.connect(mesh.net.rogue(HUANGPU), max_reconnect_attempts=100)
    subject, data = said(TIANHE, a_report(id="fake-1"))

    async def landed() -> bool:
        await _fake(rogue, subject, data, "fake-1")
        kept = await mesh.http(CITY, "GET", f"/mesh/quarantine?child={HUANGPU}")
        return any("不属于" in one["reason"] for one in kept)

    await until(landed, "the fake did not reach quarantine")
    make = answers_of(TIANHE, CITY)
    own, lying = answers_of(HUANGPU, CITY)("lie", "fake-2")[0], make("lie", "fake-2")[1]
    await rogue.jetstream().publish(own, lying, headers={"Nats-Msg-Id": "fake-2"})
    await rogue.close()

    async def both() -> bool:
        kept = await mesh.http(CITY, "GET", f"/mesh/quarantine?child={HUANGPU}")
        return {"不属于", "不符"} <= {word for word in ("不属于", "不符") for one in kept if word in one["reason"]}

    await until(both, "a body in another's name was not noticed")
    where = f"yw.up.{place_of(TIANHE)}.*.case.reported.v1"
    city = await mesh.info(CITY, "UP", {"subjects_filter": where})
    assert await _none(mesh, CITY, "fake-1"), city["state"].get("subjects")
    assert await _none(mesh, PROVINCE, "fake-1")

    async def alarmed() -> bool:
        return {f"quarantine/{HUANGPU}", f"quarantine/{CITY}"} <= await mesh.alarms(PROVINCE)

    await until(alarmed, "no alarm")
    await mesh.http(CITY, "POST", f"/mesh/quarantine/{HUANGPU}/seen")
    await mesh.http(PROVINCE, "POST", f"/mesh/quarantine/{CITY}/seen")  # it noticed the lying body too

    async def calm() -> bool:
        return not any(alarm.startswith("quarantine/") for alarm in await mesh.alarms(PROVINCE))

    await until(calm, "the alarm does not end when somebody has looked")


async def _none(mesh: Mesh, code: str, event_id: str) -> bool:
    return event_id not in await ids(await mesh.client(code), "UP")


async def test_a_hosted_county_sees_only_its_own(mesh: Mesh) -> None:
    """It is an account on the city's server: its streams are its own, within its quota."""
    nc = await mesh.client(BAIYUN)
    names = set((await api(nc, "STREAM.NAMES"))["streams"])
    account = await api(nc, "INFO")

    assert names == {"UP", "DOWN", "LOCAL", "PARKED"}
    assert account["limits"]["max_storage"] == 2 * 2**30
    assert await _none(mesh, BAIYUN, "fake-1")


async def test_the_status_shows_the_whole_tree_in_one_table(mesh: Mesh) -> None:
    """`yiwang mesh status` from the province: every place, the docked one with what it lacks, who sent nothing today."""
    command = [sys.executable, "-m", "yiwang.stack", "mesh", "status", "--data", str(mesh.net.data), "--node"]
    environ = {**os.environ, "COLUMNS": "200"}

    async def run(code: str) -> tuple[int, str]:
        done = await asyncio.to_thread(
            subprocess.run, [*command, code], capture_output=True, text=True, env=environ, check=False
        )
        return done.returncode, done.stdout + done.stderr

    standing: set[str] = set()

    async def calm() -> bool:
        standing.clear()
        standing.update(await mesh.alarms(PROVINCE))
        return not standing

    await until(calm, lambda: f"alarms stand: {standing}")
    status, text = await run(PROVINCE)
    assert status == 0, text
    for word in ("广东省", "广州市", "天河区", "白云区", "由 440100 承载", "对接平台", "不提供处置过程", "没有告警"):
        assert word in text
    assert "今天还没有数据：东莞市" in text
    _, own = await run(TIANHE)
    assert "广州市" not in own


async def test_a_cut_longer_than_the_retention_is_noticed_and_the_cases_are_asked_for_again(mesh: Mesh) -> None:
    """The county's stream forgot what it had not sent. Its first heartbeat after the repair shows the city the gap; the
    city asks it to tell its cases again, over the mended line, without anybody's order. The last test: it forgets."""
    county, city = await mesh.client(TIANHE), await mesh.client(CITY)

    async def heard() -> bool:
        return (await mesh.place(CITY, TIANHE))["state"] == "ok"

    async def cut() -> bool:
        return (await mesh.place(CITY, TIANHE))["state"] != "ok"

    async def alone() -> bool:
        info = await api(county, f"CONSUMER.INFO.UP.{links.uplink(TIANHE)}")
        return not info.get("push_bound")

    await until(heard, "the city has heard nothing of the county")
    mesh.net.wires.hang_up(TIANHE)  # a mere hole would let through later what is under way
    await until(cut, "the cut is not shown at the city")
    await until(alone, "the county still hears the city")
    lost = await mesh.sender(TIANHE)
    await lost.burst(50)
    await api(county, "STREAM.PURGE.UP")
    mesh.net.mend(TIANHE)
    after = await mesh.sender(TIANHE)
    await after.burst(5)
    await mesh.arrived(CITY, "UP", after)

    async def asked() -> bool:
        body = {"last_by_subj": f"yw.down.{place_of(TIANHE)}.*.resync.requested.v1"}
        try:
            found = await api(county, "STREAM.MSG.GET.DOWN", body)
        except JetStreamError:
            return False
        event = decode(base64.b64decode(found["message"]["data"]))
        return isinstance(event, ResyncRequested) and (event.reason, event.addressee) == ("gap", TIANHE)

    await until(asked, "nobody asked the county to tell its cases again", 90)
    assert (await mesh.find(CITY, "UP", lost)).missing
    said = await ids(city, "DOWN", f"yw.down.{place_of(TIANHE)}.*.resync.requested.v1")
    assert len(said) == 1
