"""Where a server that must not run as root can read and write.

PostgreSQL refuses to run as root, so a root user's server runs as `nobody`. Then every directory on the way to the
program and to the data must let `nobody` pass. A clone below a home of mode 700 does not; the program is then copied,
and the data put, below /var/lib/yiwang, and the caller is told so in a sentence.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
from pathlib import Path
from typing import NamedTuple

PUBLIC_HOME = Path("/var/lib/yiwang")


class Unreachable(OSError):
    """A directory cannot be entered by the user that runs the server; the sentence says which and what to do."""


class ServerUser(NamedTuple):
    """The user a server runs as when we are root."""

    name: str
    uid: int
    gid: int


def server_user() -> ServerUser | None:
    """The unprivileged user to run PostgreSQL as, or None when we are not root ourselves."""
    if os.name != "posix" or os.geteuid() != 0:
        return None
    name = os.environ.get("YIWANG_SERVER_USER", "nobody")
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise Unreachable(f"没有系统用户 {name}：请设置 YIWANG_SERVER_USER 为一个已有的普通用户") from None
    return ServerUser(name, entry.pw_uid, entry.pw_gid)


def blocked_at(path: Path, user: ServerUser) -> Path | None:
    """The first existing directory on the way to `path` that `user` may not enter, or None."""
    path = path.absolute()
    for step in reversed([path, *path.parents]):
        try:
            info = step.stat()
        except FileNotFoundError:
            return None
        if not stat.S_ISDIR(info.st_mode):
            continue
        if info.st_uid == user.uid:
            bit = stat.S_IXUSR
        elif info.st_gid == user.gid:
            bit = stat.S_IXGRP
        else:
            bit = stat.S_IXOTH
        if not info.st_mode & bit:
            return step
    return None


def data_home(wanted: Path, user: ServerUser | None) -> tuple[Path, str]:
    """The directory to use for `wanted`, and a sentence when it is another one ("" when it is the same)."""
    if user is None:
        return wanted, ""
    blocked = blocked_at(wanted.parent, user)
    if blocked is None:
        return wanted, ""
    place = PUBLIC_HOME / hashlib.sha256(str(wanted.absolute()).encode()).hexdigest()[:12]
    _public_dir(place.parent)
    return place, f"用户 {user.name} 进不了 {blocked}，PostgreSQL 的数据改放在 {place}（或用 --data 另选目录）"


def program_home(installed: Path, version: str, user: ServerUser | None) -> Path:
    """A copy of the program directory that `user` can execute; `installed` itself where that is possible."""
    if user is None or blocked_at(installed, user) is None:
        return installed
    place = PUBLIC_HOME / f"postgres-{version}"
    if place.exists():
        return place
    _public_dir(PUBLIC_HOME)
    copying = place.with_name(f"{place.name}.{os.getpid()}")
    shutil.copytree(installed, copying, symlinks=True)
    try:
        copying.rename(place)
    except OSError:  # another process was faster; its copy is as good
        shutil.rmtree(copying)
    return place


def _public_dir(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o755)
    except OSError as error:
        raise Unreachable(
            f"无法建立 {path}（{error.strerror}）：请换一个普通用户可进入的目录，或不要用 root 运行"
        ) from error
