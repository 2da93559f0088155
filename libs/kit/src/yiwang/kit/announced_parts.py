"""Announced sets that are too long for one message: cut where they are announced, put together where they are used.

A message of the mesh holds 1 MiB. A set of a whole province's cells is longer even compressed, so its encoded text travels
in parts, each an event like any other; they are kept until all are here, in whatever order they came.
"""

from __future__ import annotations

from typing import Any, Final

from .announced import OPEN_MAX, PLAIN_MAX, TRAVEL_MAX, squeeze

PART: Final = 600 * 1024
"""Characters of a part: its event stays under 1 MiB, with room for what stands beside"""
MOST_PARTS: Final = 100


def encode(content: str) -> tuple[str, str]:
    """*content* as it travels, and its encoding. Raises ValueError with a sentence for what no node would open."""
    size = len(content.encode())
    if size > OPEN_MAX:
        raise ValueError(f"内容有 {size} 字节，超过 {OPEN_MAX}：请按行政区或图层拆成几份发布")
    if size <= PLAIN_MAX:
        return content, ""
    packed, encoding = squeeze(content)
    if len(packed) > PART * MOST_PARTS:
        raise ValueError(f"压缩后仍有 {len(packed)} 字节，超过 {PART * MOST_PARTS}：请按行政区或图层拆成几份发布")
    return packed, encoding


def pieces(encoded: str) -> list[tuple[int, int, str]]:
    """(part, parts, text) of an encoded text; one in one piece is part 0 of 0."""
    if len(encoded) <= TRAVEL_MAX:
        return [(0, 0, encoded)]
    texts = [encoded[at : at + PART] for at in range(0, len(encoded), PART)]
    return [(n, len(texts), text) for n, text in enumerate(texts, 1)]


def wrong(part: int, parts: int, content: str) -> str:
    """Why such a part can't be one; empty where all is well."""
    if not (1 <= part <= parts <= MOST_PARTS) or len(content) > TRAVEL_MAX:
        return f"第 {part} 份（共 {parts} 份，{len(content)} 字节）不合格：请发布方重新发布"
    return ""


async def gather(tx: Any, set_name: str, version: str, digest: str, part: int, parts: int, content: str) -> str | None:
    """Keep a part; the whole encoded text once all are here, None before. Raises ValueError for what can't be a part."""
    if sentence := wrong(part, parts, content):
        raise ValueError(sentence)
    key = (set_name, version, digest)
    await tx.execute(
        "insert into kit_announced_part (set_name, version, digest, part, content) values ($1, $2, $3, $4, $5)"
        " on conflict do nothing",
        *key, part, content,
    )  # fmt: skip
    rows = await tx.fetch(
        "select content from kit_announced_part where set_name = $1 and version = $2 and digest = $3 and part <= $4"
        " order by part",
        *key, parts,
    )  # fmt: skip
    if len(rows) < parts:
        return None
    await tx.execute("delete from kit_announced_part where set_name = $1 and version = $2 and digest = $3", *key)
    return "".join(row["content"] for row in rows)


__all__ = ["MOST_PARTS", "PART", "encode", "gather", "pieces", "wrong"]
