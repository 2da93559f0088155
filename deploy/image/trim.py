"""Take out of an installation what no running process reads; nearly a third of its size.

Tests, C sources, source maps, the invented names of a data generator that the web framework carries along for examples,
and the symbol tables of compiled modules, which only a debugger opens.
"""

from __future__ import annotations

import re
import shutil
import struct
from pathlib import Path

UNREAD = ("*.map", "*.pyi", "*.pyx", "*.pxd", "*.c", "*.h", "*.a")
DIRECTORIES = ("numpy/**/tests", "shapely/tests", "pyproj/tests", "numpy/distutils", "numpy/f2py", "numpy/_core/include",
               "*/_pyinstaller")  # fmt: skip
LOCALE = re.compile(r"^[a-z]{2,3}(_[A-Z][A-Za-z]+)?(_[A-Z]{2})?$")
KEPT_LOCALES = ("en", "en_US")


def trim(packages: Path) -> None:
    """Trim a site-packages directory."""
    for pattern in DIRECTORIES:
        for directory in list(packages.glob(pattern)):
            shutil.rmtree(directory, ignore_errors=True)
    for locale in list(packages.glob("faker/providers/*/*/")):
        if LOCALE.match(locale.name) and locale.name not in KEPT_LOCALES:
            shutil.rmtree(locale)
    for pattern in UNREAD:
        for file in list(packages.rglob(pattern)):
            file.unlink()


def cut_symbols(below: Path) -> int:
    """Cut every 64-bit ELF file below the directory behind its last loaded byte; returns how many bytes went.

    The loader reads program headers alone (System V ABI, chapter 5); sections and symbols serve linkers and debuggers.
    """
    return sum(_cut(file) for file in below.rglob("*") if file.is_file() and not file.is_symlink())


def _cut(file: Path) -> int:
    with file.open("rb") as reader:
        if reader.read(5) != b"\x7fELF\x02":
            return 0
    content = bytearray(file.read_bytes())
    table: int = struct.unpack_from("<Q", content, 32)[0]
    size, count = struct.unpack_from("<HH", content, 54)
    end: int = table + size * count
    for header in range(table, end, size):
        offset, _, _, length = struct.unpack_from("<QQQQ", content, header + 8)
        end = max(end, offset + length)
    struct.pack_into("<Q", content, 40, 0)  # no section table,
    struct.pack_into("<HH", content, 60, 0, 0)  # of no entries
    file.write_bytes(content[:end])
    return max(len(content) - end, 0)
