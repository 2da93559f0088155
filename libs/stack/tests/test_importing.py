"""Bringing in existing cases: whatever file people have, every row ends as taken or as refused with a reason."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
from yiwang.kit.tables import TableError, lines_of, rows_of
from yiwang.stack.importer import Unreachable, bring_in, write_rejects
from yiwang.stack.importmap import ImportMap, MapError, check_header, load_map, report_of

ROOT = Path(__file__).parents[3]
TABLE = "编号,时间,类型\n1,2018-07-04 17:24:41,暴露垃圾\n2,2018-07-05 08:00:00,乱摆卖\n"


def a_map(**change: Any) -> ImportMap:
    import msgspec

    fields = {
        "name": "test",
        "columns": ["编号", "时间", "类型"],
        "report": {
            "source.system": {"value": "old"},
            "source.record_id": {"column": "编号", "required": True},
            "occurred_at": {"column": "时间", "time": "%Y-%m-%d %H:%M:%S"},
            "description": {"template": "历史案件：{类型}"},
        },
    }
    return msgspec.convert(fields | change, ImportMap)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_is_read_in_the_encodings_that_offices_use(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "cases.csv"
    file.write_bytes(TABLE.encode(encoding))

    assert [(line, row["类型"]) for line, row in rows_of(file)] == [(2, "暴露垃圾"), (3, "乱摆卖")]


def test_xlsx_is_read_like_csv(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for cells in (
        ["编号", "时间", "类型"],
        [1, "2018-07-04 17:24:41", "暴露垃圾"],
        [None, None, None],
        [2.0, "", "乱摆卖"],
    ):
        book.active.append(cells)
    file = tmp_path / "cases.xlsx"
    book.save(file)

    assert [(row["编号"], row["类型"]) for _, row in rows_of(file)] == [("1", "暴露垃圾"), ("2", "乱摆卖")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "空文件"),
        (b",,\n1,2,3\n", "第一行写列名"),
        ("编号,编号\n1,2\n".encode(), "列名重复"),
        (b"\xff\xfe\x00\x81\x20", "GB18030"),
        (b"a,b\n1,\x00\n", "空字节"),
    ],
    ids=["empty", "no header", "a column twice", "another encoding", "binary"],
)
def test_a_file_that_is_no_table_is_refused_with_what_to_do(tmp_path: Path, content: bytes, sentence: str) -> None:
    file = tmp_path / "cases.csv"
    file.write_bytes(content)

    with pytest.raises(TableError, match=sentence):
        list(rows_of(file))


def test_a_missing_file_and_a_broken_workbook_are_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="没有文件"):
        list(rows_of(tmp_path / "none.csv"))
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"not a workbook")
    with pytest.raises(TableError, match="不是完好的 xlsx"):
        list(rows_of(broken))


def test_a_workbook_that_unpacks_to_too_much_is_not_opened(tmp_path: Path) -> None:
    """A small file may hold gigabytes; whoever sends it is told to split it."""
    file = tmp_path / "huge.xlsx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed, packed.open("xl/worksheets/sheet1.xml", "w") as part:
        part.write(bytes(3 * 2**20))

    with pytest.raises(TableError, match="超过 2 MB"):
        list(lines_of(file.read_bytes(), file.name, largest=2 * 2**20))


def test_a_row_becomes_a_report_with_local_time_made_explicit() -> None:
    report = report_of(a_map(), {"编号": "7", "时间": "2018-07-04 17:24:41", "类型": "暴露垃圾"})

    assert report["source"] == {"system": "old", "record_id": "7"}
    assert report["occurred_at"] == "2018-07-04T17:24:41+08:00"
    assert report["description"] == "历史案件：暴露垃圾"


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"编号": "", "时间": "2018-07-04 17:24:41", "类型": "x"}, "列 编号 为空"),
        ({"编号": "1", "时间": "4.7.2018", "类型": "x"}, "不是 %Y-%m-%d %H:%M:%S 的格式"),
    ],
)
def test_a_row_that_does_not_fit_says_which_column(row: dict[str, str], sentence: str) -> None:
    with pytest.raises(MapError, match=sentence):
        report_of(a_map(), row)


def test_a_table_without_the_maps_columns_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(MapError, match="缺少列 类型"):
        check_header(a_map(), {"编号": "", "时间": ""})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name = ", "有误"),
        ('name = "x"\ncolumns = []\n[report]\na = "b"\n', "未在 columns 中列出"),
        ('name = "x"\ncolumns = []\nreport = {}\ntimezone = "Mars/Olympus"\n', "有误"),
        ('name = "x"\ncolumns = []\nreport = {}\nspeed = 3\n', "speed"),
    ],
    ids=["no TOML", "a column that isn't listed", "an unknown time zone", "an unknown key"],
)
def test_a_wrong_map_says_what_is_wrong(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "map.toml"
    file.write_text(text, "utf-8")

    with pytest.raises(MapError, match=sentence):
        load_map(file)


def test_the_shipped_map_is_sound() -> None:
    assert load_map(ROOT / "deploy" / "maps" / "pingshan_2018.toml").name == "pingshan-2018"


def intake(answers: list[httpx.Response | Exception]) -> tuple[httpx.AsyncClient, list[list[dict[str, Any]]]]:
    """A stand-in for the other end of the wire: gives *answers* one after the other, the last one for ever."""
    seen: list[list[dict[str, Any]]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append([json.loads(line) for line in request.content.splitlines()])
        given = answers[min(len(seen), len(answers)) - 1]
        if isinstance(given, Exception):
            raise given
        return given

    return httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://intake"), seen


ROWS = [(2, {"编号": "1", "时间": "2018-07-04 17:24:41", "类型": "a"}), (3, {"编号": "2", "时间": "?", "类型": "b"})]
TAKEN = httpx.Response(200, json={"results": [{"line": 1, "status": 202, "report_id": "r"}]})


async def test_rows_that_do_not_fit_are_set_aside_and_the_others_go_on(tmp_path: Path) -> None:
    """The rejects file holds them as they were, with line and reason, ready to be mended and imported."""
    http, seen = intake([TAKEN])
    tally = await bring_in(ROWS, a_map(), http)
    write_rejects(tmp_path / "rejects.csv", tally)

    with (tmp_path / "rejects.csv").open(encoding="utf-8-sig", newline="") as file:
        [refused] = list(csv.DictReader(file))
    assert (tally.rows, tally.accepted, tally.repeated) == (2, 1, 0)
    assert (refused["line"], refused["编号"], refused["时间"]) == ("3", "2", "?")
    assert "格式" in refused["reason"]
    assert len(seen[0]) == 1


async def test_a_busy_or_absent_intake_is_waited_for_with_the_same_rows() -> None:
    busy = httpx.Response(503, json={"detail": "busy"})
    http, seen = intake([httpx.ConnectError("gone"), busy, TAKEN])

    tally = await bring_in(ROWS[:1], a_map(), http)

    assert tally.accepted == 1
    assert seen[0] == seen[1] == seen[2]


async def test_a_refusal_of_the_whole_batch_stops_with_its_reason() -> None:
    http, _ = intake([httpx.Response(401, json={"detail": "没有登录"})])

    with pytest.raises(Unreachable, match="401"):
        await bring_in(ROWS[:1], a_map(), http)


async def test_a_refused_line_carries_the_problem_of_the_service() -> None:
    problem = {"detail": "没有渠道", "errors": [{"path": "$.channel", "message": "没有渠道“9”"}]}
    http, _ = intake([httpx.Response(207, json={"results": [{"line": 1, "status": 400, "problem": problem}]})])

    tally = await bring_in(ROWS[:1], a_map(), http)

    [(line, reason, _row)] = tally.rejected
    assert line == 2
    assert "没有渠道“9”" in reason
