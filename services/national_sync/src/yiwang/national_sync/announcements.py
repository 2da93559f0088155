"""Announced data sets (配置发布): what this node publishes to nodes below, what it takes over, who answered what."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec
from yiwang.contracts import CONFIG_SETS, ConfigAdopted, ConfigApplied, ConfigPublished, ConfigRefused, Event, areas
from yiwang.kit import App, Context, Scope, Sql
from yiwang.kit.announced import digest_of, unpack
from yiwang.kit.announced_parts import gather, pieces

from .service import service

sql: Final = Sql("yiwang.national_sync", "announcements.sql")


class PublishedRow(msgspec.Struct, frozen=True, kw_only=True):
    """An announcement of this node; `addressee` is empty for everybody below."""

    set_name: str
    version: str
    digest: str
    title: str
    scope: str
    addressee: str
    valid_from: dt.datetime
    published_at: dt.datetime
    event_id: str


class AnswerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A node's answer."""

    node: str
    set_name: str
    version: str
    state: str
    reason: str
    at: dt.datetime


class ReceivedRow(msgspec.Struct, frozen=True, kw_only=True):
    n: int
    event_id: str
    issuer: str
    set_name: str
    version: str
    digest: str
    title: str
    valid_from: dt.datetime
    content: str
    encoding: str
    state: str
    reason: str
    decided_by: str
    at: dt.datetime
    decided_at: dt.datetime | None


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[config]`` of profile.toml: whether announced sets are taken over by themselves, or a person decides."""

    policy: Literal["auto", "ask"] = "auto"
    ask: tuple[str, ...] = ()
    """Sets for which a person decides although the policy is auto"""

    def asks(self, set_name: str) -> bool:
        return self.policy == "ask" or set_name in self.ask


def load_policy(profile: str) -> Policy:
    """The policy of the *profile* directory; auto without one. Raises ValueError with a sentence."""
    file = Path(profile) / "profile.toml"
    if not profile or not file.is_file():
        return Policy()
    try:
        return msgspec.convert(tomllib.loads(file.read_text("utf-8-sig")).get("config", {}), Policy)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f'{file} [config]: {error}; write policy = "auto" or "ask", and ask = [sets]') from error


@service.on_start
async def load(app: App) -> None:
    """Load the policy; a wrong one stops the start."""
    app.resources[Policy] = load_policy(app.kit.profile)


class Refusal(NamedTuple):
    """Why a version can't be taken over."""

    reason: str


def refusal(new: ReceivedRow, standing: ReceivedRow | None, same: ReceivedRow | None) -> Refusal | None:
    """What speaks against *new*, given what stands: an unknown set, a broken content, an older or an ambiguous version."""
    if new.set_name not in CONFIG_SETS:
        return Refusal(f"本级软件没有名为 {new.set_name} 的数据集：请发布方核对名称，或本级升级软件")
    if same is not None and same.digest != new.digest:
        return Refusal(f"版本 {new.version} 此前发布过不同的内容：请发布方换一个版本号重新发布")
    try:
        found = digest_of(unpack(new.content, new.encoding))
    except ValueError as error:
        return Refusal(str(error))
    if found != new.digest:
        return Refusal("内容与摘要不符，可能在传输中损坏：请发布方重新发布")
    if standing is not None and new.valid_from < standing.valid_from:
        return Refusal(
            f"比本级现有的版本 {standing.version}（{standing.valid_from:%Y-%m-%d} 起用）更早：请发布更新的版本"
        )
    return None


def is_for(event: ConfigPublished, jurisdiction: str) -> bool:
    """Whether the announcement is meant for the node: by name, or for all below an issuer above it."""
    if event.jurisdiction == jurisdiction:
        return event.addressee == jurisdiction
    if event.addressee:
        return event.addressee == jurisdiction
    return areas.contains(event.scope or event.jurisdiction, jurisdiction)


