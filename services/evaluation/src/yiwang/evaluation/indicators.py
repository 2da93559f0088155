"""Indicators of an object: rates that are always computed from sums, with their numerator and denominator. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from .formulas import Formula, Number, parsed, percent, rounded


class Indicator(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One indicator, as data."""

    code: str
    title: str
    formula: str
    percent: bool = True
    better: str = "high"
    """high, low or none"""
    source: str = ""


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """An indicator with its value, and what it was computed from."""

    code: str
    title: str
    value: Decimal | None
    shown: str
    formula: str
    numerator: Decimal | None = None
    denominator: Decimal | None = None


class Indicators:
    """A set of indicators whose formulas were checked. A formula may use ``rate.x`` of one that stands before it."""

    def __init__(self, rows: Iterable[Indicator]) -> None:
        """Raises ValueError with a sentence."""
        self.rows: dict[str, Indicator] = {}
        self.formulas: dict[str, Formula] = {}
        for row in rows:
            if row.better not in ("high", "low", "none"):
                raise ValueError(f"指标 {row.code} 的 better 应为 high、low 或 none")
            formula = Formula(row.formula)
            unknown = {n for n in formula.names if n.startswith("rate.") and n[5:] not in self.rows}
            if unknown:
                raise ValueError(f"指标 {row.code} 用到了排在它后面或没有的指标 {'、'.join(sorted(unknown))}")
            self.rows[row.code], self.formulas[row.code] = row, formula

    @property
    def low(self) -> frozenset[str]:
        """Of which less is better."""
        return frozenset(code for code, row in self.rows.items() if row.better == "low")

    @property
    def names(self) -> frozenset[str]:
        """Every name that some formula needs."""
        return frozenset().union(*(f.names for f in self.formulas.values()))

    def chain(self, code: str) -> list[str]:
        """The indicators that *code* is computed from, each before those that need it, and itself."""
        found: dict[str, None] = {}
        for name in sorted(self.formulas[code].names):
            if name.startswith("rate."):
                found |= dict.fromkeys(self.chain(name[5:]))
        return [*found, code]

    def needs(self, code: str) -> frozenset[str]:
        """The names that *code* needs in the end."""
        names = frozenset().union(*(self.formulas[one].names for one in self.chain(code)))
        return frozenset(name for name in names if not name.startswith("rate."))

    def rate(self, code: str, values: Mapping[str, Number]) -> Number:
        """The value of one indicator."""
        return self.rates(values, [code])[code]

    def rates(self, values: Mapping[str, Number], codes: Iterable[str] | None = None) -> dict[str, Number]:
        """code → value, of all or of *codes* and what they are computed from."""
        wanted = set(self.formulas) if codes is None else {one for code in codes for one in self.chain(code)}
        found: dict[str, Number] = {}
        known = dict(values)
        for code, formula in self.formulas.items():
            if code in wanted:
                found[code] = known[f"rate.{code}"] = formula.value(known)
        return found

    def values(self, values: Mapping[str, Number]) -> list[Value]:
        """Every indicator with its explanation."""
        rates = self.rates(values)
        return [self._one(code, rates[code], values) for code in self.rows]

    def _one(self, code: str, rate: Number, values: Mapping[str, Number]) -> Value:
        row, formula = self.rows[code], self.formulas[code]
        up, down = formula.parts
        shown = percent(rate) if row.percent else "—" if rate is None else str(rounded(rate))
        return Value(
            code=code, title=row.title, value=None if rate is None else rounded(rate, 6), shown=shown, formula=row.formula,
            numerator=parsed(up).value(values) if up and "rate." not in up else None,
            denominator=parsed(down).value(values) if down and "rate." not in down else None,
        )  # fmt: skip


def segments_in(names: Iterable[str]) -> set[str]:
    """The segments that formulas ask for: ``archive_num@urgent`` → ``@urgent``."""
    return {"@" + name.partition("@")[2] for name in names if "@" in name}


def known_values(sums: Mapping[str, int], names: Iterable[str], others: Mapping[str, Number]) -> dict[str, Number]:
    """Values of *names*: counters that no case has are 0; inputs, targets and surveys that nobody gave are unknown,
    but an input is a count of events, and nobody entering one means none."""
    found: dict[str, Number] = {}
    for name in names:
        if name.startswith("input."):
            found[name] = others.get(name, Decimal(0))
        elif "." in name:
            found[name] = others.get(name)
        else:
            found[name] = Decimal(sums.get(name, 0))
    return found
