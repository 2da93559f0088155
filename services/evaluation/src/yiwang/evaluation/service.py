"""The service's name, its settings, and what it holds in memory."""

from __future__ import annotations

from typing import Final

import msgspec
from yiwang.kit import App, Service

from .profile import Book, load


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an administrator of this service decides."""

    due_seconds: float = 5.0
    """How often disposals are looked up whose limit has passed without a word from their custodian"""
    cut_after_s: float = 600.0
    """A node below that has not been heard for so long counts as cut off; figures then say as of when"""
    warn_seconds: float = 60.0
    """How often the rules of early warning are tried on the hours that have ended; 0 is never"""
    sign_directory: str = ""
    """Directory of the key that signs reports; empty: the key lies in the database"""


service: Final = Service(
    "evaluation", package="yiwang.evaluation", settings=Settings, database=True, handler_set=2, watches=True, batches=5
)


@service.on_start
async def begin(app: App) -> None:
    """Load the profile's rules; refuse to start with a sentence when they can't be used."""
    app.resources[Book] = load(app.kit.profile)
