"""What is rendered stays what it was until somebody means to change it; and rendering never depends on anything else.

To change the golden files on purpose: delete them and run this module with YIWANG_GOLDEN=write.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from yiwang.stack.topology import Topology, load, mesh_page, read
from yiwang.stack.topology import yaml as writer
from yiwang.stack.topology.keys import User
from yiwang.stack.topology.nats import Site, server_config
from yiwang.stack.topology.render import link_plan

HERE = Path(__file__).parent
TOPOLOGIES = HERE.parents[2] / "deploy" / "topologies"


def rendered(topology: Topology) -> dict[str, str]:
    """The public files of a topology, each user's key being its name."""
    files = {"mesh.json": mesh_page(topology).decode(), "links.json": msgspec.json.encode(link_plan(topology)).decode()}
    for node in topology.with_servers:
        for server in node.server_list():
            files[f"{server.name}.conf"] = server_config(topology, node, server, User, Site())
    return files


@pytest.mark.parametrize("name", ["county-minimal", "demo"])
def test_the_small_topologies_render_as_they_did(name: str) -> None:
    golden = HERE / "golden" / name
    files = rendered(load(TOPOLOGIES / f"{name}.toml"))
    if os.environ.get("YIWANG_GOLDEN") == "write":
        golden.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            (golden / file).write_text(text, "utf-8")

    assert {file.name: file.read_text("utf-8") for file in golden.iterdir()} == files


def test_a_new_county_changes_its_parents_server_and_no_other() -> None:
    text = (TOPOLOGIES / "demo.toml").read_text("utf-8")
    more = text.replace("nodes = [", 'nodes = [\n    { code = "440111", name = "白云区", offset = 90 },')
    before, after = rendered(read(text)), rendered(read(more))

    assert {file for file in before if file.endswith(".conf") and before[file] != after[file]} == {"n440100.conf"}
    assert set(after) - set(before) == {"n440111.conf"}


@given(st.permutations(["440000", "440100", "440106", "440300", "440305"]))
def test_the_order_of_the_nodes_means_nothing(order: list[str]) -> None:
    def servers(codes: list[str]) -> dict[str, str]:
        rows = ", ".join(f'{{ code = "{code}", name = "{code}", offset = {int(code) % 1000} }}' for code in codes)
        topology = read(f'name = "t"\nnodes = [{rows}]')
        keyed = {n.code: (n.parent, n.tier, n.governance, n.services) for n in topology.nodes}
        return {code: str(keyed[code]) for code in sorted(codes)}

    assert servers(order) == servers(sorted(order))


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=20).filter(str.isprintable)
    | st.sampled_from(["yes", "null", "1", "1.5", "- a", "a: b", "#x", "a\nb\n", "a\n\n b", "罗湖区", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcXYZ_", min_size=1, max_size=6), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.text("abcXYZ_", min_size=1, max_size=6), values, max_size=4))
def test_what_is_written_as_yaml_is_read_as_the_same(value: dict[str, object]) -> None:
    assert (yaml.safe_load(writer.dump(value)) or {}) == value
