"""Addresses as people write them, brought into one form: width, spaces, numerals, and what a name may leave out."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_DIGITS: Final = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS: Final = {"十": 10, "百": 100, "千": 1000}
_NUMERAL: Final = re.compile("[零〇一二三四五六七八九十百千]+")
_NOISE: Final = re.compile(r"[\s,.;:，。；：、()（）\[\]【】\"'“”‘’_/\\-]+")
_SUFFIX: Final = re.compile(r"(居民委员会|村民委员会|居委会|村委会)$")


def number(numeral: str) -> str:
    """A Chinese numeral in digits; without units it is read digit by digit, as room numbers are.

    >>> [number(n) for n in ("三十二", "二〇二", "一百零五", "十", "十八")]
    ['32', '202', '105', '10', '18']
    """
    if not any(c in _UNITS for c in numeral):
        return "".join(str(_DIGITS[c]) for c in numeral)
    total, digit = 0, None
    for c in numeral:
        if c in _UNITS:
            total += (1 if digit is None else digit) * _UNITS[c]
            digit = None
        else:
            digit = _DIGITS[c]
    return str(total + (digit or 0))


def normal(text: str) -> str:
    """*text* in the form in which addresses are compared; both sides of a comparison go through it.

    >>> normal("坪山区 龙田街道（南布社区）三十二号"), normal("ＡＢＣ大厦２栋")
    ('坪山区龙田街道南布社区32号', 'abc大厦2栋')
    """
    folded = _NOISE.sub("", unicodedata.normalize("NFKC", text).casefold())
    return _NUMERAL.sub(lambda m: number(m[0]), folded)


def short_name(name: str) -> str:
    """The name of an area as it stands in addresses.

    >>> [short_name(n) for n in ("翠洲社区居民委员会", "上塘村民委员会", "龙田街道")]
    ['翠洲社区', '上塘村', '龙田街道']
    """
    if name.endswith(("村民委员会", "村委会")):
        return _SUFFIX.sub("", name).removesuffix("村") + "村"
    return _SUFFIX.sub("", name)
