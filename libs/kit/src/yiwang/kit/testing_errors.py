"""For tests: are a package's error codes whole, and is each of them used?"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ._problems import ErrorCode, error_codes

_CHINESE = re.compile(r"[一-鿿]")


def assert_errors_hold(package: str, *prefixes: str) -> list[ErrorCode]:
    """Every ErrorCode declared in *package* speaks Chinese, names its service, can be filled in, and is used.

    *prefixes* are what codes begin with (the package's last name if left out). Returns the codes; raises AssertionError
    with all mistakes.
    """
    prefixes = prefixes or (package.rpartition(".")[2],)
    _import_all(package)
    codes = [code for code in error_codes().values() if _within(code.module, package)]
    uses = _uses(package)
    mistakes = [mistake for code in codes for mistake in _mistakes(code, prefixes, uses)]
    if mistakes:
        raise AssertionError("\n".join(mistakes))
    return codes


def _mistakes(code: ErrorCode, prefixes: tuple[str, ...], uses: Counter[str]) -> Iterator[str]:
    if code.code.partition(".")[0] not in prefixes:
        yield f"{code.code}: name it {prefixes[0]}.…"
    for what, text in (("say", code.say), ("do", code.do)):
        if not _CHINESE.search(text):
            yield f"{code.code}: {what}={text!r} is not a Chinese sentence"
    fields: dict[str, Any] = dict.fromkeys(code.fields, "…")
    problem = code(**fields)
    if "{" in problem.detail + problem.do:
        yield f"{code.code}: a field was not filled in: {problem}"
    names = [name for name, value in vars(importlib.import_module(code.module)).items() if value is code]
    if not any(uses[name] > 0 for name in names):
        yield f"{code.code}: nobody raises {' or '.join(names) or 'it'}; use it or delete it"


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _import_all(package: str) -> None:
    root = importlib.import_module(package)
    for found in pkgutil.walk_packages(getattr(root, "__path__", []), f"{package}."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)


def _uses(package: str) -> Counter[str]:
    """How often each name is read (not assigned, not imported) in the package's source."""
    spec = importlib.util.find_spec(package)
    folders = [Path(folder) for folder in (spec.submodule_search_locations or []) if spec] if spec else []
    names: Counter[str] = Counter()
    for file in (file for folder in folders for file in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                names[node.id] += 1
            elif isinstance(node, ast.Attribute):
                names[node.attr] += 1
    return names
