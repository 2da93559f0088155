"""`yiwang new` writes a service that is whole: typed, clean, and green on real servers at once."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from yiwang.stack.cli import main

ROOT = Path(__file__).parents[3]


def run(*command: str, cwd: Path, **environ: str) -> None:
    """Run a tool of this environment; its own words are the failure's message."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, env=os.environ | environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_new_service_is_green_at_once(open_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own tests pass on NATS and PostgreSQL, and it is typed and clean by the house rules."""
    monkeypatch.chdir(open_dir)
    (open_dir / "services").mkdir()
    assert CliRunner().invoke(main, ["new", "flood-count"]).exit_code == 0
    service = open_dir / "services" / "flood_count"
    source = str(service / "src")
    run("pytest", "tests", cwd=service, PYTHONPATH=source)
    run("pytest", "--doctest-modules", "src/yiwang/flood_count/domain.py", cwd=service, PYTHONPATH=source)
    run("mypy", "--strict", "--ignore-missing-imports", "-p", "yiwang.flood_count", cwd=service, MYPYPATH=source)
    root = ROOT / "pyproject.toml"
    run("ruff", "check", "--no-cache", "--config", str(root), ".", cwd=open_dir)


def test_a_new_service_of_the_project_is_under_its_rules(open_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside the project it is installed, typed and linted with the others without another word."""
    for page in ("requirements-dev.txt", ".importlinter", "pyproject.toml"):
        (open_dir / page).write_text((ROOT / page).read_text("utf-8"), "utf-8")
    (open_dir / "services").mkdir()
    monkeypatch.chdir(open_dir)
    result = CliRunner().invoke(main, ["new", "flood_count"])
    assert "make test-one S=flood_count" in result.output
    assert "-e services/flood_count\n" in (open_dir / "requirements-dev.txt").read_text()
    assert (open_dir / ".importlinter").read_text().count("    yiwang.flood_count\n") >= 4
    config = tomllib.loads((open_dir / "pyproject.toml").read_text("utf-8"))
    assert "$MYPY_CONFIG_FILE_DIR/services/flood_count/src" in config["tool"]["mypy"]["mypy_path"].split(":")


@pytest.mark.parametrize("name", ["1st", "Flood", "class", "a b", "../x"])
def test_refuses_a_name_that_cannot_be_a_module(name: str, open_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal says what a name looks like; nothing is written."""
    monkeypatch.chdir(open_dir)
    result = CliRunner().invoke(main, ["new", name])
    assert result.exit_code == 1
    assert "flood_watch" in result.output
    assert list(open_dir.iterdir()) == []


def test_never_writes_over_something(open_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory of that name stays as it is."""
    monkeypatch.chdir(open_dir)
    (open_dir / "flood_watch").mkdir()
    result = CliRunner().invoke(main, ["new", "flood_watch"])
    assert result.exit_code == 1
    assert "已存在" in result.output
