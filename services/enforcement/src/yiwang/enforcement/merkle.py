"""A Merkle tree over an append-only list: RFC 6962 section 2.1, verification as in RFC 9162 section 2.1.

leaf = H(0x00 ‖ data), node = H(0x01 ‖ left ‖ right); a node without a right neighbour is promoted, never doubled.
The hashes kept are those of *perfect* subtrees only, each at ``Node(level, at)`` = the root over the leaves
``at·2^level … (at+1)·2^level − 1``: they never change once written, so the table that holds them is append-only
too. A proof names the nodes that it needs (`nodes_for_inclusion`, `nodes_for_consistency`, `nodes_for_root`: O(log n)),
the store reads them in one query, and the pure functions fold them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple


class Node(NamedTuple):
    """The perfect subtree of 2^level leaves that starts at leaf ``at·2^level``."""

    level: int
    at: int


Nodes = Mapping[Node, bytes]
Span = tuple[int, int]
"""Leaves lo … hi−1"""


class Suite:
    """A hash function by its tag; both give 32 bytes."""

    def __init__(self, tag: str) -> None:
        self.tag: Final = tag

    def digest(self, data: bytes) -> bytes:
        """H(data)."""
        return hashlib.new(self.tag, data, usedforsecurity=True).digest()

    def leaf(self, data: bytes) -> bytes:
        """H(0x00 ‖ data)."""
        return self.digest(b"\x00" + data)

    def node(self, left: bytes, right: bytes) -> bytes:
        """H(0x01 ‖ left ‖ right)."""
        return self.digest(b"\x01" + left + right)


SUITES: Final[dict[str, Suite]] = {tag: Suite(tag) for tag in ("sha256", "sm3")}


def suite_of(alg: str) -> Suite:
    """The suite that *alg* (``sha256`` or ``sha256+ed25519``) names.

    Raises ValueError with a sentence for an unknown tag, or where this machine's OpenSSL has no SM3.
    """
    tag = alg.partition("+")[0]
    suite = SUITES.get(tag)
    if suite is None:
        raise ValueError(f"{tag!r} is no hash suite of this log: use one of {', '.join(SUITES)}")
    if tag not in hashlib.algorithms_available:
        raise ValueError(f"this Python's OpenSSL has no {tag}: install OpenSSL 3 or choose sha256 for the agency's log")
    return suite


def _split(n: int) -> int:
    """The largest power of two smaller than *n* (n > 1)."""
    return 1 << ((n - 1).bit_length() - 1)


def cover(lo: int, hi: int) -> list[Node]:
    """The perfect subtrees that make up leaves lo … hi−1, left to right; lo is aligned as in a path of the tree."""
    found: list[Node] = []
    while lo < hi:
        size = hi - lo
        level = size.bit_length() - 1
        found.append(Node(level, lo >> level))
        lo += 1 << level
    return found


def fold(suite: Suite, hashes: Sequence[bytes]) -> bytes:
    """The root over neighbouring perfect subtrees of falling size: the last is promoted until it meets a left one."""
    if not hashes:
        return suite.digest(b"")
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = suite.node(left, root)
    return root


def appended(suite: Suite, size: int, leaf_hash: bytes, nodes: Nodes) -> dict[Node, bytes]:
    """The nodes that appear when *leaf_hash* is appended to a tree of *size* leaves: two on average.

    *nodes* must hold `nodes_for_root(size)`.
    """
    new = {Node(0, size): leaf_hash}
    level, index, current = 0, size, leaf_hash
    while index & 1:
        current = suite.node(nodes[Node(level, index - 1)], current)
        level, index = level + 1, index >> 1
        new[Node(level, index)] = current
    return new


def nodes_for_root(size: int) -> list[Node]:
    """The nodes from which the root of the first *size* leaves is folded."""
    return cover(0, size)


def root_of(suite: Suite, size: int, nodes: Nodes) -> bytes:
    """The root of the first *size* leaves (of no leaf: H of nothing)."""
    return fold(suite, [nodes[n] for n in cover(0, size)])


def inclusion_spans(index: int, size: int) -> list[Span]:
    """PATH(index, D[size]) of RFC 6962 2.1.1 as spans, from the leaf upwards. Raises ValueError outside the tree."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} isn't among the {size} leaves of this head: ask for 0 to {size - 1}")
    lo, hi, spans = 0, size, list[Span]()
    while hi - lo > 1:
        middle = lo + _split(hi - lo)
        if index < middle:
            spans.append((middle, hi))
            hi = middle
        else:
            spans.append((lo, middle))
            lo = middle
    return spans[::-1]


def consistency_spans(first: int, second: int) -> list[Span]:
    """PROOF(first, D[second]) of RFC 6962 2.1.2 as spans. Raises ValueError unless 0 < first ≤ second."""
    if not 0 < first <= second:
        raise ValueError(f"a proof leads from a smaller head to a larger, both above 0: not from {first} to {second}")
    lo, hi, whole, spans = 0, second, True, list[Span]()
    while first != hi:
        middle = lo + _split(hi - lo)
        if first <= middle:
            spans.append((middle, hi))
            hi = middle
        else:
            spans.append((lo, middle))
            lo, whole = middle, False
    if not whole:
        spans.append((lo, hi))
    return spans[::-1]


def nodes_for_inclusion(index: int, size: int) -> list[Node]:
    """The nodes that `inclusion` needs."""
    return [n for span in inclusion_spans(index, size) for n in cover(*span)]


def nodes_for_consistency(first: int, second: int) -> list[Node]:
    """The nodes that `consistency` needs."""
    return [n for span in consistency_spans(first, second) for n in cover(*span)]


def _hashes(suite: Suite, spans: Sequence[Span], nodes: Nodes) -> list[bytes]:
    return [fold(suite, [nodes[n] for n in cover(*span)]) for span in spans]


def inclusion(suite: Suite, index: int, size: int, nodes: Nodes) -> list[bytes]:
    """The audit path of leaf *index* in the tree of *size* leaves, from the leaf upwards."""
    return _hashes(suite, inclusion_spans(index, size), nodes)


def consistency(suite: Suite, first: int, second: int, nodes: Nodes) -> list[bytes]:
    """The proof that the tree of *second* leaves begins with the tree of *first* leaves."""
    return _hashes(suite, consistency_spans(first, second), nodes)


def verify_inclusion(suite: Suite, leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether *path* leads from *leaf_hash* at *index* to *root* over *size* leaves (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    fn, sn, r = index, size - 1, leaf_hash
    for p in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = suite.node(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = suite.node(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def verify_consistency(
    suite: Suite, first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether *proof* shows that the second head extends the first (RFC 9162 2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    path = list(proof) if first & (first - 1) else [first_root, *proof]
    if not path:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = suite.node(c, fr), suite.node(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = suite.node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return fr == first_root and sr == second_root and sn == 0
