"""What a service cannot handle waits for a person, who sees why, decides, and is remembered."""

from __future__ import annotations

import asyncio
import importlib
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from yiwang.kit import Service
from yiwang.kit.testing import a_head, a_report
from yiwang.stack.testing import TestNode

PICKY = """
from yiwang.contracts import CaseReported
from yiwang.kit import Context, Reject, Service

service = Service("picky", database=True)
refused = {"case-1", "case-2"}

@service.on(CaseReported)
async def judge(event: CaseReported, ctx: Context) -> None:
    if event.case.case_id in refused:
        raise Reject("没有这样的街道")
"""


@pytest.fixture
def picky(open_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service that rejects some cases, importable by the command line too."""
    (open_dir / "picky_service.py").write_text(PICKY)
    monkeypatch.syspath_prepend(str(open_dir))
    service = importlib.reload(importlib.import_module("picky_service")).service
    assert isinstance(service, Service)
    return service


async def yiwang(node: TestNode, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command on this node, beside the running service."""
    environ = os.environ | {
        "YIWANG_NATS_URL": node.nats_url, "YIWANG_DATABASE_URL": node.database_url, "PYTHONPATH": str(folder),
        "COLUMNS": "200",
    }  # fmt: skip
    command = [sys.executable, "-m", "yiwang.stack", *arguments]
    return await asyncio.to_thread(
        subprocess.run, command, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


async def test_a_person_sees_retries_and_drops_what_was_parked(node: TestNode, picky: Service, open_dir: Path) -> None:
    """The list shows the reason; a retry is handled once the cause is gone; a drop keeps who decided and why."""
    async with node.running(picky):
        for n in (1, 2, 3):
            await node.publish(a_report(head=a_head(case_id=f"case-{n}", report_ids=(f"report-{n}",))))
        await node.settled(parked=2)
        listed = await yiwang(node, open_dir, "parked", "list", "picky_service:service")
        assert listed.stdout.count("没有这样的街道") == 2, listed.stderr
        shown = await yiwang(node, open_dir, "parked", "show", "picky_service:service", "1")
        assert "case.reported.v1" in shown.stdout
        assert '"report-1"' in shown.stdout

        sys.modules["picky_service"].refused.clear()
        retried = await yiwang(node, open_dir, "parked", "retry", "picky_service:service", "1")
        assert retried.returncode == 0, retried.stderr
        assert "乱序" in retried.stdout
        await node.settled(parked=1)

        dropped = await yiwang(
            node, open_dir, "parked", "drop", "picky_service:service", "2", "--why", "重复上报", "--by", "值班长"
        )
        assert dropped.returncode == 0, dropped.stderr
        await node.settled(parked=0)
    db = await asyncpg.connect(node.database_url)
    kept = await db.fetchrow("select state, decided_by, reason from picky.kit_parked where id = 2")
    await db.close()
    assert kept is not None
    assert (kept["state"], kept["decided_by"]) == ("dropped", "值班长")
    assert "重复上报" in kept["reason"]


async def test_refuses_to_decide_what_is_not_parked(node: TestNode, picky: Service, open_dir: Path) -> None:
    """A wrong number is answered with how to find the right one; a drop without a reason is no drop."""
    async with node.running(picky):
        wrong = await yiwang(node, open_dir, "parked", "retry", "picky_service:service", "7")
        silent = await yiwang(node, open_dir, "parked", "drop", "picky_service:service", "7", "--why", " ")
    assert wrong.returncode == 1
    assert "parked list" in wrong.stderr
    assert silent.returncode == 1
