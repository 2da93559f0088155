"""`yiwang topology`: what a person types, reads and finds on disk."""

from __future__ import annotations

import re
import stat
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner
from yiwang.stack.cli import main
from yiwang.stack.topology import load, read
from yiwang.stack.topology.svg import draw

DEPLOY = Path(__file__).parents[3] / "deploy"
DEMO = DEPLOY / "topologies" / "demo.toml"
SEED = re.compile(r"\bSU[A-Z2-7]{56}\b|PRIVATE KEY")


def run(*arguments: str | Path, fails: bool = False) -> str:
    """What the command prints; it must succeed, or fail when *fails*. No command ever prints a secret."""
    result = CliRunner().invoke(main, ["topology", *map(str, arguments)])
    assert bool(result.exit_code) is fails, result.output
    assert not SEED.search(result.output)
    return result.output


@pytest.fixture(name="keys")
def _keys(tmp_path: Path) -> Path:
    directory = tmp_path / "keys"
    run("keys", "make", DEMO, "--keys", directory)
    return directory


def rendered(out: Path, keys: Path) -> dict[str, bytes]:
    """All files of a rendering, by their place."""
    run("render", DEMO, "--out", out, "--keys", keys)
    return {str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*") if file.is_file()}


def test_check_says_that_all_is_well_and_how_large_the_mesh_is() -> None:
    assert "demo 没有错误：6 个节点（省级 1，市级 2，县级 3，托管 1），5 台 NATS 服务器" in run("check", DEMO)


def test_check_lists_every_mistake(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text('name = "t"\nnodes = [{ code = "440100", name = "广州市", servers = 2, sync = "x" }]', "utf-8")

    printed = run("check", file, fails=True)
    assert "有 3 个错误" in printed
    assert "没有城市资料，请写 profile" in printed


def test_show_draws_every_node_with_what_it_has_and_what_others_do_for_it() -> None:
    printed = run("show", DEMO)

    assert "罗湖区 440303  基础型  托管于深圳市" in printed
    assert "执法由深圳市代办" in printed
    assert printed.index("广州市") < printed.index("天河区") < printed.index("深圳市")


@pytest.mark.parametrize("file", sorted((DEPLOY / "topologies").glob("*.toml")), ids=lambda file: file.stem)
def test_the_drawing_is_well_formed_and_its_boxes_do_not_overlap(file: Path) -> None:
    topology = load(file)
    root = ET.fromstring(draw(topology))
    ns = "{http://www.w3.org/2000/svg}"
    boxes = [
        tuple(float(box.attrib[side]) for side in ("x", "y", "width", "height"))
        for box in root.iter(f"{ns}rect")
        if box.find(f"{ns}title") is not None
    ]
    width, height = float(root.attrib["width"]), float(root.attrib["height"])

    assert len(boxes) == len(topology.nodes)
    assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= height for x, y, w, h in boxes)
    for i, (x, y, w, h) in enumerate(boxes):
        assert not any(x < x2 + w2 and x2 < x + w and y < y2 + h2 and y2 < y + h for x2, y2, w2, h2 in boxes[i + 1 :])


def test_hosted_and_docked_nodes_have_frames_of_their_own() -> None:
    drawing = draw(load(DEPLOY / "topologies" / "city.toml"))

    assert drawing.count('rect class="hosted"') == 3  # two nodes and the legend
    assert drawing.count('rect class="docked"') == 2
    assert drawing.count('rect class="elsewhere"') == 2


def test_a_name_cannot_break_the_drawing() -> None:
    drawing = draw(read('name = "t"\nnodes = [{ code = "440100", name = "<b>&\\"" }]'))

    assert ET.fromstring(drawing) is not None


def test_render_needs_keys_and_says_how_to_make_them(tmp_path: Path) -> None:
    assert "yiwang topology keys make" in run("render", DEMO, "--out", tmp_path / "out", fails=True)


def test_a_second_rendering_changes_nothing(tmp_path: Path, keys: Path) -> None:
    first = rendered(tmp_path / "out", keys)
    printed = run("render", DEMO, "--out", tmp_path / "out", "--keys", keys)

    assert "写了 0 个文件，删了 0 个" in printed
    assert rendered(tmp_path / "out", keys) == first


def test_every_file_of_keys_and_rendering_is_its_owners_alone(tmp_path: Path, keys: Path) -> None:
    rendered(tmp_path / "out", keys)
    files = [file for directory in (keys, tmp_path / "out") for file in directory.rglob("*") if file.is_file()]

    assert len(files) > 50
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_seeds_stand_only_in_files_made_for_them(tmp_path: Path, keys: Path) -> None:
    """No configuration, no values file and no page has a secret in it."""
    for place, content in rendered(tmp_path / "out", keys).items():
        secret = bool(SEED.search(content.decode()))
        assert secret == place.endswith(("leaf.conf", "service.nk", "server.key")), place


def test_keys_are_made_once(keys: Path) -> None:
    before = {file.name: file.read_bytes() for file in keys.iterdir()}

    assert "什么都不缺" in run("keys", "make", DEMO, "--keys", keys)
    assert {file.name: file.read_bytes() for file in keys.iterdir()} == before


def test_show_tells_when_certificates_end(keys: Path) -> None:
    printed = run("keys", "show", DEMO, "--keys", keys)

    assert re.search(r"n440106：\d{4}-\d\d-\d\d 到期，有效", printed)
    assert re.search(r"ca：\d{4}-\d\d-\d\d 到期，有效", printed)


def test_a_change_of_keys_goes_by_three_steps_and_no_step_can_be_left_out(tmp_path: Path, keys: Path) -> None:
    """Both keys are accepted between; the parent's configuration names them, the node's seed changes at the switch."""

    def parents_users() -> int:
        conf = rendered(tmp_path / "out", keys)["servers/n440100/nats.conf"].decode()
        return conf.count("DOWNLINK_440106.>")

    def seed() -> bytes:
        return rendered(tmp_path / "out", keys)["servers/n440106/leaf.conf"]

    once, first = parents_users(), seed()
    assert "没有新密钥" in run("keys", "switch", DEMO, "440106", "--keys", keys, fails=True)
    assert "没有要作废的旧密钥" in run("keys", "finish", DEMO, "440106", "--keys", keys, fails=True)

    run("keys", "rotate", DEMO, "440106", "--keys", keys)
    assert (parents_users(), seed() == first) == (2 * once, True)
    assert "还没有结束" in run("keys", "rotate", DEMO, "440106", "--keys", keys, fails=True)
    assert "keys switch" in run("keys", "show", DEMO, "--keys", keys)

    run("keys", "switch", DEMO, "440106", "--keys", keys)
    assert (parents_users(), seed() == first) == (2 * once, False)

    run("keys", "finish", DEMO, "440106", "--keys", keys)
    assert (parents_users(), seed() == first) == (once, False)


def test_an_unknown_node_is_named(keys: Path) -> None:
    assert "demo 里没有节点 440999" in run("keys", "rotate", DEMO, "440999", "--keys", keys, fails=True)


PASSING = """
name = "t"
nodes = [
    { code = "440000", name = "广东省", profile = "shenzhen" },
    { code = "440100", name = "广州市", profile = "guangzhou", offset = 10 CITY },
    MORE
]
[defaults.city]
quotas = { max_file_gib = 8 }
[defaults.county]
quotas = { max_file_gib = 8 }
"""


@pytest.mark.parametrize(
    ("city", "more", "says"),
    [
        (
            "",
            '{ code = "440106", name = "天河区", offset = 30, host = "440000" }',
            "n440100 的上行链路需要重建一次：440106 由上级承载",
        ),
        ("", '{ code = "440106", name = "天河区", offset = 20 }', ""),
        ("", '{ code = "440106", name = "天河区", offset = 30, host = "440100" }', ""),
        ("", '{ code = "440300", name = "深圳市", offset = 20, profile = "shenzhen" }', ""),
        (', host = "440000"', "", ""),
    ],
    ids=["carried by the province", "first of its own", "carried by its city", "another city", "a city moves in"],
)
def test_render_says_what_a_reload_can_not_do(tmp_path: Path, city: str, more: str, says: str) -> None:
    """What a reload can't do is a sentence; everything else needs none."""
    file, out = tmp_path / "t.toml", tmp_path / "out"
    file.write_text(PASSING.replace("CITY", "").replace("MORE", ""), "utf-8")
    run("keys", "make", file)
    run("render", file, "--out", out)
    file.write_text(PASSING.replace("CITY", city).replace("MORE", more), "utf-8")
    run("keys", "make", file)

    printed = run("render", file, "--out", out)
    assert (says in printed) if says else ("需要重" not in printed.replace("需要启动、重载", ""))


def test_the_ca_changes_by_three_commands(tmp_path: Path, keys: Path) -> None:
    """Each says who must do what next; `show` says in which round one is."""
    assert "新旧 CA 都被信任" in run("keys", "rotate", DEMO, "ca", "--keys", keys)
    assert "ca：新 CA 已备好" in run("keys", "show", DEMO, "--keys", keys)
    both = rendered(tmp_path / "out", keys)["servers/n440100/ca.pem"]
    assert both.count(b"BEGIN CERTIFICATE") == 2
    assert "重载全部服务器" in run("keys", "switch", DEMO, "ca", "--keys", keys)
    assert "旧 CA 已作废" in run("keys", "finish", DEMO, "ca", "--keys", keys)
    assert rendered(tmp_path / "out", keys)["servers/n440100/ca.pem"].count(b"BEGIN CERTIFICATE") == 1
    assert "没有要作废的旧 CA" in run("keys", "finish", DEMO, "ca", "--keys", keys, fails=True)
