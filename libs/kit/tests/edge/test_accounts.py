"""Local accounts for a county without OIDC, and the invented people of a demo."""

import contextlib

import httpx
import pytest
import pytest_asyncio
from yiwang.kit import Kit, Problem, Role
from yiwang.kit._http import build_http, close_http
from yiwang.kit._tokens import IdentitySettings, Verifier
from yiwang.kit.accounts import NewAccount, PostGrant, Settings, accounts_db, create_account, service
from yiwang.kit.accounts.domain import weaknesses
from yiwang.kit.accounts.keys import SigningKeys
from yiwang.kit.people import service as people
from yiwang.kit.testing_http import assert_api_holds

CHEAP = {"argon2_memory_kib": 64, "argon2_rounds": 1, "lock_after": 3}
FIRST, OWN = "First-2026!", "Lanshan-2026!"


class Office:
    """The issuer at work."""

    def __init__(self, app, asgi, database_url) -> None:
        self.app, self.asgi, self.database_url = app, asgi, database_url

    def client(self, token: str = "") -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.asgi), base_url="http://identity", headers=headers)

    async def hire(self, login: str, *roles: str, area: str = "440300", must_change: bool = False) -> None:
        """An account as the command line makes it."""
        grants = tuple(PostGrant(role=role, areas=(area,)) for role in roles)
        new = NewAccount(login=login, display_name="演示人员", password=OWN, posts=grants)
        async with accounts_db(self.database_url) as db, db.transaction():
            await create_account(
                db, new, must_change=must_change, settings=Settings(argon2_memory_kib=64, argon2_rounds=1)
            )

    async def token(self, login: str, password: str = OWN) -> httpx.Response:
        async with self.client() as http:
            return await http.post("/identity/token", json={"login": login, "password": password})

    async def as_(self, login: str) -> httpx.AsyncClient:
        return self.client((await self.token(login)).json()["access_token"])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def issuer(test_servers):
    node = test_servers.node("identity_tests")
    async with node.running(service, settings=CHEAP, embedded=False) as running:
        yield running.app, node.database_url
    await node.close()


@pytest_asyncio.fixture
async def office(issuer):
    app, database_url = issuer
    asgi = build_http([app], strict=True)
    yield Office(app, asgi, database_url)
    await close_http(asgi)
    await app.pool.execute("truncate account, post, attempt, kit_audit")


def refused(answer: httpx.Response, status: int, code: str) -> dict:
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    return answer.json()


async def test_the_first_administrator_comes_from_the_command_line_and_makes_the_others(office):
    await office.hire("root", Role.SECURITY_ADMIN)
    async with await office.as_("root") as http:
        made = await http.post("/identity/accounts", json={
            "login": "li.si", "display_name": "演示派遣员", "password": FIRST,
            "posts": [{"role": "dispatcher", "areas": ["440310"], "unit_id": "u-1"}]})  # fmt: skip
    assert made.status_code == 201, made.text
    refused(await office.token("li.si", FIRST), 403, "identity.must_change")
    async with office.client() as http:
        changed = await http.post("/identity/password", json={"login": "li.si", "old": FIRST, "new": OWN})
    assert changed.status_code == 204
    async with await office.as_("li.si") as http:
        me = (await http.get("/identity/me")).json()
    assert [(p["role"], p["areas"], p["unit_id"]) for p in me["posts"]] == [("dispatcher", ["440310"], "u-1")]
    assert me["person_ref"].startswith("p-")


async def test_wrong_passwords_lock_a_login_whether_it_exists_or_not(office):
    await office.hire("wang", Role.ACCEPTOR)
    for login in ("wang", "nobody"):
        answers = [await office.token(login, "wrong") for _ in range(4)]
        assert [a.json()["code"] for a in answers] == ["identity.login_failed"] * 3 + ["identity.locked"]
    refused(await office.token("wang"), 423, "identity.locked")
    await office.app.pool.execute("update attempt set locked_until = now() - interval '1 s'")
    assert (await office.token("wang")).status_code == 200


async def test_a_good_login_forgets_the_failures_before_it(office):
    await office.hire("wang", Role.ACCEPTOR)
    for password in ("wrong", "wrong", OWN, "wrong", "wrong"):
        last = await office.token("wang", password)
    refused(last, 401, "identity.login_failed")
    assert (await office.token("wang")).status_code == 200


