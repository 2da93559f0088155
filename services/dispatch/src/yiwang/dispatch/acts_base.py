"""What every action may carry, and the words that bodies are made of."""

from __future__ import annotations

from typing import Annotated

import msgspec
from yiwang.contracts import MediaRef

Text = Annotated[str, msgspec.Meta(max_length=2000)]
Key = Annotated[str, msgspec.Meta(max_length=100)]
Media = Annotated[tuple[MediaRef, ...], msgspec.Meta(max_length=50)]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What every action may carry."""

    version: Annotated[int, msgspec.Meta(ge=1, le=2**31)] | None = None
    """The case's version that the actor has seen; another one means that somebody was quicker"""
    role: Key = ""
    """The role to act in, for a person who holds several"""
    opinion: Text = ""
