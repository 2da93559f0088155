"""Reading tables that people have: CSV in UTF-8 (with or without BOM) or GB18030, and xlsx."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ENCODINGS: Final = ("utf-8-sig", "gb18030")


class TableError(ValueError):
    """The file can't be read as a table; the sentence says what to do."""


def rows_of(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, column → text) of each row; the first row names the columns.

    Raises TableError with a sentence for a file that is missing, empty, in another encoding or has a broken header.
    """
    if not path.is_file():
        raise TableError(f"没有文件 {path}：请核对路径")
    source = _xlsx(path) if path.suffix.lower() in (".xlsx", ".xlsm") else _csv(path)
    header: list[str] | None = None
    for number, cells in source:
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


def encoding_of(data: bytes, name: str) -> str:
    """utf-8-sig or gb18030, whichever fits. Raises TableError when neither does."""
    for encoding in ENCODINGS:
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    raise TableError(f"{name} 既不是 UTF-8 也不是 GB18030：请用其中一种编码重新导出")


def _csv(path: Path) -> Iterator[tuple[int, list[str]]]:
    data = path.read_bytes()
    text = data.decode(encoding_of(data, path.name))
    if "\0" in text:
        raise TableError(f"{path.name} 不是文本表格（含空字节）：请另存为 CSV 或 xlsx")
    reader = csv.reader(io.StringIO(text, newline=""))
    for cells in reader:
        yield reader.line_num, cells


def _xlsx(path: Path) -> Iterator[tuple[int, list[str]]]:
    import zipfile

    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError) as error:
        raise TableError(f"{path.name} 不是完好的 xlsx 文件（{error}）：请重新导出") from error
    try:
        for number, cells in enumerate(book.worksheets[0].iter_rows(values_only=True), 1):
            yield number, ["" if cell is None else _text(cell) for cell in cells]
    finally:
        book.close()


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    isoformat = getattr(cell, "isoformat", None)
    return str(isoformat(sep=" ")) if isoformat and hasattr(cell, "hour") and hasattr(cell, "year") else str(cell)
