"""Bringing a ledger in: the check, and the writing of all its new lines at once."""

from __future__ import annotations

import asyncio
import base64
import binascii
import datetime as dt
from typing import Annotated, Literal

import msgspec
from yiwang.contracts import Event
from yiwang.kit import App, Caller, Context
from yiwang.kit.tables import TableError

from . import campaign_store, campaigning, ledger_store
from .acts_base import Key
from .campaign import entry_item
from .ledger import Entry, assign, enter
from .ledger_acts import GIVERS, TIMER
from .ledger_import import Line, Report, Table, Where, read, report_of, table_of
from .ledger_notices import notices
from .people import acting, over
from .refusals import Refused
from .rules import Rules


class ImportBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """台账导入: a workbook, or a CSV's text; one of the two. `check`: only look, and say what is wrong."""

    kind: Literal["hazard", "problem"] = "hazard"
    campaign_id: Key = ""
    csv: Annotated[str, msgspec.Meta(max_length=500_000)] = ""
    xlsx: Annotated[str, msgspec.Meta(max_length=2_000_000, pattern="^[0-9A-Za-z+/=]*$")] = ""
    """The file in base64; its first sheet counts"""
    check: bool = True


async def bring_in(app: App, caller: Caller, body: ImportBody) -> Report:
    """Check the file, or bring all its new lines in. Raises the Problems of `errors`."""

    table, broken = list[tuple[int, list[str]]](), ""
    try:
        table = list(await _table(body))
    except TableError as error:
        broken = str(error)

    async def once(ctx: Context) -> Report:
        rules, here = app.get(Rules), ctx.node.jurisdiction
        if body.campaign_id:
            await campaigning.running_one(ctx, body.campaign_id)
        where = Where(
            jurisdiction=here, kind=body.kind, campaign_id=body.campaign_id, purpose=ctx.purpose or "live", now=ctx.now()
        )
        lines, mistakes = read(table, where, rules) if not broken else ([], [broken])
        for line in lines:
            over(caller, GIVERS, line.entry.area, "台账导入")
        known = await ledger_store.known(ctx.tx, [line.entry.entry_id for line in lines])
        report = report_of(lines, mistakes, known)
        if body.check:
            return report
        if mistakes:
            raise Refused("ledger_import", n=len(mistakes))
        await _write(ctx, caller, [line for line in lines if line.entry.entry_id not in known], rules)
        return msgspec.structs.replace(report, written=True)

    return await acting(app, caller, once)


async def _table(body: ImportBody) -> Table:
    """The file's rows, read beside the requests. Raises TableError."""
    if bool(body.csv) == bool(body.xlsx):
        raise TableError("请上传一个文件：xlsx 或 CSV 之一")
    if body.csv:
        return table_of(body.csv.encode(), "台账.csv")
    try:
        data = base64.b64decode(body.xlsx, validate=True)
    except binascii.Error:
        raise TableError("xlsx 文件在传输中损坏（不是 base64）：请重新上传") from None
    return await asyncio.to_thread(table_of, data, "台账.xlsx")


async def _write(ctx: Context, caller: Caller, lines: list[Line], rules: Rules) -> None:
    """New lines with what follows from them, a statement for all."""
    now, ready, events = ctx.now(), list[Entry](), list[Event]()
    for line in lines:
        by = over(caller, GIVERS, line.entry.area, "台账导入")
        told = enter(line.entry, by)
        events += [*told.events, *notices(told, rules.practice.ground)]
        if line.due_at is not None:
            told = assign(
                told.entry, by, now, unit_id=line.unit_id, unit_name=line.unit_name, measure_masked=line.measure,
                due_at=line.due_at,
            )  # fmt: skip
            events += [*told.events, *notices(told, rules.practice.ground)]
        ready.append(told.entry)
    fresh = await ledger_store.add(ctx.tx, ready)
    ready = [one for one in ready if one.entry_id in fresh]
    counted = [entry_item(one) for one in ready if one.campaign_id]
    await campaign_store.weigh(ctx.tx, counted)
    if counted:
        await campaigning.soon(ctx, [one.campaign_id for one in counted])
    await ctx.set_timers(
        TIMER, [(one.entry_id, one.due_at + dt.timedelta(seconds=1), {}) for one in ready if one.due_at is not None]
    )
    ctx.emit(*(event for event in events if _of(event) in fresh))


def _of(event: Event) -> str:
    """The entry that an event or a notice is about."""
    entry = getattr(event, "entry_id", "") or getattr(event, "business_id", "").partition("/")[0]
    return str(entry)
