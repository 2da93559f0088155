"""A record with all that proves it, in one file that needs no network and no trust in this system.

The four links of the proof: salt and record give the commitment; the commitment gives the leaf; the audit path leads
from the leaf to the root of a signed head; the signatures of the agency and of its witnesses stand on that head.
"""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any, Final, Literal, NamedTuple

import msgspec

from . import merkle
from .domain import commitment
from .merkle import suite_of
from .signing import cosigned_text, head_text, verified
from .store import Cosignature, Head, Log, Record

FORMAT: Final = "yiwang.evidence.bundle.v1"


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A head with its signature; `root` in hex."""

    log_id: str
    size: int
    root: str
    alg: str
    key_id: str
    signature: str
    signed_at: dt.datetime


class Countersigned(msgspec.Struct, frozen=True, kw_only=True):
    witness: str
    key_id: str
    signature: str
    signed_at: dt.datetime


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """`record` holds the sealed bytes in Base64 (they are JSON); empty with `salt` after an erasure."""

    format: Literal["yiwang.evidence.bundle.v1"] = FORMAT
    head: Signed
    cosignatures: list[Countersigned]
    leaf_index: int
    commitment: str
    path: list[str]
    salt: str = ""
    record: str = ""
    erased: bool = False
    erasure_basis: str = ""


class Finding(NamedTuple):
    """One link of the proof."""

    ok: bool
    say: str


def bundle_of(log: Log, record: Record, head: Head, path: list[str], cosignatures: list[Cosignature]) -> Bundle:
    return Bundle(
        head=Signed(log_id=log.log_id, **msgspec.structs.asdict(head)),
        cosignatures=[
            Countersigned(witness=c.witness, key_id=c.key_id, signature=c.signature, signed_at=c.signed_at)
            for c in cosignatures
        ],
        leaf_index=record.leaf_index,
        commitment=record.commitment.hex(),
        path=path,
        salt=(record.salt or b"").hex(),
        record=base64.b64encode(record.body or b"").decode(),
        erased=record.body is None,
        erasure_basis=record.erasure_basis,
    )


def findings(bundle: Bundle) -> list[Finding]:
    """Every link of the proof, checked. Raises ValueError with a sentence when the bundle is malformed."""
    head = bundle.head
    suite = suite_of(head.alg)
    sealed = bytes.fromhex(bundle.commitment)
    found = [_content(bundle, sealed)]
    path = [bytes.fromhex(h) for h in bundle.path]
    included = merkle.verify_inclusion(
        suite, suite.leaf(sealed), bundle.leaf_index, head.size, path, bytes.fromhex(head.root)
    )
    found.append(Finding(included, f"第 {bundle.leaf_index} 条记录在 {head.size} 条记录的日志中"))
    text = head_text(head.log_id, head.size, head.root, head.alg, head.signed_at)
    at = head.signed_at.isoformat()
    found.append(
        Finding(verified(head.key_id, head.signature, text), f"机关 {head.log_id} 于 {at} 签名，密钥 {head.key_id}")
    )
    for c in bundle.cosignatures:
        good = verified(c.key_id, c.signature, cosigned_text(text, c.signed_at))
        found.append(Finding(good, f"{c.witness} 于 {c.signed_at.isoformat()} 联署，密钥 {c.key_id}"))
    return found


def _content(bundle: Bundle, sealed: bytes) -> Finding:
    if bundle.erased:
        return Finding(True, f"内容已依法清除（{bundle.erasure_basis}），只能证明记录存在过")
    same = commitment(suite_of(bundle.head.alg), bytes.fromhex(bundle.salt), base64.b64decode(bundle.record)) == sealed
    return Finding(same, "记录内容与封存时一致")


def record_in(bundle: Bundle) -> dict[str, Any]:
    """The sealed record itself."""
    record: dict[str, Any] = msgspec.json.decode(base64.b64decode(bundle.record))
    return record
