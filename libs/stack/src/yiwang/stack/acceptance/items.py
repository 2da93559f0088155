"""Requirements as data: one TOML file per class; a class may extend another one."""

from __future__ import annotations

import importlib.resources
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

CLASSES: Final = {"basic": "基础型", "standard": "通用型", "smart": "智慧型"}
STATES: Final = {"pass": "合格", "fail": "不合格", "na": "不适用", "manual": "需人工核对"}


class RulesError(ValueError):
    """The file of requirements can't be used; the sentence says what to mend."""


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One requirement.

    Attributes:
        id: unique in the class; an extending class replaces an item by its id
        group: heading in the report
        title: what is required, in Chinese
        check: which measurement judges it ("manual": a person does)
        limit: the figure that must be kept; None where there is none
        unit: of the figure and the limit
        at_most: whether the limit is an upper one
        source: where the requirement comes from; "建议值" where no public text was found
        args: what the measurement needs to know
    """

    id: str
    group: str
    title: str
    check: str = "manual"
    limit: float | None = None
    unit: str = ""
    at_most: bool = True
    source: str
    args: dict[str, Any] = {}

    @property
    def limit_text(self) -> str:
        """``≤ 3 秒``."""
        return "" if self.limit is None else f"{'≤' if self.at_most else '≥'} {self.limit:g} {self.unit}".rstrip()


class Finding(msgspec.Struct, frozen=True):
    """How one requirement stands: pass, fail, na or manual, with the figure and a sentence."""

    item: Item
    state: str
    figure: str = ""
    say: str = ""


class _Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    extends: str = ""
    note: str = ""
    items: list[Item] = []


class Book(msgspec.Struct, frozen=True):
    """All requirements of one class, in the report's order."""

    klass: str
    title: str
    note: str
    items: tuple[Item, ...]


def load(klass: str, directory: Path | None = None) -> Book:
    """The requirements of *klass* (basic, standard, smart), shipped ones or those in *directory*.

    Raises RulesError with a sentence.
    """
    page, items = _read(klass, _reader(directory), ())
    return Book(klass, page.title, page.note, tuple(items.values()))


def _reader(directory: Path | None) -> Callable[[str], str]:
    def read(klass: str) -> str:
        if directory is not None:
            return (directory / f"{klass}.toml").read_text("utf-8")
        shipped = importlib.resources.files("yiwang.stack").joinpath("data", "acceptance", f"{klass}.toml")
        return shipped.read_text("utf-8")

    return read


def _read(klass: str, read: Callable[[str], str], seen: tuple[str, ...]) -> tuple[_Page, dict[str, Item]]:
    if klass in seen:
        raise RulesError(f"要求表 {klass}.toml 的 extends 绕成了圈：请改成不循环的继承")
    try:
        page = msgspec.convert(tomllib.loads(read(klass)), _Page)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise RulesError(f"要求表 {klass}.toml 不能使用（{error}）：请对照随程序提供的要求表改正") from error
    items: dict[str, Item] = {}
    if page.extends:
        above, items = _read(page.extends, read, (*seen, klass))
        page = msgspec.structs.replace(page, note=page.note or above.note)
    for item in page.items:
        items[item.id] = item
    groups = list(dict.fromkeys(item.group for item in items.values()))
    return page, dict(sorted(items.items(), key=lambda entry: groups.index(entry[1].group)))


def judged(item: Item, value: float, say: str = "", digits: int = 0) -> Finding:
    """pass or fail by the item's limit."""
    if item.limit is None:
        raise RulesError(f"要求 {item.id} 没有写 limit：请在要求表里写上限值")
    kept = value <= item.limit if item.at_most else value >= item.limit
    return Finding(item, "pass" if kept else "fail", f"{value:.{digits}f} {item.unit}".rstrip(), say)
