"""Reading tables that people have: CSV in UTF-8 (with or without BOM) or GB18030, and the first sheet of an xlsx.

The one place where this product opens such a file; who reads workbooks declares openpyxl. What comes from a stranger is
bounded: so many rows, so many columns, so much when unpacked.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ENCODINGS: Final = ("utf-8-sig", "gb18030")
WORKBOOKS: Final = (".xlsx", ".xlsm")
WIDEST: Final = 1000
"""Columns that are looked at: a sheet may claim 16,384"""
LARGEST: Final = 256 * 2**20
"""Bytes of a workbook when unpacked"""


class TableError(ValueError):
    """The file can't be read as a table; the sentence says what to do."""


def rows_of(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, column → text) of each row; the first row names the columns.

    Raises TableError with a sentence for a file that is missing, empty, in another encoding or has a broken header.
    """
    if not path.is_file():
        raise TableError(f"没有文件 {path}：请核对路径")
    header: list[str] | None = None
    for number, cells in lines_of(path.read_bytes(), path.name):
        if header is None:
            header = [cell.strip() for cell in cells]
            if not any(header):
                raise TableError(f"{path.name} 第1行没有列名：请在第一行写列名")
            if len(set(header)) != len(header):
                twice = sorted({name for name in header if header.count(name) > 1})
                raise TableError(f"{path.name} 的列名重复：{'、'.join(twice)}；请改成不同的列名")
            continue
        if any(cell.strip() for cell in cells):
            cells = [*cells, *[""] * (len(header) - len(cells))]
            yield number, dict(zip(header, (cell.strip() for cell in cells), strict=False))
    if header is None:
        raise TableError(f"{path.name} 是空文件：请核对导出是否成功")


def lines_of(data: bytes, name: str, *, largest: int = LARGEST) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells as people see them) of a file called *name*, a workbook by its ending.

    Raises TableError, also where a workbook has more than *largest* bytes when unpacked.
    """
    return _xlsx(data, name, largest) if Path(name).suffix.lower() in WORKBOOKS else _csv(data, name)


def encoding_of(data: bytes, name: str) -> str:
    """utf-8-sig or gb18030, whichever fits. Raises TableError when neither does."""
    for encoding in ENCODINGS:
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    raise TableError(f"{name} 既不是 UTF-8 也不是 GB18030：请用其中一种编码重新导出")


def _csv(data: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    text = data.decode(encoding_of(data, name))
    if "\0" in text:
        raise TableError(f"{name} 不是文本表格（含空字节）：请另存为 CSV 或 xlsx")
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise TableError(f"{name} 第 {reader.line_num} 行不是合格的 CSV（{error}）：请另存为 CSV UTF-8 或 xlsx") from None


def _xlsx(data: bytes, name: str, largest: int) -> Iterator[tuple[int, list[str]]]:
    import openpyxl

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > largest:
            raise TableError(f"{name} 解压后有 {size // 2**20} MB，超过 {largest // 2**20} MB：请分成几个文件")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        try:
            for number, cells in enumerate(book.worksheets[0].iter_rows(values_only=True), 1):
                yield number, _trimmed([_text(cell) for cell in cells[:WIDEST]])
        finally:
            book.close()
    except TableError:
        raise
    except Exception as error:  # a sheet is read as it is asked for: whatever its parsers raise, the file is broken
        raise TableError(f"{name} 不是完好的 xlsx 文件（{error}）：请重新导出") from error


def _trimmed(cells: list[str]) -> list[str]:
    """Without the empty cells at the end."""
    while cells and not cells[-1].strip():
        cells.pop()
    return cells


def _text(cell: object) -> str:
    """As people see it: a whole number without its decimal point."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    return str(cell)
