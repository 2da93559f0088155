"""Whether a witness countersigns a head: only when it extends every head of this log that the witness accepted.

A log whose operator shows one tree here and another there (split view), or who restores an older one, is found out by
whoever kept an earlier head. The first head of a log is taken on trust, with its key; later ones must prove themselves.
"""

from __future__ import annotations

from typing import NamedTuple

from yiwang.contracts import HeadSigned

from .merkle import suite_of, verify_consistency
from .signing import head_text, verified


class Seen(NamedTuple):
    """A head that this witness accepted; *root* is hex."""

    size: int
    root: str
    key_id: str


class Verdict(NamedTuple):
    """*accepted*, or why not: a code of `HeadDisputed.reason_code` and a sentence."""

    accepted: bool
    reason_code: str = ""
    sentence: str = ""


OK = Verdict(True)


def judge(head: HeadSigned, latest: Seen | None, same_size: Seen | None) -> Verdict:
    """The verdict on *head* given the largest head accepted before and the one of the same size, if any."""
    text = head_text(head.log_id, head.size, head.root, head.alg, head.signed_at)
    if not verified(head.key_id, head.signature, text):
        return Verdict(False, "bad_signature", "存证日志头的签名与内容不符，可能在传输中被改动：请核对发送节点")
    if latest is None:
        return OK
    if head.key_id != latest.key_id:
        return Verdict(
            False, "key_changed", "存证日志更换了签名密钥：请向该机关核实更换密钥的审批后，由管理员登记新密钥"
        )
    known = same_size or (latest if latest.size == head.size else None)
    if known is not None:
        if known.root == head.root:
            return OK
        return Verdict(
            False,
            "split_view",
            f"同样是 {head.size} 条记录，此前见到的根与现在不同：记录被改动或对外出示了两套，请调查",
        )
    if head.size < latest.size:
        return Verdict(
            False, "shrunk", f"存证日志从 {latest.size} 条变成 {head.size} 条：可能恢复了旧备份或删除了记录，请调查"
        )
    if _proves(head, latest):
        return OK
    return Verdict(
        False, "unproved", f"没有证明现在的 {head.size} 条记录包含此前见到的 {latest.size} 条：请该机关补发一致性证明"
    )


def _proves(head: HeadSigned, latest: Seen) -> bool:
    try:
        suite, root = suite_of(head.alg), bytes.fromhex(head.root)
        for known in head.extends:
            if (known.size, known.root) == (latest.size, latest.root):
                path = [bytes.fromhex(h) for h in known.path]
                return verify_consistency(suite, known.size, head.size, bytes.fromhex(known.root), root, path)
    except ValueError:
        return False
    return False
