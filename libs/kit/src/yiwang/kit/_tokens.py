"""Verification of the callers' JWTs by the issuer's public keys (JWKS), offline once the keys are there."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import jwt
import msgspec
import structlog

from ._codes import BAD_TOKEN, DEPENDENCY_DOWN
from ._config import Kit
from ._dev_people import dev_issuer
from ._identity import NOBODY, Caller, Post

ALGORITHMS: Final = ("EdDSA", "ES256", "RS256")
REFRESH_S: Final = 600.0
"""Keys older than this are fetched again, so that a withdrawn key stops working; a failed fetch keeps the old ones."""
UNKNOWN_KID_S: Final = 10.0
"""At most one fetch in this time for tokens with an unknown key id."""
LEEWAY_S: Final = 30.0
KEPT: Final = 4096

log = structlog.get_logger("yiwang.kit.tokens")


class IdentitySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to believe (YIWANG_JWKS, YIWANG_ISSUER, YIWANG_AUDIENCE)."""

    jwks: str = ""
    """Https address or file of the issuer's public keys."""
    issuer: str = "yiwang"
    """The `iss` that tokens must carry."""
    audience: str = "yiwang"
    """The `aud` that tokens must carry."""
    posts_claim: str = "posts"
    """The claim with the posts; dots descend: ``resource_access.yiwang.posts``."""

    @classmethod
    def of(cls, kit: Kit) -> IdentitySettings:
        """As the process is told; without YIWANG_JWKS an embedded run believes its own development issuer."""
        jwks = kit.jwks or (str(dev_issuer().jwks) if kit.embedded else "")
        return cls(jwks=jwks, issuer=kit.issuer, audience=kit.audience)


class Keys:
    """The issuer's public keys by key id, from a URL or a file."""

    def __init__(self, source: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> jwt.PyJWK | None:
        """The key, or None when the issuer has none of that id.

        Raises the Problem kit.dependency_down when no keys could be fetched yet.
        """
        stale = self._clock() - self._fetched_at > REFRESH_S
        if stale or kid not in self._keys:
            async with self._lock:
                await self._refresh(kid)
        return self._keys.get(kid)

    async def _refresh(self, kid: str) -> None:
        now = self._clock()
        fresh = now - self._fetched_at <= REFRESH_S
        if (fresh and kid in self._keys) or now - self._tried_at < UNKNOWN_KID_S:
            if not self._keys:
                raise DEPENDENCY_DOWN(what="登录服务的公钥", retry_after=int(UNKNOWN_KID_S))
            return
        self._tried_at = now
        try:
            found = jwt.PyJWKSet.from_json(await self._read())
        except (httpx.HTTPError, OSError, jwt.PyJWTError, ValueError) as exc:
            log.warning("keys_not_fetched", source=self._source, reason=f"{type(exc).__name__}: {exc}")
            if not self._keys:
                raise DEPENDENCY_DOWN(what="登录服务的公钥", retry_after=int(UNKNOWN_KID_S)) from exc
            return
        self._keys = {key.key_id: key for key in found.keys if key.key_id}
        self._fetched_at = now

    async def _read(self) -> str:
        if not self._source:
            raise ValueError("YIWANG_JWKS is empty: set it to the issuer's key set (file or address)")
        if not self._source.startswith(("http://", "https://")):
            return await asyncio.to_thread(Path(self._source.removeprefix("file://")).read_text)
        async with httpx.AsyncClient(timeout=5, follow_redirects=False) as client:
            answer = await client.get(self._source)
            answer.raise_for_status()
            return answer.text


class Verifier:
    """Turns a bearer token into the Caller; remembers what it verified until it expires."""

    def __init__(self, settings: IdentitySettings, *, keys: Keys | None = None) -> None:
        self.settings = settings
        self._keys = keys or Keys(settings.jwks)
        self._seen: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    async def verify(self, token: str) -> Caller:
        """The caller that *token* names.

        Raises the Problems kit.bad_token, or kit.dependency_down while no key was ever fetched.
        """
        if token and (known := self.remembered(token)) is not None:
            return known
        claims = await self._claims(token)
        caller = caller_of(claims, self.settings.posts_claim)
        self._seen[_digest(token)] = (float(claims["exp"]), caller)
        while len(self._seen) > KEPT:
            self._seen.popitem(last=False)
        return caller

    def remembered(self, token: str) -> Caller | None:
        """The caller of a token that was verified before and holds; nobody for no token."""
        if not token:
            return NOBODY
        digest = _digest(token)
        known = self._seen.get(digest)
        if known is None or known[0] <= time.time():
            return None
        self._seen.move_to_end(digest)
        return known[1]

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as exc:
            raise BAD_TOKEN(why="格式不对") from exc
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise BAD_TOKEN(why=f"不接受签名算法 {str(algorithm)[:20]}")
        key = await self._keys.key(str(header.get("kid", "")))
        if key is None:
            raise BAD_TOKEN(why="签发者不认识这把密钥")
        if key.algorithm_name != algorithm:
            raise BAD_TOKEN(why="签名算法与密钥不符")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self.settings.audience,
                issuer=self.settings.issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "sub", "iss", "aud"]},
            )
        except jwt.PyJWTError as exc:
            raise BAD_TOKEN(why=_why(exc)) from exc
        return claims


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def caller_of(claims: Mapping[str, Any], posts_claim: str = "posts") -> Caller:
    """The Caller in verified *claims*. Raises kit.bad_token when the posts claim has another shape."""
    found: Any = claims
    for step in posts_claim.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    try:
        posts = msgspec.convert(found or [], tuple[Post, ...])
    except msgspec.ValidationError as exc:
        raise BAD_TOKEN(why="岗位信息的格式不对") from exc
    return Caller(
        person_ref=str(claims["sub"]),
        posts=posts,
        kind=str(claims.get("kind", "human")),
        via=str(claims.get("azp", "")),
    )


def _why(exc: jwt.PyJWTError) -> str:
    reasons: dict[type[jwt.PyJWTError], str] = {
        jwt.ExpiredSignatureError: "已经过期",
        jwt.InvalidAudienceError: "不是给本系统的",
        jwt.InvalidIssuerError: "签发者不被信任",
        jwt.InvalidSignatureError: "签名不对",
        jwt.MissingRequiredClaimError: "缺少必要的内容",
        jwt.ImmatureSignatureError: "尚未生效，请核对服务器时钟",
    }
    return reasons.get(type(exc), "验证没有通过")
