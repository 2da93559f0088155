"""Masks personal data in free text, so that a summary may travel to other tiers.

What is masked (version 1): long numbers (phones with blanks, hyphens or full-width digits, identity and bank cards),
short landlines, Chinese-numeral phones, e-mail addresses, number plates, names after words that introduce one, names
before a form of address, door numbers. Rather too much than too little: the exact text stays, sealed, in
`report.contact`. The basis is the design's rule that citizens' free text is personal (architecture 3).
"""

from __future__ import annotations

import re
from typing import Final

MASKING_VERSION: Final = "1"

_GAP: Final = r"[\s\-‐-―−－—_.·・•。、,，()（）/\\|~～*+＋'’‘\"“”\u200b-\u200f\u2060\ufeff]*"
_NUMERAL: Final = "〇零一壹幺二两三四五六七八九洞拐勾"
_RULES_DIGIT: Final = (
    # 11 digits and more with anything between them: mobiles, identity cards (with X), bank cards
    (re.compile(rf"\d(?:{_GAP}\d){{10,}}(?:{_GAP}[XxＸｘ])?"), "【号码】"),
    (re.compile(r"\d{7,}[XxＸｘ]?"), "【号码】"),  # landlines, account numbers
    (re.compile(r"(?<!\d)\d{3,4}[\s\-－]\d{4}(?!\d)"), "【号码】"),  # 2345 6789
)
_LETTER: Final = "[A-Za-zＡ-Ｚａ-ｚ]"
_DOOR: Final = (
    rf"(?:{_LETTER}?[\d一二三四五六七八九十百零〇]{{1,6}}(?:[-－][\dA-Za-z]{{1,4}}){{0,3}}{_LETTER}?|{_LETTER})"
)
_BUILDING: Final = re.compile(rf"(?:{_DOOR}(?:号楼|栋|棟|幢|座|单元)\s?){{1,4}}")
# Every repeated part ends in a word of its own, and few are repeated: no text makes this rule slow.
_ROOM: Final = re.compile(
    rf"(?:{_DOOR}(?:号楼|栋|棟|幢|座|单元|层|楼|号)\s?){{0,4}}{_DOOR}(?:号房|室(?!内|外)|房(?![屋子租产地]))"
)
_NUMBER: Final = re.compile(r"[\d一二三四五六七八九十百]{1,6}(?:[-－之]\d{1,4})?(?:号|號)(?![线口])")
_NUMERALS: Final = re.compile(rf"[{_NUMERAL}](?:{_GAP}[{_NUMERAL}\d]){{6,}}")
_EMAIL: Final = re.compile(r"[\w.+\-Ａ-Ｚａ-ｚ０-９]{1,64}\s?[@＠]\s?[\w\-]{1,64}(?:[.．][\w\-]{1,64}){1,8}", re.ASCII)
_PLATE: Final = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领]\s*[A-Za-zＡ-Ｚａ-ｚ][·•・.\s\-]*"
    r"(?:[0-9A-Za-z０-９Ａ-Ｚａ-ｚ][·•・.\s]*){4,6}[0-9A-Za-z０-９Ａ-Ｚａ-ｚ挂学警港澳领]?"
)
_NAME: Final = r"(?:[\u3400-\u9fff·]{2,4}|[A-Z][a-z]+(?:\s[A-Z][a-z]+)*)"
_NAMED: Final = re.compile(
    rf"(我叫做?|我名叫|我的名字[是叫]?|本人叫|联系人|姓名|名叫|(?:举报|投诉|来电|反映|报料|当事)人(?=[:：\s是为]))([:：\s是为叫]*){_NAME}"
)
_TITLED: Final = re.compile(
    r"(?:欧阳|司马|上官|诸葛|[赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏窦章云苏潘葛范彭郎鲁韦马苗方俞任袁柳"
    r"唐薛雷贺倪汤罗毕郝邬安常乐于傅康余顾孟黄穆萧尹姚邵汪毛狄戴宋庞熊纪舒屈项祝董梁杜阮蓝季贾江童郭梅林钟徐邱骆高夏蔡田樊胡凌霍"
    r"万柯卢莫房解丁邓单洪包左石崔吉龚程邢裴陆荣翁荀甄曲封储靳焦谷车侯宁仇甘武符刘景詹龙叶黎白蒲赖卓池乔翟谭温廖欧向古易游曾关肖涂])"
    r"[\u4e00-\u9fff]{0,2}(?=先生|女士|小姐|师傅|阿姨|大爷|老师)"
)
# One character of each rule, looked for first: most texts need none of them.
_SHORTEST: Final = 7  # digits of the shortest number that is masked
_DIGIT: Final = re.compile(r"\d")
_ANY_NUMERAL: Final = re.compile(rf"[{_NUMERAL}\d]")
_HAS_DOOR: Final = re.compile("[号號栋棟幢座室房单]")
_HAS_PLATE: Final = re.compile("[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领]")
_HAS_NAME: Final = re.compile("[叫名]|[系报诉电映料事]人")
_HAS_TITLE: Final = re.compile("[生士姐傅姨爷师]")


def mask_text(text: str) -> str:
    """*text* without phones, cards, e-mails, plates, names and door numbers.

    >>> mask_text("我叫张三丰，电话138 0013-8000，住3栋2单元501房，粤B·12345挡路")
    '我叫【姓名】，电话【号码】，住【门牌】，【车牌】挡路'
    """
    text = _identifiers(text)
    if _HAS_DOOR.search(text):
        for rule in (_ROOM, _BUILDING, _NUMBER):
            text = rule.sub("【门牌】", text)
    return _names(text)


def mask_address(text: str) -> str:
    """*text*, the place of a problem, without what points at a home or a person.

    The street number stays: it says where the problem is and the geocoder needs it; building, unit and room go.

    >>> mask_address("坪山街道深汕路168号 金田花园3栋2单元501房 联系人李四")
    '坪山街道深汕路168号 金田花园【门牌】 联系人【姓名】'
    """
    text = _identifiers(text)
    if _HAS_DOOR.search(text):
        text = _BUILDING.sub("【门牌】", _ROOM.sub("【门牌】", text))
    return _names(text)


def summary(text: str, limit: int) -> str:
    """The masked text, cut after *limit* characters (0: whole) with an ellipsis."""
    masked = mask_text(text)
    return masked if not limit or len(masked) <= limit else masked[: limit - 1] + "…"


def _identifiers(text: str) -> str:
    if "@" in text or "＠" in text:
        text = _EMAIL.sub("【邮箱】", text)
    if _HAS_PLATE.search(text):
        text = _PLATE.sub("【车牌】", text)
    if len(_DIGIT.findall(text)) >= _SHORTEST:
        for rule, word in _RULES_DIGIT:
            text = rule.sub(word, text)
    return _NUMERALS.sub("【号码】", text) if len(_ANY_NUMERAL.findall(text)) >= _SHORTEST else text


def _names(text: str) -> str:
    if _HAS_NAME.search(text):
        text = _NAMED.sub(r"\1\2【姓名】", text)
    return _TITLED.sub("【姓名】", text) if _HAS_TITLE.search(text) else text
