"""`yiwang acceptance`: judge every requirement of a class on the running node and write the report."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import click
import httpx
from rich.console import Console
from yiwang.kit import ConfigError
from yiwang.stack.mesh_status import variables
from yiwang.stack.parked import data_option
from yiwang.stack.up import in_loop

from . import holdings, people, standing, times, trial
from .items import CLASSES, Book, Finding, Item, RulesError, load
from .report import Report, html, markdown, tables
from .site import Site, opened

Check = Callable[[Site, Item], Awaitable[Finding]]


async def _by_hand(site: Site, item: Item) -> Finding:
    return Finding(item, "manual", "", str(item.args.get("say", "")))


CHECKS: Final[dict[str, Check]] = {
    "manual": _by_hand,
    "service": standing.service, "identity": standing.identity, "ready": standing.readiness, "days_run": standing.days_run,
    "cases": standing.cases, "reports": standing.reports, "books": standing.books, "parked": standing.parked, "upward": standing.upward,
    "reconciled": standing.reconciled, "backup": standing.backup, "audited": standing.audited, "refused": standing.refused,
    "grid": holdings.grid, "grid_share": holdings.grid_share, "table": holdings.table, "classes": holdings.classes,
    "calendar": holdings.calendar, "people": holdings.people, "apart": holdings.apart,
    "time": times.measured, "voided": times.voided,
}  # fmt: skip
"""Name in the file of requirements → what judges it."""
TIERS: Final = {"nation": "国家级", "province": "省级", "city": "市级", "county": "县级"}


@click.command("acceptance")
@click.option(
    "--class",
    "klass",
    type=click.Choice([*CLASSES]),
    default=None,
    help="基础型、通用型或智慧型（默认按拓扑，否则基础型）",
)
@data_option
@click.option("--node", default="", help="一台机器上有多个节点时，验收哪一个（区划代码）")
@click.option("--url", "urls", multiple=True, help="节点的 HTTP 地址，可重复（默认本机端口）")
@click.option("--token", envvar="YIWANG_TOKEN", default="", help="测试人员的登录凭证；用本地账号时不需要")
@click.option(
    "--rounds", default=5, show_default=True, type=click.IntRange(1, 100), help="响应时间测几次，取最慢的一次"
)
@click.option("--channel", default="1", show_default=True, help="测试件的渠道代码（采集员可用的渠道）")
@click.option("--backups", multiple=True, type=click.Path(path_type=Path), help="备份目录，可重复")
@click.option(
    "--rules", type=click.Path(path_type=Path, exists=True, file_okay=False), default=None, help="本地的要求表目录"
)
@click.option(
    "--report", "file", type=click.Path(path_type=Path, dir_okay=False), default=None, help="报告文件（.md 或 .html）"
)
def command(
    klass: str | None, data: Path, node: str, urls: Sequence[str], token: str, rounds: int, channel: str, backups: Sequence[Path],
    rules: Path | None, file: Path | None,
) -> None:  # fmt: skip
    """按等级逐项实测正在运行的节点，给出验收报告；实测各项都合格时退出码为 0。

    备份默认在 /var/backups/yiwang 和数据目录下的 backups 里找。
    """
    if file is not None and file.suffix not in (".md", ".html"):
        raise click.ClickException(f"报告文件 {file} 的扩展名不认识：请用 .md 或 .html")
    console = Console()
    places = backups or (Path("/var/backups/yiwang"), data.absolute() / "backups")
    with variables(data, node) as environ:
        try:
            report = in_loop(
                judge(environ, klass, urls=urls, token=token, rounds=rounds, channel=channel, backups=places, rules=rules,
                      say=lambda text: console.print(text, style="dim"))
            )  # fmt: skip
        except (ConfigError, RulesError) as error:
            raise click.ClickException(str(error)) from error
    for table in tables(report):
        console.print(table)
    console.print(f"{report.book.title}：{report.verdict}", style="green" if report.passed else "bold red")
    if file is not None:
        file.write_text(markdown(report) if file.suffix == ".md" else html(report), "utf-8")
        console.print(f"报告已写入 {file}")
    raise SystemExit(0 if report.passed else 1)


async def judge(
    environ: Mapping[str, str], klass: str | None, *, urls: Sequence[str] = (), token: str = "", rounds: int = 1,
    channel: str = "1", backups: Sequence[Path] = (), rules: Path | None = None, say: Callable[[str], None] = lambda _: None,
) -> Report:  # fmt: skip
    """Judge the node that *environ* describes. Raises ConfigError or RulesError with sentences."""
    async with opened(environ, urls) as site:
        site.backups = backups
        book = load(klass or (site.mesh.me.klass if site.mesh else "basic"), rules)
        say(f"正在实测 {site.kit.jurisdiction}（{book.title}）……")
        site.trial = await _trial(site, token, rounds, channel)
        findings = [await _judged(site, item) for item in book.items]
        name = site.mesh.me.name if site.mesh else site.kit.jurisdiction
        tier = TIERS.get(site.kit.tier, site.kit.tier)
        return Report(
            book=book, code=site.kit.jurisdiction, name=name, tier=tier, at=site.clock.now(), findings=tuple(findings)
        )


async def _judged(site: Site, item: Item) -> Finding:
    check = CHECKS.get(item.check)
    if check is None:
        raise RulesError(f"要求 {item.id} 的 check={item.check} 不认识：请写 {'、'.join(CHECKS)} 之一")
    return await check(site, item)


async def _trial(site: Site, token: str, rounds: int, channel: str) -> trial.Trial | str:
    """What the test reports measured, or the sentence why they couldn't go through."""
    where = await holdings.place(site)
    if where is None:
        return "没有可用的区划和网格，测试件无处定位：请先导入网格"
    try:
        async with people.tester(site, token) as who:
            return await trial.run(site, who, rounds, where, channel)
    except (LookupError, trial.TrialFailed) as error:
        return str(error)
    except httpx.HTTPStatusError as error:
        return f"测试被拒：{error.request.method} {error.request.url.path} 应答 {error.response.status_code}"
    except httpx.TransportError as error:
        return f"节点没有应答（{type(error).__name__}）：请查看节点日志"


__all__ = ["Book", "command", "judge"]
