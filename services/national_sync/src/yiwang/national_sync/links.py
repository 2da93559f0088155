"""The platforms of this node with where they are and the secret that is shared with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from .profile import Platform, load_platforms
from .settings import Settings, pairs


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A platform and how it is reached; `missing` says what a person must still set."""

    platform: Platform
    endpoint: str
    secret: str
    missing: str = ""


class Links(msgspec.Struct, frozen=True):
    """All platforms by name."""

    by_name: Mapping[str, Link]

    @property
    def outgoing(self) -> list[Link]:
        return [link for link in self.by_name.values() if link.platform.outgoing]

    @property
    def wants(self) -> list[tuple[str, str]]:
        """(platform, kind) for every kind that an outgoing platform wants; one that serves places below gets their tasks alone."""
        return [
            (link.platform.name, kind)
            for link in self.outgoing
            if not link.platform.areas
            for kind in link.platform.kinds
        ]


def load_links(profile: str, settings: Settings) -> Links:
    """The platforms of *profile*. Raises ValueError with a sentence for what can't be read or names no platform."""
    platforms = load_platforms(profile)
    endpoints = pairs(settings.endpoints, "YIWANG_NATIONAL_SYNC_ENDPOINTS")
    secrets = pairs(settings.secrets, "YIWANG_NATIONAL_SYNC_SECRETS")
    unknown = sorted(set(endpoints) - set(platforms))
    if unknown:
        known = ", ".join(platforms) or "none"
        raise ValueError(
            f"YIWANG_NATIONAL_SYNC_ENDPOINTS names {unknown[0]!r}: the profile's sync/*.toml describe only {known}"
        )
    return Links({name: _link(p, endpoints.get(name, p.endpoint), secrets) for name, p in platforms.items()})


def _link(platform: Platform, endpoint: str, secrets: Mapping[str, str]) -> Link:
    secret = secrets.get(platform.secret or platform.name, "")
    if secret.startswith("file:"):
        secret = Path(secret.removeprefix("file:")).read_text("utf-8").strip()
    return Link(platform=platform, endpoint=endpoint, secret=secret, missing=_missing(platform, endpoint, secret))


def _missing(platform: Platform, endpoint: str, secret: str) -> str:
    name = platform.name
    if platform.pushed and not endpoint:
        return f"尚未设置对方地址：请管理员在 YIWANG_NATIONAL_SYNC_ENDPOINTS 中填写 {name}=地址；此前记录留存待发"
    if platform.incoming and platform.transport != "http" and not endpoint:
        return f"尚未设置对方地址：请管理员在 YIWANG_NATIONAL_SYNC_ENDPOINTS 中填写 {name}=地址或目录"
    if not secret and (platform.transport in ("http", "served") or platform.incoming):
        return f"尚未设置共享密钥：请管理员在 YIWANG_NATIONAL_SYNC_SECRETS 中填写 {name}=密钥；此前记录留存待发"
    return ""
