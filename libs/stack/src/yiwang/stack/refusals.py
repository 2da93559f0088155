"""`yiwang mesh refused`: who tried on the NATS servers what he may not, read from the servers' logs.

Rights are the servers' to enforce (`yiwang topology render` writes them); each refusal is a line of the server's log.
This reads those lines for the audit: when, at which server, in which account, which user, what, on which subject.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

_LINE = re.compile(
    r"^\[\d+\] (?P<at>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)\.\d+ \[ERR\] (?P<peer>\S+) - (?P<kind>[clr])id:\d+.*?"
    r'(?P<account>[\w$]*)/nkey:(?P<key>U[A-Z2-7]+)" - (?P<what>Publish|Subscription) Violation - .*?"(?P<subject>[^"]*)"'
)
_LOGIN = re.compile(
    r"^\[\d+\] (?P<at>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)\.\d+ \[ERR\] (?P<peer>\S+) - (?P<kind>[clr])id:\d+.*?"
    r'authentication error(?: - Nkey "(?P<key>[^"]*)")?'
)
WORDS = {"Publish": "发布", "Subscription": "订阅", "login": "登录"}


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt that a server refused.

    Attributes:
        at: by the server's clock, in its local time
        server: whose log says it
        account: in which account, "" for a login
        user: the user's name where the keys of the topology are at hand, else its public key
        what: Publish, Subscription or login
        subject: on what
    """

    at: dt.datetime
    server: str
    account: str
    user: str
    what: str
    subject: str = ""


def refused_in(lines: Iterable[str], server: str, users: Mapping[str, str] | None = None) -> Iterator[Refused]:
    """The refusals in a server's log. *users*: public key → name."""
    for line in lines:
        found = _LINE.match(line) or _LOGIN.match(line)
        if found is None:
            continue
        said = found.groupdict()
        key = said.get("key") or "?"
        yield Refused(
            at=dt.datetime.strptime(said["at"], "%Y/%m/%d %H:%M:%S").astimezone(),
            server=server, account=said.get("account") or "", user=(users or {}).get(key, key),
            what=said.get("what") or "login", subject=said.get("subject") or "",
        )  # fmt: skip


def users_by_key(directory: Path) -> dict[str, str]:
    """Public key → user, from the topology's keys; {} where they aren't at hand."""
    from yiwang.stack.topology.keys import BOOK, User

    book = directory / BOOK
    users = msgspec.json.decode(book.read_bytes(), type=dict[str, User]) if book.exists() else {}
    return {key: name for name, user in users.items() for key in user.accepted}


@click.command("refused")
@click.argument("logs", nargs=-1, type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), default=Path("var"), help="网络的数据目录（不给日志文件时）")
@click.option("--keys", type=click.Path(path_type=Path), default=None, help="密钥目录，用于把公钥显示为用户名")
def refused_command(logs: tuple[Path, ...], data: Path, keys: Path | None) -> None:
    """列出 NATS 服务器拒绝的越权操作；日志文件可为多个，- 表示标准输入（如 kubectl logs）。"""
    chosen = logs or tuple(sorted((data / "out" / "servers").glob("*/nats.log")))
    if not chosen:
        raise click.ClickException(
            f"{data} 里没有服务器日志：请给出 nats-server 的日志文件，或用 --data 指向网络的数据目录"
        )
    users = users_by_key(keys or data / "keys")
    found = [one for log in chosen for one in refused_in(_lines(log), log.parent.name or str(log), users)]
    if not found:
        Console().print("没有被拒绝的操作", style="green")
        return
    Console().print(_table(found))


def _lines(log: Path) -> list[str]:
    if str(log) == "-":
        return sys.stdin.read().splitlines()
    try:
        return log.read_text("utf-8", "replace").splitlines()
    except OSError as error:
        raise click.ClickException(f"读不到日志 {log}：{error.strerror}") from error


def _table(found: list[Refused]) -> Table:
    table = Table(title="被拒绝的越权操作", title_justify="left")
    for column in ("首次", "服务器", "账户", "用户", "操作", "主题", "次数"):
        table.add_column(column, overflow="fold")
    times = Counter((one.server, one.account, one.user, one.what, one.subject) for one in found)
    first = {(one.server, one.account, one.user, one.what, one.subject): one.at for one in reversed(found)}
    for key, at in sorted(first.items(), key=lambda pair: pair[1]):
        server, account, user, what, subject = key
        row = (f"{at:%Y-%m-%d %H:%M:%S}", server, account, user, WORDS.get(what, what), subject, str(times[key]))
        table.add_row(*row)
    return table
