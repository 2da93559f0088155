"""`yiwang doctor`: every finding says how things stand, and every trouble what to do."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner
from yiwang.stack import doctor
from yiwang.stack._ports import free_port
from yiwang.stack.cli import main


def test_a_machine_that_runs_these_tests_can_run_the_mesh(open_dir: Path) -> None:
    """Nothing stands in the way here, both servers really start, and the last line says what to do next."""
    result = CliRunner().invoke(main, ["doctor", "--data", str(open_dir / "var"), "--port", str(free_port())])
    assert result.exit_code == 0, result.output
    assert result.output.rstrip().endswith("yiwang up")


def test_names_the_port_that_is_taken(open_dir: Path) -> None:
    """A port in use is a trouble, and the sentence offers another."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        finding = doctor.check_port(taken.getsockname()[1], open_dir)
    assert finding.state == "bad"
    assert "--port" in finding.say


def test_a_wrong_clock_is_a_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits and case numbers depend on the clock: a machine that believes in 1970 must not start."""
    monkeypatch.setattr("time.time", lambda: 86_400.0)
    finding = doctor.check_clock()
    assert finding.state == "bad"
    assert "timedatectl" in finding.say


def test_a_given_server_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """With URLs in the environment the doctor looks at nothing of its own, and shows no password."""
    monkeypatch.setenv("YIWANG_NATS_URL", "nats://node:secret@broker:4222")
    monkeypatch.setenv("YIWANG_DATABASE_URL", "postgresql://node:secret@db/yw")
    said = doctor.check_nats().say + doctor.check_postgres().say
    assert "broker:4222" in said
    assert "secret" not in said
