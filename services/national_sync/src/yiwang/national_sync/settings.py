"""What a deployment may set for the exchange (YIWANG_NATIONAL_SYNC_<FIELD>)."""

from __future__ import annotations

from typing import Annotated

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    endpoints: str = ""
    """Where the platforms are, separated by spaces: ``nation=https://… province=/var/outbox``; beats the profile"""
    secrets: str = ""
    """Shared secrets, separated by spaces: ``nation=whsec_…``, or ``nation=file:/etc/yiwang/nation.secret``"""
    poll_seconds: Positive = 1.0
    """How often the pusher looks for new records when it has nothing to do"""
    backoff_first_s: Positive = 1.0
    """First pause after a failed push; doubles with each failure, with jitter"""
    backoff_most_s: Positive = 300.0
    """Longest pause after failed pushes"""
    timeout_s: Positive = 30.0
    """How long an upper platform may take to answer"""
    reconcile_minutes: Positive = 60.0
    """How often days that have ended are compared with the receiver"""
    reconcile_days: Annotated[int, msgspec.Meta(ge=1)] = 35
    """How many days back the comparison looks"""
    fetch_photos_mib: Annotated[float, msgspec.Meta(ge=0, le=20)] = 2.0
    """Photos of nodes below up to this size (MiB) are fetched as soon as an event names them; 0: only when asked for"""


def pairs(text: str, variable: str) -> dict[str, str]:
    """``a=x b=y`` as a dict. Raises ValueError with the *variable* when a part has no name or no value."""
    found = {}
    for part in text.split():
        name, mark, value = part.partition("=")
        if not (name and mark and value):
            raise ValueError(
                f"{variable}: {part.partition('=')[0]!r} should read name=value, parts separated by spaces"
            )
        found[name] = value
    return found
