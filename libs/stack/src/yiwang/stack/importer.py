"""`yiwang import`: existing cases of a table, through the same door as every report, as often as one likes."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
import httpx
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from yiwang.kit.tables import TableError, rows_of

from .importmap import ImportMap, MapError, check_header, load_map, report_of

PATIENCE: Final = 60
"""Times that a batch is sent again while the system is busy or away"""
Row = tuple[int, dict[str, str]]


class Tally(msgspec.Struct):
    """What became of the rows."""

    rows: int = 0
    accepted: int = 0
    repeated: int = 0
    rejected: list[tuple[int, str, dict[str, str]]] = []
    """(line, reason, row)"""


class Unreachable(RuntimeError):
    """The system took nothing for long; the file can be imported again later without doubling."""


async def bring_in(
    rows: list[Row], mapping: ImportMap, http: httpx.AsyncClient, progress: Callable[[int], None] = lambda n: None
) -> Tally:
    """Send *rows* to intake in batches; every row ends as accepted, repeated or rejected with a reason.

    Raises Unreachable when intake doesn't take a batch after many tries, MapError when the columns don't fit.
    """
    tally = Tally(rows=len(rows), rejected=[])
    if rows:
        check_header(mapping, rows[0][1])
    for start in range(0, len(rows), mapping.batch):
        batch: list[tuple[Row, bytes]] = []
        for row in rows[start : start + mapping.batch]:
            try:
                batch.append((row, msgspec.json.encode(report_of(mapping, row[1]))))
            except MapError as error:
                tally.rejected.append((row[0], str(error), row[1]))
        if batch:
            _count(tally, batch, await _send(http, b"\n".join(line for _, line in batch)))
        progress(min(start + mapping.batch, len(rows)))
    return tally


async def _send(http: httpx.AsyncClient, body: bytes) -> list[dict[str, Any]]:
    why = ""
    for attempt in range(PATIENCE):
        try:
            answer = await http.post("/reports", content=body, headers={"Content-Type": "application/x-ndjson"})
        except httpx.TransportError as error:
            why = f"{type(error).__name__}: {error}"
        else:
            if answer.status_code in (200, 202, 207):
                results: list[dict[str, Any]] = answer.json()["results"]
                if not any(r["status"] == 503 for r in results):
                    return results
                why = "部分行暂时未能保存"
            elif answer.status_code in (429, 503):
                why = answer.text[:200]
            else:
                raise Unreachable(f"接入服务拒绝了整批（{answer.status_code}）：{answer.text[:500]}")
        await asyncio.sleep(min(0.2 * 2**attempt, 5))
    raise Unreachable(f"接入服务一直没有收下数据（{why}）：恢复后请重新执行同一命令，已收下的行不会重复")


def _count(tally: Tally, batch: list[tuple[Row, bytes]], results: list[dict[str, Any]]) -> None:
    for ((line, row), _), result in zip(batch, results, strict=True):
        if result["status"] in (200, 202):
            receipt = result.get("receipt") or result
            tally.accepted += 1
            tally.repeated += bool(receipt.get("duplicate"))
        else:
            problem = result.get("problem") or result
            mistakes = "；".join(f"{e['path']} {e['message']}" for e in problem.get("errors", ()))
            tally.rejected.append((line, f"{problem.get('detail', '')} {mistakes}".strip(), row))


def write_rejects(path: Path, tally: Tally) -> None:
    """The rejected rows as they were, with line and reason in front: mend them and import this file."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        names = list(tally.rejected[0][2])
        writer = csv.DictWriter(file, ["line", "reason", *names])
        writer.writeheader()
        for line, reason, row in tally.rejected:
            writer.writerow({"line": line, "reason": reason, **row})


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--map", "map_file", required=True, type=click.Path(path_type=Path), help="映射文件（TOML），见 deploy/maps"
)
@click.option("--url", envvar="YIWANG_URL", default="http://127.0.0.1:8080", show_default=True, help="接入服务地址")
@click.option("--token", envvar="YIWANG_TOKEN", default="", help="系统账号的登录凭证；演示环境可省略")
@click.option("--rejects", type=click.Path(path_type=Path), default=None, help="被拒行的文件，默认 FILE.rejects.csv")
def command(file: Path, map_file: Path, url: str, token: str, rejects: Path | None) -> None:
    """导入已有案件（CSV 或 xlsx），可重复执行而不会重复建案。"""
    console = Console()
    try:
        mapping, rows = load_map(map_file), list(rows_of(file))
        tally = asyncio.run(_run(rows, mapping, url, token or _demo_token(), console))
    except (MapError, TableError, Unreachable) as error:
        raise click.ClickException(str(error)) from None
    console.print(
        f"共 {tally.rows} 行：收下 {tally.accepted} 行（其中 {tally.repeated} 行以前已收过），退回 {len(tally.rejected)} 行"
    )
    if tally.rejected:
        target = rejects or file.with_suffix(".rejects.csv")
        write_rejects(target, tally)
        console.print(f"退回的行和原因在 {target}：改正后导入该文件即可")
        raise SystemExit(3)


def _demo_token() -> str:
    from yiwang.kit.dev import dev_token

    return dev_token("system_account")


async def _run(rows: list[Row], mapping: ImportMap, url: str, token: str, console: Console) -> Tally:
    columns = (TextColumn("导入"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as http:
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("rows", total=len(rows))
            return await bring_in(rows, mapping, http, lambda n: bar.update(task, completed=n))
