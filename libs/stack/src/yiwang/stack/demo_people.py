"""The people of the demo: they work the queues over the HTTP API that everybody uses, now and then deciding otherwise."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import struct
import zlib
from collections.abc import Callable
from typing import Any, Final

import httpx

Token = Callable[[str, str], str]
"""(role, unit) → a token"""

WORK: Final = ("locate", "accept", "audit", "verify", "file", "dispatch_city", "dispatch", "assign", "handle", "confirm", "gate",
               "check", "decide", "force", "close")  # fmt: skip
ROLE: Final = {
    "locate": "acceptor", "accept": "acceptor", "audit": "acceptor", "verify": "collector", "file": "acceptor",
    "dispatch_city": "dispatcher", "dispatch": "dispatcher", "assign": "dept_operator", "handle": "dept_operator",
    "confirm": "dept_operator", "gate": "dispatcher", "check": "collector", "decide": "shift_leader",
    "force": "leader", "close": "shift_leader",
}  # fmt: skip
"""Queue → who works it off here."""
USUALLY: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "accept": ("accept", {}),
    "audit": ("audit_self_disposed", {"result": "ok"}),
    "dispatch_city": ("dispatch_down", {}),
    "dispatch": ("dispatch", {}),
    "confirm": ("dept_confirm", {}),
    "gate": ("pass", {}),
    "decide": ("decide_check", {"result": "pass", "opinion": "依现有材料予以认可"}),
    "force": ("force_close", {"opinion": "同意特殊结案"}),
}
RARELY: Final[dict[str, tuple[float, str, dict[str, Any]]]] = {
    "accept": (0.02, "void", {"reason_code": "duplicate", "opinion": "与已有案件重复"}),
    "assign": (0.03, "dept_return", {"reason_code": "not_ours", "opinion": "不属本单位职责"}),
    "gate": (0.03, "dispatcher_reject", {"opinion": "照片看不清处置结果"}),
}
"""Queue → (chance, action, body) of what happens now and then"""
OPEN_PARTS: Final = ("waiting", "handling", "handled")
"""States of a co-unit's part that keep the lead unit from confirming"""


