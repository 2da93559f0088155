"""One Idempotency-Key, one effect, one answer."""

import asyncio

from yiwang.kit import App

from collections.abc import Awaitable, Callable  # isort: skip


def hook(desk, inside: Callable[..., Awaitable[None]] | None) -> None:
    """Let *inside* run within the command, before it commits."""
    [hooks] = [value for kind, value in desk.app.resources.items() if kind.__name__ == "Hooks"]
    hooks.inside = inside


async def things(app: App) -> int:
    """How many things the effect made."""
    if not await app.pool.fetchval("select to_regclass('thing') is not null"):
        return 0
    return int(await app.pool.fetchval("select count(*) from thing"))


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


async def test_the_same_call_again_has_one_effect_and_the_same_answer(desk):
    async with desk.client("acceptor") as http:
        first = await http.post("/things", json={"name": "a"}, headers=keyed("k1"))
        again = await http.post("/things", json={"name": "a"}, headers=keyed("k1"))
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert await things(desk.app) == 1


async def test_another_body_under_the_same_key_is_a_conflict(desk):
    async with desk.client("acceptor") as http:
        await http.post("/things", json={"name": "a"}, headers=keyed("k1"))
        other = await http.post("/things", json={"name": "b"}, headers=keyed("k1"))
    assert (other.status_code, other.json()["code"]) == (422, "kit.idempotency_conflict")
    assert await things(desk.app) == 1


async def test_keys_belong_to_their_caller(desk):
    for person in ("ref-1", "ref-2"):
        async with desk.client("acceptor", person_ref=person) as http:
            assert (await http.post("/things", json={"name": "a"}, headers=keyed("k1"))).status_code == 201
    assert await things(desk.app) == 2


async def test_without_a_key_every_call_has_an_effect(desk):
    async with desk.client("acceptor") as http:
        for _ in range(2):
            await http.post("/things", json={"name": "a"})
    assert await things(desk.app) == 2


async def test_concurrent_calls_wait_and_get_the_same_answer(desk):
    entered, proceed = asyncio.Event(), asyncio.Event()

    async def inside(_: object) -> None:
        entered.set()
        await proceed.wait()

    hook(desk, inside)
    async with desk.client("acceptor") as http:
        calls = [asyncio.create_task(http.post("/things", json={"name": "a"}, headers=keyed("k1"))) for _ in range(5)]
        await entered.wait()
        proceed.set()
        answers = await asyncio.gather(*calls)
    assert {(a.status_code, a.content) for a in answers} == {(201, answers[0].content)}
    assert sum(a.headers.get("idempotent-replayed") == "true" for a in answers) == 4
    assert await things(desk.app) == 1


async def test_a_failed_call_leaves_the_key_free(desk):
    async def inside(_: object) -> None:
        raise ConnectionResetError("the database went away")

    async with desk.client("acceptor") as http:
        hook(desk, inside)
        assert (await http.post("/things", json={"name": "a"}, headers=keyed("k1"))).status_code == 503
        hook(desk, None)
        assert (await http.post("/things", json={"name": "a"}, headers=keyed("k1"))).status_code == 201
    assert await things(desk.app) == 1


async def test_a_refused_caller_leaves_no_key_behind(desk):
    async with desk.client("auditor") as http:
        assert (await http.post("/things", json={"name": "a"}, headers=keyed("k1"))).status_code == 403
    assert await desk.app.pool.fetchval("select count(*) from kit_command") == 0


async def test_a_crash_between_effect_and_answer_is_never_a_second_effect(desk):
    async with desk.client("acceptor") as http:
        await http.post("/things", json={"name": "a"}, headers=keyed("k1"))
        # What a kill -9 after the commit and before the answer was stored leaves behind:
        await desk.app.pool.execute(
            "update kit_command set status = null, body = null, headers = null, held_until = now() - interval '1 s'"
        )
        again = await http.post("/things", json={"name": "a"}, headers=keyed("k1"))
    assert (again.status_code, again.json()["code"]) == (409, "kit.command_done")
    assert await things(desk.app) == 1


async def test_a_crash_before_the_effect_lets_the_retry_take_over(desk):
    async with desk.client("acceptor") as http:
        await http.post("/things", json={"name": "a"}, headers=keyed("k1"))
        # What a kill -9 before the commit leaves behind:
        await desk.app.pool.execute("truncate thing")
        await desk.app.pool.execute(
            "update kit_command set status = null, body = null, headers = null, effected = false,"
            " held_until = now() - interval '1 s'"
        )
        again = await http.post("/things", json={"name": "a"}, headers=keyed("k1"))
    assert again.status_code == 201
    assert await things(desk.app) == 1


async def test_a_call_that_lost_its_key_takes_no_effect(desk):
    async def inside(_: object) -> None:
        await desk.app.pool.execute("update kit_command set holder = gen_random_uuid()")  # another process took over

    hook(desk, inside)
    async with desk.client("acceptor") as http:
        answer = await http.post("/things", json={"name": "a"}, headers=keyed("k1"))
    assert (answer.status_code, answer.json()["code"]) == (503, "kit.too_busy")
    assert await things(desk.app) == 0


async def test_a_key_of_strange_characters_is_refused(desk):
    async with desk.client("acceptor") as http:
        answer = await http.post("/things", json={"name": "a"}, headers=keyed("a key"))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["path"] == "header.Idempotency-Key"


async def test_keys_are_forgotten_after_seven_days(desk):
    async with desk.client("acceptor") as http:
        await http.post("/things", json={"name": "a"}, headers=keyed("k1"))
        await desk.app.pool.execute("update kit_command set at = now() - interval '8 days'")
        from yiwang.kit._idempotency import purge

        await purge(desk.app.pool)
        assert (await http.post("/things", json={"name": "b"}, headers=keyed("k1"))).status_code == 201
