"""Which nodes of `guangdong` run here, and a profile for each city: made from Guangzhou's, with areas for every county."""

from __future__ import annotations

import csv
import io
import itertools
import re
import shutil
from pathlib import Path
from typing import Final

import msgspec
from yiwang.stack.topology import Topology, TopologyNode

SOURCE: Final = Path("deploy/profiles/guangzhou")
MODEL: Final = "440106"
"""The county whose units every other one gets, by its own name"""
STREETS, COMMUNITIES = 4, 3
AUTO: Final = """
# Of the lab: a class has one filing condition, so every report is accepted, filed and dispatched without a person.
[[dispatch.auto]]
accept = true
file = true
dispatch = true
"""


def chosen(topology: Topology, leafs: int, pace: str) -> Topology:
    """The province's cluster and *leafs* leaf servers: every city with a server of its own, then counties, city by city.

    Cities have one server each here. What is carried by another node's servers is left out. All go at *pace*.
    """
    cities = [n for n in topology.nodes if n.tier == "city" and n.has_servers]
    below = [[n for n in topology.children(city.code) if n.has_servers] for city in cities]
    counties = [one for row in itertools.zip_longest(*below) for one in row if one is not None]
    half = max(1, leafs // 2)
    cities = cities[: max(half, leafs - len(counties))]
    kept = {n.code for n in cities}
    wanted = [n for n in counties if n.parent in kept][: leafs - len(cities)]
    codes = kept | {n.code for n in wanted} | {n.code for n in topology.nodes if n.tier == "province"}
    nodes = tuple(_here(node, pace) for node in topology.nodes if node.code in codes)
    return msgspec.structs.replace(topology, nodes=nodes)


def _here(node: TopologyNode, pace: str) -> TopologyNode:
    """With room for one lab on one disk."""
    room = {"province": 60.0, "city": 16.0, "county": 8.0}[node.tier]
    servers = node.servers if node.tier == "province" else 1
    return msgspec.structs.replace(node, servers=servers, max_file_gib=room, sync="2m", pace=pace)


def with_profiles(topology: Topology, folder: Path) -> Topology:
    """Write a profile for each city and give it to the city and its counties; the province keeps its own."""
    nodes = []
    for node in topology.nodes:
        city = node if node.tier == "city" else topology.by_code.get(node.parent)
        if node.tier == "province" or city is None:
            nodes.append(node)
            continue
        place = folder / city.code
        if node is city:
            write_profile(place, city, list(topology.children(city.code)))
        nodes.append(msgspec.structs.replace(node, profile=str(place.absolute())))
    return msgspec.structs.replace(topology, nodes=tuple(nodes))


def write_profile(place: Path, city: TopologyNode, counties: list[TopologyNode]) -> None:
    """A profile directory of *city*; one without counties has its streets directly below it."""
    shutil.copytree(SOURCE, place, dirs_exist_ok=True)
    bottom = counties or [city]
    main = (place / "profile.toml").read_text("utf-8")
    main = main.replace('name = "guangzhou"', f'name = "lab{city.code}"').replace("广州市", city.name)
    main = main.replace('"440100"', f'"{city.code}"')
    if not counties:
        main = main.replace('"one_supervise_two_command"', '"single"')
    (place / "profile.toml").write_text(main[: main.index("[[dispatch.auto]]")] + AUTO, "utf-8")
    grid = (place / "grid" / "grid.toml").read_text("utf-8")
    codes = ", ".join(f'"{node.code}"' for node in bottom)
    grid = re.sub(r"(?m)^counties = .*$", f"counties = [{codes}]", grid.replace("440100", city.code))
    grid = re.sub(r"(?m)^cell_m = .*$", "cell_m = 2000", grid)
    (place / "grid" / "grid.toml").write_text(re.sub(r"(?m)^neighbours = .*$", "", grid), "utf-8")
    (place / "grid" / "areas.csv").write_text(areas(city, counties), "utf-8")
    (place / "dispatch" / "units.csv").write_text(units(city, bottom), "utf-8")
    (place / "dispatch" / "conditions.csv").write_text(one_condition(), "utf-8")
    matrix = place / "dispatch" / "matrix.csv"
    matrix.write_text(matrix.read_text("utf-8-sig").replace("440100", city.code), "utf-8")


def areas(city: TopologyNode, counties: list[TopologyNode]) -> str:
    """areas.csv: streets and communities are numbered, their names invented."""
    rows = [["440000", "广东省", "province", "", ""], [city.code, city.name, "city", "440000", ""]]
    rows += [[node.code, node.name, "county", city.code, "市辖区"] for node in counties]
    for node in counties or [city]:
        for s in range(1, STREETS + 1):
            street = f"{node.code}{s:03d}"
            rows.append([street, f"第{s}街道", "street", node.code, "街道"])
            rows += [
                [f"{street}{c:03d}", f"第{s}街道第{c}社区", "community", street, "居委会"]
                for c in range(1, COMMUNITIES + 1)
            ]
    head = ["code", "name", "level", "parent", "kind", "valid_from", "valid_to", "predecessor"]
    return _csv([head, *([*row, "2023-06-30", "", ""] for row in rows)])


def units(city: TopologyNode, bottom: list[TopologyNode]) -> str:
    """units.csv: the model county's units under every county's name."""
    head, *rows = list(csv.reader((SOURCE / "dispatch" / "units.csv").read_text("utf-8-sig").splitlines()))
    found = [[cell.replace("440100", city.code).replace("广州市", city.name) for cell in r]
             for r in rows if r[0].startswith("440100")]  # fmt: skip
    known = {row[0] for row in found}
    streets = {f"{MODEL}{s:03d}" for s in range(1, STREETS + 1)}
    for node in bottom:
        for row in rows:
            if row[0].startswith(MODEL) and (row[6] == MODEL or row[6] in streets):
                cells = [
                    c.replace(MODEL, node.code).replace("440100", city.code).replace("天河区", node.name) for c in row
                ]
                cells[1] = cells[1] if node.name in cells[1] else node.name + cells[1]  # names are told apart in a city
                if cells[0] not in known:
                    found.append(cells)
                    known.add(cells[0])
    return _csv([head, *found])


def one_condition() -> str:
    """conditions.csv with the first condition of every class alone."""
    head, *rows = list(csv.reader((SOURCE / "dispatch" / "conditions.csv").read_text("utf-8-sig").splitlines()))
    first: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        first.setdefault(tuple(row[1:5]), row)
    return _csv([head, *first.values()])


def _csv(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
