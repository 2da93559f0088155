"""Fixtures of the stack's own tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """An empty directory that every user may enter (pytest's tmp_path is root's alone)."""
    path = Path(tempfile.mkdtemp(prefix="yiwang-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)
