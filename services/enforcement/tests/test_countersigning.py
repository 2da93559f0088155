"""A node above countersigns the heads of the logs below, and says so when one doesn't fit."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
from yiwang.contracts import ClueOpened, Event, HeadCosigned, HeadDisputed, HeadSigned
from yiwang.enforcement.app import service
from yiwang.enforcement.testing import AGENCY, a_referral, a_signed_head, bundle, enforcement, ok, opened, records
from yiwang.enforcement.verify import check
from yiwang.kit import ManualClock
from yiwang.kit.testing import NOON


def from_below(event: Event, jurisdiction: str = "440310") -> Any:
    """*event* as if another node had sent it."""
    return msgspec.structs.replace(
        event, id=str(uuid.uuid4()), source=f"{jurisdiction}/enforcement", jurisdiction=jurisdiction, subject=""
    )


async def test_a_head_is_countersigned_and_the_countersignature_kept_below(node: Any) -> None:
    """The whole way: a log signs, the node above countersigns, the log's bundle carries the witness."""
    async with enforcement(node, head_every_leaves=2) as app:
        file_id = await opened(node, app)
        await records(app, file_id, 1)
        [head] = await node.until(HeadSigned)
        await node.publish(from_below(head))
        [cosigned] = await node.until(HeadCosigned)
        assert (cosigned.addressee, cosigned.size, cosigned.root) == ("440310", 2, head.root)
        await node.publish(msgspec.structs.replace(cosigned, id=str(uuid.uuid4()), addressee="440300"))
        await node.settled()
        shown = ok(await app.http("auditor").get(f"/enforcement/logs/{AGENCY}/head"))["witness"]
        assert shown["state"] == "current"
        good, lines = check(await bundle(app, 1))
        assert good, lines
        assert any("联署" in line and line.startswith("✓") for line in lines)
        await records(app, file_id, 2)
        await node.until(HeadSigned, where=lambda h: h.size == 4)
        shown = ok(await app.http("auditor").get(f"/enforcement/logs/{AGENCY}/head"))["witness"]
        assert (shown["state"], "第 2 条" in shown["say"]) == ("behind", True)


async def test_our_own_heads_are_not_countersigned_by_ourselves(node: Any) -> None:
    async with enforcement(node, head_every_leaves=1) as app:
        await opened(node, app)
        await node.until(HeadSigned)
        await node.settled()
        assert await node.events(HeadCosigned) == []
        assert await app.pool.fetchval("select count(*) from witnessed") == 0


async def test_a_countersignature_for_another_root_is_kept_as_an_incident(node: Any) -> None:
    async with enforcement(node, head_every_leaves=1) as app:
        await opened(node, app)
        [head] = await node.until(HeadSigned)
        await node.publish(from_below(head))
        [cosigned] = await node.until(HeadCosigned)
        forged = msgspec.structs.replace(cosigned, id=str(uuid.uuid4()), addressee="440300", root="00" * 32)
        await node.publish(forged)
        await node.settled()
        shown = ok(await app.http("auditor").get(f"/enforcement/logs/{AGENCY}/head"))["witness"]
        assert (shown["state"], shown["cosignatures"][0]["verified"]) == ("absent", False)


async def test_a_split_view_is_disputed_and_listed(node: Any) -> None:
    """The log below shows one tree today and another tomorrow, of the same size."""
    async with enforcement(node) as app:
        await node.publish(from_below(a_signed_head(5)), from_below(a_signed_head(5, salt=b"forged")))
        [dispute] = await node.until(HeadDisputed)
        assert (dispute.reason_code, dispute.seen_root) == ("split_view", a_signed_head(5).root)
        assert len(await node.until(HeadCosigned)) == 1
        seen = ok(await app.http("auditor").get("/enforcement/witness"))
        assert (seen["logs"][0]["size"], seen["logs"][0]["disputed"]) == (5, 1)
        assert seen["disputed"][0]["reason"] == "split_view"


async def test_a_log_that_grew_honestly_is_countersigned_again(node: Any) -> None:
    async with enforcement(node):
        await node.publish(from_below(a_signed_head(5)), from_below(a_signed_head(9, before=5)))
        assert [c.size for c in await node.until(HeadCosigned, 2)] == [5, 9]


async def test_the_heads_of_every_restart_extend_each_other(node: Any) -> None:
    """Keys and trees survive a restart: the witness above sees one log."""
    heads: list[HeadSigned] = []
    for n in range(3):
        async with node.running(service, settings={"head_every_leaves": 1}, clock=ManualClock(NOON)):
            await node.publish(a_referral(referral_id=f"restart-{n}"))
            await node.until(ClueOpened, n + 1)
            heads = await node.until(HeadSigned, n + 1)
    assert len({h.key_id for h in heads}) == 1
    async with enforcement(node):
        await node.publish(*(from_below(h) for h in heads))
        assert [c.size for c in await node.until(HeadCosigned, 3)] == [1, 2, 3]
        assert await node.events(HeadDisputed) == []


async def test_keys_may_lie_in_a_directory_and_not_in_the_database(node: Any, tmp_path: Any) -> None:
    async with enforcement(node, head_every_leaves=1, key_directory=str(tmp_path / "keys")) as app:
        await opened(node, app)
        await node.until(HeadSigned)
        assert await app.pool.fetchval("select count(*) from signing_keys where secret is not null") == 0
        [file] = (tmp_path / "keys").iterdir()
        assert file.stat().st_mode & 0o077 == 0
