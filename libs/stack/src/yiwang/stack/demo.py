"""`yiwang demo`: a province, two cities and three counties at work on this machine, and the books at every tier."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import click
from rich.console import Console


@click.command("demo")
@click.option("--once", is_flag=True, help="处理完 --cases 件后结束，各级账平则退出码为 0")
@click.option("--cases", default=500, show_default=True, help="与 --once 同用：件数")
@click.option("--topology", type=click.Path(path_type=Path, exists=True), default=Path("deploy/topologies/demo.toml"),
              show_default=True, help="网络拓扑文件")  # fmt: skip
@click.option("--single", is_flag=True, help="只演示一座城市，不组网")
@click.option("--profile-dir", default="", help="城市配置目录（只用于 --single；默认 deploy/profiles/shenzhen）")
@click.option("--data", type=click.Path(path_type=Path), default=Path("var/demo"), help="数据目录")
@click.option("--port", default=0, help="HTTP 端口（只用于 --single；默认自选空闲端口）")
@click.option("--keep/--fresh", default=False, help="保留上次演示的数据")
def command(
    once: bool, cases: int, topology: Path, single: bool, profile_dir: str, data: Path, port: int, keep: bool
) -> None:
    """演示：省、市、县三级联网，各岗位人员通过同一接口办理；中途切断一个区的链路再接通，最后各级对账。"""
    console = Console()
    if not keep:
        shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True, exist_ok=True)
    wanted = cases if once else 0
    with contextlib.suppress(KeyboardInterrupt):
        if single or profile_dir:
            from yiwang.stack import demo_single

            raise SystemExit(demo_single.run(console, data, wanted, profile_dir=profile_dir, port=port))
        from yiwang.stack import demo_tiers

        raise SystemExit(demo_tiers.run(console, data, wanted, topology))
