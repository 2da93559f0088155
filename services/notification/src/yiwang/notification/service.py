"""The service's name, settings and caches."""

from __future__ import annotations

from typing import Final

import msgspec
from yiwang import contracts
from yiwang.contracts import CaseEvent, tag_of
from yiwang.kit import App, Service

from .allow import AllowList
from .book import Book, load

HEARD: Final[dict[str, type[CaseEvent]]] = {
    tag_of(event_type): event_type
    for event_type in (
        contracts.CaseLocated,
        contracts.CaseVerifyRequested,
        contracts.CaseCheckRequested,
        contracts.CaseDispatched,
        contracts.CaseReturned,
        contracts.CaseReworked,
        contracts.CaseDeadlineWarned,
        contracts.CaseOverdue,
        contracts.CaseSuspended,
        contracts.CaseResumed,
        contracts.CaseExtensionRequested,
        contracts.CaseExtensionDecided,
        contracts.CaseSupervised,
        contracts.CaseSupervisionReplied,
        contracts.CaseHandoverOffered,
        contracts.CaseAppealed,
        contracts.CaseCorrected,
        contracts.CaseMerged,
        contracts.CaseSuspensionDecided,
        contracts.CaseSuspensionRequested,
        contracts.CaseHandoverRefused,
        contracts.CaseReferredToEnforcement,
        contracts.CaseClosed,
        contracts.CaseVoided,
        contracts.CaseReopened,
        contracts.CaseAppealDecided,
        contracts.CaseArrived,
        contracts.CaseDeadlineRecomputed,
        contracts.CaseSubtaskAssigned,
        contracts.CaseSubtaskConfirmed,
        contracts.CaseSubtaskReturned,
    )
}
"""Events of a case that rules may tell people about."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an administrator of this service decides."""

    webhook_allow: str = ""
    """Hosts and networks that webhooks may go to, comma-separated: gateway.example.gov.cn,10.0.0.0/8; empty: none"""
    webhook_timeout_s: float = 15.0
    """How long a receiver may take (Standard Webhooks: 15 to 30 s)"""
    webhook_rate: float = 20.0
    """Webhook messages a second to one endpoint; 0 is without limit"""
    email_rate: float = 5.0
    """E-mails a second to one mailbox's endpoint; 0 is without limit"""
    burst: int = 20
    """Messages at once above the rate"""
    smtp_host: str = ""
    """Mail server; empty: no e-mail"""
    smtp_port: int = 25
    """Port of the mail server"""
    smtp_tls: str = "starttls"
    """starttls, tls or none"""
    smtp_user: str = ""
    """Login at the mail server, if it asks for one"""
    smtp_password: str = ""
    """Password of the login"""
    smtp_from: str = "yiwang@localhost"
    """Sender's address"""
    keep_days: int = 365
    """Days after which notices that ended are dropped"""
    announce_inbox: bool = False
    """Say notice.delivered for the in-app inbox too: it always succeeds, and its table says it already"""


service = Service("notification", package="yiwang.notification", settings=Settings, database=True, watches=True, handler_set=2)


@service.on_start
async def load_book(app: App) -> None:
    """Load templates and rules; refuse to start with all their mistakes."""
    app.resources[Book] = load(app.kit.profile, HEARD)
    app.resources[AllowList] = AllowList.parse(app.settings.webhook_allow)