async def test_a_security_administrator_unlocks_and_resets(office):
    await office.hire("root", Role.SECURITY_ADMIN)
    await office.hire("wang", Role.ACCEPTOR)
    for _ in range(3):
        await office.token("wang", "wrong")
    async with await office.as_("root") as http:
        assert (await http.post("/identity/accounts/wang/unlock")).json()["locked"] is False
        assert (await office.token("wang")).status_code == 200
        assert (await http.post("/identity/accounts/wang/password", json={"password": FIRST})).status_code == 204
    refused(await office.token("wang", FIRST), 403, "identity.must_change")


async def test_a_disabled_account_neither_logs_in_nor_renews(office):
    await office.hire("root", Role.SECURITY_ADMIN)
    await office.hire("wang", Role.ACCEPTOR)
    async with await office.as_("root") as root, await office.as_("wang") as wang:
        assert (await wang.post("/identity/renew")).status_code == 200
        assert (await root.post("/identity/accounts/wang/disable")).json()["disabled"] is True
        refused(await office.token("wang"), 403, "identity.disabled")
        refused(await wang.post("/identity/renew"), 403, "identity.disabled")
        await root.post("/identity/accounts/wang/enable")
    assert (await office.token("wang")).status_code == 200


async def test_new_posts_come_with_the_next_token(office):
    await office.hire("root", Role.SECURITY_ADMIN)
    await office.hire("wang", Role.ACCEPTOR)
    async with await office.as_("root") as root, await office.as_("wang") as wang:
        await root.put("/identity/accounts/wang/posts", json={"posts": [{"role": "leader", "areas": ["440310"]}]})
        token = (await wang.post("/identity/renew")).json()["access_token"]
    async with office.client(token) as http:
        assert [p["role"] for p in (await http.get("/identity/me")).json()["posts"]] == ["leader"]


async def test_an_administrator_stays_inside_the_own_area_and_rank(office):
    await office.hire("boss", Role.ADMIN, area="440310")
    await office.hire("city", Role.LEADER, area="440300")

    def grant(role: str, area: str) -> dict:
        return {"login": "new", "display_name": "新", "password": FIRST, "posts": [{"role": role, "areas": [area]}]}

    async with await office.as_("boss") as http:
        refused(await http.post("/identity/accounts", json=grant("dispatcher", "440304")), 403, "kit.out_of_area")
        refused(await http.post("/identity/accounts", json=grant("security_admin", "440310")), 403, "kit.forbidden")
        refused(await http.post("/identity/accounts/city/disable"), 403, "kit.out_of_area")
        refused(await http.post("/identity/accounts/boss/disable"), 403, "identity.own_account")
        refused(await http.put("/identity/accounts/boss/posts", json={"posts": []}), 403, "identity.own_account")
        assert (await http.post("/identity/accounts", json=grant("dispatcher", "440310001"))).status_code == 201


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"login": "wang"}, 409, "identity.login_taken"),
        ({"password": "short"}, 400, "identity.weak_password"),
        ({"posts": [{"role": "king", "areas": ["440300"]}]}, 400, "identity.bad_post"),
        ({"posts": [{"role": "leader", "areas": ["44"]}]}, 403, "kit.out_of_area"),
        ({"login": "Wang Wu"}, 400, "kit.validation"),
        ({"posts": [{"role": "leader", "areas": []}]}, 400, "kit.validation"),
    ],
)
async def test_a_wrong_account_is_refused_and_leaves_nothing(office, change, status, code):
    await office.hire("root", Role.SECURITY_ADMIN)
    await office.hire("wang", Role.ACCEPTOR)
    body = {"login": "new", "display_name": "新", "password": FIRST, "posts": []} | change
    async with await office.as_("root") as http:
        refused(await http.post("/identity/accounts", json=body), status, code)
    assert await office.app.pool.fetchval("select count(*) from account") == 2


async def test_the_list_of_accounts_is_paged_and_holds_no_password(office):
    for login in ("a1", "a2", "a3"):
        await office.hire(login, Role.SECURITY_ADMIN)
    async with await office.as_("a1") as http:
        first = (await http.get("/identity/accounts", params={"limit": 2})).json()
        rest = (await http.get("/identity/accounts", params={"limit": 2, "after": first["next"]})).json()
    assert [a["login"] for a in first["accounts"] + rest["accounts"]] == ["a1", "a2", "a3"]
    assert rest["next"] == ""
    assert "argon2" not in str(first)


