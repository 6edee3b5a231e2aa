"""Trial of a wheel and an sdist as their users meet them.

    python tools/try_dist.py dist

The wheel is installed into a new environment in a temporary folder and upscales the demo clip from
there. The sdist is unpacked; its tests are collected, and some are run, by this interpreter, which
has to have the extra `test`.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tarfile
import venv
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
SOME_TESTS = (
    *("tests/docs/test_pages.py", "tests/picture", "tests/test_layers.py"),
    *("tests/test_packaging.py", "tests/test_readme.py"),
)


def run(
    command: Sequence[str | Path], folder: Path, path: Path | None = None, output: int | None = None
) -> None:
    """Run a command in ``folder``, with ``path`` as PYTHONPATH; raise an error if it fails."""
    print(f"+ {shlex.join(map(str, command))}", flush=True)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    subprocess.run(command, cwd=folder, env=environment, stdout=output, check=True)


def only(folder: Path, pattern: str) -> Path:
    """Return the one file that matches; end the program if there is another number of them."""
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"{folder}: expected one {pattern}, got {len(found)}")
    return found[0].resolve()


def try_wheel(wheel: Path, folder: Path, pip_flags: Sequence[str]) -> None:
    """Install the wheel into a new environment and upscale the demo clip with it."""
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / "bin"
    pip = [str(programs / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    run([*pip, "-c", ROOT / "constraints.txt", *pip_flags, wheel], folder)
    target = folder / "demo_4x.mp4"
    run([programs / "vidsr", ROOT / "examples" / "demo.mp4", "-o", target], folder)
    for command in ("bench", "degrade", "engine", "eval", "job", "live", "train"):
        run([programs / f"vidsr-{command}", "--help"], folder, output=subprocess.DEVNULL)
    if not target.stat().st_size:
        raise SystemExit(f"{target}: is empty")


def try_sdist(sdist: Path, folder: Path) -> None:
    """Unpack the sdist, collect its tests and run some."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    unpacked = folder / sdist.name.removesuffix(".tar.gz")
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    code = "import vidsr, os; assert os.path.samefile(os.path.dirname(vidsr.__file__), 'vidsr')"
    run([sys.executable, "-c", code], unpacked, unpacked)
    run([*pytest, "--collect-only", "-qq"], unpacked, unpacked)
    run([*pytest, "-m", "not slow", *SOME_TESTS], unpacked, unpacked)


def main() -> None:
    """Try out what the folder holds."""
    parser = argparse.ArgumentParser(description="Try out a wheel and an sdist.")
    parser.add_argument("folder", type=Path, help="folder that holds one wheel and one sdist")
    parser.add_argument("--pip-flags", default="", help="more options for pip, in one text")
    args = parser.parse_args()
    wheel, sdist = only(args.folder, "*.whl"), only(args.folder, "*.tar.gz")
    with TemporaryDirectory(prefix="vidsr-dist-") as folder:
        try_sdist(sdist, Path(folder))
        try_wheel(wheel, Path(folder), shlex.split(args.pip_flags))
    print(f"{wheel.name} and {sdist.name} work")


if __name__ == "__main__":
    main()
