"""A place that a person gives by its area code, instead of the grid service by a point."""

from __future__ import annotations

import msgspec
from yiwang.contracts import AreaRef, Place
from yiwang.contracts.areas import city_of, county_of, province_of


def place_of_code(code: str, old: Place | None, address_masked: str = "") -> Place:
    """*old* moved to the area *code* (6, 9 or 12 digits); the point stays, cell and duty grid are no longer known."""
    area = AreaRef(
        province=province_of(code),
        city=city_of(code),
        county="" if code.endswith("00") and len(code) == 6 else county_of(code),
        street9=code[:9] if len(code) >= 9 else "",
        community12=code[:12] if len(code) >= 12 else "",
        names=old.area.names if old else {},
        area_version=old.area.area_version if old else "",
    )
    base = old or Place()
    return msgspec.structs.replace(
        base, area=area, cell15="", duty_grid_id="", method="manual", distance_m=None,
        address_masked=address_masked or base.address_masked,
    )  # fmt: skip
