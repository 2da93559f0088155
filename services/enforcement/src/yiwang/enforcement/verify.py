"""``python -m yiwang.enforcement.verify FILE``: check an evidence bundle offline; status 0 only if it all holds."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from .bundle import Bundle, findings

USAGE = "用法：python -m yiwang.enforcement.verify 证据包.json"


def check(data: bytes) -> tuple[bool, list[str]]:
    """Whether the bundle in *data* holds, and a line for each link of its proof."""
    try:
        bundle = msgspec.json.decode(data, type=Bundle)
        found = findings(bundle)
    except (msgspec.MsgspecError, ValueError) as error:
        return False, [f"✗ 不是完整的证据包：{error}。请向出具机关重新取得文件。"]
    lines = [f"{'✓' if f.ok else '✗'} {f.say}" for f in found]
    if not bundle.cosignatures:
        lines.append("! 没有上级见证的联署：只能证明自签名以来未变")
    good = all(f.ok for f in found)
    lines.append("结论：证据完整，未被改动" if good else "结论：证据不可信，请勿采用，并向出具机关查问")
    return good, lines


def main(args: list[str]) -> int:
    """Check the named files; 0 all good, 1 something doesn't hold, 2 wrong call."""
    if not args or args[0] in ("-h", "--help"):
        sys.stderr.write(USAGE + "\n")
        return 2
    status = 0
    for name in args:
        try:
            good, lines = check(Path(name).read_bytes())
        except OSError as error:
            good, lines = False, [f"✗ 打不开文件：{error}"]
        sys.stdout.write("\n".join([name, *lines]) + "\n")
        status |= not good
    return int(status)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
