"""The tabular layers: areas, duty grids and address rows as CSV (UTF-8 with or without BOM, GB18030)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from yiwang.contracts.areas import level_of
from yiwang.geo import to_cgcs2000

from .layers import ADDRESS_KINDS, Address, Area, DutyGrid
from .tree import short_code


class TableError(ValueError):
    """A table that can't be read; the message names the line and says who must do what."""


def decode_text(data: bytes) -> str:
    """Text of a CSV file; raises TableError when it is neither UTF-8 nor GB18030."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise TableError("文件既不是 UTF-8 也不是 GB18030 编码：请数据提供方另存为 UTF-8 的 CSV")


def rows_of(data: bytes, required: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, row) of a CSV with a header; raises TableError for an empty file or missing columns."""
    reader = csv.DictReader(io.StringIO(decode_text(data).replace("\0", "")), restkey="", restval="")
    try:
        yield from _rows(reader, required)
    except csv.Error as exc:
        raise TableError(f"第 {reader.line_num} 行不是合格的 CSV（{exc}）：请数据提供方检查引号和分隔符") from None


def _rows(reader: csv.DictReader[str], required: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    missing = [name for name in required if name not in (reader.fieldnames or ())]
    if missing:
        have = "、".join(reader.fieldnames or ()) or "空文件"
        raise TableError(f"表头缺少列 {'、'.join(missing)}（现有：{have[:200]}）：请数据提供方按模板补齐")
    for row in reader:
        yield reader.line_num, {str(k): str(v or "").strip() for k, v in row.items()}


def read_areas(data: bytes) -> list[Area]:
    """`code,name[,level,parent,kind,valid_from,valid_to,predecessor]`; level and parent follow from the code."""
    areas = []
    for line, row in rows_of(data, ("code", "name")):
        code = short_code(row["code"])
        try:
            level = level_of(code)
        except ValueError:
            raise TableError(f"第 {line} 行：“{row['code']}”不是区域代码，请数据提供方改为 6、9 或 12 位") from None
        areas.append(
            Area(
                code=code,
                name=row["name"],
                level=row.get("level") or level,
                parent=short_code(row.get("parent") or parent_of(code)),
                kind=row.get("kind", ""),
                valid_from=row.get("valid_from", ""),
                valid_to=row.get("valid_to", ""),
                predecessor=short_code(row.get("predecessor", "")),
            )
        )
    return areas


def parent_of(code: str) -> str:
    """The code above by the rule; towns of a city without counties hang on the city.

    >>> [parent_of(c) for c in ("440310006002", "440310006", "441900003", "440310", "440300", "440300K01")]
    ['440310006', '440310', '441900', '440300', '440000', '440300']
    """
    level = level_of(code)
    if level == "province":
        return ""
    if level == "city":
        return code[:2] + "0000"
    if level == "county":
        return code[:4] + "00"
    return code[:6] if level in ("street", "extension") else code[:9] if level == "community" else code[:12]


def read_duty_grids(data: bytes) -> list[DutyGrid]:
    """`id,cell[,name]`, one row per cell."""
    names: dict[str, str] = {}
    cells: dict[str, list[str]] = {}
    for line, row in rows_of(data, ("id", "cell")):
        if not row["id"] or not row["cell"]:
            raise TableError(f"第 {line} 行：责任网格编号或单元网格编码是空的，请数据提供方补齐")
        names[row["id"]] = row.get("name") or names.get(row["id"], "")
        cells.setdefault(row["id"], []).append(row["cell"])
    return [DutyGrid(id=i, name=names[i], cells=tuple(found)) for i, found in cells.items()]


def read_addresses(data: bytes, crs: str = "cgcs2000") -> list[Address]:
    """`code,name,full,lon,lat[,kind,cell,street,community]`; positions are converted from *crs*."""
    addresses = []
    for line, row in rows_of(data, ("code", "name", "full", "lon", "lat")):
        kind = row.get("kind") or ADDRESS_KINDS[0]
        if kind not in ADDRESS_KINDS:
            raise TableError(f"第 {line} 行：地址类型“{kind}”应为 {'、'.join(ADDRESS_KINDS)} 之一，请数据提供方改正")
        try:
            lon, lat = to_cgcs2000(float(row["lon"]), float(row["lat"]), crs)
        except ValueError as exc:
            raise TableError(f"第 {line} 行：经纬度 {row['lon']}, {row['lat']} 不能用——{exc}") from None
        optional = {k: row.get(k, "") for k in ("cell", "street", "community")}
        code, name, full = row["code"], row["name"], row["full"]
        addresses.append(Address(code=code, kind=kind, name=name, full=full, lon=lon, lat=lat, **optional))
    return addresses
