"""A module is one idea that is read in one sitting; a function is read at a glance."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULE_LINES = 300
FUNCTION_LINES = 60
LARGE_MODULES = {
    "libs/contracts/src/yiwang/contracts/case.py": 600,  # the vocabulary of a case: one list, no logic
    "libs/kit/src/yiwang/kit/_app.py": 450,
}
"""Module → its own bound; a new entry needs a reason, and none may grow past it."""


def sources() -> list[Path]:
    found = [*ROOT.glob("libs/*/src/**/*.py"), *ROOT.glob("services/*/src/**/*.py"), *ROOT.glob("examples/*/*.py")]
    assert len(found) > 100
    return sorted(found)


def length(node: ast.AST) -> int:
    """Lines of a function without its docstring."""
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    whole = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is None:
        return whole
    first = node.body[0]
    return whole - ((first.end_lineno or first.lineno) - first.lineno + 1)


def test_a_module_is_one_idea() -> None:
    """Under 300 lines, but for the few that are named above."""
    too_long = []
    for path in sources():
        name, lines = str(path.relative_to(ROOT)), len(path.read_text("utf-8").splitlines())
        if lines > LARGE_MODULES.get(name, MODULE_LINES):
            too_long.append(f"{name}: {lines} lines")
    assert not too_long, "split them by idea: " + ", ".join(too_long)


def test_the_exceptions_exist_and_are_needed() -> None:
    """A module that has become small again leaves the list."""
    for name in LARGE_MODULES:
        assert len((ROOT / name).read_text("utf-8").splitlines()) > MODULE_LINES, f"take {name} off the list"


def test_a_function_is_read_at_a_glance() -> None:
    """Under 60 lines, without its docstring."""
    too_long = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length(node) > FUNCTION_LINES:
                too_long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length(node)} lines")
    assert not too_long, "\n".join(too_long)
