"""The other direction: another maker's platform reports the same records; they become docked events.

Such a case may lack stages and may come all at once. Our state machine doesn't judge it: the first base record is
`case.reported`, everything later a `case.snapshot` with the case as far as it is known.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Any, Final

import msgspec
from yiwang.contracts import areas
from yiwang.kit import Context, Sql

from .docked import TIMES, Docked, Source, docked_event
from .docked_media import MEDIA, keep_attached, read_media
from .links import Link
from .payloads import SHANGHAI, Payload
from .profile import Refused, untranslate
from .protocol import Batch, Envelope, Result
from .records import hash_of
from .store import DockedRow, hashes, sql
from .task_docked import ANSWER, TASK, take_answer
from .task_inbound import ACTIONS, take_task
from .task_records import read_task
from .tasks import names_a_person

docked_sql: Final = Sql("yiwang.national_sync", "docked.sql")
CASE_KEY: Final = re.compile(r"[^\x00-\x1f]{1,200}\Z")
TASK_ID: Final = re.compile(r"[\w.:-]{1,100}\Z")
CASE_KINDS: Final = ("case_base", "case_flow", "case_result", "media_ref")


class OutOfSequence(Exception):
    """Nothing of the batch was taken; the sender must go on with `expected`."""

    def __init__(self, expected: int) -> None:
        super().__init__(f"expects {expected}")
        self.expected = expected


def case_key(payload: Payload) -> str:
    """By what the other side knows the case."""
    return str(payload.get("case_id") or payload.get("case_no") or "")


def case_id_of(platform: str, their_case: str) -> str:
    """Our id of another maker's case: the same each time."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"yiwang:docked:{platform}/{their_case}"))


async def accept(ctx: Context, link: Link, batch: Batch) -> tuple[list[Result], int]:
    """Take *batch*: a result for each record and the next number.

    Raises OutOfSequence when a number is left out, or used before for another record.
    """
    platform = link.platform.name
    expected: int = await sql.value(ctx.tx, "lock_inbound", platform, batch.district)
    known = dict(await hashes(ctx.tx, "inbound_known", platform, [r.record_id for r in batch.records]))
    results, changed = list[Result](), dict[str, list[tuple[Envelope, str, Payload]]]()
    for record in batch.records:
        held = known.get(record.record_id)
        if record.seq > expected or (record.seq < expected and held is None):
            raise OutOfSequence(expected)
        expected = max(expected, record.seq + 1)
        if held is not None:
            results.append(_again(record, held))
            continue
        try:
            kind, payload = _read(ctx, link, batch, record)
            if kind == MEDIA:
                payload = await keep_attached(ctx, payload, record.district)
            if kind == TASK:
                ctx.emit(*await take_task(ctx, platform, payload))
            if kind == ANSWER:
                ctx.emit(await take_answer(ctx, platform, record, payload))
        except Refused as refused:
            results.append(Result(record_id=record.record_id, status="refused", reason=str(refused)))
            continue
        their_case = case_key(payload) if kind in CASE_KINDS else ""
        await sql.run(
            ctx.tx, "add_inbound", platform, record.record_id, kind, batch.district, record.seq, record.day,
            record.hash, their_case, ctx.now(),
        )  # fmt: skip
        known[record.record_id] = record.hash
        results.append(Result(record_id=record.record_id, status="ok"))
        if kind in CASE_KINDS:
            changed.setdefault(their_case, []).append((record, kind, payload))
    await sql.run(ctx.tx, "set_inbound", platform, batch.district, expected)
    await _note(ctx, platform, batch, results)
    for their_case, new in changed.items():
        await _apply(ctx, link, batch.district, their_case, new)
    return results, expected


async def _note(ctx: Context, platform: str, batch: Batch, results: list[Result]) -> None:
    """Keep for people what the other side must mend, and that something came."""
    kinds = {record.record_id: record.kind for record in batch.records}
    bad = [r for r in results if r.status == "refused"]
    good = [r.record_id for r in results if r.status != "refused"]
    if bad:
        ids = [r.record_id for r in bad]
        reasons = [r.reason for r in bad]
        await docked_sql.run(
            ctx.tx, "add_refused", platform, batch.district, ctx.now(), ids, [kinds[i] for i in ids], reasons
        )
    await docked_sql.run(ctx.tx, "taken", platform, good)
    await docked_sql.run(ctx.tx, "heard", platform, ctx.now())


def _again(record: Envelope, held: str) -> Result:
    if held == record.hash:
        return Result(record_id=record.record_id, status="duplicate")
    reason = "同一 record_id 此前报过不同的内容：更正请使用新的 record_id"
    return Result(record_id=record.record_id, status="refused", reason=reason)


