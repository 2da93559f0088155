"""Enforcement on real servers: from the referral to the outcome, and evidence that can't be changed unseen."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any

import asyncpg
import msgspec
import pytest
from yiwang.contracts import AreaRef, ClueOpened, EnforcementClosed, EnforcementRecorded, Event, HeadSigned, encode
from yiwang.enforcement import merkle
from yiwang.enforcement.merkle import Node, suite_of
from yiwang.enforcement.testing import (
    AGENCY,
    SECRET_TEXT,
    a_record,
    a_referral,
    bundle,
    enforcement,
    officers,
    ok,
    opened,
    records,
)
from yiwang.enforcement.verify import check, main
from yiwang.kit.testing import a_head, a_place
from yiwang.kit.testing_http import assert_api_holds


async def test_a_referral_opens_a_clue_and_no_penalty_case(node: Any) -> None:
    async with enforcement(node) as app:
        await node.publish(a_referral(), a_referral())
        [clue] = await node.until(ClueOpened)
        await node.settled()
        assert len(await node.events(ClueOpened)) == 1
        assert (clue.agency_id, clue.referral_id, clue.log.leaf_index) == (AGENCY, "r1", 0)
        page = ok(await app.http("enforcement_officer", unit_id=AGENCY).get("/enforcement/files"))
        [file] = page["items"]
        assert (file["state"], file["case_no"], file["area"]) == ("open", "4403102026112300001", "440310001")


async def test_an_agency_that_cannot_be_named_is_parked_with_a_sentence(node: Any) -> None:
    async with enforcement(node):
        await node.publish(a_referral(agency_id="a/b\n"))
        await node.settled(parked=1)
        [(_, reason)] = await node.parked()
        assert "不合规" in reason


async def test_the_outcome_goes_back_to_the_case(node: Any) -> None:
    async with enforcement(node) as app:
        file_id = await opened(node, app)
        await records(app, file_id, 1)
        http = app.http("enforcement_officer", unit_id=AGENCY)
        body = {"outcome": "corrected", "text": "当场改正", "officers": officers()}
        ok(await http.post(f"/enforcement/files/{file_id}/close", json=body), 201)
        [closed] = await node.until(EnforcementClosed)
        assert (closed.outcome, closed.case_id != "", closed.referral_id) == ("corrected", True, "r1")
        refused = await http.post(f"/enforcement/files/{file_id}/records", json=a_record())
        assert (refused.status_code, refused.json()["code"]) == (409, "enforcement.file_closed")
        again = await http.post(f"/enforcement/files/{file_id}/close", json=body)
        assert again.status_code == 409


async def test_what_leaves_the_service_holds_neither_text_nor_party(node: Any) -> None:
    async with enforcement(node, head_every_leaves=1) as app:
        file_id = await opened(node, app)
        http = app.http("enforcement_officer", unit_id=AGENCY)
        ok(await http.post(f"/enforcement/files/{file_id}/records", json=a_record()), 201)
        await node.until(EnforcementRecorded)
        await node.until(HeadSigned, 2)
        said = b"".join([encode(e) for e in await node.events() if isinstance(e, Event)]).decode()
        for secret in (SECRET_TEXT, "某商户", "13800000000", "坪山大道"):
            assert secret not in said


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"officers": officers(1)}, "$.officers"),
        ({"officers": officers(2, role="auxiliary")}, "$.officers[0].role"),
        ({"officers": officers(2, cert_ref="")}, "$.officers[0].cert_ref"),
        ({"kind": "photo"}, "$.media"),
        ({"occurred_at": "2026-11-24T12:00:00+08:00"}, "$.occurred_at"),
    ],
)
async def test_a_faulty_record_is_refused_with_the_field_and_nothing_is_stored(
    node: Any, change: dict[str, Any], path: str
) -> None:
    async with enforcement(node) as app:
        file_id = await opened(node, app)
        http = app.http("enforcement_officer", unit_id=AGENCY)
        refused = await http.post(f"/enforcement/files/{file_id}/records", json=a_record(**change))
        assert refused.status_code == 400
        assert path in {e["path"] for e in refused.json()["errors"]}
        assert await app.pool.fetchval("select count(*) from leaves") == 1


async def test_auxiliaries_and_other_agencies_write_nothing(node: Any) -> None:
    async with enforcement(node) as app:
        file_id = await opened(node, app)
        path = f"/enforcement/files/{file_id}/records"
        assert (await app.http("auxiliary").post(path, json=a_record())).status_code == 403
        assert (await app.http("dispatcher").get("/enforcement/files")).status_code == 403
        other = await app.http("enforcement_officer", unit_id="440310-other").post(path, json=a_record())
        assert (other.status_code, other.json()["code"]) == (403, "enforcement.other_agency")
        outside = await app.http("enforcement_officer", area="440304", unit_id=AGENCY).post(path, json=a_record())
        assert (outside.status_code, outside.json()["code"]) == (403, "kit.out_of_area")


async def test_the_same_key_records_once(node: Any) -> None:
    async with enforcement(node) as app:
        file_id = await opened(node, app)
        http = app.http("enforcement_officer", unit_id=AGENCY, headers={"Idempotency-Key": "k1"})
        one = ok(await http.post(f"/enforcement/files/{file_id}/records", json=a_record()), 201)
        two = ok(await http.post(f"/enforcement/files/{file_id}/records", json=a_record()), 201)
        assert one == two
        assert await app.pool.fetchval("select count(*) from leaves") == 2


async def test_evidence_tables_refuse_every_change(node: Any) -> None:
    async with enforcement(node, head_every_leaves=1) as app:
        await opened(node, app)
        await node.until(HeadSigned)
        for table in ("logs", "leaves", "nodes", "files", "heads", "signing_keys"):
            for act in (f"delete from {table}", f"truncate {table} cascade"):
                with pytest.raises(asyncpg.RestrictViolationError, match="只增不改"):
                    await app.pool.execute(act)
        with pytest.raises(asyncpg.RestrictViolationError, match="只增不改"):
            await app.pool.execute("update leaves set record_kind = 'other'")
        with pytest.raises(asyncpg.RestrictViolationError, match="只增不改"):
            await app.pool.execute("update contents set body = 'x'")
        with pytest.raises(asyncpg.RestrictViolationError, match="先登记清除"):
            await app.pool.execute("delete from contents")


async def test_every_record_can_be_proved_and_every_head_extends_the_earlier(node: Any) -> None:
    async with enforcement(node) as app:
        file_id = await opened(node, app)
        await records(app, file_id, 12)
        http = app.http("auditor")
        suite, size = suite_of("sha256"), 13
        for leaf in range(size):
            p = ok(await http.get(f"/enforcement/logs/{AGENCY}/proof/inclusion", params={"leaf": leaf}))
            path = [bytes.fromhex(h) for h in p["path"]]
            leaf_hash, root = bytes.fromhex(p["leaf_hash"]), bytes.fromhex(p["root"])
            assert merkle.verify_inclusion(suite, leaf_hash, leaf, p["tree_size"], path, root)
        for first in range(1, size + 1):
            p = ok(await http.get(f"/enforcement/logs/{AGENCY}/proof/consistency", params={"first": first}))
            roots = bytes.fromhex(p["first_root"]), bytes.fromhex(p["second_root"])
            path = [bytes.fromhex(h) for h in p["path"]]
            assert merkle.verify_consistency(suite, first, p["second"], *roots, path)
        entries = ok(await http.get(f"/enforcement/logs/{AGENCY}/entries"))
        nodes: dict[Node, bytes] = {}
        for n, entry in enumerate(entries):
            assert suite.leaf(bytes.fromhex(entry["commitment"])).hex() == entry["leaf_hash"]
            nodes |= merkle.appended(suite, n, bytes.fromhex(entry["leaf_hash"]), nodes)
        head = ok(await http.get(f"/enforcement/logs/{AGENCY}/head"))
        assert (head["size"], head["root"]) == (size, merkle.root_of(suite, size, nodes).hex())


async def test_heads_are_signed_after_so_many_records_and_after_so_long(node: Any) -> None:
    async with enforcement(node, head_every_leaves=4, head_every_minutes=10) as app:
        file_id = await opened(node, app)
        await records(app, file_id, 4)
        heads = await node.until(HeadSigned)
        assert [h.size for h in heads] == [4]
        app.clock.advance(minutes=11)
        heads = await node.until(HeadSigned, 2)
        assert [h.size for h in heads] == [4, 5]
        assert heads[1].extends[0].root == heads[0].root


async def test_a_bundle_proves_a_record_offline_until_it_is_touched(node: Any, tmp_path: Any, capsys: Any) -> None:
    async with enforcement(node, head_every_leaves=3) as app:
        file_id = await opened(node, app)
        await records(app, file_id, 2)
        data = await bundle(app, 1)
        good, lines = check(data)
        assert good, lines
        assert any("没有上级见证" in line for line in lines)
        touched = msgspec.json.decode(data)
        body = base64.b64decode(touched["record"]).replace("第0次".encode(), "第9次".encode())
        touched["record"] = base64.b64encode(body).decode()
        assert not check(msgspec.json.encode(touched))[0]
        for field in ("salt", "commitment"):
            touched = msgspec.json.decode(data)
            touched[field] = "00" * 32
            assert not check(msgspec.json.encode(touched))[0]
        assert not check(b"{}")[0]
        good_file, bad_file = tmp_path / "good.json", tmp_path / "bad.json"
        good_file.write_bytes(data)
        bad_file.write_bytes(msgspec.json.encode(touched))
        assert main([str(good_file)]) == 0
        assert "结论：证据完整" in capsys.readouterr().out
        assert main([str(good_file), str(bad_file)]) == 1
        assert "结论：证据不可信" in capsys.readouterr().out
        assert main([str(tmp_path / "none.json")]) == 1
        assert main([]) == 2


async def test_a_record_not_yet_under_a_signed_head_has_no_bundle(node: Any) -> None:
    async with enforcement(node) as app:
        await opened(node, app)
        answer = await app.http("agency_head", unit_id=AGENCY).get(f"/enforcement/logs/{AGENCY}/entries/0/bundle")
        assert (answer.status_code, answer.json()["code"]) == (409, "enforcement.not_signed_yet")


async def test_erased_content_is_gone_and_every_proof_stays(node: Any) -> None:
    async with enforcement(node, head_every_leaves=1) as app:
        file_id = await opened(node, app)
        await records(app, file_id, 2)
        before = ok(await app.http("auditor").get(f"/enforcement/logs/{AGENCY}/head"))
        http = app.http("agency_head", unit_id=AGENCY)
        path = f"/enforcement/logs/{AGENCY}/entries/1/erase"
        receipt = ok(await http.post(path, json={"basis": "个人信息保护法第四十七条，审批单2026-7"}), 201)
        assert receipt["leaf_index"] == 3
        assert (await http.post(path, json={"basis": "x"})).status_code == 409
        assert await app.pool.fetchval("select count(*) from contents where leaf_index = 1") == 0
        detail = ok(await http.get(f"/enforcement/files/{file_id}"))
        erased = next(r for r in detail["records"] if r["leaf_index"] == 1)
        assert (erased["content"], bool(erased["erased_at"])) == (None, True)
        assert "审批单" in erased["erasure_basis"]
        proof = ok(await http.get(f"/enforcement/logs/{AGENCY}/proof/inclusion", params={"leaf": 1, "size": 3}))
        assert proof["root"] == before["root"]
        good, lines = check(await bundle(app, 1))
        assert good, lines
        assert any("依法清除" in line for line in lines)


async def test_auditors_see_hashes_and_not_the_content(node: Any) -> None:
    async with enforcement(node) as app:
        file_id = await opened(node, app)
        await records(app, file_id, 1)
        seen = await app.http("auditor").get(f"/enforcement/files/{file_id}")
        ok(seen)
        assert "第0次" not in seen.text
        worked = await app.http("legal_reviewer").get(f"/enforcement/files/{file_id}")
        assert "第0次" in worked.text


async def test_without_a_parent_the_witness_is_shown_as_absent(node: Any) -> None:
    async with enforcement(node) as app:
        await opened(node, app)
        head = ok(await app.http("auditor").get(f"/enforcement/logs/{AGENCY}/head"))
        assert head["witness"]["state"] == "absent"
        assert "没有上级平台见证" in head["witness"]["say"]


async def test_an_own_clue_is_registered_by_officers(node: Any) -> None:
    async with enforcement(node) as app:
        http = app.http("enforcement_officer", unit_id=AGENCY)
        body = {"agency_id": AGENCY, "item_code": "0510", "area": "440310001", "record": a_record()}
        file = ok(await http.post("/enforcement/files", json=body), 201)
        assert (file["source"], file["state"]) == ("patrol", "open")
        [clue] = await node.until(ClueOpened)
        assert [o.cert_ref for o in clue.officers] == ["粤S000000", "粤S000001"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/enforcement/files/00000000-0000-0000-0000-000000000000", 404),
        ("/enforcement/files/x", 404),
        ("/enforcement/logs/nobody/head", 404),
        ("/enforcement/logs/a%00b/head", 404),
        (f"/enforcement/logs/{AGENCY}/proof/inclusion?leaf=7", 400),
        (f"/enforcement/logs/{AGENCY}/proof/consistency?first=0", 400),
        (f"/enforcement/logs/{AGENCY}/proof/consistency?first=1&second=9", 400),
        (f"/enforcement/logs/{AGENCY}/entries/9/bundle", 404),
        ("/enforcement/files?cursor=xyz", 400),
        ("/enforcement/files?limit=0", 400),
    ],
)
async def test_a_wrong_address_or_range_gets_a_sentence(node: Any, path: str, status: int) -> None:
    async with enforcement(node) as app:
        await opened(node, app)
        answer = await app.http("agency_head", unit_id=AGENCY).get(path)
        assert answer.status_code == status, answer.text
        assert answer.json()["do"]


async def test_a_long_list_comes_in_pages(node: Any) -> None:
    async with enforcement(node) as app:
        place = a_place(area=AreaRef(province="440000", city="440300", county="440310"))
        heads = [a_head(case_no=f"44031020261123{n:05d}", place=place) for n in range(5)]
        await node.publish(*(a_referral(case=h, referral_id=f"r{n}") for n, h in enumerate(heads)))
        await node.until(ClueOpened, 5)
        http, cursor, seen = app.http("agency_head", area="440310"), "", []
        while True:
            page = ok(await http.get("/enforcement/files", params={"limit": 2, "cursor": cursor, "state": "open"}))
            seen += [f["case_no"] for f in page["items"]]
            cursor = page["next"]
            if not cursor:
                break
        assert sorted(seen) == [f"44031020261123{n:05d}" for n in range(5)]
        assert ok(await http.get("/enforcement/files", params={"state": "closed"}))["items"] == []


async def test_concurrent_records_take_their_places_one_by_one(node: Any) -> None:
    async with enforcement(node) as app:
        file_id = await opened(node, app)
        http = app.http("enforcement_officer", unit_id=AGENCY)
        path = f"/enforcement/files/{file_id}/records"
        answers = await asyncio.gather(*(http.post(path, json=a_record(text=f"并发{n}")) for n in range(12)))
        assert sorted(ok(a, 201)["leaf_index"] for a in answers) == list(range(1, 13))
        events = await node.until(EnforcementRecorded, 12)
        assert sorted(e.log.leaf_index for e in events) == list(range(1, 13))


async def test_a_photo_is_hashed_when_it_comes_in_and_sealed_by_its_record(node: Any) -> None:
    async with enforcement(node) as app:
        file_id = await opened(node, app)
        http = app.http("enforcement_officer", unit_id=AGENCY)
        jpeg = b"\xff\xd8\xff\xe0" + bytes(200)
        headers = {"content-type": "image/jpeg"}
        ref = ok(await http.post(f"/enforcement/files/{file_id}/media", content=jpeg, headers=headers), 201)
        assert ref["sha256"] == hashlib.sha256(jpeg).hexdigest()
        path = f"/enforcement/files/{file_id}/records"
        ok(await http.post(path, json=a_record(kind="photo", media=[ref])), 201)
        seen = ok(await http.get(f"/enforcement/files/{file_id}"))["records"][-1]["content"]
        assert seen["media"][0]["sha256"] == ref["sha256"]
        for change in ({"sha256": "b" * 64}, {"size": 1}):
            refused = await http.post(path, json=a_record(kind="photo", media=[ref | change]))
            assert refused.json()["code"] == "enforcement.record_refused"
        text = await http.post(f"/enforcement/files/{file_id}/media", content=b"not a photo", headers=headers)
        assert text.status_code == 415


@pytest.mark.timeout(520)
async def test_the_api_holds_what_its_page_promises(node: Any) -> None:
    async with enforcement(node, head_every_leaves=2) as app:
        file_id = await opened(node, app)
        await records(app, file_id, 2)
        await assert_api_holds(app, examples=3, timeout_s=500)