@service.on(ConfigPublished, scope=Scope.SUBTREE)
async def published(event: ConfigPublished, ctx: Context) -> list[Event]:
    """Keep what we announced; take over, ask about or refuse what was announced to us."""
    ours, me = event.jurisdiction == ctx.node.jurisdiction, ctx.node.jurisdiction
    if (event.repeated and ours) or not (ours or is_for(event, me)):
        return []
    if event.parts > 1:
        key = (event.set_name, event.version, event.digest)
        try:
            whole = await gather(ctx.tx, *key, event.part, event.parts, event.content)
        except ValueError as error:
            return [ConfigRefused(set_name=event.set_name, version=event.version, reason=str(error))]
        if whole is None:
            return []
        event = msgspec.structs.replace(event, content=whole, part=0, parts=0)
    if ours:
        await sql.run(
            ctx.tx, "add_published", event.set_name, event.version, event.digest, event.title, event.scope,
            event.addressee, event.valid_from, event.occurred_at, event.id, event.content, event.encoding,
        )  # fmt: skip
    return await _receive(event, ctx) if is_for(event, me) else []


async def _receive(event: ConfigPublished, ctx: Context) -> list[Event]:
    if event.repeated and await sql.value(ctx.tx, "have", event.set_name, event.version, event.digest):
        return []
    number = await sql.value(
        ctx.tx, "add_received", event.id, event.jurisdiction, event.set_name, event.version, event.digest, event.title,
        event.valid_from, event.content, event.encoding, "waiting", "", ctx.now(),
    )  # fmt: skip
    if number is None:
        return []
    new = await sql.row(ctx.tx, "lock_received", ReceivedRow, number)
    assert new is not None
    standing = await sql.row(ctx.tx, "standing", ReceivedRow, event.set_name, number)
    same = await sql.row(ctx.tx, "same_version", ReceivedRow, event.set_name, event.version, number)
    no = refusal(new, standing, same)
    if no is not None:
        return [await refuse(ctx, new, no.reason, "")]
    if ctx.app.get(Policy).asks(event.set_name):
        return []  # waits for a person
    return list(await adopt(ctx, new, ""))


async def adopt(ctx: Context, row: ReceivedRow, by: str) -> list[ConfigAdopted]:
    """The node takes it over; the service that uses the set says whether it can."""
    await sql.run(ctx.tx, "decide", row.n, "adopted", "", by, ctx.now())
    return [
        ConfigAdopted(
            set_name=row.set_name, version=row.version, valid_from=row.valid_from, digest=row.digest, content=text,
            encoding=row.encoding, part=part, parts=parts, issuer=row.issuer,
        )
        for part, parts, text in pieces(row.content)
    ]  # fmt: skip


async def refuse(ctx: Context, row: ReceivedRow, reason: str, by: str) -> ConfigRefused:
    """The node doesn't take it over; the issuer is told why."""
    await sql.run(ctx.tx, "decide", row.n, "refused", reason, by, ctx.now())
    return ConfigRefused(set_name=row.set_name, version=row.version, reason=reason)


@service.on(ConfigApplied, scope=Scope.SUBTREE)
async def applied(event: ConfigApplied, ctx: Context) -> None:
    """Somebody in our subtree, or our own service, uses a version."""
    await _answered(ctx, event, "applied", "")


@service.on(ConfigRefused, scope=Scope.SUBTREE)
async def refused(event: ConfigRefused, ctx: Context) -> None:
    """Somebody in our subtree, or our own service, can't use a version."""
    await _answered(ctx, event, "refused", event.reason)


async def _answered(ctx: Context, event: ConfigApplied | ConfigRefused, state: str, reason: str) -> None:
    if event.jurisdiction == ctx.node.jurisdiction:
        await sql.run(ctx.tx, "answered", event.set_name, event.version, state, reason, event.occurred_at)
    await sql.run(
        ctx.tx, "set_answer", event.jurisdiction, event.set_name, event.version, state, reason, event.occurred_at
    )
