"""The table from the report to the dispatch (上报, 受理, 核实, 立案, 派遣)."""

from __future__ import annotations

from typing import Final

from .states_row import Row, correct, void
from .states_words import ACCEPTOR, COLLECTOR, DISPATCHER, IMPORT, SHIFT_LEADER, SYSTEM

INTAKE: Final[tuple[Row, ...]] = (
    Row("", "report", (COLLECTOR, SYSTEM, IMPORT), "reported", ("case.reported",), why="version 1 is intake's"),
    # 受理
    correct("reported", (ACCEPTOR, SHIFT_LEADER, SYSTEM), "the system: a person resolved the place in the grid"),
    Row("reported", "send_verify", (ACCEPTOR, SYSTEM), "verifying", ("case.verify_requested",), guards=("located",)),
    Row(
        "reported", "accept", (ACCEPTOR, SYSTEM, IMPORT), "accepted", ("case.accepted",),
        guards=("located", "categorised", "verified_if_must", "not_self_disposed", "matter_known"),
    ),
    void("reported", (ACCEPTOR, SHIFT_LEADER)),
    Row(
        "reported", "audit_self_disposed", (ACCEPTOR,), "closed", ("case.closed",), result="ok",
        guards=("self_disposed", "trivial"), why="a trivial matter mended on the spot; counted apart from all other indicators",
    ),
    Row(
        "reported", "audit_self_disposed", (ACCEPTOR,), "reported", ("case.corrected",), result="not_ok", opinion=True,
        guards=("self_disposed",), why="not mended: it goes the ordinary way",
    ),
    # 核实
    Row(
        "verifying", "send_verify", (ACCEPTOR,), "verifying", ("case.verify_requested",),
        why="another inspector; the earlier task ends",
    ),
    Row(
        "verifying", "verify_result", (COLLECTOR,), "accepted", ("case.verified", "case.accepted"), result="exist",
        when="categorised", guards=("task_open", "photo"),
    ),
    Row(
        "verifying", "verify_result", (COLLECTOR,), "reported", ("case.verified",), result="exist",
        guards=("task_open", "photo"), why="it exists, but the acceptor must first say what it is",
    ),
    Row(
        "verifying", "verify_result", (COLLECTOR,), "voided", ("case.verified", "case.voided"), result="not_exist",
        when="void_by_rule", guards=("task_open",), opinion=True, why="the city lets an unfounded report end here",
    ),
    Row(
        "verifying", "verify_result", (COLLECTOR,), "reported", ("case.verified",), result="not_exist",
        guards=("task_open",), opinion=True, why="the acceptor decides whether it is void",
    ),
    Row(
        "verifying", "verify_result", (COLLECTOR,), "reported", ("case.verified",), result="unable",
        guards=("task_open",), opinion=True, why="back to the acceptor's queue",
    ),
    correct("verifying", (ACCEPTOR, SHIFT_LEADER), "known better before the inspector answers"),
    # 立案
    correct("accepted", (ACCEPTOR, SHIFT_LEADER)),
    void("accepted", (ACCEPTOR, SHIFT_LEADER)),
    Row(
        "accepted", "file", (ACCEPTOR, SHIFT_LEADER, SYSTEM, IMPORT), "filed", ("case.filed",),
        guards=("condition_known",), why="the number is given here; filed again, a case keeps it",
    ),
    # 派遣
    Row(
        "filed", "dispatch_down", (DISPATCHER, SYSTEM), "filed", ("case.dispatched",),
        guards=("at_city", "county_known"),
        why="two commands: the city sends to the district, the district to the unit",
    ),
    Row(
        "filed", "dispatch", (DISPATCHER, SYSTEM, IMPORT), "dispatched", ("case.dispatched",),
        guards=("at_last_command", "unit_known"),
    ),
    Row(
        "filed", "return_to_city", (DISPATCHER,), "filed", ("case.returned",), opinion=True, guards=("at_district",),
        why="the district says that it isn't its matter",
    ),
    Row(
        "filed", "return_to_acceptor", (DISPATCHER,), "accepted", ("case.returned",), opinion=True,
        why="not a matter of city management, or filed wrongly",
    ),
    correct("filed", (DISPATCHER, SHIFT_LEADER), "a new class asks for a new filing condition"),
    void("filed", (SHIFT_LEADER,), "a number once given stays used"),
)  # fmt: skip
