"""What a deployment may set for enforcement (YIWANG_ENFORCEMENT_<FIELD>)."""

from __future__ import annotations

from typing import Annotated

import msgspec


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    suite: str = "sha256"
    """Hash suite of logs opened from now on: sha256 or sm3"""
    head_every_leaves: Annotated[int, msgspec.Meta(ge=1)] = 64
    """A head is signed at the latest after so many new records"""
    head_every_minutes: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    """A head is signed at the latest so long after the first record that it doesn't cover"""
    key_directory: str = ""
    """Directory of the agencies' private keys; empty: in the service's table (and so in its backups)"""
