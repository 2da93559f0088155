"""The same action on many cases: each in a transaction of its own, each with its own answer."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from yiwang.kit import App, Caller, Problem

from .actions import act
from .acts import BODIES, Body

MOST: Final = 100
"""Cases in one call: they are done one after the other while the caller waits"""
Number = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class BatchCase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A case by its number or id, in the version that the caller has seen."""

    no: Number
    version: Annotated[int, msgspec.Meta(ge=1, le=2**31)] | None = None


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one case: `status` as a call for it alone would have been answered."""

    no: str
    status: int
    case_no: str = ""
    version: int = 0
    state: str = ""
    code: str = ""
    detail: str = ""
    do: str = ""


class BatchDone(msgspec.Struct, frozen=True, kw_only=True):
    """One answer a case, in the order asked."""

    done: int
    refused: int
    cases: tuple[BatchAnswer, ...]


def batchable(action: str) -> bool:
    """Whether one form can mean many cases: not where each wants photos of its own."""
    return action in BODIES and "media" not in BODIES[action].__struct_fields__


def batch_of(action: str) -> type[msgspec.Struct]:
    """The body of a batch of *action*: the cases, and the action's own body once for all of them."""
    body = BODIES[action]
    fields: list[Any] = [
        ("cases", Annotated[tuple[BatchCase, ...], msgspec.Meta(min_length=1, max_length=MOST)]),
        ("body", body) if any(f.required for f in msgspec.structs.fields(body)) else ("body", body, body()),
    ]
    made: type[msgspec.Struct] = msgspec.defstruct(
        f"Batch_{action}", fields, frozen=True, kw_only=True, forbid_unknown_fields=True, module=__name__
    )
    return made


async def act_on_all(app: App, caller: Caller, action: str, cases: tuple[BatchCase, ...], body: Body) -> BatchDone:
    """Do *action* to each of *cases*; a case that is named twice is done once."""
    answers: dict[str, BatchAnswer] = {}
    for one in cases:
        if one.no in answers:
            continue
        try:
            done = await act(app, caller, one.no, action, msgspec.structs.replace(body, version=one.version))
        except Problem as refusal:
            answers[one.no] = BatchAnswer(
                no=one.no, status=refusal.error.status, code=refusal.error.code, detail=refusal.detail, do=refusal.do
            )
        else:
            answers[one.no] = BatchAnswer(
                no=one.no, status=200, case_no=done.case_no, version=done.version, state=done.state
            )
    refused = sum(one.status != 200 for one in answers.values())
    return BatchDone(done=len(answers) - refused, refused=refused, cases=tuple(answers.values()))
