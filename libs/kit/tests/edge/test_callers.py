"""Who may call: tokens, roles, areas."""

import datetime as dt
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar import get
from yiwang.kit import Caller, ConfigError, Kit, Post, Problem, Role, Service, allow, anonymous, serve
from yiwang.kit._dev_people import PEOPLE, DevIssuer, dev_token, public_jwk, refuse_unless_embedded
from yiwang.kit._http import build_http
from yiwang.kit._identity import ROLE_LABELS
from yiwang.kit._login import refuse_without_keys
from yiwang.kit._tokens import REFRESH_S, UNKNOWN_KID_S, IdentitySettings, Keys, Verifier

CITY = Post(post_id="p1", unit_id="u1", role=Role.DISPATCHER, areas=("440300",))
DISTRICT = Post(post_id="p2", unit_id="u2", role=Role.ACCEPTOR, areas=("440310", "440304"))
CALLER = Caller(person_ref="ref", posts=(CITY, DISTRICT))


def test_a_role_reaches_down_its_areas_and_no_further():
    assert CALLER.may(Role.DISPATCHER, "440310001003")
    assert CALLER.may(Role.ACCEPTOR, "440304")
    assert not CALLER.may(Role.ACCEPTOR, "440300")
    assert not CALLER.may(Role.DISPATCHER, "440400")


def test_the_actor_is_the_post_by_which_the_caller_acts():
    assert CALLER.actor("acceptor").post_id == "p2"
    assert CALLER.actor().post_id == "p1"
    assert CALLER.actor(area_code="440304").post_id == "p1"
    assert Caller().actor().role == "citizen"


def test_require_says_which_role_or_area_is_missing():
    assert CALLER.require(("leader", "acceptor"), "440310001") is DISTRICT
    with pytest.raises(Problem, match="执法人员") as missing:
        CALLER.require(Role.ENFORCEMENT_OFFICER, "440310")
    assert missing.value.code == "kit.forbidden"
    with pytest.raises(Problem, match="440305") as elsewhere:
        CALLER.require(Role.ACCEPTOR, "440305")
    assert elsewhere.value.code == "kit.out_of_area"


def test_a_mistyped_role_is_found_when_the_route_is_written():
    with pytest.raises(ValueError, match="dispacher"):
        allow("dispacher")


def test_every_role_has_a_chinese_name_and_an_invented_person():
    assert set(ROLE_LABELS) == {str(role) for role in Role}
    assert {person.role for person in PEOPLE} == {str(role) for role in Role}
    assert all(person.name.startswith("演示") for person in PEOPLE)


@pytest.mark.parametrize("env", [{}, {"YIWANG_DEV_PEOPLE": "1"}, {"YIWANG_EMBEDDED": "1"}])
def test_invented_people_refuse_to_live_outside_an_embedded_run(env):
    with pytest.raises(PermissionError, match="请管理员"):
        refuse_unless_embedded(env)


def test_invented_people_live_in_an_embedded_run():
    refuse_unless_embedded({"YIWANG_DEV_PEOPLE": "1", "YIWANG_EMBEDDED": "1"})


def service_with(guard):
    """A service with one route behind *guard*."""

    @get("/door", guards=[guard])
    async def door() -> str:
        return ""

    service = Service("desk")
    service.api(door)
    return service


async def test_a_service_behind_a_login_refuses_to_start_where_nobody_could_log_in():
    """Neither keys nor local accounts, and no embedded run: the sentence says who does what. Nothing was connected."""
    with pytest.raises(ConfigError) as refused:
        await serve(service_with(allow(Role.AUDITOR)), environs=[{"YIWANG_NATS_URL": "nats://127.0.0.1:1"}])
    [sentence] = refused.value.mistakes
    assert sentence.startswith("desk 的接口要登录")
    assert "请管理员把 YIWANG_JWKS 设为" in sentence
    assert "identity" in sentence


@pytest.mark.parametrize(
    ("guard", "told", "beside"),
    [
        (anonymous, {}, []),
        (allow(), {"jwks": "https://login.example/jwks"}, []),
        (allow(), {"embedded": True}, []),
        (allow(), {}, [Service("identity")]),
    ],
)
def test_it_starts_where_everybody_may_come_in_or_somebody_signs(guard, told, beside):
    refuse_without_keys([service_with(guard), *beside], Kit(**told))


