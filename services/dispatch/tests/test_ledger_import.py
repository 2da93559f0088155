"""A ledger brought in from CSV: checked whole, told line by line, the same line never twice; pure."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from openpyxl import Workbook
from yiwang.dispatch import ledger_import
from yiwang.dispatch.ledger_import import MOST, Line, Where, report_of, table_of
from yiwang.dispatch.rules import Rules
from yiwang.dispatch.testing import MONDAY, some_rules
from yiwang.kit.tables import TableError

RULES = some_rules()
WHERE = Where(jurisdiction="440300", kind="hazard", campaign_id="k1", purpose="live", now=MONDAY)
HEAD = "编号,等级,区划,描述,地址,类别,经度,纬度,发现日期,责任单位,整改措施,整改期限"


def read(text: str, where: Where = WHERE, rules: Rules = RULES) -> tuple[list[Line], list[str]]:
    return ledger_import.read(table_of(text.encode(), "x.csv"), where, rules)


def read_rows(*rows: str, head: str = HEAD) -> tuple[int, list[str]]:
    lines, mistakes = read("\n".join([head, *rows]))
    return len(lines), mistakes


def test_a_ledger_as_cities_keep_it_comes_in_with_unit_measure_and_day() -> None:
    """Chinese heads, a byte order mark, dates as people write them; a unit by its name."""
    row = "A-1,重大隐患,440303001001,边坡开裂,桂园路,event/01/01,114.1,22.5,2026/11/20,环卫所,加固,2026年12月1日"
    text = f"\ufeff{HEAD}\n{row}\n\n"
    [one], mistakes = read(text)
    assert mistakes == []
    entry = one.entry
    assert (entry.grade, entry.area, entry.found_by, entry.source_no, entry.campaign_id) == (
        "major", "440303001001", "import", "A-1", "k1",
    )  # fmt: skip
    assert entry.found_at == dt.datetime(2026, 11, 19, 16, tzinfo=dt.UTC)
    assert entry.category is not None
    assert entry.place is not None
    assert entry.place.point is not None
    assert (entry.place.area.county, entry.place.point.crs) == ("440303", "cgcs2000")
    assert (one.unit_id, one.measure, one.due_at) == ("sanitation", "加固", dt.datetime(2026, 12, 1, 15, 59, 59, tzinfo=dt.UTC))


def test_english_heads_and_a_bare_line_will_do() -> None:
    """Only number, area and words are needed; the first grade is meant where none is said."""
    [one], mistakes = read("no,area,summary\nB-1,440303,积水\n")
    assert (mistakes, one.entry.grade, one.due_at, one.entry.found_at) == ([], "general", None, MONDAY)


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (",一般,440303,缺编号,,,,,,,,", "编号"),
        ("1,一般,440303,,,,,,,,,", "描述"),
        ("1,特别,440303,x,,,,,,,,", "等级"),
        ("1,一般,441900,x,,,,,,,,", "441900"),
        ("1,一般,luohu,x,,,,,,,,", "luohu"),
        ("1,一般,440303,x,,event/99/01,,,,,,", "event/99/01"),
        ("1,一般,440303,x,,litter,,,,,,", "litter"),
        ("1,一般,440303,x,,,114.1,,,,,", "经度"),
        ("1,一般,440303,x,,,22.5,114.1,,,,", "填反"),
        ("1,一般,440303,x,,,,,昨天,,,", "发现日期"),
        ("1,一般,440303,x,,,,,2026-11-24,,,", "今后"),
        ("1,一般,440303,x,,,,,,没有的单位,加固,2026-12-01", "没有的单位"),
        ("1,一般,440303,x,,,,,,环卫所,,2026-12-01", "整改措施"),
        ("1,一般,440303,x,,,,,,环卫所,加固,", "期限"),
        ("1,一般,440303,x,,,,,,环卫所,加固,2026-11-22", "已过"),
        ("1,一般,440303,x,,,,,,,加固,", "责任单位"),
        ("1,一般,440303,x,,,,,,环卫所,加固,9999-12-31", "十年"),
        ("1,一般,440303,x,,,,,1026-11-20,,,", "2000"),
    ],
)
def test_each_mistake_names_its_line_and_what_to_do(row: str, word: str) -> None:
    """Line 2 is the first one below the heads."""
    good, mistakes = read_rows(row, "9,一般,440303,好的,,,,,,,,")
    [mistake] = mistakes
    assert good == 1
    assert mistake.startswith("第 2 行：")
    assert word in mistake


def test_a_file_that_is_none_is_told_as_a_whole() -> None:
    """Empty, without needed columns, with one number twice, too long."""
    assert read("")[1] == ["文件是空的：第一行写列名"]
    assert "编号、区划" in read("描述\nx\n")[1][0]
    assert read_rows("1,,440303,x,,,,,,,,", "1,,440303,y,,,,,,,,")[1] == ["第 3 行：编号 1 在文件中出现两次，请保留一行"]
    with pytest.raises(TableError, match="CSV"):
        read('no,area,summary\n"' + "x" * 200_000 + '"\n')
    assert read("no,area,summary\r1,440303,x\r")[1] == []
    assert str(MOST) in read_rows(*["1,,440303,x,,,,,,,,"] * (MOST + 1))[1][0]


def test_a_workbook_comes_in_as_the_same_lines_do_from_csv() -> None:
    """Numbers, days and empty cells as a spreadsheet holds them; the first sheet counts, mistakes name its lines."""
    book = Workbook()
    found, due = dt.datetime(2026, 11, 20), dt.date(2026, 12, 1)  # noqa: DTZ001  days, as a sheet holds them
    for cells in (
        HEAD.split(","),
        [1, "一般", 440303001001, "边坡开裂", None, None, 114.1, 22.5, found, "环卫所", "加固", due],
        [],
        [2.0, None, "440303", "树穴破损"],
        ["3", None, "440303", None],
    ):
        book.active.append(cells)
    book.create_sheet("说明").append(["不是台账"])
    book.save(out := io.BytesIO())
    lines, mistakes = ledger_import.read(table_of(out.getvalue(), "台账.xlsx"), WHERE, RULES)
    assert [mistake.partition("和")[0] for mistake in mistakes] == ["第 5 行：编号"]
    same, _ = read(f"{HEAD}\n1,一般,440303001001,边坡开裂,,,114.1,22.5,2026-11-20,环卫所,加固,2026-12-01\n2,,440303,树穴破损\n")
    assert lines == same
    with pytest.raises(TableError, match="不是完好的 xlsx"):
        table_of(out.getvalue()[:-30], "台账.xlsx")


def test_the_same_line_of_the_same_ledger_is_the_same_entry() -> None:
    """Brought in again it is known; in another campaign it is another one. The report counts all that."""
    lines, _ = read(f"{HEAD}\n1,,440303,x,,,,,,,,\n2,,440303,y,,,,,,环卫所,加固,2026-12-01\n")
    again, _ = read("no,area,summary\n1,440303,other words\n")
    assert again[0].entry.entry_id == lines[0].entry.entry_id
    other = Where(jurisdiction="440300", kind="hazard", campaign_id="k2", purpose="live", now=MONDAY)
    assert read("no,area,summary\n1,440303,x\n", other, RULES)[0][0].entry.entry_id != lines[0].entry.entry_id
    report = report_of(lines, ["第 9 行：…"], {lines[0].entry.entry_id})
    assert (report.lines, report.new, report.known, report.assigned, report.written) == (3, 1, 1, 1, False)
