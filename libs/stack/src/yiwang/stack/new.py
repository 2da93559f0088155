"""`yiwang new NAME`: a service that runs and is tested at once, in the same flat files as all others."""

from __future__ import annotations

import importlib.resources
import keyword
import re
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path

import click

SUFFIX = ".tmpl"


@click.command("new")
@click.argument("name")
@click.option("--into", type=click.Path(path_type=Path), default=None, help="写到哪里（默认 services/名称 或 ./名称）")
def command(name: str, into: Path | None) -> None:
    """写出一个新服务：可运行、带测试，文件布局与其他服务相同。"""
    name = checked(name)
    target = into or (Path("services") if Path("services").is_dir() else Path()) / name
    if target.exists():
        raise click.ClickException(f"{target} 已存在：请换一个名称，或先移走它")
    written = write_service(name, target)
    click.echo(f"已写出 {target}（{len(written)} 个文件）。接下来：")
    if target.parent == Path("services") and join_workspace(Path(), name):
        click.echo(f"  make test-one S={name}")
        click.echo(f'  make up ARGS="{name}"')
    else:
        click.echo(f"  pip install --no-deps -e {target}")
        click.echo(f"  pytest {target}")
        click.echo(f"  yiwang up {name}")


def checked(name: str) -> str:
    """The name as a Python module; raises click.ClickException with what a name must be."""
    module = name.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,39}", module) or keyword.iskeyword(module):
        raise click.ClickException(f"名称 {name} 不能用：请用小写字母开头，只含小写字母、数字和下划线，如 flood_watch")
    return module


def write_service(name: str, target: Path) -> list[Path]:
    """Write the template's files under `target` with the service's name filled in; return their paths."""
    written = []
    for parts, content in _template(importlib.resources.files("yiwang.stack") / "template", ()):
        path = target.joinpath(*(_named(part, name).removesuffix(SUFFIX) for part in parts))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_named(content, name), "utf-8")
        written.append(path)
    return written


def join_workspace(root: Path, name: str) -> bool:
    """Put the service beside the others: installed, typed, and under the same rules. False outside the project."""
    additions = {
        "requirements-dev.txt": ("-e services/intake\n", f"-e services/{name}\n"),
        ".importlinter": ("    yiwang.intake\n", f"    yiwang.{name}\n"),
        "pyproject.toml": (":$MYPY_CONFIG_FILE_DIR/services/intake/src", f":$MYPY_CONFIG_FILE_DIR/services/{name}/src"),
    }
    if not all((root / page).is_file() for page in additions):
        return False
    for page, (beside, line) in additions.items():
        text = (root / page).read_text("utf-8")
        (root / page).write_text(text.replace(beside, beside + line), "utf-8")
    return True


def _template(folder: Traversable, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        parts = (*above, item.name)
        if item.is_dir():
            yield from _template(item, parts)
        elif item.name.endswith(SUFFIX):
            yield parts, item.read_text("utf-8")


def _named(text: str, name: str) -> str:
    """`__NAME__`, `__dist__` and `__name__` filled in; Python's own `__name__` does not occur in the template."""
    return text.replace("__NAME__", name.upper()).replace("__dist__", name.replace("_", "-")).replace("__name__", name)
