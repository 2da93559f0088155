"""What dispatch hears, does and offers for campaigns, ledgers and stations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from yiwang.contracts import CampaignAmended, CampaignAnnounced, CampaignEnded, CampaignOpened, CampaignProgress
from yiwang.kit import Scope, Service

from . import campaigning, ledger_acts, taking_in_walk
from .http_campaigns import CAMPAIGNS
from .http_ledgers import LEDGERS
from .http_stations import STATIONS

GROUND_ROUTES: Final[Sequence[Any]] = (*CAMPAIGNS, *LEDGERS, *STATIONS)


def join_campaigns(service: Service) -> None:
    """Campaigns from above and below, their progress, ledgers' days."""
    service.on(CampaignAnnounced)(campaigning.announced)
    service.on(CampaignOpened, scope=Scope.BELOW)(campaigning.heard_below)
    service.on(CampaignAmended, scope=Scope.BELOW)(campaigning.heard_below)
    service.on(CampaignEnded, scope=Scope.BELOW)(campaigning.ended_below)
    service.on(CampaignProgress, scope=Scope.BELOW)(campaigning.told)
    service.timer(campaigning.PROGRESS)(campaigning.progress)
    service.timer(ledger_acts.TIMER)(ledger_acts.late)
    service.background(leased=True)(taking_in_walk.take_in)
    service.api(*GROUND_ROUTES)
