"""`yiwang codes`: code tables (classes, filing conditions, crosswalks) checked and brought into a city's profile.

The work is dispatch's, whose tables they are; this module only finds it, as `yiwang up` finds the services.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

import click

WHERE = click.option(
    "--profile", required=True, envvar="YIWANG_PROFILE",
    type=click.Path(path_type=Path, exists=True, file_okay=False), help="城市配置目录",
)  # fmt: skip
FILE = click.argument("file", metavar="FILE")


@click.group("codes")
def command() -> None:
    """检查和导入代码表：类别、立案条件、新旧标准对照。

    FILE 是 CSV、xlsx（取第一张表），或随附代码集的名称：gbt30428.2-2013、cjt214-2007、cjt214-2007.crosswalk。
    """


@command.command("check")
@FILE
@WHERE
def check(file: str, profile: Path) -> None:
    """只检查：列出新增、变更和错误，不写任何文件。"""
    _bring("check", file, profile)


@command.command("import")
@FILE
@WHERE
def bring_in(file: str, profile: Path) -> None:
    """检查无误后写入城市配置；有一处错误就什么都不写。"""
    _bring("import", file, profile)


def _bring(verb: str, file: str, profile: Path) -> None:
    if importlib.util.find_spec("yiwang.dispatch") is None:
        raise click.ClickException("这里没有安装案件服务 yiwang-dispatch：请在装有它的节点上办理")
    done: int = importlib.import_module("yiwang.dispatch.codes_import").main([verb, file, "--profile", str(profile)])
    raise SystemExit(done)
