"""The webhook channel: Standard Webhooks 1.0.0 over httpx, only to where the allow-list lets it go."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import email.utils
import os
import socket
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import httpx
from standardwebhooks.webhooks import Webhook

from .allow import AllowList, NotAllowed
from .retry import Result, classify_http

SECRET_BYTES: Final = 32
"""Between 24 and 64 random bytes (Standard Webhooks)."""
MOST_BYTES: Final = 20_000
"""A payload stays under 20 kB (Standard Webhooks)."""


def new_secret() -> str:
    """A secret of its own for one endpoint, ``whsec_`` + base64."""
    return "whsec_" + base64.b64encode(os.urandom(SECRET_BYTES)).decode()


def headers(message_id: str, at: dt.datetime, body: bytes, secrets: list[str]) -> dict[str, str]:
    """The three headers; one signature for each secret that is valid, newest first.

    *at* is the moment of this attempt and must know its zone: the library takes a naive time for UTC, and a local
    one would be eight hours off.
    """
    if at.tzinfo is None:
        raise ValueError("sign with an aware datetime")
    moment = at.astimezone(dt.UTC)
    signatures = [Webhook(secret).sign(message_id, moment, body.decode()) for secret in secrets]
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def retry_after(value: str | None, now: dt.datetime) -> float | None:
    """Seconds of a Retry-After header, a number or an HTTP date.

    >>> retry_after("120", dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    120.0
    >>> retry_after("Thu, 01 Jan 2026 00:01:00 GMT", dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    60.0
    """
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, (email.utils.parsedate_to_datetime(value) - now).total_seconds())
    except (TypeError, ValueError):
        return None


class Webhooks:
    """Sends to endpoints; one connection pool for all."""

    def __init__(self, allow: AllowList, timeout_s: float) -> None:
        self._allow = allow
        self._http = httpx.AsyncClient(timeout=timeout_s, follow_redirects=False, trust_env=False)

    async def send(self, url: str, message_id: str, at: dt.datetime, body: bytes, secrets: list[str]) -> Result:
        """One attempt. Never raises for what the receiver or the network does."""
        if len(body) > MOST_BYTES:
            return Result(klass="permanent_template", reason=f"内容 {len(body)} 字节,超过 {MOST_BYTES}")
        try:
            request = await self._request(url, body, headers(message_id, at, body, secrets))
            answer = await self._http.send(request)
        except NotAllowed as error:
            return Result(klass="auth", reason=str(error))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Result(klass="transient", reason=f"{type(error).__name__}: {error}"[:200])
        wait = retry_after(answer.headers.get("retry-after"), at)
        return Result(
            klass=classify_http(answer.status_code, wait),
            reason="" if answer.is_success else f"HTTP {answer.status_code}",
            retry_after_s=wait,
            provider_id=answer.headers.get("x-request-id", "")[:100],
            receipt=f"{answer.status_code}\n".encode() + answer.content[:4096],
            gone=answer.status_code == 410,
        )

    async def _request(self, url: str, body: bytes, signed: dict[str, str]) -> httpx.Request:
        """The request, bound to an address that was checked, so that the name can't change its meaning meanwhile."""
        parts, host = urlsplit(url), self._allow.host_of(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        target = host
        if host not in self._allow.hosts:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
            target = self._allow.address_for(host, [str(info[4][0]) for info in found])
        netloc = f"[{target}]:{port}" if ":" in target else f"{target}:{port}"
        return self._http.build_request(
            "POST", urlunsplit((parts.scheme, netloc, parts.path, parts.query, "")), content=body,
            headers=signed | {"host": parts.netloc}, extensions={"sni_hostname": host},
        )  # fmt: skip

    async def close(self) -> None:
        await self._http.aclose()
