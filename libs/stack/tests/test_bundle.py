"""The offline kit: complete, checked before it installs, and usable where there is no network at all."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import click
import pytest
from yiwang.stack import bundle

ROOT = Path(__file__).parents[3]
PYTHON = ".".join(map(str, sys.version_info[:2]))


def a_kit(target: Path) -> Path:
    """A kit without its wheels."""
    target.mkdir()
    (target / "wheels").mkdir()
    bundle.add_files(ROOT, bundle.packages_of(ROOT), target)
    bundle.write_checksums(target)
    return target


def install(kit: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the kit's installer into a directory beside it."""
    settings = os.environ | {"PREFIX": str(kit.parent / "installed"), "PYTHON": sys.executable} | environ
    return subprocess.run([str(kit / "install.sh")], env=settings, capture_output=True, text=True, check=False)


def test_the_kit_names_every_library_and_service() -> None:
    """Nothing that `yiwang up --profile city` runs is left at home."""
    names = bundle.packages_of(ROOT)
    libs = {"contracts", "geo", "kit", "stack"}
    services = {"intake", "grid", "dispatch", "enforcement", "national-sync", "notification", "mesh", "evaluation"}
    assert {f"yiwang-{name}" for name in libs | services} <= names.keys()


def test_outside_the_project_it_says_where_to_run(open_dir: Path) -> None:
    """A kit is made from the sources."""
    with pytest.raises(click.ClickException, match="libs 和 services"):
        bundle.packages_of(open_dir)


def test_a_damaged_kit_is_not_installed(open_dir: Path) -> None:
    """One changed byte, and the installer says to copy the kit again; nothing is written."""
    kit = a_kit(open_dir / "kit")
    page = kit / "packages.txt"
    page.write_text(page.read_text().replace("yiwang-kit", "yiwang-kid"))
    result = install(kit)
    assert result.returncode == 1
    assert "文件损坏" in result.stderr
    assert not (open_dir / "installed").exists()


def test_a_kit_that_was_filled_up_is_whole_again(open_dir: Path) -> None:
    """Sums written a second time hold for all files, those of the first time's list among them."""
    kit = a_kit(open_dir / "kit")
    (kit / "wheels" / "later.whl").write_bytes(b"wheel")
    bundle.write_checksums(kit)
    checked = subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=kit, check=False)
    assert checked.returncode == 0
    assert "later.whl" in (kit / "SHA256SUMS").read_text()


def test_a_kit_for_another_python_is_not_installed(open_dir: Path) -> None:
    """The wheels fit one Python only: the installer says which."""
    kit = a_kit(open_dir / "kit")
    (kit / "kit.env").write_text(f"KIT_PYTHON=3.99\nKIT_MACHINE={platform.machine()}\n")
    result = install(kit)
    assert result.returncode == 1
    assert f"Python 3.99，而 {sys.executable} 是 {PYTHON}" in result.stderr


@pytest.mark.lab
def test_a_whole_kit_installs_without_any_network(open_dir: Path) -> None:
    """Made from the sources (needs an index), installed with `--no-index`, and the doctor finds nothing wrong."""
    kit = a_kit(open_dir / "kit")
    bundle.make_wheels(ROOT, bundle.packages_of(ROOT), kit / "wheels")
    bundle.write_checksums(kit)
    result = install(kit, PIP_NO_INDEX="1")
    assert result.returncode == 0, result.stdout + result.stderr
    command = [str(open_dir / "installed/venv/bin/yiwang"), "doctor", "--data", str(open_dir / "data"), "--port", "0"]
    doctor = subprocess.run(command, capture_output=True, text=True, check=False)
    assert doctor.returncode == 0, doctor.stdout
