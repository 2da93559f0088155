"""The idempotent HTTP call that is being served, as the command's transaction sees it."""

from __future__ import annotations

import uuid
from contextvars import ContextVar
from typing import Any, Final

import msgspec

from ._codes import TOO_BUSY


class Command(msgspec.Struct, frozen=True):
    """A call's hold on its `Idempotency-Key`."""

    principal: str
    route: str
    key: str
    digest: bytes
    holder: uuid.UUID


current: ContextVar[Command | None] = ContextVar("yw_command", default=None)


async def mark_effect(tx: Any) -> None:
    """Say in the command's own transaction, as one of its last statements, that the current call takes effect.

    Does nothing outside an idempotent call. Raises kit.too_busy when another process took the key over.
    """
    command = current.get()
    if command is None:
        return
    done = await tx.execute(_EFFECT, command.principal, command.route, command.key, command.holder)
    if done != "UPDATE 1":
        raise TOO_BUSY(why="此操作已由另一个进程接手", retry_after=1)


_EFFECT: Final = """
update kit_command set effected = true
where principal = $1 and route = $2 and key = $3 and holder = $4 and status is null
"""