def tiny_png() -> bytes:
    """A one-pixel picture, made here."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0\x40\x80\x40"))
        + chunk(b"IEND", b"")
    )


def _code_of(place: dict[str, Any]) -> str:
    area = place.get("area", {})
    return str(place.get("cell15") or area.get("community12") or area.get("street9") or "")


class Crew:
    """Everybody who works in the city, behind one HTTP address."""

    def __init__(self, http: httpx.AsyncClient, token: Token, node: str, seed: int = 1, glance: str = "") -> None:
        """*glance*: a token of somebody with every role, by whom the crew sees at one look which queues have work."""
        self._http, self._token, self._node, self._glance = http, token, node, glance
        self._random = random.Random(seed)
        self._tokens: dict[tuple[str, str], str] = {}
        self._photos: dict[str, Any] = {}
        self.refusals: list[str] = []
        self.acts = 0

    def _as(self, role: str, unit: str = "") -> dict[str, str]:
        key = (role, unit)
        if key not in self._tokens:
            self._tokens[key] = self._token(role, unit)
        return {"Authorization": f"Bearer {self._tokens[key]}"}

    async def round(self, now: dt.datetime) -> int:
        """Work every queue once; returns how many steps were taken."""
        before = self.acts
        for queue in await self._with_work():
            page = await self._http.get(
                "/cases", params={"queue": queue, "limit": 100}, headers=self._as("shift_leader")
            )
            page.raise_for_status()
            cases = page.json()["cases"]
            for start in range(0, len(cases), 16):
                await asyncio.gather(*(self._work(queue, case, now) for case in cases[start : start + 16]))
        return self.acts - before

    async def step(self, case_id: str, now: dt.datetime) -> dict[str, Any]:
        """Do what the queue of this one case asks for, if this node has it; the case as it was, {} while nobody knows it."""
        answer = await self._http.get(f"/cases/{case_id}", headers=self._as("shift_leader"))
        if answer.status_code == 404:
            return {}
        answer.raise_for_status()
        detail = answer.json()
        case: dict[str, Any] = detail["case"] | {"custodian": detail["custody"]["custodian"]}
        if case["queue"] and not detail["custody"]["read_only"]:
            await self._work(case["queue"], case, now)
        return case

    async def _with_work(self) -> list[str]:
        """The queues to look into: those of units, whose work only the unit sees, and those that say that some waits."""
        if not self._glance:
            return list(WORK)
        answer = await self._http.get("/cases/queues", headers={"Authorization": f"Bearer {self._glance}"})
        answer.raise_for_status()
        waiting = {one["queue"] for one in answer.json() if one["waiting"]}
        return [queue for queue in WORK if queue in waiting or ROLE[queue] == "dept_operator"]

    async def _work(self, queue: str, case: dict[str, Any], now: dt.datetime) -> None:
        if queue == "locate":
            await self._locate(case)
            return
        if queue == "confirm" and (part := await self._part_of(case)):
            await self._help(case, part, now)
            return
        role = ROLE[queue]
        unit = case.get("unit_id", "") if role == "dept_operator" else ""
        action, body = await self._decide(queue, case, now)
        if action:
            await self._act(case, action, body, self._as(role, unit))

    async def _decide(self, queue: str, case: dict[str, Any], now: dt.datetime) -> tuple[str, dict[str, Any]]:
        """What a person does with a case of this queue, with the chances of a real office."""
        chance = self._random.random()
        if queue in ("verify", "handle", "check"):
            return await self._in_the_field(queue, chance, now)
        if queue == "close":
            return "close", {"closing_condition_ids": list((await self._detail(case))["closing_conditions"])}
        rare = RARELY.get(queue)
        if queue == "file":
            choices = list((await self._detail(case))["filing_conditions"])
            return "file", {"condition_id": self._random.choice(choices)} if choices else {}
        if queue == "accept":
            detail = await self._detail(case)
            if detail["verified"] in ("not_exist", "unable"):
                return "void", {"reason_code": "not_exist", "opinion": "经核实，现场未发现所述问题"}
            if detail["verify_policy"] != "skip" and not detail["verified"]:
                return "send_verify", {}
        if rare is not None and chance < rare[0] and not case.get("returned"):
            return rare[1], rare[2]
        if queue == "assign":
            return "assign_handler", {"handler_ref": f"handler-{self._random.randrange(40):02d}"}
        return USUALLY[queue]

    async def _in_the_field(self, queue: str, chance: float, now: dt.datetime) -> tuple[str, dict[str, Any]]:
        """Steps that want a photo."""
        if queue == "handle":
            mode = self._random.choices(("service", "manage", "enforce"), weights=(70, 20, 10))[0]
            return "submit_result", {"resolution_mode": mode, "media": [await self._photo("after", now)]}
        if queue == "verify":
            if chance < 0.06:
                return "verify_result", {"result": "not_exist", "opinion": "现场未发现所述问题"}
            return "verify_result", {"result": "exist", "media": [await self._photo("verify", now)]}
        photo = [await self._photo("check", now)]
        if chance < 0.05:
            return "check_result", {"result": "not_pass", "opinion": "问题仍在", "media": photo}
        return "check_result", {"result": "pass", "media": photo}

    async def _part_of(self, case: dict[str, Any]) -> dict[str, Any] | None:
        """The first part of a co-unit (协办) that isn't in yet: the lead unit confirms when all are."""
        parts = (await self._detail(case))["subtasks"]
        return next((part for part in parts if part.get("state", "waiting") in OPEN_PARTS), None)

    async def _help(self, case: dict[str, Any], part: dict[str, Any], now: dt.datetime) -> None:
        """The co-unit's people give the result of their part, then confirm it."""
        action, body = "confirm_co", {"assignment_id": part["assignment"]["assignment_id"]}
        if part.get("state") != "handled":
            action, body = "submit_co_result", body | {"media": [await self._photo("after", now)]}
        await self._act(case, action, body, self._as("dept_operator", part["assignment"]["unit_id"]))

    async def _detail(self, case: dict[str, Any]) -> dict[str, Any]:
        answer = await self._http.get(f"/cases/{case['case_id']}", headers=self._as("shift_leader"))
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    async def _act(self, case: dict[str, Any], action: str, body: dict[str, Any], headers: dict[str, str]) -> None:
        answer = await self._post(case, action, body, headers)
        if answer.status_code == 403 and answer.json().get("code") == "dispatch.not_the_department":
            asked = (await self._detail(case))["task"]["assignee"]["unit_id"]  # 多部门入格: its people answer
            answer = await self._post(case, action, body, self._as("collector", asked))
        self._note(answer, action, case)

    async def _post(
        self, case: dict[str, Any], action: str, body: dict[str, Any], headers: dict[str, str]
    ) -> httpx.Response:
        key = {"Idempotency-Key": f"{case['case_id']}-{case['version']}-{action}"}
        return await self._http.post(
            f"/cases/{case['case_id']}/{action}", json={"version": case["version"], **body}, headers=headers | key
        )

    def _note(self, answer: httpx.Response, action: str, case: dict[str, Any]) -> None:
        if answer.status_code == 200:
            self.acts += 1
        elif answer.status_code != 409:  # 409: somebody else was quicker
            self.refusals.append(f"{action} {case.get('state')}: {answer.status_code} {answer.text[:200]}")

    async def _locate(self, case: dict[str, Any]) -> None:
        """A person finds the place of a report that the grid couldn't locate: the likeliest candidate, or the town hall."""
        answer = await self._http.get("/grid/unlocated", params={"limit": 500}, headers=self._as("acceptor"))
        answer.raise_for_status()
        for one in answer.json():
            if one["case_id"] == case["case_id"]:
                code = next((c for c in map(_code_of, one["candidates"]) if c), await self._some_street())
                body = {"version": one["version"], "code": code}
                done = await self._http.post(
                    f"/grid/unlocated/{one['case_id']}/resolve", json=body, headers=self._as("acceptor")
                )
                self._note(done, "resolve", case)

    async def _some_street(self) -> str:
        """The first street of the city, as an acceptor would write down a caller who can't say more."""
        at = self._node
        for _ in range(3):
            answer = await self._http.get(f"/grid/areas/{at}", headers=self._as("acceptor"))
            answer.raise_for_status()
            children = answer.json()["children"]
            at = children[0]["code"] if children else at
            if len(at) == 9:
                break
        return at

    async def _photo(self, stage: str, now: dt.datetime) -> dict[str, Any]:
        """A photo of this stage: the bytes are stored once, every use has its own moment."""
        if not self._photos:
            form = {"files": ("demo.png", tiny_png(), "image/png")}
            answer = await self._http.post("/reports/media", files=form, headers=self._as("collector"))
            answer.raise_for_status()
            self._photos = answer.json()["media"][0]
        return {**self._photos, "stage": stage, "home_node": self._node, "shot_at": now.isoformat()}
