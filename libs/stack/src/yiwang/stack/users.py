"""`yiwang user`: local accounts of a node without an OIDC provider, the first administrator above all."""

from __future__ import annotations

import secrets
import string
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import asyncpg
import click
import msgspec
from rich.console import Console
from rich.table import Table
from yiwang.kit import Problem, migrate
from yiwang.kit import accounts as identity
from yiwang.kit.accounts import store
from yiwang.stack import place
from yiwang.stack.parked import data_option
from yiwang.stack.up import in_loop

T = TypeVar("T")
Db: TypeAlias = "asyncpg.Connection[Any]"


@click.group("user")
def command() -> None:
    """管理本地账号；第一个管理员在这里建立。"""


@command.command("add")
@click.argument("login")
@click.option("--name", required=True, help="姓名或岗位名称")
@click.option("--role", "roles", multiple=True, required=True, help="角色，可重复；第一个管理员用 security_admin")
@click.option("--area", "areas", multiple=True, required=True, help="管辖区划代码，可重复")
@click.option("--unit", default="", help="所属单位编号")
@data_option
def add_command(login: str, name: str, roles: tuple[str, ...], areas: tuple[str, ...], unit: str, data: Path) -> None:
    """建立账号；初始密码只显示一次，首次登录必须修改。"""
    password = initial_password()
    posts = [{"role": role, "areas": areas, "unit_id": unit} for role in roles]
    asked = {"login": login, "display_name": name, "password": password, "posts": posts}
    try:
        new = msgspec.convert(asked, identity.NewAccount)
    except msgspec.ValidationError as error:
        raise click.ClickException(f"账号 {login} 不能建立：{error}") from error
    on_node(data, lambda db: identity.create_account(db, new))
    click.echo(f"已建立 {login}，初始密码 {password}（只显示这一次，首次登录必须修改）")


@command.command("password")
@click.argument("login")
@data_option
def password_command(login: str, data: Path) -> None:
    """重置密码并解锁；新密码只显示一次。"""
    password = initial_password()
    on_node(data, lambda db: identity.reset_password(db, login, password))
    click.echo(f"{login} 的新密码 {password}（只显示这一次，首次登录必须修改）")


@command.command("disable")
@click.argument("login")
@click.option("--undo", is_flag=True, help="重新启用")
@data_option
def disable_command(login: str, undo: bool, data: Path) -> None:
    """停用账号（--undo 重新启用）。"""
    on_node(data, lambda db: identity.set_disabled(db, login, not undo))
    click.echo(f"{login} 已{'启用' if undo else '停用'}")


@command.command("list")
@data_option
def list_command(data: Path) -> None:
    """列出账号、岗位和状态。"""
    table = Table(title="本地账号", title_justify="left")
    for column in ("账号", "姓名", "岗位", "区划", "状态"):
        table.add_column(column, overflow="fold")
    for account in on_node(data, _all):
        state = _state(account)
        posts = "、".join(post.role for post in account.posts)
        areas = "、".join(sorted({area for post in account.posts for area in post.areas}))
        table.add_row(account.login, account.display_name, posts, areas, state)
    if table.row_count:
        Console().print(table)
    else:
        click.echo("还没有账号：yiwang user add admin --name 管理员 --role security_admin --area 440300")


def _state(account: identity.Account) -> str:
    if account.disabled:
        return "停用"
    if account.locked:
        return "锁定"
    return "待改密码" if account.must_change else "正常"


async def _all(db: Db) -> list[identity.Account]:
    found: list[identity.Account] = []
    while page := await store.page(db, found[-1].login if found else "", 200):
        found += page
    return found


def initial_password() -> str:
    """A random password of 16 letters and digits with every kind that the rules ask for; 92 bits and more."""
    letters = string.ascii_letters + string.digits
    middle = "".join(secrets.choice(letters) for _ in range(13))
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
    return secrets.choice(kinds[0]) + middle + secrets.choice(kinds[1]) + secrets.choice(kinds[2])


def on_node(data: Path, work: Callable[[Db], Awaitable[T]]) -> T:
    """Do the work on the node's account tables; raises click.ClickException with the sentence of a refusal."""
    with place.node_at(data) as environ:
        return in_loop(_with_accounts(environ["YIWANG_DATABASE_URL"], work))


async def _with_accounts(url: str, work: Callable[[Db], Awaitable[T]]) -> T:
    await migrate([identity.service], url)
    try:
        async with identity.accounts_db(url) as db, db.transaction():
            return await work(db)
    except Problem as problem:
        raise click.ClickException(str(problem)) from problem
