"""POST /reports for JSON reports, as many as come at once (decision: mesh-measured.md, 2).

Everything else (NDJSON, multipart, compressed or chunked bodies) is left to the documented route, which calls the same
`receive`.
"""

from __future__ import annotations

from collections.abc import Sequence

from yiwang.kit import App, Problem
from yiwang.kit.http import Asked

from .reading import one_report
from .receive import Handed, receive
from .submission import Receipt


async def post_reports(app: App, asked: Sequence[Asked]) -> list[Receipt | Problem]:
    """A receipt or a refusal for each report; what is wrong with one body is no matter of the others."""
    answers: list[Receipt | Problem | None] = [None] * len(asked)
    handed: dict[int, Handed] = {}
    for n, one in enumerate(asked):
        try:
            handed[n] = Handed(one_report(one.body), one.caller, one.key)
        except Problem as refusal:
            answers[n] = refusal
    for n, outcome in zip(handed, await receive(app, list(handed.values())) if handed else (), strict=True):
        answers[n] = outcome
    return [answer for answer in answers if answer is not None]
