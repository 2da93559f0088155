"""A new link starts only when both ends stand: its consumer is made paused, and released once the other side listens.

A consumer that starts while the other side's source is still being set up can hand its first window (1,000 events) to
nobody and count it as delivered (seen on nats-server 2.15.1 under load: 2 of 6 starts).
"""

from __future__ import annotations

from typing import Any, Final

from nats.aio.client import Client
from yiwang.kit import JetStreamError
from yiwang.kit.link import api

PAUSED: Final = "2100-01-01T00:00:00Z"
ROUNDS: Final = 2
"""Looks at the link, one after the other, that must find the other side listening"""


class Release:
    """Remembers for how many rounds the other side of each paused consumer has listened."""

    def __init__(self) -> None:
        self._listening: dict[str, int] = {}

    @property
    def begun(self) -> bool:
        """Whether a link whose other side listens waits only for another look."""
        return any(self._listening.values())

    async def round(self, nc: Client, consumers: list[dict[str, Any]]) -> list[str]:
        """Release what is ready; says which."""
        released = []
        for body in consumers:
            name = f"{body['stream_name']}.{body['config']['name']}"
            try:
                info = await api(nc, f"CONSUMER.INFO.{name}")
            except JetStreamError:
                continue  # it will be made in the next round
            if not info.get("paused"):
                self._listening.pop(name, None)
                continue
            rounds = self._listening.get(name, 0) + 1 if info.get("push_bound") else 0
            self._listening[name] = rounds
            if rounds >= ROUNDS:
                await api(nc, f"CONSUMER.PAUSE.{name}", {})
                self._listening.pop(name)
                released.append(name)
        return released
