"""Every mistake in a topology is said at once, as a sentence that says who must do what."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from yiwang.contracts.areas import contains
from yiwang.stack._nats_server import find_nats_server
from yiwang.stack.registry import installed
from yiwang.stack.topology import check, load, read
from yiwang.stack.topology.keys import KeyRing
from yiwang.stack.topology.render import apply, render
from yiwang.stack.topology.running import on_this_machine, site_in

ROOT = Path(__file__).parents[3] / "deploy"
TOPOLOGIES = sorted((ROOT / "topologies").glob("*.toml"))
PROFILES = {path.parent.name for path in ROOT.glob("profiles/*/profile.toml")}

GOOD = """
name = "t"
nodes = [
    {{ code = "440000", name = "广东省", offset = 0 {province} }},
    {{ code = "440100", name = "广州市", offset = 10 {city} }},
    {{ code = "440106", name = "天河区", offset = 20 {county} }},
    {more}
]
[defaults.province]
profile = "shenzhen"
"""


def mistakes(*, province: str = "", city: str = "", county: str = "", more: str = "") -> list[str]:
    """What the check says about a network of three nodes with these words added."""
    comma = {
        key: f", {text}" if text else "" for key, text in (("province", province), ("city", city), ("county", county))
    }
    return check(read(GOOD.format(**comma, more=more)), profiles={"shenzhen"})


def test_a_good_topology_has_no_mistakes() -> None:
    assert mistakes() == []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"county": 'parent = "440999"'}, "节点 440106（天河区）：上级 440999 不存在，请在 nodes 里补上该节点，或改正 parent"),
        ({"county": 'parent = "440106"'}, "把自己写成了上级"),
        ({"city": 'parent = "440106"'}, "会回到自己"),
        ({"county": 'parent = "440300"', "more": '{ code = "440300", name = "深圳市", offset = 30 }'}, "代码不在上级 440300 的范围内"),
        (
            {"county": 'parent = "440111"', "more": '{ code = "440111", name = "白云区", offset = 30 }'},
            "县级节点的上级 440111 是县级，请改为更高一级的节点",
        ),
        ({"city": 'parent = ""'}, "有 2 个节点没有上级（440000、440100）"),
        ({"more": '{ code = "440106", name = "天河区", offset = 40 }'}, "节点 440106 写了 2 次"),
        ({"more": '{ code = "44O106", name = "天河区", tier = "county", parent = "440100", offset = 40 }'}, "code 不是区划代码"),
        ({"more": '{ code = "440111", offset = 40 }'}, "节点 440111：没有名称"),
        ({"county": 'tier = "village"'}, "不知道层级 'village'，请写 tier = province、city、county"),
        ({"county": 'class = "huge"'}, "不知道平台类别 'huge'"),
        ({"county": 'governance = "none"'}, "不知道管理模式 'none'"),
        ({"county": 'pace = "slow"'}, "不知道步调 'slow'，请写 pace = prompt、calm"),
        ({"county": 'sync = "sometimes"'}, 'sync = "sometimes" 不合格式'),
        ({"province": "servers = 2"}, "servers = 2：集群要能分出多数，请写 1、3 或 5"),
        ({"county": "retention_days = 0"}, "retention_days = 0"),
        ({"county": "max_file_gib = 0"}, "max_file_gib = 0"),
        ({"county": 'host = "440000"'}, "由别人托管却没有配额"),
        ({"county": 'host = "440999", quotas = { max_file_gib = 1 }'}, "托管方 440999 不存在"),
        (
            {"county": 'host = "440300", quotas = { max_file_gib = 1 }', "more": '{ code = "440300", name = "深圳市", offset = 40 }'},
            "托管方 440300 不是它的上级",
        ),
        (
            {"city": 'host = "440000", quotas = { max_file_gib = 9 }', "county": 'host = "440100", quotas = { max_file_gib = 1 }'},
            "托管方 440100 自己没有服务器，请改为有服务器的上级（例如 440000）",
        ),
        ({"county": 'host = "440100", servers = 3, quotas = { max_file_gib = 1 }'}, "由别人托管，不能再写 servers"),
        ({"county": 'host = "440100", quotas = { max_file_gib = 0 }'}, "配额太小"),
        ({"county": 'host = "440100", quotas = { max_database_gib = 0 }'}, "数据库配额太小"),
        ({"county": 'host = "440100", quotas = { max_file_gib = 300 }'}, "托管的配额合计 300 GiB，超过 max_file_gib = 200"),
        (
            {"county": 'docked = true, lacks = ["没有核查"], services = { grid = 1 }'},
            "是对接平台，不运行我们的服务，请删去 services（grid）",
        ),
        ({"county": "docked = true"}, "请在 lacks 里用句子写明它缺少什么"),
        ({"county": 'docked = true, host = "440100", lacks = ["没有核查"]'}, "不能再写 host 或 elsewhere"),
        ({"province": 'docked = true, lacks = ["没有核查"]'}, "必须有上级来接收它的数据"),
        ({"city": 'docked = true, lacks = ["没有核查"]'}, "上级 440100 是对接平台，没有链路可连"),
        ({"province": "elsewhere = true"}, "服务器在别处，请写它的 address"),
        ({"county": "services = { gird = 1 }"}, "不知道服务 gird"),
        ({"county": 'services = { grid = "440999" }'}, "服务 grid 交给了不存在的节点 440999"),
        ({"city": 'services = { grid = "440106" }'}, "服务 grid 交给了 440106，但那不是它的上级"),
        ({"county": 'services = { grid = "440100" }', "city": "services = { grid = 0 }"}, "但 440100 自己没有运行它"),
        ({"county": 'services = { mesh = "440100" }'}, "服务 mesh 只能自己运行"),
        ({"county": "services = { mesh = 0 }"}, "没有 mesh 服务就没有链路"),
        ({"county": "services = { grid = { replicas = -1 } }"}, "服务 grid 的 replicas = -1"),
        ({"county": "offset = 0"}, "已被节点 440000 的客户端口占用"),
        ({"county": "ports = { client = 70000 }"}, "客户端口 70020 不是端口号"),
        ({"province": 'profile = ""'}, "没有城市资料，请写 profile"),
        ({"county": 'profile = "atlantis"'}, "没有城市资料 atlantis"),
    ],
)  # fmt: skip
def test_each_mistake_has_its_sentence(changed: dict[str, str], sentence: str) -> None:
    if "offset" in changed.get("county", ""):
        text = GOOD.format(province="", city="", county="", more="").replace("offset = 20", changed["county"])
        found = check(read(text), profiles={"shenzhen"})
    else:
        found = mistakes(**changed)

    assert any(sentence in mistake for mistake in found), found


def test_all_mistakes_are_said_at_once() -> None:
    found = mistakes(province="servers = 2", city='sync = "no"', county='profile = "atlantis", services = { gird = 1 }')

    assert len(found) == 4


def test_a_service_that_is_not_installed_here_is_a_mistake_of_the_nodes_that_run_it() -> None:
    topology = read(GOOD.format(province="", city="", county=", services = { evaluation = 1 }", more=""))

    assert "节点 440106（天河区）：服务 evaluation 没有安装，请安装它，或写 evaluation = 0" in check(
        topology, installed={"intake", "grid", "dispatch", "enforcement", "notification", "national_sync", "identity", "mesh"}
    )  # fmt: skip


@pytest.mark.parametrize("file", TOPOLOGIES, ids=lambda file: file.stem)
def test_the_shipped_topologies_have_no_mistakes(file: Path) -> None:
    assert check(load(file), profiles=PROFILES, installed=installed()) == []


@pytest.mark.parametrize("file", TOPOLOGIES, ids=lambda file: file.stem)
def test_nats_server_accepts_every_configuration_of_the_shipped_topologies(file: Path, tmp_path: Path) -> None:
    topology = load(file)
    keys = KeyRing(tmp_path / "keys")
    keys.make(topology, dt.datetime.now(dt.UTC))
    apply(render(topology, keys, site_in(tmp_path / "out")), tmp_path / "out")

    def refused(conf: Path) -> str:
        tried = subprocess.run([find_nats_server(), "-t", "-c", conf], capture_output=True, text=True)
        return tried.stderr if tried.returncode else ""

    confs = sorted(tmp_path.glob("out/servers/*/nats.conf"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        refusals = [text for text in pool.map(refused, confs) if text]
    assert len(confs) == sum(node.servers for node in topology.with_servers)
    assert refusals == []


def test_guangdong_is_the_province_its_21_cities_and_its_122_counties() -> None:
    """GB/T 2260: Dongguan and Zhongshan have no counties. A hosted city, counties hosted by the province."""
    topology = load(ROOT / "topologies" / "guangdong.toml")
    tiers = [node.tier for node in topology.nodes]
    hosted = {node.code: node.host for node in topology.nodes if node.host}

    assert [tiers.count(tier) for tier in ("province", "city", "county")] == [1, 21, 122]
    assert topology.children("441900") == topology.children("442000") == ()
    assert all(contains(node.parent, node.code) for node in topology.nodes if node.parent)
    assert hosted["440900"] == "440000"
    assert [hosted[node.code] for node in topology.children("440900")] == ["440000"] * 5
    assert hosted["445222"] == "440000"
    assert topology.node("445200").has_servers


def test_a_topology_can_be_moved_to_one_machine_without_a_clash() -> None:
    """Ports by the dozen: 138 servers of 144 nodes."""
    topology = on_this_machine(load(ROOT / "topologies" / "guangdong.toml"))

    assert [sentence for sentence in check(topology) if "端口" in sentence] == []
