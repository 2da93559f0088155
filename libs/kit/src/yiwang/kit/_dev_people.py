"""Ready-made people for demos and tests, with a key of their own. Never outside an embedded run."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from ._identity import ROLE_LABELS, Post

REFUSAL: Final = (
    "演示人员只在内嵌运行中可用：请管理员去掉 YIWANG_DEV_PEOPLE，改用真实账号或 OIDC"
    "（只有 YIWANG_EMBEDDED=1 且 YIWANG_DEV_PEOPLE=1 时才启动演示登录）"
)
LIFETIME_S: Final = 12 * 3600


class DevPerson(msgspec.Struct, frozen=True, kw_only=True):
    """An invented person with one role."""

    person_ref: str
    name: str
    role: str
    unit_id: str = ""


PEOPLE: Final = tuple(
    DevPerson(person_ref=f"dev-{role}", name=f"演示{label}", role=role, unit_id=f"demo-{role}")
    for role, label in ROLE_LABELS.items()
)


def refuse_unless_embedded(env: Mapping[str, str] = os.environ) -> None:
    """Raises PermissionError, with a sentence, unless this is an embedded run that asked for the people."""
    if env.get("YIWANG_DEV_PEOPLE") not in ("1", "true") or env.get("YIWANG_EMBEDDED") not in ("1", "true"):
        raise PermissionError(REFUSAL)


def public_jwk(key: Ed25519PrivateKey, kid: str) -> dict[str, Any]:
    """The public half as a JWK for signatures."""
    jwk: dict[str, Any] = json.loads(OKPAlgorithm.to_jwk(key.public_key()))
    return jwk | {"kid": kid, "use": "sig", "alg": "EdDSA"}


class DevIssuer:
    """Signs tokens for invented people with a key file in *directory*; `jwks` is the file that services verify with."""

    def __init__(self, directory: Path, *, issuer: str = "yiwang", audience: str = "yiwang") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.jwks = directory / "jwks.json"
        self._issuer, self._audience = issuer, audience
        pem = directory / "dev-key.pem"
        if not pem.exists():
            _write_key(pem)
        loaded = serialization.load_pem_private_key(pem.read_bytes(), password=None)
        if not isinstance(loaded, Ed25519PrivateKey):
            raise ValueError(f"{pem} holds no Ed25519 key: delete it, and it is made again")
        self._key = loaded
        self._kid = f"dev-{loaded.public_key().public_bytes_raw().hex()[:16]}"
        jwks = json.dumps({"keys": [public_jwk(loaded, self._kid)]})
        if not self.jwks.exists() or self.jwks.read_text() != jwks:
            fresh = self.jwks.with_suffix(f".{os.getpid()}")
            fresh.write_text(jwks)
            fresh.replace(self.jwks)

    def token(self, person_ref: str, posts: Sequence[Post], *, name: str = "", lifetime_s: int = LIFETIME_S) -> str:
        """A signed token for *person_ref* with *posts*."""
        now = int(time.time())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": person_ref,
            "iat": now,
            "exp": now + lifetime_s,
            "azp": "dev-people",
            "name": name,
            "posts": msgspec.to_builtins(list(posts)),
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"kid": self._kid})

    def token_of(self, role: str, *, area: str = "440300", unit_id: str = "", person_ref: str = "") -> str:
        """A token of an invented person with one post of *role* over *area*.

        Raises LookupError for an unknown role.
        """
        person = next((p for p in PEOPLE if p.role == role), None)
        if person is None:
            raise LookupError(f"no role {role!r}; use one of {', '.join(ROLE_LABELS)}")
        ref = person_ref or person.person_ref
        post = Post(post_id=f"{ref}@{area}", unit_id=unit_id or person.unit_id, role=role, areas=(area,))
        return self.token(ref, [post], name=person.name)


def _write_key(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    fresh = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
    try:
        os.link(fresh, path)  # the first of several processes wins
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


@functools.cache
def dev_issuer(directory: str = "") -> DevIssuer:
    """This process's issuer: keys in *directory*, else in YIWANG_DEV_KEYS, else in a temporary one until it ends."""
    given = directory or os.environ.get("YIWANG_DEV_KEYS")
    return DevIssuer(Path(given or _until_the_end()))


def _until_the_end() -> str:
    fresh = tempfile.mkdtemp(prefix="yiwang-dev-")
    atexit.register(shutil.rmtree, fresh, ignore_errors=True)
    return fresh


def dev_token(role: str, *, area: str = "440300", unit_id: str = "", person_ref: str = "") -> str:
    """A token for tests; services verify it by `dev_issuer().jwks` (YIWANG_JWKS)."""
    return dev_issuer().token_of(role, area=area, unit_id=unit_id, person_ref=person_ref)