def _read(ctx: Context, link: Link, batch: Batch, record: Envelope) -> tuple[str, Payload]:
    """Our kind and our fields of *record*. Raises Refused with a sentence."""
    platform = link.platform
    kind = next((k for k, s in platform.records.items() if (s.name or k) == record.kind), record.kind)
    if record.district != batch.district:
        raise Refused(f"记录的区划 {record.district} 与整批的区划 {batch.district} 不同")
    if kind == TASK:
        return kind, _read_task(ctx, record, untranslate(platform, kind, record.payload))
    if record.district == ctx.node.jurisdiction:
        raise Refused(f"区划 {record.district} 由本平台自行办案，不接收代报：请用实际办案的下级区划上报")
    allowed = platform.areas or (ctx.node.jurisdiction,)
    if not any(_inside(area, record.district) for area in allowed):
        raise Refused(f"该平台不能为区划 {record.district} 上报，登记的范围是 {'、'.join(allowed)}")
    if hash_of(msgspec.json.encode(record.payload, order="sorted")) != record.hash:
        raise Refused("hash 与 payload 不符：请按键名排序、无空格的 JSON 计算 SHA-256")
    if not 2000 <= record.occurred_at.year <= 9000:
        raise Refused("occurred_at 应在 2000 年之后")
    if record.occurred_at.astimezone(SHANGHAI).date() != record.day:
        raise Refused("day 应为 occurred_at 在北京时间的日期")
    payload = untranslate(platform, kind, record.payload)
    if kind in CASE_KINDS and not CASE_KEY.match(case_key(payload)):
        raise Refused("缺少 case_id 或 case_no（1 至 200 个字符），无法归入案件")
    if kind == "case_flow" and not isinstance(payload.get("step"), int):
        raise Refused("step 应为整数（案件的第几步）")
    for name in TIMES & payload.keys():
        payload[name] = _moment(name, payload[name])
    return kind, read_media(payload) if kind == MEDIA else payload


def _read_task(ctx: Context, record: Envelope, payload: Payload) -> Payload:
    """The platform's task in our fields. Raises Refused."""
    if record.district != ctx.node.jurisdiction:
        raise Refused(f"任务应发给 {ctx.node.jurisdiction}：下级的任务由本级转办")
    if hash_of(msgspec.json.encode(record.payload, order="sorted")) != record.hash:
        raise Refused("hash 与 payload 不符：请按键名排序、无空格的 JSON 计算 SHA-256")
    try:
        task = read_task(payload)
    except msgspec.ValidationError as error:
        raise Refused(f"任务看不懂：{error}") from error
    if task.action not in ACTIONS or (task.action == "assign" and not (task.title and task.content)):
        raise Refused(f"任务应有 title 和 content，action 应为 {'、'.join(ACTIONS)} 之一")
    if not TASK_ID.match(task.task_id):
        raise Refused("task_id 应为 1 至 100 个字母、数字或 . : - _")
    if task.feedback_due is not None and not 2000 <= task.feedback_due.year <= 2100:
        raise Refused("feedback_due 应在 2000 年至 2100 年之间")
    if task.feedback_due is not None and task.feedback_due.tzinfo is None:
        raise Refused("feedback_due 应为带时区的时间")
    if names_a_person(task.title, task.content, task.opinion):
        raise Refused("任务内容里有手机号码或身份证号码，请删去后重发")
    return payload


def _inside(area: str, district: str) -> bool:
    try:
        areas.level_of(district)
    except ValueError as error:
        raise Refused(f"{district} 不是行政区划代码") from error
    return areas.contains(area, district)


def _moment(name: str, value: Any) -> str:
    try:
        at = dt.datetime.fromisoformat(str(value))
        if at.tzinfo is None or not 2000 <= at.year <= 9000:
            raise ValueError
    except ValueError as error:
        raise Refused(f"{name} 应为带时区的时间，例如 2026-11-23T08:00:00+08:00") from error
    return at.astimezone(SHANGHAI).isoformat(timespec="milliseconds")


async def _apply(
    ctx: Context, link: Link, district: str, their_case: str, new: list[tuple[Envelope, str, Payload]]
) -> None:
    platform = link.platform.name
    row = await sql.row(ctx.tx, "docked_case", DockedRow, platform, their_case)
    docked = msgspec.json.decode(row.body, type=Docked) if row else Docked()
    for _, kind, payload in new:
        docked = docked.after(kind, payload)
    version = (row.version if row else 0) + 1
    case_id = case_id_of(platform, their_case)
    await sql.run(ctx.tx, "set_docked_case", platform, their_case, case_id, version, msgspec.json.encode(docked))
    last = new[-1][0]
    source = Source(
        platform=platform,
        their_case=their_case,
        case_id=case_id,
        district=district,
        record_id=last.record_id,
        seq=last.seq,
    )
    ctx.emit(docked_event(docked, source, version, ctx.now()))
