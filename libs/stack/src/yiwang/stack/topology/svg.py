"""The mesh as a drawing: cities in rows below the province, each with its counties below it.

Solid frames have servers of their own, dashed ones are hosted, dotted ones are docked platforms of other makers.
"""

from __future__ import annotations

from html import escape

from .model import CLASS_NAMES, Topology, TopologyNode
from .tree import summary

WIDTH, CITY_HEIGHT, COUNTY_HEIGHT, GAP, MARGIN, LANE = 148, 50, 30, 12, 32, 26
COLUMNS = 8
FILL = {"basic": "#f4f7fb", "standard": "#e3edf9", "smart": "#cfe0f6"}
INK, SOFT, LINE, HOSTED, DOCKED = "#1d3557", "#5b6b82", "#a9b8cc", "#2a7f9e", "#b5651d"
STYLE = f"""
text {{ font-family: "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif; fill: {INK} }}
.name {{ font-size: 14px; font-weight: 600 }} .small {{ font-size: 12px }} .code {{ font-size: 11px; fill: {SOFT} }}
.title {{ font-size: 20px; font-weight: 600 }}
.own {{ stroke: {INK}; stroke-width: 1.2 }}
.hosted {{ stroke: {HOSTED}; stroke-width: 1.4; stroke-dasharray: 6 3 }}
.docked {{ stroke: {DOCKED}; stroke-width: 1.6; stroke-dasharray: 1.5 3.5; stroke-linecap: round }}
.elsewhere {{ stroke: {LINE}; stroke-width: 1.2 }}
.link {{ stroke: {LINE}; fill: none; stroke-width: 1.2 }}
"""


def draw(topology: Topology) -> str:
    """The drawing as the text of an SVG file."""
    top = next(node for node in topology.nodes if not node.parent)
    children = topology.children(top.code)
    columns = max(1, min(COLUMNS, len(children)))
    width = max(columns * (WIDTH + GAP) - GAP, 560) + 2 * MARGIN
    body: list[str] = []
    bottom = _rows(topology, children, columns, body, width)
    body.append(_box(topology, top, (width - 260) / 2, 84, 260, CITY_HEIGHT + 6))
    height = max(bottom, 160) + 54
    head = f'<text class="title" x="{MARGIN}" y="38">{escape(topology.title or topology.name)}</text>'
    under = f'<text class="code" x="{MARGIN}" y="58">{escape(summary(topology))}</text>'
    legend = _legend(topology, height - 22)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}">\n<style>{STYLE}</style>\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n{head}\n{under}\n'
        + "\n".join(body)
        + f"\n{legend}\n</svg>\n"
    )


def _rows(topology: Topology, nodes: tuple[TopologyNode, ...], columns: int, body: list[str], width: float) -> float:
    """Draw the nodes below the top, so many in a row; return where they end."""
    y, start, centre = 84.0 + CITY_HEIGHT + 6 + LANE * 2, 84.0 + CITY_HEIGHT + 6, width / 2
    trunk, first = MARGIN / 2, y - LANE
    for row in range(0, len(nodes), columns):
        members = nodes[row : row + columns]
        left = (width - (len(members) * (WIDTH + GAP) - GAP)) / 2
        middles = [left + i * (WIDTH + GAP) + WIDTH / 2 for i in range(len(members))]
        lane = y - LANE
        ends = [*middles, centre] if row == 0 else [*middles, trunk]
        body.append(_path(f"M{min(ends):g} {lane:g}H{max(ends):g}"))
        if row == 0:
            body.append(_path(f"M{centre:g} {start:g}V{lane:g}"))
        else:
            body.append(_path(f"M{min(middles):g} {first:g}H{trunk:g}V{lane:g}"))
        body += [_path(f"M{middle:g} {lane:g}V{y:g}") for middle in middles]
        bottom = y
        for i, node in enumerate(members):
            bottom = max(bottom, _column(topology, node, left + i * (WIDTH + GAP), y, body))
        y = bottom + LANE * 2
    return y - LANE * 2


def _column(topology: Topology, node: TopologyNode, x: float, y: float, body: list[str]) -> float:
    """A node and its children below it; returns where they end."""
    body.append(_box(topology, node, x, y, WIDTH, CITY_HEIGHT))
    at = y + CITY_HEIGHT + GAP
    for child in topology.children(node.code):
        middle = at + COUNTY_HEIGHT / 2
        body.append(_path(f"M{x + 8:g} {y + CITY_HEIGHT:g}V{middle:g}H{x + 18:g}"))
        body.append(_box(topology, child, x + 18, at, WIDTH - 18, COUNTY_HEIGHT))
        at += COUNTY_HEIGHT + GAP / 2
    return at


def _box(topology: Topology, node: TopologyNode, x: float, y: float, width: float, height: float) -> str:
    kind = _kind(node)
    fill = "#ffffff" if kind in ("docked", "elsewhere") else FILL.get(node.klass, "#ffffff")
    frame = (
        f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" fill="{fill}">'
        f"<title>{escape(_hint(topology, node))}</title></rect>"
    )
    name, tall = node.name or node.code, height >= CITY_HEIGHT
    if not tall:
        room = int((width - 58) / 12)
        short = name if len(name) <= room else name[: room - 1] + "…"
        return (
            f'{frame}<text class="small" x="{x + 8:g}" y="{y + height / 2 + 4:g}">{escape(short)}</text>'
            f'<text class="code" text-anchor="end" x="{x + width - 7:g}" y="{y + height / 2 + 4:g}">{node.code}</text>'
        )
    klass = "对接平台" if node.docked else CLASS_NAMES.get(node.klass, "")
    more = f" · {node.servers} 台" if node.servers > 1 else " · 托管" if node.host else ""
    return (
        f'{frame}<text class="name" x="{x + 12:g}" y="{y + 21:g}">{escape(name)}</text>'
        f'<text class="code" x="{x + 12:g}" y="{y + 39:g}">{node.code} · {klass}{more}</text>'
    )


def _kind(node: TopologyNode) -> str:
    return "docked" if node.docked else "hosted" if node.host else "elsewhere" if node.elsewhere else "own"


def _hint(topology: Topology, node: TopologyNode) -> str:
    if node.docked:
        return "对接平台：" + "；".join(node.lacks)
    if node.host:
        return f"托管于{topology.node(node.host).name}"
    return "、".join(node.own_services)


def _path(way: str) -> str:
    return f'<path class="link" d="{way}"/>'


def _legend(topology: Topology, y: float) -> str:
    words = {"own": "自有服务器", "hosted": "托管", "docked": "对接平台", "elsewhere": "在别处描述"}
    parts, present = [], {_kind(node) for node in topology.nodes}
    for i, kind in enumerate(kind for kind in words if kind in present):
        x = MARGIN + i * 118
        parts.append(f'<rect class="{kind}" x="{x}" y="{y - 11:g}" width="22" height="14" rx="3" fill="#ffffff"/>')
        parts.append(f'<text class="small" x="{x + 30}" y="{y:g}">{words[kind]}</text>')
    return "".join(parts)
