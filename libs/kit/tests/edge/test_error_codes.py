"""The registry of refusals is complete."""

import msgspec
import pytest
from yiwang.kit import ErrorCode, Problem, answers
from yiwang.kit._problems import WHO, FieldError, ProblemBody, error_codes
from yiwang.kit.testing_errors import assert_errors_hold


def test_every_code_of_the_kit_says_who_must_do_what_and_is_used():
    codes = assert_errors_hold("yiwang.kit", "kit", "identity", "people")
    assert {"kit.forbidden", "identity.locked", "people.no_person"} <= {code.code for code in codes}


def test_an_unused_code_is_found(tmp_path, monkeypatch):
    package = tmp_path / "unused_pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "errors.py").write_text(
        "from yiwang.kit import ErrorCode\n"
        "LOST = ErrorCode('unused_pkg.lost', 404, who='caller', say='没有', do='核对')\n"
        "ENGLISH = ErrorCode('other.english', 404, who='caller', say='gone', do='核对')\n"
        "raise_it = lambda: ENGLISH()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(AssertionError) as found:
        assert_errors_hold("unused_pkg")
    assert "unused_pkg.lost: nobody raises LOST" in str(found.value)
    assert "other.english: name it unused_pkg." in str(found.value)
    assert "is not a Chinese sentence" in str(found.value)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"who": "somebody"}, "unknown"),
        ({"status": 299}, "no title"),
        ({"say": ""}, "fill both"),
        ({"do": ""}, "fill both"),
    ],
)
def test_a_code_that_says_too_little_does_not_exist(change, why):
    given = {"who": "caller", "say": "不行", "do": "别这样", "status": 400} | change
    with pytest.raises(ValueError, match=why):
        ErrorCode("test.half", given.pop("status"), **given)


def test_one_name_has_one_meaning():
    with pytest.raises(ValueError, match=r"already declared in yiwang\.kit\._codes"):
        ErrorCode("kit.forbidden", 403, who="caller", say="不行", do="别这样")


def test_a_refusal_read_by_a_person_says_who_acts():
    code = ErrorCode("test.sentence", 409, who="admin", say="{what}坏了", do="修好{what}")
    problem = code(what="门", errors=[FieldError("$.door", "坏了")])
    assert str(problem) == "门坏了（请管理员修好门）"
    assert isinstance(problem, Problem)
    assert problem.body("t").errors == (FieldError("$.door", "坏了"),)
    assert code.fields == {"what"}
    with pytest.raises(KeyError):
        code()


def test_refusals_of_one_status_share_an_answer():
    first = ErrorCode("test.first", 404, who="caller", say="没有甲", do="核对")
    second = ErrorCode("test.second", 404, who="caller", say="没有乙", do="核对")
    declared = answers(first, second)
    assert list(declared) == [404]
    assert "test.first" in declared[404].description
    assert "test.second" in declared[404].description
    assert declared[404].data_container is ProblemBody


def test_a_busy_answer_always_says_when_to_come_back():
    busy = next(c for c in error_codes().values() if c.code == "kit.too_busy")
    assert busy(why="满").headers() == {"Retry-After": "5"}
    assert busy(why="满", retry_after=9).headers() == {"Retry-After": "9"}


def test_everybody_who_may_act_has_a_name():
    assert set(WHO) == {"caller", "admin", "upper", "time", "us"}
    assert msgspec.json.schema(ProblemBody)
