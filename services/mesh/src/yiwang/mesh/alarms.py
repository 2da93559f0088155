"""Alarms: what is wrong now against what stood before; each beginning and each end is an event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from yiwang.contracts import Event, MeshAlarmCleared, MeshAlarmRaised
from yiwang.kit import App, Context

from .store import AlarmRow, sql
from .verdict import Alarm

KINDS = ("link_cut", "link_stalled", "quarantine", "unsent", "parked", "silent", "not_ready", "retention", "database")


async def settle(app: App, wrong: Sequence[Alarm], remedies: Mapping[str, str], now: dt.datetime) -> None:
    """Raise what is new, clear what is over, reword what goes on. Nothing is written when nothing changed."""
    node = app.node.node_id
    standing = {row.alarm: row for row in await sql.rows(app.pool, "standing", AlarmRow, node)}
    fresh = {alarm.alarm: alarm for alarm in wrong}
    news = [alarm for name, alarm in fresh.items() if name not in standing]
    over = [row for name, row in standing.items() if name not in fresh]
    reworded = [a for name, a in fresh.items() if name in standing and standing[name].sentence != a.sentence]
    if not (news or over or reworded):
        return

    async def act(ctx: Context) -> None:
        events: list[Event] = []
        for alarm in news:
            if await sql.value(ctx.tx, "raise", node, alarm.alarm, alarm.kind, alarm.sentence, now) is not None:
                events.append(
                    MeshAlarmRaised(
                        node=node,
                        alarm=alarm.alarm,
                        kind=alarm.kind,
                        sentence=alarm.sentence,
                        since=now,
                        occurred_at=now,
                    )
                )
        for alarm in reworded:
            await sql.run(ctx.tx, "reword", node, alarm.alarm, alarm.sentence)
        for row in over:
            remedy = remedies.get(row.alarm, "")
            since = await sql.value(ctx.tx, "clear", node, row.alarm, now, remedy)
            if since is not None:
                events.append(
                    MeshAlarmCleared(
                        node=node, alarm=row.alarm, kind=row.kind, since=since, remedy=remedy, occurred_at=now
                    )
                )
        ctx.emit(*events)

    await app.act(None, act)
    for alarm in news:
        app.log.warning("alarm_raised", alarm=alarm.alarm, sentence=alarm.sentence)
    for row in over:
        app.log.info("alarm_cleared", alarm=row.alarm)
