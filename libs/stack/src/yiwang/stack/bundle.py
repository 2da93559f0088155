"""`yiwang bundle OUT`: everything a machine without any internet needs, in one directory to carry there.

Wheels of all packages with both servers, profiles and import maps, an installer, systemd units, and checksums. The
wheels fit the Python and the machine that the bundle was made with; the installer checks that.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import platform
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click

EXTRAS = {"yiwang-stack": "[embedded,demo]"}


@click.command("bundle")
@click.argument("out", type=click.Path(path_type=Path))
def command(out: Path) -> None:
    """做一个离线安装包：程序、两个服务器、城市配置、安装脚本和 systemd 单元（在项目目录中运行）。"""
    root = Path.cwd()
    packages = packages_of(root)
    if out.exists() and any(out.iterdir()):
        raise click.ClickException(f"{out} 不是空目录：请换一个")
    out.mkdir(parents=True, exist_ok=True)
    click.echo(f"正在收集 {len(packages)} 个包及其依赖（需要几分钟）…")
    make_wheels(root, packages, out / "wheels")
    add_files(root, packages, out)
    write_checksums(out)
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file()) / 2**20
    click.echo(f"已做好 {out}：{size:.0f} MiB。拷到目标机器后运行 {out.name}/install.sh")


def packages_of(root: Path) -> dict[str, Path]:
    """Distribution name → directory of every library and service; raises click.ClickException outside the project."""
    found = {}
    for page in sorted([*root.glob("libs/*/pyproject.toml"), *root.glob("services/*/pyproject.toml")]):
        found[str(tomllib.loads(page.read_text())["project"]["name"])] = page.parent
    if "yiwang-stack" not in found:
        raise click.ClickException(f"{root} 不是一网的项目目录：请在有 libs 和 services 的目录中运行")
    return found


def make_wheels(root: Path, packages: dict[str, Path], wheels: Path) -> None:
    """Build our packages and fetch what they need, at the pinned versions. Raises click.ClickException."""
    wanted = [f"{directory}{EXTRAS.get(name, '')}" for name, directory in packages.items()]
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--wheel-dir"]
    constraints = ["-c", str(root / "constraints.txt")] if (root / "constraints.txt").exists() else []
    done = subprocess.run([*command, str(wheels), *constraints, *wanted], capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"收集程序包失败，请检查到软件源的网络：\n{done.stderr.strip()[-2000:]}")


def add_files(root: Path, packages: dict[str, Path], out: Path) -> None:
    """Profiles, maps, installer, units, and the page of what the bundle is for."""
    for name in ("profiles", "maps"):
        shutil.copytree(root / "deploy" / name, out / name)
    units = out / "systemd"
    units.mkdir()
    files = importlib.resources.files("yiwang.stack") / "kit_files"
    for file in files.iterdir():
        target = units if file.name.endswith((".service", ".timer")) else out
        (target / file.name).write_bytes(file.read_bytes())
    (out / "install.sh").chmod(0o755)
    (out / "packages.txt").write_text("".join(f"{name}{EXTRAS.get(name, '')}\n" for name in packages))
    version = ".".join(map(str, sys.version_info[:2]))
    (out / "kit.env").write_text(f"KIT_PYTHON={version}\nKIT_MACHINE={platform.machine()}\n")


def write_checksums(out: Path) -> None:
    """SHA256SUMS of every file but itself, as `sha256sum -c` reads it; written anew when the kit has changed."""
    sums = out / "SHA256SUMS"
    lines = []
    for file in sorted(path for path in out.rglob("*") if path.is_file() and path != sums):
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        lines.append(f"{digest}  {file.relative_to(out)}\n")
    sums.write_text("".join(lines))
