"""The tree of areas: names, paths, children and codes that were replaced."""

from __future__ import annotations

from collections.abc import Iterable

from yiwang.contracts import AreaRef
from yiwang.contracts.areas import city_of, level_of, province_of

from .layers import Area


def path_of(code: str) -> dict[str, str]:
    """level → code of everything above and at *code*, by the code rule alone.

    >>> path_of("440310006002001")["street"], path_of("441900003005")
    ('440310006', {'province': '440000', 'city': '441900', 'street': '441900003', 'community': '441900003005'})
    """
    level = level_of(code)
    path = {"province": province_of(code)}
    if level == "province":
        return path
    path["city"] = city_of(code)
    if level == "extension":
        return path | {"county": code}
    if not code[:6].endswith("00"):
        path["county"] = code[:6]
    for name, digits in (("street", 9), ("community", 12)):
        if len(code) >= digits:
            path[name] = code[:digits]
    return path


def short_code(code: str) -> str:
    """A 12-digit street code (``440310001000``) as the 9 digits that the mesh uses; other codes unchanged."""
    return code[:9] if len(code) == 12 and code.endswith("000") else code


class AreaTree:
    """The areas of one version by code."""

    def __init__(self, areas: Iterable[Area], version: str = "") -> None:
        self.version = version
        self.by_code = {area.code: area for area in areas}
        self._refs: dict[str, AreaRef] = {}
        self._children: dict[str, list[Area]] = {}
        self._successors: dict[str, list[str]] = {}
        for area in self.by_code.values():
            self._children.setdefault(area.parent, []).append(area)
            if area.predecessor:
                self._successors.setdefault(area.predecessor, []).append(area.code)

    def get(self, code: str) -> Area | None:
        return self.by_code.get(code)

    def children(self, code: str) -> list[Area]:
        return sorted(self._children.get(code, []), key=lambda area: area.code)

    def successors(self, code: str) -> list[str]:
        """The codes that replaced *code*."""
        return sorted(self._successors.get(code, []))

    def current(self, code: str) -> list[str]:
        """*code* itself when it is in the tree; the codes that replaced it, if it was abolished; else nothing."""
        code = short_code(code)
        if code in self.by_code and not self.by_code[code].valid_to:
            return [code]
        return self._successors.get(code) or ([code] if code in self.by_code else [])

    def ref(self, code: str) -> AreaRef:
        """The administrative path of an area or cell code, with the names that the tree knows; shared, immutable."""
        code = code[:12]
        found = self._refs.get(code)
        if found is None:
            path = path_of(code)
            names = {c: self.by_code[c].name for c in path.values() if c in self.by_code}
            found = self._refs[code] = AreaRef(
                province=path["province"],
                city=path.get("city", ""),
                county=path.get("county", ""),
                street9=path.get("street", ""),
                community12=path.get("community", ""),
                names=names,
                area_version=self.version,
            )
        return found
