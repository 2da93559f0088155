"""Who is told what about a whistle: requests for notices, local as all of them."""

from __future__ import annotations

import datetime as dt
from typing import Final

from yiwang.contracts import NoticeRequested, WhistleBlown, WhistleCall, WhistleOverdue, WhistleResolved

from .calendar import SHANGHAI
from .whistle import Told, Whistle

WORDS: Final = {"respond": "响应", "arrive": "报到", "resolve": "办结"}


def notices(told: Told) -> list[NoticeRequested]:
    """Who must know: every called unit of the call; a late unit and the community; the community of the result."""
    one, found = told.whistle, []
    for event in told.events:
        if isinstance(event, WhistleBlown):
            found += [
                _notice(one, f"blown/{call.unit_id}", f"unit:{call.unit_id}", "社区吹哨，请报到", _calling(one, call))
                for call in event.units
            ]
        elif isinstance(event, WhistleOverdue):
            text = f"{one.summary_masked}：{_local(event.due_at)}前应{WORDS[event.what]}，已超时"
            key = f"{event.what}/{event.unit_id}"
            found.append(_notice(one, key, f"unit:{event.unit_id}", f"吹哨{WORDS[event.what]}超时", text))
            found.append(_notice(one, f"{key}/area", f"community_worker@{one.area}", "被吹哨单位超时", text))
        elif isinstance(event, WhistleResolved):
            found.append(_notice(one, "resolved", f"community_worker@{one.area}", "吹哨事项已办结，请评价", event.result_masked))
    return found


def _calling(one: Whistle, call: WhistleCall) -> str:
    return f"{one.summary_masked}。请于{_local(call.respond_by)}前响应、{_local(call.arrive_by)}前到场，{_local(one.resolve_by)}前办结"


def _notice(one: Whistle, what: str, audience: str, title: str, text: str) -> NoticeRequested:
    return NoticeRequested(
        business_id=f"{one.whistle_id}/{what}", template="message", audience=audience,
        params={"title": title, "text": text}, urgency="urgent",
    )  # fmt: skip


def _local(at: dt.datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%m月%d日%H:%M")
