"""What this service reads of the wire exists there: held against the public contracts."""

from __future__ import annotations

import msgspec
import pytest
from yiwang.contracts import (
    Actor,
    Assignment,
    CaseEvent,
    CaseHead,
    CaseProgress,
    CaseSnapshotBody,
    CaseSummary,
    Clock,
    SubTask,
    registry,
)  # fmt: skip
from yiwang.evaluation import heard
from yiwang.evaluation.fold import FOLDS

PAIRS = [
    (heard.Head, CaseHead),
    (heard.ActorSeen, Actor),
    (heard.AssignmentSeen, Assignment),
    (heard.ClockSeen, Clock),
    (heard.SummarySeen, CaseSummary),
    (heard.BodySeen, CaseSnapshotBody),
    (heard.ProgressSeen, CaseProgress),
    (heard.SubTaskSeen, SubTask),
]


def names(struct: type) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct)}


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=[ours.__name__ for ours, _ in PAIRS])
def test_every_field_that_is_read_is_a_field_of_the_contracts(ours: type, theirs: type) -> None:
    assert names(ours) <= names(theirs)


def test_every_field_of_an_event_that_is_read_belongs_to_some_event() -> None:
    known = {"type"}
    for kind in registry().values():
        if issubclass(kind, CaseEvent):
            known |= names(kind)
    assert names(heard.Seen) <= known


def test_every_folded_type_is_an_event_of_a_case_that_is_heard() -> None:
    heard_tags = {tag for tag, kind in registry().items() if kind in heard.heard()}
    assert set(FOLDS) <= heard_tags
