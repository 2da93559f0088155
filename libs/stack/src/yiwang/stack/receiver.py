"""A receiver that stands in for the nation: it takes exchange batches and checks everything about them.

It shares no code with the sender, so that what both agree on is the wire and not a common mistake. It checks the
signature and its time, the sequence of each (sender, district) for gaps, hash and required fields of each record, ids
repeated with other content, and that nothing personal is in it. ``python -m yiwang.stack.receiver --secret S --file
BOOK`` runs it alone; the book is a file of JSON lines and is read again at the next start.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import uvicorn

REQUIRED: Final = {
    "case_base": ("case_id", "report_time", "source_code"),
    "case_flow": ("case_id", "step", "stage", "action", "to_state", "end"),
    "case_result": ("case_id", "outcome"),
    "media_ref": ("media_id", "case_id", "stage", "hash"),
    "grid_ref": ("cell_code",),
    "unit_ref": ("unit_code",),
}
ENVELOPE: Final = ("record_id", "kind", "district", "seq", "day", "occurred_at", "payload", "hash")
PERSONAL_NAMES: Final = re.compile(
    r"(^|_)(phone|mobile|openid|id_no|idcard|person_ref|person_name|contact|reporter_name)($|_)"
)
MOBILE: Final = re.compile(r"(?<![0-9A-Za-z])1[3-9]\d{9}(?![0-9A-Za-z])")
TOLERANCE_S: Final = 300
MOST_BYTES: Final = 32 * 1024 * 1024
Reply = tuple[int, Any]


class Receiver:
    """The books of the receiving side. *refuse* may name a reason to refuse a record, for tests and drills."""

    def __init__(
        self,
        secret: str,
        *,
        file: Path | None = None,
        required: dict[str, tuple[str, ...]] | None = None,
        refuse: Callable[[dict[str, Any]], str] = lambda record: "",
        now: Callable[[], float] = time.time,
    ) -> None:
        self._key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
        self._file, self._now = file, now
        self.required, self.refuse = required or REQUIRED, refuse
        self.records: dict[tuple[str, str], dict[str, Any]] = {}
        """(sender, record id) → record, as taken"""
        self.next: dict[tuple[str, str], int] = {}
        """(sender, district) → the number that comes next"""
        self.refused: list[dict[str, str]] = []
        self.duplicates = self.gaps = self.unsigned = self.batches = 0
        if file is not None and file.exists():
            self._read(file)

    def _read(self, file: Path) -> None:
        for line in file.read_text("utf-8").splitlines():
            with contextlib.suppress(json.JSONDecodeError):  # the last line of a killed run may be half written
                entry = json.loads(line)
                if "next" in entry:
                    self.next[entry["sender"], entry["district"]] = entry["next"]
                else:
                    self.records[entry["sender"], entry["record"]["record_id"]] = entry["record"]

    def _write(self, entries: Iterable[dict[str, Any]]) -> None:
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as out:
                out.write("".join(json.dumps(e, ensure_ascii=False) + "\n" for e in entries))
                out.flush()
                os.fsync(out.fileno())

    # -- checks ------------------------------------------------------------------------------------------------------

    def unsigned_because(self, headers: dict[str, str], signed: bytes) -> str:
        """Why the signature over *signed* isn't good; empty when it is."""
        message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not message_id or not re.fullmatch(r"\d{1,12}", stamp):
            return "no webhook-id or webhook-timestamp"
        if abs(self._now() - int(stamp)) > TOLERANCE_S:
            return f"the signature's time is more than {TOLERANCE_S} s away: set the clocks"
        mac = hmac.new(self._key, f"{message_id}.{stamp}.".encode() + signed, hashlib.sha256).digest()
        given = headers.get("webhook-signature", "").split(" ")
        if not any(hmac.compare_digest(g.encode(), b"v1," + base64.b64encode(mac)) for g in given):
            return "the signature doesn't fit the content: compare the secrets"
        return ""

    def fault_of(self, record: dict[str, Any]) -> str:
        """What is wrong with *record*; empty when nothing is."""
        missing = [name for name in ENVELOPE if name not in record]
        if missing:
            return f"信封缺少 {missing[0]}"
        payload, kind = record["payload"], record["kind"]
        if kind not in self.required:
            return f"不认识记录种类 {kind}"
        lacking = [name for name in self.required[kind] if payload.get(name) in (None, "")]
        if lacking:
            return f"{kind} 缺少必填字段 {lacking[0]}"
        canonical = json.dumps(payload, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        if hashlib.sha256(canonical).hexdigest() != record["hash"]:
            return "内容与 hash 不符"
        return _personal(payload) or self.refuse(record)

    # -- doors -------------------------------------------------------------------------------------------------------

    def take(self, batch: dict[str, Any]) -> Reply:
        """Check and keep a batch: (status, answer). Nothing is kept when a number is missing."""
        sender, district, records = batch.get("sender"), batch.get("district"), batch.get("records")
        if not (isinstance(sender, str) and isinstance(district, str) and isinstance(records, list) and records):
            return 400, {"detail": "a batch has sender, district and records"}
        if not all(isinstance(r, dict) and isinstance(r.get("seq"), int) for r in records):
            return 400, {"detail": "every record has a seq"}
        self.batches += 1
        expected = self.next.get((sender, district), 1)
        if (wanted := self._gap(sender, records, expected)) is not None:
            self.gaps += 1
            return 409, {"expected": wanted, "detail": f"expected {wanted}"}
        results, kept = [], []
        for record in records:
            result = self._one(sender, record)
            results.append(result)
            if result["status"] == "ok":
                kept.append({"sender": sender, "record": record})
            expected = max(expected, record["seq"] + 1)
        self.next[sender, district] = expected
        self._write([*kept, {"sender": sender, "district": district, "next": expected}])
        return 200, {"results": results, "expected": expected}

    def _gap(self, sender: str, records: list[dict[str, Any]], expected: int) -> int | None:
        """The number to go on with when one is left out, or was used for another record; None when all is well."""
        wanted = expected
        for record in records:
            known = (sender, record.get("record_id")) in self.records
            if record["seq"] > wanted or (record["seq"] < wanted and not known):
                return expected
            wanted = max(wanted, record["seq"] + 1)
        return None

    def _one(self, sender: str, record: dict[str, Any]) -> dict[str, str]:
        record_id = str(record.get("record_id", ""))
        held = self.records.get((sender, record_id))
        if held is not None and held["hash"] == record.get("hash"):
            self.duplicates += 1
            return {"record_id": record_id, "status": "duplicate"}
        reason = "同一编号的内容与此前不同" if held is not None else self.fault_of(record)
        if reason:
            self.refused.append({"sender": sender, "record_id": record_id, "reason": reason})
            return {"record_id": record_id, "status": "refused", "reason": reason}
        self.records[sender, record_id] = record
        return {"record_id": record_id, "status": "ok"}

    def known(self, sender: str, district: str, day: str) -> list[dict[str, str]]:
        """Ids and hashes of what is held of a day."""
        return [
            {"record_id": record_id, "hash": r["hash"]}
            for (who, record_id), r in self.records.items()
            if who == sender and r["district"] == district and r["day"] == day
        ]

    def digest(self, sender: str, district: str, day: str) -> dict[str, Any]:
        """Count and SHA-256 over sorted ``record_id hash`` lines."""
        lines = sorted(f"{k['record_id']} {k['hash']}\n" for k in self.known(sender, district, day))
        return {"count": len(lines), "digest": hashlib.sha256("".join(lines).encode()).hexdigest()}

    def summary(self) -> dict[str, Any]:
        """The books in numbers."""
        kinds: dict[str, int] = {}
        for record in self.records.values():
            kinds[record["kind"]] = kinds.get(record["kind"], 0) + 1
        return {
            "records": len(self.records), "kinds": kinds, "refused": len(self.refused), "duplicates": self.duplicates,
            "gaps": self.gaps, "unsigned": self.unsigned, "batches": self.batches,
            "next": {f"{sender}/{district}": n for (sender, district), n in self.next.items()},
        }  # fmt: skip

    def answer(self, method: str, path: str, query: bytes, headers: dict[str, str], body: bytes) -> Reply:
        """What an HTTP request gets: (status, JSON)."""
        what = path.rstrip("/").rpartition("/")[2]
        if method == "GET" and what == "summary":
            return 200, self.summary()
        signed = body if method == "POST" else path.encode() + (b"?" + query if query else b"")
        if why := self.unsigned_because(headers, signed):
            self.unsigned += 1
            return 401, {"detail": why}
        if method == "POST":
            try:
                batch = json.loads(body)
            except ValueError:
                return 400, {"detail": "no JSON"}
            return self.take(batch) if isinstance(batch, dict) else (400, {"detail": "no batch"})
        asked = {name: values[0] for name, values in parse_qs(query.decode("ascii", "replace")).items()}
        about = asked.get("sender", ""), asked.get("district", ""), asked.get("day", "")
        if what == "digest":
            return 200, self.digest(*about)
        return (
            (200, self.known(*about))
            if what == "records"
            else (404, {"detail": "POST a batch, or GET digest, records, summary"})
        )

    async def __call__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """The receiver as an ASGI app."""
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body") or len(body) > MOST_BYTES:
                break
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        if len(body) > MOST_BYTES:
            status, content = 413, {"detail": "too large"}
        else:
            status, content = self.answer(scope["method"], scope["path"], scope["query_string"], headers, body)
        data = json.dumps(content, ensure_ascii=False).encode()
        sent = [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": data})


def _personal(payload: dict[str, Any]) -> str:
    for name, value in payload.items():
        if PERSONAL_NAMES.search(name):
            return f"字段 {name} 是个人信息，不得上报"
        if isinstance(value, str) and MOBILE.search(value):
            return f"字段 {name} 中有手机号码，不得上报"
    return ""


@contextlib.asynccontextmanager
async def listening(receiver: Receiver, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve *receiver* while inside; gives the address to push to."""
    config = uvicorn.Config(
        receiver, host=host, port=port, log_config=None, lifespan="off", ws="none", access_log=False
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            if task.done():
                raise OSError(f"cannot listen on {host}:{port}; choose another port or stop what uses it")
            await asyncio.sleep(0.01)
        yield f"http://{host}:{server.servers[0].sockets[0].getsockname()[1]}/exchange"
    finally:
        server.should_exit = True
        await task


async def _serve(args: argparse.Namespace) -> None:
    receiver = Receiver(args.secret, file=Path(args.file) if args.file else None)
    async with listening(receiver, args.host, args.port) as url:
        sys.stdout.write(f"receiver listens on {url}; its books: {url.removesuffix('/exchange')}/summary\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Run the receiver until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m yiwang.stack.receiver", description=__doc__.split("\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8390)
    parser.add_argument(
        "--secret", default=os.environ.get("YIWANG_RECEIVER_SECRET", ""), help="shared secret, whsec_… or text"
    )
    parser.add_argument("--file", default="", help="the book: JSON lines, read again at the next start")
    args = parser.parse_args()
    if not args.secret:
        parser.error("give the shared secret by --secret or YIWANG_RECEIVER_SECRET")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(args))


if __name__ == "__main__":
    main()
