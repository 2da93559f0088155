"""Build, bring up, try, and say how long each took; status 0 only when all of it worked."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from . import engine, images, smoke

LIMIT = 300 * 10**6
"""Bytes that the image may have, its base included."""
TESTS = ("libs/stack/tests/test_servers.py", "tests/e2e/test_case_life.py", "services/intake/tests")
"""What is run on containers by testcontainers: the choice of servers, a city's day, one service."""


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Say what is done, and how long it took."""
    print(f"== {what}", flush=True)
    begin = time.monotonic()
    yield
    print(f"   {what}: {time.monotonic() - begin:.1f} s", flush=True)


def main() -> int:
    """All of it, or with the argument `wheelhouse` only the wheels for a build without network."""
    if sys.argv[1:] == ["wheelhouse"]:
        images.wheelhouse(f"{sys.version_info[0]}.{sys.version_info[1]}")
        return 0
    with timed("engine"):
        running = engine.find()
    with running as docker:
        print(f"   {docker.version()}")
        with timed("base and server images"):
            base, servers = images.base(docker), images.servers(docker)
        with timed("image"):
            images.build(docker, base)
        size = docker.size(images.NAME)
        print(f"   {images.NAME}: {size / 10**6:.0f} MB on a base of {docker.size(base) / 10**6:.0f} MB")
        if size > LIMIT:
            print(f"   the image has more than {LIMIT / 10**6:.0f} MB: see what grew with docker history")
            return 1
        for layers in (smoke.COUNTY, smoke.CITY):
            with timed(f"compose, {len(layers)} file(s)"):
                smoke.run(docker, servers, layers)
        with timed("testcontainers"):
            return tests(docker, servers)


def tests(docker: engine.Docker, servers: images.Servers) -> int:
    """The tests on containers that testcontainers starts."""
    environ = docker.environ | {
        "YIWANG_BACKEND": "containers",
        "YIWANG_NATS_IMAGE": servers.nats,
        "YIWANG_PG_IMAGE": servers.postgres,
        # Its helper image may not be there to pull; every test here ends its containers itself.
        "TESTCONTAINERS_RYUK_DISABLED": "true",
        "TESTCONTAINERS_HOST_OVERRIDE": "127.0.0.1",
    }
    print("   " + json.dumps({key: environ[key] for key in environ if key.startswith("YIWANG_")}))
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--timeout", "300", *TESTS], env=environ, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