def test_a_service_without_routes_needs_no_login():
    """A stranger's handler of events starts without any issuer."""
    refuse_without_keys([Service("flood-watch")], Kit())


async def test_nobody_gets_401_and_a_wrong_role_403_with_the_roles_in_words(desk):
    async with desk.client() as http:
        answer = await http.post("/things", json={"name": "a"})
    assert (answer.status_code, answer.json()["code"]) == (401, "kit.unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    async with desk.client("auditor") as http:
        answer = await http.post("/things", json={"name": "a"})
    assert (answer.status_code, answer.json()["code"]) == (403, "kit.forbidden")
    assert "受理员" in answer.json()["detail"]


async def test_a_caller_from_another_city_is_refused(desk):
    async with desk.client("acceptor", area="440400") as http:
        answer = await http.post("/things", json={"name": "a"})
    assert (answer.status_code, answer.json()["code"]) == (403, "kit.out_of_area")


async def test_a_district_post_may_call_its_city_node(desk):
    async with desk.client("acceptor", area="440310") as http:
        answer = await http.post("/things", json={"name": "a"})
    assert answer.status_code == 201
    assert answer.json()["by"].endswith("@440310")


async def test_a_bad_token_says_why(desk):
    async with desk.client() as http:
        answer = await http.post("/things", json={"name": "a"}, headers={"Authorization": "Bearer nonsense"})
    assert (answer.status_code, answer.json()["code"]) == (401, "kit.bad_token")
    assert "格式" in answer.json()["detail"]


async def test_an_expired_token_does_no_harm_on_an_open_route(desk):
    async with desk.client() as http:
        answer = await http.get("/things/1", headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 404


# -- tokens ----------------------------------------------------------------------------------------------------------


class Issuer:
    """A foreign OIDC provider with a key set in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keys = {"ed": Ed25519PrivateKey.generate(), "ec": ec.generate_private_key(ec.SECP256R1()),
                     "rsa": rsa.generate_private_key(65537, 2048)}  # fmt: skip
        self.algorithm = {"ed": "EdDSA", "ec": "ES256", "rsa": "RS256"}
        self.publish("ed", "ec", "rsa")

    def publish(self, *kids: str) -> None:
        makers = {"ec": jwt.algorithms.ECAlgorithm, "rsa": jwt.algorithms.RSAAlgorithm}
        keys = [
            public_jwk(self.keys["ed"], "ed")
            if kid == "ed"
            else json.loads(makers[kid].to_jwk(self.keys[kid].public_key())) | {"kid": kid, "alg": self.algorithm[kid]}
            for kid in kids
        ]
        self.path.write_text(json.dumps({"keys": keys}))

    def token(self, kid: str = "ed", **change: object) -> str:
        claims = {"sub": "ref", "iss": "yiwang", "aud": "yiwang", "exp": int(time.time()) + 60,
                  "posts": [{"post_id": "p", "role": "leader", "areas": ["440300"]}]}  # fmt: skip
        claims = {k: v for k, v in (claims | change).items() if v is not None}
        return jwt.encode(claims, self.keys[kid], algorithm=self.algorithm[kid], headers={"kid": kid})


@pytest.fixture
def issuer(tmp_path):
    return Issuer(tmp_path / "jwks.json")


@pytest.fixture
def verifier(issuer):
    return Verifier(IdentitySettings(jwks=str(issuer.path)))


@pytest.mark.parametrize("kid", ["ed", "ec", "rsa"])
async def test_the_three_signature_kinds_are_verified(issuer, verifier, kid):
    caller = await verifier.verify(issuer.token(kid))
    assert (caller.person_ref, caller.roles) == ("ref", {"leader"})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"exp": int(time.time()) - 120}, "过期"),
        ({"aud": "other"}, "不是给本系统"),
        ({"iss": "other"}, "签发者"),
        ({"exp": None}, "缺少"),
        ({"posts": "leader"}, "岗位信息"),
    ],
)
async def test_a_token_that_is_not_for_us_is_refused_with_the_reason(issuer, verifier, change, why):
    with pytest.raises(Problem, match=why) as refused:
        await verifier.verify(issuer.token(**change))
    assert refused.value.code == "kit.bad_token"


async def test_a_forged_signature_and_a_symmetric_or_absent_one_are_refused(issuer, verifier, tmp_path):
    forged = issuer.token()[:-8] + "AAAAAAAA"
    hmac = jwt.encode({"sub": "x"}, "s" * 32, algorithm="HS256", headers={"kid": "ed"})
    none = jwt.encode({"sub": "x"}, None, algorithm="none", headers={"kid": "ed"})
    for token in (forged, hmac, none):
        with pytest.raises(Problem) as refused:
            await verifier.verify(token)
        assert refused.value.code == "kit.bad_token"


async def test_the_algorithm_is_the_keys_not_the_tokens(issuer, verifier):
    token = jwt.encode({"sub": "x"}, issuer.keys["ed"], algorithm="EdDSA", headers={"kid": "rsa"})
    with pytest.raises(Problem, match="不符"):
        await verifier.verify(token)


async def test_verification_goes_on_offline_and_learns_new_keys(issuer):
    now = [1000.0]
    keys = Keys(str(issuer.path), clock=lambda: now[0])
    verifier = Verifier(IdentitySettings(), keys=keys)
    issuer.publish("ed")
    await verifier.verify(issuer.token("ed"))
    issuer.path.rename(issuer.path.with_suffix(".gone"))
    now[0] += REFRESH_S + 1
    assert (await verifier.verify(issuer.token("ed", jti="2"))).known, "the issuer is away, its keys are remembered"
    issuer.publish("ed", "ec")
    now[0] += UNKNOWN_KID_S + 1
    assert (await verifier.verify(issuer.token("ec"))).known, "a key id that is not known yet is looked up"


async def test_a_withdrawn_key_stops_working(issuer):
    now = [1000.0]
    verifier = Verifier(IdentitySettings(), keys=Keys(str(issuer.path), clock=lambda: now[0]))
    await verifier.verify(issuer.token("ec"))
    issuer.publish("ed")
    now[0] += REFRESH_S + 1
    with pytest.raises(Problem, match="不认识"):
        await verifier.verify(issuer.token("ec", jti="2"))


async def test_without_any_key_the_caller_is_told_to_come_back(tmp_path):
    verifier = Verifier(IdentitySettings(jwks=str(tmp_path / "absent.json")))
    with pytest.raises(Problem) as refused:
        await verifier.verify(dev_token("leader"))
    assert (refused.value.code, refused.value.status) == ("kit.dependency_down", 503)


async def test_a_remembered_token_still_expires(issuer, verifier, monkeypatch):
    token = issuer.token()
    await verifier.verify(token)
    later = time.time() + 120
    monkeypatch.setattr("time.time", lambda: later)

    class Later(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return dt.datetime.fromtimestamp(later, tz)

    monkeypatch.setattr("jwt.api_jwt.datetime", Later)
    with pytest.raises(Problem, match="过期"):
        await verifier.verify(token)


def test_a_development_key_that_nobody_keeps_goes_with_its_process():
    """Tests and trials leave nothing behind in the temporary directory."""
    script = "from yiwang.kit.dev import dev_issuer; print(dev_issuer().jwks); assert dev_issuer().jwks.exists()"
    environ = {name: value for name, value in os.environ.items() if name != "YIWANG_DEV_KEYS"}
    ran = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert not Path(ran.stdout.strip()).parent.exists()


def test_two_processes_share_one_development_key(tmp_path):
    first, second = DevIssuer(tmp_path), DevIssuer(tmp_path)
    assert first.jwks.read_text() == second.jwks.read_text()
    assert (tmp_path / "dev-key.pem").stat().st_mode & 0o077 == 0


# -- what does not start -----------------------------------------------------------------------------------------------


async def test_a_route_that_does_not_say_who_may_call_it_does_not_start(start):
    from litestar import get

    @get("/open")
    async def unguarded() -> str:
        return ""

    @get("/twice", guards=[allow(Role.ADMIN), allow(Role.LEADER)])
    async def twice() -> str:
        return ""

    @get("/keyed", guards=[allow(Role.ADMIN)], opt={"idempotent": True})
    async def keyed() -> str:
        return ""

    service = Service("careless")
    service.api(unguarded, twice, keyed)
    with pytest.raises(ValueError, match="GET /open: give it exactly one") as refused:
        await start(service)
    assert "GET /twice" in str(refused.value)
    assert "GET /keyed: idempotent routes need a database" in str(refused.value)
    assert build_http([], title="nothing", verifier=Verifier(IdentitySettings())) is not None
