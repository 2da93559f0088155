"""What may come over a link, and whom a fact must be told below. Pure."""

from __future__ import annotations

from typing import Final

import msgspec
from yiwang.contracts import parse, place_of
from yiwang.contracts.areas import city_of, county_of, level_of
from yiwang.kit import parcels
from yiwang.kit.mesh import Mesh


class Sight(msgspec.Struct, frozen=True):
    """What the mesh reads of any event, known or not."""

    id: str = ""
    source: str = ""
    jurisdiction: str = ""
    addressee: str = ""


_sight: Final = msgspec.json.Decoder(Sight)


def sight(data: bytes) -> Sight | None:
    """The envelope of an event, None for what isn't one."""
    try:
        return _sight.decode(data)
    except msgspec.MsgspecError:
        return None


def within(child: str, subject: str) -> bool:
    """Whether *subject* belongs to the area of the node *child*.

    >>> within("440106", "yw.up.440100.440106.07.case.filed.v1"), within("440106", "yw.up.440100.440111.07.x")
    (True, False)
    """
    try:
        parts = parse(subject)
    except ValueError:
        return False
    level = level_of(child)
    if parts.flow != "up":
        return False
    if level == "province":
        return parts.city[:2] == child[:2]
    if level == "city":
        return parts.city == child
    return (parts.city, parts.county) == (city_of(child), county_of(child))


def refusal(mesh: Mesh, child: str, subject: str, data: bytes) -> str:
    """Why what *child* sent can't be what it says it is; "" when nothing speaks against it."""
    if not within(child, subject):
        return f"主题 {subject} 不属于 {child} 的辖区"
    parts = parse(subject)
    if parts.tag == parcels.TAG:  # bytes of a photo; who put it together checks it against the photo's name
        return "" if len(data) <= parcels.PART else f"照片分片有 {len(data)} 字节，超过 {parcels.PART}"
    seen = sight(data)
    if seen is None or not seen.id:
        return "内容不是事件"
    try:
        said = place_of(seen.jurisdiction)
    except (ValueError, IndexError):
        said = ""
    if not seen.jurisdiction or said != f"{parts.city}.{parts.county}":
        return f"内容以 {seen.jurisdiction or '空'} 的名义，与主题 {subject} 不符"
    node = seen.source.partition("/")[0]
    if node != child and child not in mesh.page.chain(node):
        return f"发出节点 {node or '空'} 不在 {child} 之下"
    return ""


def told_below(mesh: Mesh, seen: Sight) -> tuple[str, ...]:
    """The nodes below this one that must get a copy of an `up` fact that lies here.

    A fact is told to its addressee, and to the jurisdiction in whose name another node's service acted. The copy starts
    down at the lowest node that is above both the sender and the one who is told; only there this gives anything.
    """
    sender, _, service = seen.source.partition("/")
    wanted = {mesh.node_for(seen.addressee)} if seen.addressee else set()
    acted_for = mesh.node_for(seen.jurisdiction) if seen.jurisdiction else ""
    if acted_for and acted_for != sender and mesh.page.by_code[acted_for].hosted.get(service) == sender:
        wanted.add(acted_for)
    return tuple(sorted(code for code in wanted if code and _starts_here(mesh, sender, code)))


def _starts_here(mesh: Mesh, sender: str, target: str) -> bool:
    if target == sender or not mesh.below(target) or _docked(mesh, target):
        return False
    return sender == mesh.code or (mesh.below(sender) and mesh.branch(sender) != mesh.branch(target))


def _docked(mesh: Mesh, code: str) -> bool:
    """Whether a docked platform stands between here and *code*: no link leads there."""
    chain = mesh.page.chain(code)
    return any(mesh.page.by_code[node].docked for node in chain[: chain.index(mesh.code)])
