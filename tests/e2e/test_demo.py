"""The demo as a visitor runs it: six nodes, a cut link, and books that balance at every tier."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
QUIET: Final = {name: value for name, value in os.environ.items() if not name.startswith("YIWANG_")}


@pytest.mark.lab
@pytest.mark.timeout(1200)
def test_the_demo_ends_with_balanced_books(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "yiwang.stack",
        "demo",
        "--once",
        "--cases",
        "60",
        "--data",
        str(tmp_path / "demo"),
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=QUIET | {"COLUMNS": "160"}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "各级账平" in done.stdout
    assert "链路断开" in done.stdout
    assert "已全部到达上级" in done.stdout
