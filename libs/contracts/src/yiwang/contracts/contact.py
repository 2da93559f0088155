"""The sealed hand-over of a reporter's contact (联系方式密封移交), for a return visit by another tier than took the report.

Nothing in it can be read on the way: the asker makes a key pair for this one request, the holder seals to its public
half, and the asker destroys the other half at the end. So what stays in streams and backups is unreadable.
"""

from __future__ import annotations

from typing import ClassVar

from ._event import Flow
from ._types import Moment
from .directive import AboutCase

__all__ = [
    "ContactAsked", "ContactDestroyed", "ContactRefused", "ContactRevoked", "ContactSealed", "ContactSettled", "ContactWanted",
]  # fmt: skip


class ContactWanted(AboutCase, frozen=True, kw_only=True, tag="contact.wanted.v1"):
    """The custodian would ask the reporter itself (申请联系方式): intake of this node asks the holder."""

    flow: ClassVar[Flow] = "local"

    report_ids: tuple[str, ...]
    holder: str
    """Area code of the jurisdiction that took the report"""
    area: str = ""
    """Where the problem lies: whose people may look"""
    opinion: str = ""
    """Why, in an officer's words"""


class AboutContact(AboutCase, frozen=True, kw_only=True):
    """Something said about one request for one report's contact."""

    ask_id: str
    """Of the request; everything about it carries this number"""
    report_id: str


class ContactAsked(AboutContact, frozen=True, kw_only=True, tag="contact.asked.v1"):
    """A node asks the holder of a contact for it (联系方式移交申请), with a key made for this request alone."""

    public_key: str
    """X25519, base64; its private half never leaves the asker"""
    opinion: str = ""
    """Why, in an officer's words"""


class ContactSealed(AboutContact, frozen=True, kw_only=True, tag="contact.sealed.v1"):
    """The holder hands the contact over (联系方式密封移交): readable for the asker alone, until the end."""

    sealed: str
    """Base64 of the sender's public key, nonce and AES-256-GCM ciphertext"""
    expires_at: Moment
    """From then on the asker keeps nothing of it"""
    by_rule: bool = False
    """Whether a rule of the holder's profile granted it, not a person"""


class ContactRefused(AboutContact, frozen=True, kw_only=True, tag="contact.refused.v1"):
    """The holder does not hand the contact over (不予移交)."""

    reason_code: str
    """unknown, erased, not_allowed or person"""
    reason: str
    """A sentence"""


class ContactRevoked(AboutContact, frozen=True, kw_only=True, tag="contact.revoked.v1"):
    """The reporter's data is erased at the holder: whoever was given it destroys it too (撤销移交)."""


class ContactDestroyed(AboutContact, frozen=True, kw_only=True, tag="contact.destroyed.v1"):
    """The asker has destroyed what it was given, and its key (联系方式已销毁): for the holder's books."""

    reason_code: str
    """expired, visited or revoked"""


class ContactSettled(AboutContact, frozen=True, kw_only=True, tag="contact.settled.v1"):
    """How a request ended at this node (联系方式移交结果), for the visits of this node."""

    flow: ClassVar[Flow] = "local"

    outcome: str
    """given (by this node), held (here now), refused, erased (at the reporter's wish) or silent"""
    reason: str = ""
    """A sentence, where it was refused"""
