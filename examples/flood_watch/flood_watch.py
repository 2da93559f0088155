"""Tells the drainage crew about drainage cases filed in flood-prone cells."""

from yiwang.contracts import CaseFiled, NoticeRequested
from yiwang.kit import Context, Service

DRAINAGE = {("gbt30428.2-2013", "part", "01", "02"), ("gbt30428.2-2013", "part", "01", "03")}
FLOOD_PRONE = frozenset({"440310001003001", "440310001003002"})

service = Service("flood-watch")


@service.on(CaseFiled)
async def warn_crew(event: CaseFiled, ctx: Context) -> NoticeRequested | None:
    """Request one notice per drainage case in a flood-prone cell."""
    kind, place = event.category, event.case.place
    drains = (kind.code_set, kind.kind, kind.major, kind.minor) in DRAINAGE
    if not drains or place is None or place.cell15 not in FLOOD_PRONE:
        return None
    return NoticeRequested(
        business_id=f"{event.case.case_id}/flood-watch",
        template="message",
        audience="unit:drainage-crew",
        params={"title": "积水点排水案件", "text": f"案件 {event.case.case_no}，单元网格 {place.cell15}"},
    )
