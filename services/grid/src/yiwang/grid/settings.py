"""What a deployment may set for grid (YIWANG_GRID_<FIELD>)."""

from __future__ import annotations

from typing import Annotated

import msgspec


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    tolerance_m: Annotated[float, msgspec.Meta(ge=0, le=500)] = 30.0
    """Metres within which a point in no cell belongs to the nearest one (roads, seams, water edges)"""
    part_within_m: Annotated[float, msgspec.Meta(ge=0, le=90)] = 20.0
    """Metres within which a report about a part that names none most likely means the nearest of its class; 0: never"""
    reload_seconds: Annotated[float, msgspec.Meta(gt=0)] = 15.0
    """After so long at the latest a replica sees an activation whose notice it missed"""
