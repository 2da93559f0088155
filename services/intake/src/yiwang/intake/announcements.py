"""Channels and natures of reports that an upper tier announces, over the place's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from yiwang.kit import App, Context, Service
from yiwang.kit.announced import Announced, listen

from . import profile
from .receive import Desk
from .rules import Rules

FILE_OF: Final = {"channels": "channels.csv", "natures": "natures.csv"}
"""Announced set → the file that it replaces"""


def rules_with(directory: str, announced: Sequence[Announced]) -> Rules:
    """The rules with what was announced, newest last. Raises ValueError with a sentence."""
    instead = {FILE_OF[one.set_name]: one.content for one in announced}
    try:
        rules = profile.load(directory, instead)
    except profile.BadProfile as error:
        raise ValueError(str(error)) from error
    except KeyError as error:
        raise ValueError(f"缺少列 {error}：请发布方补上后重新发布") from error
    if not rules.channels or not rules.natures:
        raise ValueError("表里没有内容：请发布方核对后重新发布")
    versions = [one.version for one in announced if one.set_name == "channels"]
    return msgspec.structs.replace(rules, version=versions[-1]) if versions else rules


async def check(ctx: Context, new: Announced, used: Sequence[Announced]) -> None:
    """Read it, for trial. Raises ValueError."""
    rules_with(ctx.app.kit.profile, (*used, new))


async def reload(app: App, used: Sequence[Announced]) -> None:
    """Judge reports by it from now on."""
    if used:
        desk = app.get(Desk)
        app.resources[Desk] = msgspec.structs.replace(desk, rules=rules_with(app.kit.profile, used))


def use_announced(service: Service) -> None:
    """Let intake take over what upper tiers announce."""
    listen(service, FILE_OF, check=check, reload=reload)
