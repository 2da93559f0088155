"""Enforcement (执法) as far as other services may know it: content and party stay local."""

from __future__ import annotations

from typing import ClassVar

from ._event import Event, Flow
from ._types import Moment, Value


class OfficerRef(Value, frozen=True, kw_only=True):
    """An officer by pseudonym and certificate."""

    ref: str
    cert_ref: str


class LogPosition(Value, frozen=True, kw_only=True):
    """Where a record stands in the agency's RFC 6962 log."""

    log_id: str
    leaf_index: int
    leaf_hash: str


class EnforcementEvent(Event, frozen=True, kw_only=True):
    """Something in an enforcement file; `file_id` is the order key."""

    file_id: str
    agency_id: str
    referral_id: str = ""
    case_id: str = ""
    officers: tuple[OfficerRef, ...] = ()
    log: LogPosition
    node_code: str
    """The step of the procedure"""
    record_kind: str = ""
    outcome: str = ""

    @property
    def key(self) -> str:
        return self.file_id


class ClueOpened(EnforcementEvent, frozen=True, kw_only=True, tag="enforcement.clue_opened.v1"):
    """A clue (案源) was registered; not yet a filed penalty case."""


class EnforcementRecorded(EnforcementEvent, frozen=True, kw_only=True, tag="enforcement.recorded.v1"):
    """A step was recorded in the log (全过程记录)."""


class EnforcementClosed(EnforcementEvent, frozen=True, kw_only=True, tag="enforcement.closed.v1"):
    """The file was closed with its outcome (执法结案)."""

    outcome_name: str = ""
    """What people call the outcome, in the agency's words"""


class Extension(Value, frozen=True, kw_only=True):
    """An earlier head of the same log with the proof (RFC 6962 2.1.2, hex) that the new head extends it."""

    size: int
    root: str
    path: tuple[str, ...] = ()


class HeadSigned(Event, frozen=True, kw_only=True, tag="evidence.head_signed.v1"):
    """The agency signed the head of its log (存证签名); whoever keeps it can prove a later change."""

    log_id: str
    size: int
    root: str
    alg: str
    """Suite, e.g. ``sha256+ed25519``"""
    key_id: str
    signature: str
    signed_at: Moment
    extends: tuple[Extension, ...] = ()
    """From the last signed head, and from the last one that a witness countersigned: what a witness checks."""

    @property
    def key(self) -> str:
        return self.log_id


class HeadDisputed(Event, frozen=True, kw_only=True, tag="evidence.head_disputed.v1"):
    """A witness won't countersign (存证异议): the head doesn't extend what it saw before. People must look into it."""

    log_id: str
    size: int
    root: str
    seen_size: int
    seen_root: str
    reason_code: str
    """bad_signature, key_changed, split_view, shrunk or unproved"""
    witness: str

    @property
    def key(self) -> str:
        return self.log_id


class HeadCosigned(Event, frozen=True, kw_only=True, tag="evidence.cosigned.v1"):
    """A witness above saw the head and countersigned it (存证见证)."""

    flow: ClassVar[Flow] = "down"

    log_id: str
    size: int
    root: str
    alg: str
    key_id: str
    signature: str
    signed_at: Moment
    witness: str

    @property
    def key(self) -> str:
        return self.log_id
