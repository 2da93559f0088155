"""How a service fares: each replica answers its node's mesh service, over a subject that never leaves the account."""

from __future__ import annotations

import asyncio
import importlib.metadata
from typing import TYPE_CHECKING, Any, Final

import msgspec
from nats.aio.client import Client
from yiwang.contracts import ServiceState

if TYPE_CHECKING:
    from ._app import App

SUBJECT: Final = "yw-state"
_PARKED: Final = "select count(*) from kit_parked where state = 'parked'"


def version() -> str:
    """Version of the program."""
    return importlib.metadata.version("yiwang-kit")


async def state_of(app: App) -> ServiceState:
    """This replica as it is now."""
    waits, parked, unsent = await app.health(), 0, 0
    if app.service.database and "database" not in waits:
        async with asyncio.timeout(2):
            parked, unsent = await app.pool.fetchval(_PARKED), await app.outbox.size()
    return ServiceState(
        service=app.service.name, version=version(), replicas=1, parked=parked, unsent=unsent,
        waits_for="；".join(waits.values()),
    )  # fmt: skip


async def answer(app: App) -> None:
    """Answer whoever asks, for as long as the link stands."""

    async def reply(msg: Any) -> None:
        if app.stopping or not msg.reply:
            return
        try:
            state = await state_of(app)
        except Exception as error:  # noqa: BLE001 - that it can't say how it fares is the answer
            why = f"无法说明状态：{type(error).__name__}"
            state = ServiceState(service=app.service.name, version=version(), replicas=1, waits_for=why)
        await app.nc.publish(msg.reply, msgspec.json.encode(state))

    await app.nc.subscribe(SUBJECT, cb=reply)


async def ask_states(nc: Client, wait: float = 0.5) -> list[ServiceState]:
    """The services of this node that answer within *wait* seconds, their replicas taken together; by name."""
    inbox, heard = nc.new_inbox(), []

    async def hear(msg: Any) -> None:
        if msg.data:
            heard.append(msgspec.json.decode(msg.data, type=ServiceState))

    sub = await nc.subscribe(inbox, cb=hear)
    await nc.publish(SUBJECT, b"", inbox)
    await asyncio.sleep(wait)
    await sub.unsubscribe()
    return [together([s for s in heard if s.service == name]) for name in sorted({s.service for s in heard})]


def together(replicas: list[ServiceState]) -> ServiceState:
    """Replicas of one service as one: they share a database, so counts are not added up."""
    return ServiceState(
        service=replicas[0].service, version="、".join(sorted({r.version for r in replicas})), replicas=len(replicas),
        parked=max(r.parked for r in replicas), unsent=max(r.unsent for r in replicas),
        waits_for="；".join(dict.fromkeys(r.waits_for for r in replicas if r.waits_for)),
    )  # fmt: skip
