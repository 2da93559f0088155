"""What a topology file means: defaults by tier and class, who is above whom, and the page that all nodes get."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from yiwang.kit._mesh import Mesh
from yiwang.stack.topology import ServicePlan, TopologyError, load, mesh_page, read

TOPOLOGIES = Path(__file__).parents[3] / "deploy" / "topologies"


def test_a_node_needs_only_code_and_name() -> None:
    """Tier, parent, class, services and flushing follow from the code."""
    topology = read(
        """
        name = "t"
        nodes = [
            { code = "440000", name = "广东省", servers = 3 },
            { code = "440100", name = "广州市" },
            { code = "440106", name = "天河区" },
        ]
        """
    )
    province, city, county = topology.nodes

    assert [n.tier for n in topology.nodes] == ["province", "city", "county"]
    assert [n.parent for n in topology.nodes] == ["", "440000", "440100"]
    assert [n.klass for n in topology.nodes] == ["smart", "standard", "basic"]
    assert [s.name for s in province.server_list()] == ["n440000-1", "n440000-2", "n440000-3"]
    assert county.services["enforcement"] == ServicePlan(hosted_by="440100")
    assert "enforcement" in city.own_services
    assert ["evaluation" in node.own_services for node in topology.nodes] == [True, True, False]
    assert (province.sync, city.sync) == ("2m", "always")


def test_a_county_without_a_city_in_the_file_is_below_the_province() -> None:
    topology = read('name = "t"\nnodes = [{ code = "440106", name = "天河区" }, { code = "440000", name = "广东省" }]')

    assert topology.node("440106").parent == "440000"


def test_a_town_of_a_city_without_counties_is_below_the_city() -> None:
    topology = read(
        'name = "t"\nnodes = [{ code = "441900", name = "东莞市" }, { code = "441900003", name = "东城街道" }]'
    )

    assert topology.node("441900003").parent == "441900"
    assert topology.node("441900003").tier == "county"


def test_a_service_is_written_as_replicas_as_none_or_as_the_node_that_acts() -> None:
    topology = read(
        """
        name = "t"
        nodes = [
            { code = "440100", name = "广州市" },
            { code = "440106", name = "天河区", services = { dispatch = 2, grid = 0, notification = "440100" } },
        ]
        """
    )
    services = topology.node("440106").services

    assert services["dispatch"] == ServicePlan(replicas=2)
    assert "grid" not in services
    assert services["notification"] == ServicePlan(hosted_by="440100")


def test_what_a_node_says_comes_before_its_tier_and_its_tier_before_the_program() -> None:
    topology = read(
        """
        name = "t"
        nodes = [{ code = "440100", name = "广州市" }, { code = "440300", name = "深圳市", retention_days = 90 }]
        [defaults.city]
        retention_days = 60
        """
    )

    assert [n.retention_days for n in topology.nodes] == [60, 90]


def test_servers_on_one_address_have_ports_of_their_own() -> None:
    topology = read('name = "t"\nnodes = [{ code = "440000", name = "广东省", servers = 3, offset = 100 }]')
    servers = topology.node("440000").server_list()

    assert [s.ports.client for s in servers] == [4322, 4323, 4324]


def test_a_hosted_node_lies_on_its_hosts_servers_and_in_their_domain() -> None:
    topology = load(TOPOLOGIES / "demo.toml")

    assert topology.carrier("440303").code == "440300"
    assert topology.domain("440303") == "n440300"
    assert topology.node("440303").account == "n440303"
    assert [n.code for n in topology.carried_by("440300")] == ["440300", "440303"]


def test_a_circle_of_parents_is_read_and_left_for_the_check() -> None:
    topology = read(
        """
        name = "t"
        nodes = [
            { code = "440100", name = "广州市", parent = "440106" },
            { code = "440106", name = "天河区", parent = "440100" },
        ]
        """
    )

    assert [n.code for n in topology.ancestors("440106")] == ["440100"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name = ", "不是合格的 TOML"),
        ('name = "t"', "nodes"),
        ('name = "t"\nnodes = [{ code = "440100", nam = "x" }]', "nam"),
        ('name = "t"\nnodes = [{ code = "440100", servers = "three" }]', "servers"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_is_wrong(text: str, sentence: str) -> None:
    with pytest.raises(TopologyError, match=sentence):
        read(text)


def test_the_mesh_page_holds_what_everybody_may_know_and_nothing_else() -> None:
    page = msgspec.json.decode(mesh_page(load(TOPOLOGIES / "demo.toml")))
    hosted = next(n for n in page["nodes"] if n["code"] == "440303")

    assert list(page) == ["topology", "version", "nodes"]
    assert list(hosted) == [
        "code", "name", "tier", "parent", "klass", "host", "database_gib", "docked", "lacks", "services", "hosted",
        "governance",
    ]  # fmt: skip
    assert hosted["host"] == "440300"
    assert hosted["hosted"] == {"enforcement": "440300"}


def test_the_pages_version_changes_exactly_when_a_node_changes() -> None:
    def version(name: str, title: str = "") -> str:
        return read(f'name = "t"\ntitle = "{title}"\nnodes = [{{ code = "440100", name = "{name}" }}]').version

    assert version("广州市") == version("广州市", title="别的标题")
    assert version("广州市") != version("广州")


def test_the_kit_reads_the_page_as_each_node_sees_it(tmp_path: Path) -> None:
    """What the topology says and what a service learns of it are the same."""
    file = tmp_path / "mesh.json"
    file.write_bytes(mesh_page(load(TOPOLOGIES / "demo.toml")))
    city, county = Mesh.load(str(file), "440300"), Mesh.load(str(file), "440303")

    assert city is not None
    assert county is not None
    assert [n.code for n in city.children] == ["440305", "440303"]
    assert city.hosts("enforcement") == ("440305", "440303")
    assert county.parent is not None
    assert county.parent.name == "深圳市"
    assert county.me.host == "440300"
    assert county.node_for("440303001") == "440303"
