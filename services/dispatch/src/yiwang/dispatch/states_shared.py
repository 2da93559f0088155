"""The table of what happens beside the main line of the work: parts of co-units (协办), arrival at the place (到场)."""

from __future__ import annotations

from typing import Final

from .states_row import Row
from .states_words import DEPT, DISPATCHER, HANDLER


def _parts(state: str, *more: str) -> tuple[Row, ...]:
    return (
        Row(
            state, "assign_co_handler", (DEPT,), state, ("case.subtask_started",), guards=("part_open", "handler_named", *more),
            why="the co-unit's own part; the case stays where the lead unit has it",
        ),
        Row(
            state, "submit_co_result", (HANDLER, DEPT), state, ("case.subtask_handled",), guards=("part_open", "photo", *more),
            why="the co-unit's clock still runs",
        ),
        Row(
            state, "confirm_co", (DEPT,), state, ("case.subtask_confirmed",), guards=("part_handled", *more),
            why="this instant ends the co-unit's clock, and it is judged by its own limit",
        ),
        Row(
            state, "return_co", (DEPT,), state, ("case.subtask_returned",), guards=("part_open", *more), opinion=True,
            why="not this unit's matter: the dispatcher may ask another one",
        ),
        Row(
            state, "rework_co", (DEPT, DISPATCHER), state, ("case.subtask_returned",), guards=("part_in", *more),
            opinion=True, why="the lead unit, or the dispatcher, isn't satisfied with one part; the others stay as they are",
        ),
        Row(
            state, "excuse_co", (DEPT,), state, ("case.subtask_excused",), guards=("missing_allowed", "part_open", *more),
            opinion=True, why="the lead unit goes on without one part and says why, where the city allows it",
        ),
    )  # fmt: skip


def _add(state: str) -> Row:
    return Row(
        state, "add_co", (DISPATCHER,), state, ("case.subtask_assigned",), guards=("co_unit_known",),
        why="one more unit is needed, or another one for one that returned its part",
    )  # fmt: skip


def _arrive(state: str) -> Row:
    return Row(
        state, "arrive", (HANDLER, DEPT), state, ("case.arrived",), guards=("not_arrived", "arrival_shown"),
        why="somebody is at the place; ends the arrival clock where the city has one (video finds: 30 minutes)",
    )  # fmt: skip


def _step(state: str) -> Row:
    return Row(
        state, "step_done", (HANDLER, DEPT), state, ("case.step_done",), guards=("step_open",),
        why="one of several limits in turn (停工, 处罚, 拆除) is met or missed; the next one's time runs",
    )  # fmt: skip


SHARED: Final[tuple[Row, ...]] = (
    *_parts("dispatched"),
    *_parts("handling"),
    *_parts("feedback", "not_confirmed"),
    _add("dispatched"),
    _add("handling"),
    _arrive("dispatched"),
    _arrive("handling"),
    _step("dispatched"),
    _step("handling"),
)
