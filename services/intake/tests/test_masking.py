"""No personal data survives masking."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yiwang.intake.masking import mask_address, mask_text, summary

_SEPARATORS = re.compile(r"[\s\-.()（）·•、，,_/]")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
_words = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=60)
_mobiles = st.from_regex(r"\A1[3-9][0-9]{9}\Z").flatmap(
    lambda digits: st.lists(st.sampled_from(["", "", "", " ", "-", "　", "·", "  "]), min_size=10, max_size=10).map(
        lambda gaps: "".join(d + g for d, g in zip(digits, [*gaps, ""], strict=True))
    )
)


def _flat(text: str) -> str:
    """The text as a patient reader sees it: plain digits, nothing between them."""
    plain = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    return _SEPARATORS.sub("", plain)


@given(_words, _mobiles, _words)
def test_no_mobile_number_survives(before: str, mobile: str, after: str) -> None:
    """Whatever stands around it and between its digits."""
    masked = mask_text(before + mobile + after)

    assert not _MOBILE.search(_flat(masked))


@given(_words, _mobiles, _words)
def test_no_full_width_mobile_number_survives(before: str, mobile: str, after: str) -> None:
    masked = mask_address(before + mobile.translate(_WIDE) + after)

    assert not _MOBILE.search(_flat(masked))


@given(st.text(max_size=200))
def test_masks_what_is_masked_without_change(text: str) -> None:
    """Masking twice says the same as once: nothing that was masked is read as personal data again."""
    once = mask_text(text)

    assert not _MOBILE.search(_flat(once))
    assert mask_text(once).count("【号码】") >= once.count("【号码】")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("身份证440300199001011234来电", "身份证【号码】来电"),
        ("身份证 44030019900101123X", "身份证 【号码】"),
        ("电话一三八零零一三八零零零", "电话【号码】"),
        ("座机0755-2345 6789", "座机【号码】"),
        ("固话23456789", "固话【号码】"),
        ("发到 zhang.san@example.com 吧", "发到 【邮箱】 吧"),
        ("粤B·12345堵住通道", "【车牌】堵住通道"),
        ("粤BD12345堵住通道", "【车牌】堵住通道"),
        ("我叫张三丰，要反映", "我叫【姓名】，要反映"),
        ("联系人：王小明 电话另告", "联系人：【姓名】 电话另告"),
        ("姓名 李四", "姓名 【姓名】"),
        ("张先生反映路面积水", "【姓名】先生反映路面积水"),
        ("住3栋2单元501房", "住【门牌】"),
        ("A座1203室漏水", "【门牌】漏水"),
        ("人民路12号门前有垃圾", "人民路【门牌】门前有垃圾"),
    ],
)
def test_masks(text: str, masked: str) -> None:
    assert masked == mask_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "兴华路人行道破损约2平方米，影响通行",
        "2026-11-20 10:30 发现，地铁4号线口有积水",
        "投诉人行道上堆放建筑垃圾",
        "井盖缺失，深度约80厘米",
        "出租房屋外墙脱落",
        "住房保障和房地产-房地产",
        "社会生活噪声-室内噪声",
    ],
)
def test_leaves_what_is_not_personal(text: str) -> None:
    """A summary that says nothing helps nobody."""
    assert text == mask_text(text)


def test_keeps_the_street_number_of_the_place_but_not_the_home() -> None:
    """The geocoder needs the door number of the place; building, unit and room point at people."""
    masked = mask_address("坪山街道深汕路168号 金田花园3栋2单元501房 联系人李四")

    assert masked == "坪山街道深汕路168号 金田花园【门牌】 联系人【姓名】"


def test_a_summary_is_short_and_says_that_it_was_cut() -> None:
    masked = summary("路面积水。" * 100, 200)

    assert len(masked) == 200
    assert masked.endswith("…")


@pytest.mark.parametrize(
    "piece", ["1", "十", "1 ", "a", "a@", "1-", "一", "栋", "1栋", "A座", "1号", "粤B", "我叫", "张", "138 "]
)
def test_no_text_makes_masking_slow(piece: str) -> None:
    """A reporter can send the longest text that is allowed; it costs milliseconds, not minutes."""
    started = time.process_time()
    mask_text(piece * (4000 // len(piece)))

    assert time.process_time() - started < 0.5
