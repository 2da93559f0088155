"""Code tables come into a profile checked: from CSV, from a spreadsheet, and the sets that ship."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from openpyxl import Workbook
from yiwang.dispatch.codes_import import COLUMNS, check, main, read
from yiwang.dispatch.profile import load_profile
from yiwang.dispatch.profile_files import BadProfile
from yiwang.stack.cli import main as yiwang

PROFILES = Path(__file__).parents[3] / "deploy" / "profiles"
HEAD = list(COLUMNS["categories"])
SET = "gbt30428.2-2013"


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """A copy of the profile of Shenzhen that also knows the numbers of CJ/T 214."""
    made = tmp_path / "city"
    shutil.copytree(PROFILES / "shenzhen", made)
    main_file = made / "profile.toml"
    text = main_file.read_text("utf-8")
    both = text.replace("code_sets = [", 'code_sets = [\n    { code_set = "cjt214-2007", version = "2007" },', 1)
    assert both != text
    files = 'crosswalk = "dispatch/crosswalk.csv"'
    if "[dispatch.files]" not in both:
        both += "\n[dispatch.files]\n"
    both = both.replace("[dispatch.files]", f"[dispatch.files]\n{files}")
    main_file.write_text(both, "utf-8")
    (made / "dispatch" / "crosswalk.csv").write_text(",".join(COLUMNS["crosswalk"]) + "\n", "utf-8")
    return made


def rows(*lines: tuple[str, ...]) -> list[dict[str, str]]:
    return [dict(zip(HEAD, line, strict=True)) for line in lines]


def majors(city: Path) -> dict[str, str]:
    return {row["major"]: row["major_name"] for row in read(str(city / "dispatch" / "categories.csv")) if row["kind"] == "part"}


def test_the_old_numbering_and_its_crosswalk_come_in_and_the_same_number_means_another_thing(city: Path) -> None:
    """CJ/T 214 beside GB/T 30428.2 (trap 3): 0114 is a cover that nobody owns here and a garden's cover there."""
    for shipped in ("gbt30428.2-2013", "cjt214-2007", "cjt214-2007.crosswalk"):
        assert main(["import", shipped, "--profile", str(city)]) == 0
    codes = load_profile(city).rules.codes
    old, new = (codes.category(code_set, "part", "01", "14") for code_set in ("cjt214-2007", SET))
    assert (old.minor_name, new.minor_name) == ("无主井盖", "园林井盖")
    assert codes.translate(old, SET).minor == "23"
    assert codes.translate(codes.translate(old, SET), "cjt214-2007") == old
    again = check(city, read("cjt214-2007"))
    assert (again.added, again.changed, again.mistakes) == (0, (), ())


def test_a_spreadsheet_comes_in_with_the_zeros_that_it_dropped(city: Path, tmp_path: Path) -> None:
    """Extensions take the next numbers down from 99; changed names are told; `check` writes nothing."""
    book, name = Workbook(), majors(city)["01"]
    taken = {row["minor"] for row in read(str(city / "dispatch" / "categories.csv")) if (row["kind"], row["major"]) == ("part", "01")}
    assert "99" not in taken
    book.active.append(HEAD)
    book.active.append([SET, "part", 1, 99, name, "智慧灯杆", "yes"])
    book.active.append([SET, "part", 1.0, 1, name, "上水井盖（改名）", ""])
    book.save(tmp_path / "local.xlsx")
    before = (city / "dispatch" / "categories.csv").read_text("utf-8")
    report = check(city, read(str(tmp_path / "local.xlsx")))
    assert report.mistakes == ()
    assert (report.added, report.unchanged) == (1, 0)
    assert report.changed == (f"{SET}/part/01/01：minor_name '上水井盖' → '上水井盖（改名）'",)
    shown = CliRunner().invoke(yiwang, ["codes", "check", str(tmp_path / "local.xlsx"), "--profile", str(city)])
    assert shown.exit_code == 0, shown.output
    assert "新增 1 行，变更 1 行" in shown.output
    assert (city / "dispatch" / "categories.csv").read_text("utf-8") == before
    assert main(["import", str(tmp_path / "local.xlsx"), "--profile", str(city)]) == 0
    assert load_profile(city).rules.codes.category(SET, "part", "01", "99").minor_name == "智慧灯杆"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ((SET, "part", "01", "97", "", "共享雨伞架", "yes"), "请改用 99"),
        ((SET, "part", "01", "90", "另一个大类名", "某部件", ""), "有两个名称"),
        ((SET, "pert", "01", "90", "公用设施", "某部件", ""), "isn't known here"),
        (("nobodys", "part", "01", "90", "公用设施", "某部件", ""), "isn't known here"),
        ((SET, "part", "01", "90", "公用设施", "", ""), "is empty"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(city: Path, tmp_path: Path, line: tuple[str, ...], word: str) -> None:
    """Each mistake in a sentence; exit code 1."""
    before = (city / "dispatch" / "categories.csv").read_text("utf-8")
    line = (*line[:4], line[4] or majors(city)["01"], *line[5:])
    assert any(word in mistake for mistake in check(city, rows(line)).mistakes)
    file = tmp_path / "wrong.csv"
    with file.open("w", encoding="gb18030", newline="") as out:
        csv.writer(out).writerows([HEAD, line])
    assert main(["import", str(file), "--profile", str(city)]) == 1
    assert CliRunner().invoke(yiwang, ["codes", "import", str(file)], env={"YIWANG_PROFILE": str(city)}).exit_code == 1
    assert (city / "dispatch" / "categories.csv").read_text("utf-8") == before


def test_conditions_come_in_with_limits_and_closing_conditions(city: Path) -> None:
    """A class gets another filing condition; a limit without a unit, or without a closing condition, is a mistake."""
    columns = COLUMNS["conditions"]
    line = ("X-1", SET, "part", "01", "01", "井盖异响扰民", "3", "work_day", "normal", "异响消除", "", "")
    report = check(city, [dict(zip(columns, line, strict=True))])
    assert (report.table, report.added, report.mistakes) == ("conditions", 1, ())
    wrong = dict(zip(columns, line, strict=True)) | {"unit_kind": "moon", "closings": ""}
    assert len(check(city, [wrong]).mistakes) == 2


def test_a_file_that_is_no_code_table_is_refused_with_the_columns_that_are_wanted(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(BadProfile, match="code_set、kind"):
        check(PROFILES / "shenzhen", read(str(file)))
    (tmp_path / "x.xlsx").write_bytes(b"no workbook")
    with pytest.raises(BadProfile, match="xlsx"):
        read(str(tmp_path / "x.xlsx"))
