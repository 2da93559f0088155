"""The image's recipe: linted, without root, without an address, and what it trims still works."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

from . import chart

DOCKERFILE = (chart.ROOT / "Dockerfile").read_text("utf-8")
RECIPES = [
    "Dockerfile",
    *(str(path.relative_to(chart.ROOT)) for path in (chart.ROOT / "deploy/containers").glob("*.Dockerfile")),
]


def module(name: str) -> ModuleType:
    """A script of deploy/image, which is no package."""
    spec = importlib.util.spec_from_file_location(name, chart.ROOT / "deploy" / "image" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_linter_finds_nothing(recipe: str) -> None:
    """hadolint, warnings too. The recipes that stand in for servers are for this project's tests alone."""
    quiet = [] if recipe == "Dockerfile" else ["--ignore", "DL3002", "--ignore", "DL3006"]
    done = subprocess.run([chart.tool("hadolint"), "--failure-threshold", "style", *quiet, str(chart.ROOT / recipe)],
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_base_is_chosen_by_whoever_builds() -> None:
    """One argument before every FROM; no syntax line, which would have to be pulled; no address of a registry."""
    assert re.search(r"^ARG BASE_IMAGE=python:3\.1[123]-slim$", DOCKERFILE, re.MULTILINE)
    assert re.findall(r"^FROM (.*)$", DOCKERFILE, re.MULTILINE) == ["${BASE_IMAGE} AS build", "${BASE_IMAGE}"]
    assert not DOCKERFILE.startswith("# syntax")
    assert "--mount" not in DOCKERFILE


def test_it_runs_as_a_number_and_asks_itself_whether_it_is_ready() -> None:
    """A number, as Kubernetes can check only that; by Python, as nothing else is in the image."""
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER (\d{5}):\1$", last, re.MULTILINE)
    [health] = re.findall(r"^HEALTHCHECK .*CMD (.*)$", last, re.MULTILINE)
    assert "healthy.py" in health
    assert not re.search(r"\b(curl|wget)\b", DOCKERFILE)
    assert 'ENTRYPOINT ["/opt/yiwang/bin/yiwang"]' in last


def test_what_goes_into_the_build_is_named() -> None:
    """Everything is left out but a list: no secret, data or test of the work tree comes into an image."""
    lines = [
        line for line in (chart.ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")
    ]
    assert lines[0] == "*"
    let_in = {line[1:] for line in lines if line.startswith("!")}
    assert let_in == {"constraints.txt", "libs", "services", "deploy/image", "deploy/profiles", "dist/wheelhouse"}
    sources = [
        word for line in re.findall(r"^COPY (?!--)(.*)$", DOCKERFILE, re.MULTILINE) for word in line.split()[:-1]
    ]
    copied = {word.replace("dist/wheelhous[e]", "dist/wheelhouse") for word in sources}
    assert all(any(word == root or word.startswith(root + "/") for root in let_in) for word in copied)


def test_a_compiled_module_without_symbols_still_works(tmp_path: Path) -> None:
    """Cutting what only debuggers read makes it smaller and leaves what it does."""
    packages = Path(sysconfig.get_path("purelib"))
    shutil.copytree(packages / "httptools", tmp_path / "httptools", ignore=shutil.ignore_patterns("__pycache__"))
    gone = module("trim").cut_symbols(tmp_path)
    assert gone > 500_000
    code = ("import httptools, pathlib, sys; assert str(pathlib.Path(httptools.__file__)).startswith(sys.argv[1]); "
            "print(httptools.parse_url(b'http://a/b?c').query)")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env={"PYTHONPATH": str(tmp_path)},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.stdout.strip() == "b'c'", done.stderr


def test_only_what_no_process_reads_is_trimmed(tmp_path: Path) -> None:
    """Tests, sources in C and names of other languages go; programs, data and English names stay."""
    for name in ("numpy/core.py", "numpy/lib/tests/test_x.py", "pkg/a.c", "pkg/a.py", "pkg/tests/helper.py",
                 "faker/providers/person/zh_CN/__init__.py", "faker/providers/person/en_US/__init__.py",
                 "faker/providers/person/__init__.py", "faker/providers/python/data.py"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    module("trim").trim(tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"numpy/core.py", "pkg/a.py", "pkg/tests/helper.py", "faker/providers/person/en_US/__init__.py",
                    "faker/providers/person/__init__.py", "faker/providers/python/data.py"}  # fmt: skip


def test_the_health_check_says_what_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody answers here, so it fails and names the address."""
    assert module("healthy").main(["http://127.0.0.1:9/readyz"]) == 1
    assert "http://127.0.0.1:9/readyz" in capsys.readouterr().out
