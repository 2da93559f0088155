"""A root user's PostgreSQL runs as nobody: directories that nobody cannot enter are noticed before it fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from yiwang.stack._reach import ServerUser, blocked_at, data_home, program_home, server_user

STRANGER = ServerUser("stranger", 54_321, 54_321)


def test_names_the_directory_that_stops_the_server(open_dir: Path) -> None:
    """The first closed directory on the way is named, so that the sentence can say which one to open."""
    closed = open_dir / "home"
    closed.mkdir(mode=0o700)
    inside = closed / "clone" / "var"
    inside.mkdir(parents=True)
    assert blocked_at(inside, STRANGER) == closed
    closed.chmod(0o711)
    assert blocked_at(inside, STRANGER) is None


def test_moves_data_that_the_server_could_not_reach(open_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data goes below the public home, always to the same place, and the sentence says where."""
    monkeypatch.setattr("yiwang.stack._reach.PUBLIC_HOME", open_dir / "public")
    closed = open_dir / "home"
    closed.mkdir(mode=0o700)
    place, note = data_home(closed / "var" / "postgres", STRANGER)
    assert place.parent == open_dir / "public"
    assert str(closed) in note
    assert str(place) in note
    assert data_home(closed / "var" / "postgres", STRANGER) == (place, note)
    assert data_home(open_dir / "var", STRANGER) == (open_dir / "var", "")


def test_copies_the_program_where_the_server_can_reach_it(open_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in a closed home is used through a copy, made once."""
    monkeypatch.setattr("yiwang.stack._reach.PUBLIC_HOME", open_dir / "public")
    installed = open_dir / "home" / "pg"
    installed.mkdir(parents=True)
    (installed / "postgres").write_text("program")
    assert program_home(installed, "17.10", STRANGER) == installed
    installed.parent.chmod(0o700)
    copy = program_home(installed, "17.10", STRANGER)
    assert (copy / "postgres").read_text() == "program"
    assert program_home(installed, "17.10", STRANGER) == copy
    assert blocked_at(copy, STRANGER) is None


def test_only_root_needs_another_user() -> None:
    """An ordinary user runs the server as itself."""
    assert (server_user() is not None) == (os.geteuid() == 0)
