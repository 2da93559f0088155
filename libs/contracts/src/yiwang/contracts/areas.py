"""Area codes: GB/T 2260 (6 digits), GB/T 10114 streets (9) and communities (12), cells (15), extension codes.

A city without counties (Dongguan, Zhongshan) has its towns directly below it: 441900003 belongs to 441900.
Functional zones that GB/T 2260 doesn't know get an *extension code*: their city's or county's six digits, a letter
and two digits (``440300K01``); their kind, validity and predecessor stand in the area tree.
"""

from __future__ import annotations

import re
from typing import Final

_CODE: Final = re.compile(r"^\d{6}(?:\d{3}(?:\d{3}(?:\d{3})?)?|[A-Z]\d{2})?$")
LEVELS: Final = {6: "county", 9: "street", 12: "community", 15: "cell"}


def level_of(code: str) -> str:
    """province, city, county, street, community, cell or extension.

    Raises ValueError with a sentence when *code* is none of them.

    >>> [level_of(c) for c in ("440000", "440100", "440106", "440106003", "440106003012", "440106003012001")]
    ['province', 'city', 'county', 'street', 'community', 'cell']
    >>> level_of("440300K01")
    'extension'
    """
    if not _CODE.match(code):
        raise ValueError(
            f"{code!r} is no area code: give 6, 9, 12 or 15 digits (GB/T 2260, GB/T 10114), "
            "or 6 digits, a letter and 2 digits for a functional zone"
        )
    if len(code) == 9 and code[6].isalpha():
        return "extension"
    if len(code) == 6:
        return "province" if code.endswith("0000") else "city" if code.endswith("00") else "county"
    return LEVELS[len(code)]


def province_of(code: str) -> str:
    return code[:2] + "0000"


def city_of(code: str) -> str:
    """The city above *code*; a province is its own.

    >>> city_of("440106003012"), city_of("441900003"), city_of("440000")
    ('440100', '441900', '440000')
    """
    return code[:4] + "00"


def county_of(code: str) -> str:
    """The county token of *code*: the county, or a town or zone directly below a city, or the code itself above.

    >>> county_of("440106003012"), county_of("441900003005"), county_of("440100"), county_of("440300K01")
    ('440106', '441900003', '440100', '440300K01')
    """
    if len(code) == 9 and code[6].isalpha():
        return code
    return code[:6] if not code[:6].endswith("00") or len(code) == 6 else code[:9]


def contains(upper: str, lower: str) -> bool:
    """Whether *lower* lies in the subtree of *upper* (a code lies in its own).

    >>> contains("440100", "440106003"), contains("440106", "440111"), contains("440000", "441900003")
    (True, False, True)
    """
    if len(upper) == 6:
        prefix = upper[:2] if upper.endswith("0000") else upper[:4] if upper.endswith("00") else upper
        return lower.startswith(prefix)
    return lower.startswith(upper)
