"""Who may import whom (.importlinter): services share events and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_layers_hold() -> None:
    """No service imports another, the kit knows no service, contracts need msgspec alone, domain modules are pure."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_service_is_under_the_rules() -> None:
    """A service that is added to the repository is added to every list of .importlinter."""
    rules = (ROOT / ".importlinter").read_text()
    for page in ROOT.glob("services/*/pyproject.toml"):
        assert rules.count(f"    yiwang.{page.parent.name}\n") >= 4, f"add yiwang.{page.parent.name} to .importlinter"
