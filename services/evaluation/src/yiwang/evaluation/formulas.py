"""Indicators as data: expressions over counters, manual inputs, survey results and targets. Nothing is executed.

    archive_num / (need_archive - hang_need_archive)
    100 * intime_archive@urgent / need_archive@urgent
    patrol_report / target.patrol

A name is a counter, a counter of a segment (``archive_num@urgent``), ``input.x`` (events that people count: none unless
entered), ``manual.x`` (what people measured), ``survey.x``, ``target.x`` or ``rate.other`` (another indicator). Numbers,
+ - * /, brackets, unary minus, ``min(a, b)`` and ``max(a, b)``. A division by zero gives no value (None), and so does
everything computed from it: a place without cases has no rate, not a bad one.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from .vocabulary import BY_NAME, SEGMENTS

Number = Decimal | None
_AT: Final = re.compile(r"@(\w+)")
_AS: Final = "__at__"
PREFIXES: Final = ("input", "manual", "survey", "target", "rate")
OPERATORS: Final[dict[type[ast.operator], Callable[[Decimal, Decimal], Decimal]]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}
FUNCTIONS: Final[dict[str, Callable[..., Decimal]]] = {"min": min, "max": max}
LONGEST: Final = 400


class Formula:
    """An expression that was checked; `names` are the values that it needs."""

    def __init__(self, text: str) -> None:
        """Raises ValueError with a sentence where *text* is no formula."""
        self.text = text
        if len(text) > LONGEST:
            raise ValueError(f"公式超过 {LONGEST} 个字符，请拆成几个指标")
        try:
            self._tree = ast.parse(_AT.sub(_AS + r"\1", text.strip()), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ValueError(f"公式 {text} 写法有误，只能用计数名、数字、加减乘除和括号") from None
        self.names: frozenset[str] = frozenset(self._check(self._tree))

    def _check(self, node: ast.expr, depth: int = 0) -> set[str]:
        if depth > 40:
            raise ValueError(f"公式 {self.text[:60]} 嵌套过深，请拆成几个指标")
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            return self._check(node.left, depth + 1) | self._check(node.right, depth + 1)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self._check(node.operand, depth + 1)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            return set()
        if isinstance(node, ast.Call) and _is_function(node):
            return self._check(node.args[0], depth + 1) | self._check(node.args[1], depth + 1)
        name = _name(node)
        if not name or not _known(name):
            raise ValueError(f"公式 {self.text} 中的 {name or ast.unparse(node)} 不认识："
                             "请用计数名、计数名@分段，或 input.、manual.、survey.、target.、rate. 开头的名")
        return {name}

    def value(self, values: Mapping[str, Number]) -> Number:
        """The value; None where a division has nothing to divide by, or a name has no value."""
        return _value(self._tree, values)

    @property
    def parts(self) -> tuple[str, str]:
        """Numerator and denominator as they are written, ("", "") where it isn't one division."""
        tree = self._tree
        if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Div):
            return _written(tree.left), _written(tree.right)
        return "", ""


@functools.lru_cache(maxsize=2000)
def parsed(text: str) -> Formula:
    """The formula of *text*, parsed once. Raises ValueError with a sentence."""
    return Formula(text)


def _is_function(node: ast.Call) -> bool:
    known = isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS
    return known and len(node.args) == 2 and not node.keywords


def _written(node: ast.expr) -> str:
    return ast.unparse(node).replace(_AS, "@")


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id.replace(_AS, "@")
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


def _known(name: str) -> bool:
    prefix, _, rest = name.partition(".")
    if rest:
        return prefix in PREFIXES
    counter, _, segment = name.partition("@")
    return counter in BY_NAME and (not segment or f"@{segment}" in SEGMENTS)


def _value(node: ast.expr, values: Mapping[str, Number]) -> Number:
    if isinstance(node, ast.Constant):
        return Decimal(str(node.value))
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, values)
        return None if inner is None else -inner
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, values), _value(node.right, values)
        if left is None or right is None or (isinstance(node.op, ast.Div) and right == 0):
            return None
        return OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        given = [_value(arg, values) for arg in node.args]
        return None if None in given else FUNCTIONS[node.func.id](*given)
    return values.get(_name(node))


def percent(value: Number, places: int = 2) -> str:
    """As people read a rate, rounded half up.

    >>> percent(Decimal(911) / Decimal(972)), percent(None)
    ('93.72%', '—')
    """
    return "—" if value is None else f"{rounded(value * 100, places)}%"


def rounded(value: Decimal, places: int = 2) -> Decimal:
    """Rounded half up (四舍五入)."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
