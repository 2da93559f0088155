"""What a grid version consists of: areas, unit cells, duty grids and address rows.

Geometry is WKB in CGCS2000 degrees, so that a version is plain data: it is stored, compared and built into an index
without any conversion.
"""

from __future__ import annotations

from typing import Final

import msgspec

LAYERS: Final = {"areas": "区域", "cells": "单元网格", "duty_grids": "责任网格", "addresses": "地址"}
"""Layer → its Chinese name"""

ADDRESS_KINDS: Final = ("门牌", "建筑物", "小区", "兴趣点", "街巷")
"""Address types of GB/T 30428.3, the most precise first."""


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the tree province-city-county-street-community; levels may be missing (东莞 has no counties)."""

    code: str
    name: str
    level: str
    parent: str = ""
    kind: str = ""
    """E.g. 街道, 镇, 居委会, 村委会, 功能区"""
    valid_from: str = ""
    valid_to: str = ""
    """ISO dates; a code with an end is abolished in this version, reports that name it go to its successor"""
    predecessor: str = ""
    """The code that this one replaced; reports that still use the old code are understood"""
    geom: bytes | None = None


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A unit cell (单元网格, ~10,000 m²): 15 digits = county 6, street 3, community 3, sequence 001-999."""

    code: str
    geom: bytes
    name: str = ""
    land_use: str = ""
    manage_level: str = ""


class DutyGrid(msgspec.Struct, frozen=True, kw_only=True):
    """A duty grid (责任网格): a set of unit cells, or a polygon that takes the cells whose middle lies in it."""

    id: str
    name: str = ""
    cells: tuple[str, ...] = ()
    geom: bytes | None = None


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """An address row (GB/T 30428.3): type, name, full text, position in CGCS2000, and where it belongs."""

    code: str
    kind: str
    name: str
    full: str
    lon: float
    lat: float
    cell: str = ""
    street: str = ""
    community: str = ""


class GridData(msgspec.Struct, frozen=True, kw_only=True):
    """One whole version of the grid, as it was imported."""

    version: str = ""
    areas: tuple[Area, ...] = ()
    cells: tuple[Cell, ...] = ()
    duty_grids: tuple[DutyGrid, ...] = ()
    addresses: tuple[Address, ...] = ()
