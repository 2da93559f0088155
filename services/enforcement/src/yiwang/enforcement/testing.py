"""For tests: builders of referrals, records and signed heads."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from yiwang.contracts import CaseReferredToEnforcement, ClueOpened, Extension, HeadSigned
from yiwang.kit import ManualClock
from yiwang.kit.testing import NOON, a_head, a_place

from . import merkle, signing
from .merkle import Node, suite_of

AGENCY: Final = "440310-chengguan"
SECRET_TEXT: Final = "当事人称其摊位经城管许可"
SECRET: Final = bytes(range(32))
SUITE: Final = suite_of("sha256")
ALG: Final = signing.alg_of("sha256")


def a_referral(**change: Any) -> CaseReferredToEnforcement:
    """A case under way in Pingshan, referred to the agency `AGENCY`."""
    head = a_head(state_after="handling", case_version=7, case_no="4403102026112300001", place=a_place())
    fields: dict[str, Any] = {"case": head, "referral_id": "r1", "agency_id": AGENCY, "item_code": "0510"}
    return CaseReferredToEnforcement(**(fields | change))


def officers(count: int = 2, **change: Any) -> list[dict[str, str]]:
    """*count* officers as a request names them."""
    return [{"ref": f"p{n}", "cert_ref": f"粤S{n:06d}"} | change for n in range(count)]


def a_record(**change: Any) -> dict[str, Any]:
    """The body of a complete record."""
    return {
        "kind": "transcript",
        "node_code": "inspection",
        "occurred_at": NOON.isoformat(),
        "officers": officers(),
        "text": SECRET_TEXT,
        "place": {"address": "坪山大道", "point": {"lon": 114.34, "lat": 22.69, "crs": "cgcs2000"}},
        "party": {"name": "某商户", "phone": "13800000000"},
    } | change


def a_tree(size: int, *, salt: bytes = b"") -> dict[Node, bytes]:
    """All nodes of a tree of *size* leaves; another *salt* gives another tree."""
    nodes: dict[Node, bytes] = {}
    for i in range(size):
        nodes |= merkle.appended(SUITE, i, SUITE.leaf(salt + b"%d" % i), nodes)
    return nodes


def a_signed_head(
    size: int, *, before: int = 0, secret: bytes = SECRET, salt: bytes = b"", at: dt.datetime = NOON
) -> HeadSigned:
    """The head of a log of *size* leaves, proving that it extends the one of *before* leaves."""
    nodes = a_tree(size, salt=salt)
    root = merkle.root_of(SUITE, size, nodes).hex()
    extends: tuple[Extension, ...] = ()
    if before:
        path = tuple(h.hex() for h in merkle.consistency(SUITE, before, size, nodes))
        extends = (Extension(size=before, root=merkle.root_of(SUITE, before, nodes).hex(), path=path),)
    return HeadSigned(
        log_id="agency-1",
        size=size,
        root=root,
        alg=ALG,
        key_id=signing.key_id_of(secret),
        signature=signing.sign(secret, signing.head_text("agency-1", size, root, ALG, at)),
        signed_at=at,
        extends=extends,
    )


@asynccontextmanager
async def enforcement(node: Any, **settings: Any) -> AsyncIterator[Any]:
    """The service on *node*, with a clock that stands at noon."""
    from .app import service

    async with node.running(service, settings=settings, clock=ManualClock(NOON)) as app:
        yield app


async def opened(node: Any, app: Any) -> str:
    """A referral has arrived; the id of its file."""
    await node.publish(a_referral())
    await node.until(ClueOpened)
    return str(await app.pool.fetchval("select file_id from files"))


def ok(answer: Any, status: int = 200) -> Any:
    """The body of an HTTP answer that must have *status*."""
    assert answer.status_code == status, answer.text
    return answer.json()


async def records(app: Any, file_id: str, count: int) -> list[Any]:
    """*count* records handed in over HTTP; their receipts."""
    http = app.http("enforcement_officer", unit_id=AGENCY)
    found = []
    for n in range(count):
        found.append(ok(await http.post(f"/enforcement/files/{file_id}/records", json=a_record(text=f"第{n}次")), 201))
    return found


async def bundle(app: Any, leaf: int) -> bytes:
    """The evidence bundle of one leaf, as it is downloaded."""
    answer = await app.http("legal_reviewer").get(f"/enforcement/logs/{AGENCY}/entries/{leaf}/bundle")
    ok(answer)
    return bytes(answer.content)
