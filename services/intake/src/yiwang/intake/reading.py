"""From bytes to reports: one JSON body, or lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec
from yiwang.kit import FieldError, Problem
from yiwang.kit.http import invalid, problem_of

from .errors import BATCH_LINES, BATCH_NUMBER, NOT_JSON, TOO_LARGE
from .submission import BATCH_LINES as MOST_LINES
from .submission import Submission, decoder

JSON_MAX: Final = 128 * 1024
"""Bytes of one report"""
BATCH_MAX: Final = 16 * 1024 * 1024
"""Bytes of a batch"""


def one_report(body: bytes) -> Submission:
    """The report in *body*. Raises the Problem that says what is wrong and where."""
    if len(body) > JSON_MAX:
        raise TOO_LARGE(size=len(body), most=JSON_MAX)
    if b"\\u0000" in body:
        raise invalid(FieldError("$", "文字中含有空字符（\\u0000），请去掉"))
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise problem_of(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NOT_JSON(why=_place(error)) from None


def lines(body: bytes) -> Iterator[tuple[int, Submission | Problem]]:
    """(line number from 1, report or refusal) for each line that isn't blank.

    Raises intake.too_many_lines: then none is read.
    """
    numbered = [(n, line) for n, line in enumerate(body.split(b"\n"), 1) if line.strip()]
    if len(numbered) > MOST_LINES:
        raise BATCH_LINES(count=len(numbered), most=MOST_LINES)
    for n, line in numbered:
        try:
            report = one_report(line)
            yield n, report if report.source is not None else BATCH_NUMBER()
        except Problem as refusal:
            yield n, refusal


def _place(error: Exception) -> str:
    """Where the JSON breaks, without quoting it: the text may be personal."""
    if isinstance(error, UnicodeDecodeError):
        return "不是 UTF-8 编码"
    position = str(error).rpartition("(byte ")[2].rstrip(")")
    return f"第 {position} 字节附近有语法错误" if position.isdigit() else "内容为空或不完整"
