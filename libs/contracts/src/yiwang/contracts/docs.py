"""``python -m yiwang.contracts.docs [FOLDER]`` writes events.md, asyncapi.json and schemas/ from the registry."""

from __future__ import annotations

import re
import sys
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any, Final

import msgspec

from ._event import CaseEvent, Event
from ._privacy import personal_fields
from ._reflect import FieldDoc, fields_of, key_text, values_of
from ._registry import registry
from ._schemas import asyncapi, json_schema, summary

SAID_BY: Final = {
    "case.reported": "intake",
    "case.located": "grid",
    "case": "dispatch (the custodian)",
    "case.directed": "dispatch of an upper tier",
    "contact": "intake of the node that asks",
    "contact.wanted": "dispatch (the custodian)",
    "contact.sealed": "intake of the tier that holds the contact",
    "contact.refused": "intake of the tier that holds the contact",
    "contact.revoked": "intake of the tier that holds the contact",
    "contact.settled": "intake, to its own node",
    "copy": "dispatch of a node whose copy has a gap",
    "directive": "dispatch of the custodian",
    "directive.expired": "dispatch of the issuer",
    "custody.answered": "dispatch of the node to which a case is offered",
    "custody.released": "dispatch of the node that hands a case over",
    "visit.requested": "dispatch (the custodian)",
    "visit.answered": "dispatch of the tier that holds the contact",
    "numbers": "dispatch of a restored node, and of its parent",
    "referral": "dispatch of the node that referred",
    "report": "intake",
    "enforcement": "enforcement",
    "evidence": "enforcement",
    "evaluation": "evaluation",
    "notice.requested": "any service",
    "notice": "notification",
    "sync": "national_sync",
    "snapshot": "a reader that fills or mends its copy",
    "config": "the tier that owns, or that uses, the set",
    "mesh": "mesh, in every node",
    "area": "the old host of a moved area",
    "whistle": "dispatch of the community's node",
    "campaign": "dispatch of the node that leads it, or that takes part",
    "ledger": "dispatch of the node whose ledger it is",
    "station": "dispatch of the station's node",
    "task": "national_sync of the giver, or of the receiver",
    "data": "national_sync of the upper tier",
    "media": "national_sync of the tier that asks, or that holds the file",
    "resync": "the parent that asks, dispatch of the node below that answers",
}
"""Family or event → who may say it; the longest match counts."""

HEAD: Final = """# Events

Generated from `libs/contracts` by `make docs`; do not edit. Every fact that travels, by its wire name (the field
`type`). `up` facts may be seen by upper tiers, `down` comes from an upper tier, `local` never leaves its tier. Required
fields are marked *; everything else may be absent and then has its default. Unknown fields and unknown events are
skipped by readers. Schemas for other languages: `schemas/<event>.json` and `asyncapi.json`.
"""


def pages() -> dict[str, str]:
    """Relative path → text of every generated page."""
    made = {f"schemas/{tag}.json": _json(json_schema(tag)) for tag in registry()}
    made["asyncapi.json"] = _json(asyncapi(version("yiwang-contracts")))
    made["events.md"] = events_md()
    return made


def drift(folder: Path) -> list[str]:
    """Generated pages in *folder* that are missing, stale or left over."""
    made = pages()
    there = {f"schemas/{p.name}": p for p in (folder / "schemas").glob("*.json")}
    stale = [name for name, text in made.items() if not (folder / name).exists() or (folder / name).read_text() != text]
    return sorted({*stale, *(there.keys() - made.keys())})


def write(folder: Path) -> None:
    """Write all pages into *folder* and remove schemas of events that no longer exist."""
    (folder / "schemas").mkdir(parents=True, exist_ok=True)
    made = pages()
    for left_over in {f"schemas/{p.name}" for p in (folder / "schemas").glob("*.json")} - made.keys():
        (folder / left_over).unlink()
    for name, text in made.items():
        (folder / name).write_text(text)


def _json(document: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=1).decode() + "\n"


def said_by(tag: str) -> str:
    """Who may say the event *tag*."""
    return SAID_BY[max((name for name in SAID_BY if tag.startswith(name)), key=len)]


def heard_by() -> dict[str, list[str]]:
    """Event → the services of the workspace that handle it, asked of the services themselves."""
    found: dict[str, list[str]] = {}
    for entry in sorted(entry_points(group="yiwang.services"), key=lambda e: e.name):
        if entry.dist and entry.dist.name.startswith("yiwang-"):
            for tag in entry.load().subscriptions:
                found.setdefault(tag, []).append(entry.name)
    return found


def events_md() -> str:
    """The page for people: one table of all events, then each with its fields."""
    types, hearers = registry(), heard_by()
    lines = [HEAD, "## All events", "", "| event | 中文 | flow | said by | heard by |", "|---|---|---|---|---|"]
    lines += [
        f"| [{t}](#{_anchor(t)}) | {_chinese(c)} | {c.flow} | {said_by(t)} | {', '.join(hearers.get(t, []))} |"
        for t, c in types.items()
    ]
    lines += ["", "## Fields of every event", "", *_table(fields_of(Event))]
    own = {f.wire for f in fields_of(Event)}
    for tag, cls in types.items():
        lines += ["", f"## {tag}", "", f"{_prose(cls)}", ""]
        personal = personal_fields(cls)
        lines += [
            f"`{cls.__name__}` · flow **{cls.flow}** · said by {said_by(tag)} · order key `{key_text(cls)}`"
            + (f" · personal: {', '.join(personal)}" if personal else "")
        ]
        rest = [
            f for f in fields_of(cls) if f.wire not in own and not (f.wire == "case" and issubclass(cls, CaseEvent))
        ]
        head = ["", "`case`*: [CaseHead](#casehead)"] if issubclass(cls, CaseEvent) else []
        lines += [*head, *(["", *_table(rest)] if rest else [])]
    lines += ["", "# Values", ""]
    for struct in values_of(list(types.values())):
        lines += [f"## {struct.__name__}", "", _prose(struct), "", *_table(fields_of(struct)), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(fields: list[FieldDoc]) -> list[str]:
    rows = [f"| `{f.wire}`{'*' if f.required else ''} | {_linked(f.type)} | {_cell(f)} |" for f in fields]
    return ["| field | type | meaning |", "|---|---|---|", *rows]


def _linked(text: str) -> str:
    return re.sub(r"\b([A-Z]\w+)\b", lambda m: f"[{m[1]}](#{m[1].lower()})", text)


def _cell(field: FieldDoc) -> str:
    text = " ".join(field.meaning.split()).replace("|", "\\|").replace("``", "`")
    return f"**personal** {text}".strip() if field.personal else text


def _prose(cls: type) -> str:
    return " ".join((cls.__doc__ or "").split()).replace("``", "`")


def _chinese(cls: type) -> str:
    found = re.search(r"\(([^()]*[\u4e00-\u9fff][^()]*)\)", summary(cls))
    return found[1] if found else ""


def _anchor(tag: str) -> str:
    return tag.replace(".", "")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