async def test_rotating_the_key_breaks_no_token(office):
    await office.hire("root", Role.SECURITY_ADMIN)
    async with await office.as_("root") as http:
        old = {key["kid"] for key in (await http.get("/identity/jwks.json")).json()["keys"]}
        kid = (await http.post("/identity/keys/rotate")).json()["kid"]
        keys = (await http.get("/identity/jwks.json")).json()["keys"]
        assert {key["kid"] for key in keys} == old | {kid}
        assert all(set(key) == {"crv", "x", "kty", "kid", "use", "alg"} for key in keys), "public halves only"
        assert (await http.get("/identity/me")).status_code == 200, "a token of the old key"
    await office.app.pool.execute("update signing_key set retired_at = now() where kid <> $1", kid)


async def test_a_login_is_on_record_with_its_person(office):
    await office.hire("wang", Role.ACCEPTOR)
    await office.token("wang", "wrong")
    await office.token("wang")
    await office.asgi.state["yw_sites"][0].trail.flushed()
    rows = await office.app.pool.fetch("select person_ref, status, code from kit_audit order by n")
    person = await office.app.pool.fetchval("select person_ref from account")
    assert [tuple(row) for row in rows] == [("", 401, "identity.login_failed"), (person, 200, "")]


async def test_keys_under_a_secret_open_with_the_secret_only(office):
    pool = office.app.pool
    await SigningKeys(pool, Settings(key_secret="right")).rotate()
    try:
        with pytest.raises(ValueError, match="YIWANG_IDENTITY_KEY_SECRET"):
            await SigningKeys(pool, Settings()).jwks()
    finally:
        await pool.execute("truncate signing_key")
        await SigningKeys(pool, Settings()).ensure()
        await office.app.get(SigningKeys).rotate()


def test_the_password_rule_says_everything_that_is_wrong():
    assert weaknesses("abc", "abc", Settings()) == [
        "至少 10 个字符", "至少混用 3 种字符（小写、大写、数字、其他）", "不能包含账号名"]  # fmt: skip
    assert weaknesses("Lanshan 2026", "wang", Settings()) == []


async def test_the_issuers_api_holds_its_page(office):
    await office.hire("root", Role.SECURITY_ADMIN, Role.ADMIN, Role.AUDITOR)
    token = (await office.token("root")).json()["access_token"]
    await assert_api_holds(office.asgi, token=token, examples=8)


# -- invented people -----------------------------------------------------------------------------------------------


async def test_a_demo_offers_a_person_for_every_role(node, tmp_path):
    async with node.running(people, dev_people=True, jwks=str(tmp_path / "jwks.json")) as running:
        http = running.http()
        offered = (await http.get("/identity/people")).json()
        assert {person["role"] for person in offered} == {str(role) for role in Role}
        chosen = await http.post("/identity/dev-token", json={"person_ref": "dev-dispatcher", "area": "440310"})
        refused(await http.post("/identity/dev-token", json={"person_ref": "x"}), 404, "people.no_person")
        refused(
            await http.post("/identity/dev-token", json={"person_ref": "dev-leader", "area": "x"}),
            400,
            "people.bad_area",
        )
    caller = await Verifier(IdentitySettings(jwks=str(tmp_path / "jwks.json"))).verify(chosen.json()["access_token"])
    assert caller.may(Role.DISPATCHER, "440310001")


@pytest.mark.parametrize("change", [{"embedded": False, "dev_people": True}, {"embedded": True, "dev_people": False}])
async def test_invented_people_do_not_start_elsewhere(node, change):
    async with contextlib.AsyncExitStack() as stack:
        with pytest.raises(PermissionError, match="请管理员"):
            await stack.enter_async_context(node.running(people, **change))


async def test_a_process_that_is_told_no_keys_believes_nobody():
    verifier = Verifier(IdentitySettings.of(Kit()))
    from yiwang.kit._dev_people import dev_token

    with pytest.raises(Problem, match="公钥"):
        await verifier.verify(dev_token("leader"))
