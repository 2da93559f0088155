"""All cases of this node told again to the tiers above (补传), after a link was cut for longer than the streams keep."""

from __future__ import annotations

from yiwang.contracts import Event, ResyncAnswered, ResyncRequested
from yiwang.kit import Context, Service

from . import store
from .snapshot import snapshot_of


async def tell_again(event: ResyncRequested, ctx: Context) -> list[Event]:
    """A page of our cases as snapshots for every copy above, then the next page; at the end how many there were.

    The pages ask for each other, so that live events pass between them; copies apply by version, so their order
    doesn't matter.
    """
    if event.addressee != ctx.node.jurisdiction:
        return []
    told, _, after = event.cursor.partition("/")
    size = ctx.settings.snapshot_page
    page = await store.changed_since(ctx.tx, event.since, after, size)
    ours = [case for case in page if not case.away and case.custody.jurisdiction in ctx.app.acts_for]
    flows = await store.histories(ctx.tx, [case.case_id for case in ours])
    said: list[Event] = [snapshot_of(case, flows[case.case_id], "") for case in ours]
    count = int(told or 0) + len(ours)
    if len(page) == size:
        again = ResyncRequested(
            addressee=event.addressee, resync_id=event.resync_id, since=event.since, reason=event.reason,
            cursor=f"{count}/{page[-1].case_id}",
        )  # fmt: skip
        return [*said, again]
    return [*said, ResyncAnswered(resync_id=event.resync_id, cases=count)]


def answer_resync(service: Service) -> None:
    """Let dispatch answer requests to tell its cases again."""
    service.on(ResyncRequested)(tell_again)
