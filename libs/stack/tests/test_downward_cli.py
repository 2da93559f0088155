"""`yiwang config publish` and `yiwang resync` say one event in the node's name."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from yiwang.contracts import ConfigPublished, ResyncRequested
from yiwang.kit.announced import digest_of, unpack
from yiwang.stack.announce import command as config
from yiwang.stack.resync import command as resync
from yiwang.stack.testing import TestNode


async def run(node: TestNode, command: Any, *words: str) -> Result:
    """The command as an operator of the city types it."""
    kit = node.kit(jurisdiction="440300")
    environ = {
        "YIWANG_NATS_URL": kit.nats_url, "YIWANG_DATABASE_URL": kit.database_url, "YIWANG_JURISDICTION": kit.jurisdiction,
    }  # fmt: skip
    return await asyncio.to_thread(CliRunner().invoke, command, list(words), env=environ)


async def test_a_file_is_announced_to_everybody_below_or_to_one(node: TestNode, tmp_path: Path) -> None:
    """Whole, with its digest; a long one compressed; Chinese time."""
    short, long = tmp_path / "short.csv", tmp_path / "long.csv"
    short.write_bytes("code,name\n1,信息采集\n".encode("utf-8-sig"))
    long.write_text("1,信息采集\n" * 40_000, "utf-8")
    words = ("publish", "channels", str(short), "--version", "1", "--valid-from", "2027-01-01")
    done = await run(node, config, *words)
    assert done.exit_code == 0, done.output
    assert "已向所有下级发布 channels 1" in done.output
    done = await run(node, config, "publish", "codes", str(long), *words[3:], "--to", "440304", "--title", "新类别")
    assert done.exit_code == 0, done.output

    first, second = await node.until(ConfigPublished, 2)
    assert (first.addressee, first.scope, first.valid_from.isoformat()) == ("", "440300", "2027-01-01T00:00:00+08:00")
    assert unpack(first.content, first.encoding) == "code,name\n1,信息采集\n"
    assert (second.addressee, second.title, second.encoding) == ("440304", "新类别", "zlib+base64")
    assert digest_of(unpack(second.content, second.encoding)) == second.digest


async def test_a_file_that_is_no_text_or_no_set_is_refused(node: TestNode, tmp_path: Path) -> None:
    """Before anything is said."""
    file = tmp_path / "codes.csv"
    file.write_bytes("编码".encode("gb18030"))
    words = ("publish", "codes", str(file), "--version", "1", "--valid-from", "2027-01-01")
    refused = await run(node, config, *words)
    assert refused.exit_code == 1
    assert "另存为 UTF-8" in refused.output
    assert (await run(node, config, "publish", "weather", *words[2:])).exit_code == 2
    assert await node.events(ConfigPublished) == []


async def test_a_node_below_is_asked_to_tell_its_cases_again(node: TestNode) -> None:
    """Only one below; the neighbour's county is none of ours."""
    done = await run(node, resync, "440304", "--from", "2026-10-01")
    assert done.exit_code == 0, done.output
    [asked] = await node.until(ResyncRequested)
    assert (asked.addressee, asked.reason, asked.since.isoformat()) == (
        "440304", "operator", "2026-10-01T00:00:00+08:00",
    )  # fmt: skip
    refused = await run(node, resync, "440106", "--from", "2026-10-01")
    assert refused.exit_code == 1
    assert "不在本级" in refused.output
