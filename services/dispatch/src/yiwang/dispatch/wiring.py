"""What dispatch hears and does because there are other nodes."""

from __future__ import annotations

from yiwang.contracts import CopyWanted, CustodyAnswered, CustodyReleased
from yiwang.kit import Scope, Service

from . import handover, passing, watching


def join_tiers(service: Service) -> None:
    """Hand-over, copies of others' cases."""
    for kind in watching.WATCHED:
        service.on_batch(kind, scope=Scope.BELOW)(watching.watch)
    service.on(CustodyAnswered, scope=Scope.BELOW)(handover.answered)
    service.on(CustodyReleased, scope=Scope.BELOW)(handover.released)
    service.on(CopyWanted, scope=Scope.BELOW)(watching.wanted)
    service.timer(passing.OFFER)(handover.nobody_answered)
    service.timer(handover.CLAIM)(handover.claim_again)
    service.timer(watching.GAP)(watching.ask_for_missing)
