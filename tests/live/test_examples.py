"""The example programs run, those of OpenCV and GStreamer where these are installed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from tests.paths import ROOT
from tests.servers.senders import write_clip

EXAMPLES = ROOT / "examples"
SYSTEM = "/usr/lib/python3/dist-packages"  # where distributions put PyGObject


def run_example(name: str, *arguments: str, path: str = "") -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), path)))}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        capture_output=True, text=True, timeout=100, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_opencv(tmp_path: Path) -> None:
    if find_spec("cv2") is None:
        pytest.skip("OpenCV is not installed")
    told = run_example("live_opencv.py", "--seconds", "2", "--picture", str(tmp_path / "o.jpg"))
    assert "640x360" in told
    assert (tmp_path / "o.jpg").read_bytes().startswith(b"\xff\xd8")


def test_gstreamer(tmp_path: Path) -> None:
    path = "" if find_spec("gi") else SYSTEM
    probe = "import gi; gi.require_version('GstApp', '1.0'); from gi.repository import Gst, GstApp"
    probe += "; Gst.init(None); assert all(map(Gst.ElementFactory.find, ('x264enc', 'appsrc')))"
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, "-c", probe]
    if subprocess.run(command, capture_output=True, env=environment, timeout=60).returncode:
        pytest.skip("PyGObject and GStreamer are not installed: tools/install_servers.sh")
    told = run_example("live_gstreamer.py", "--seconds", "1", str(tmp_path / "g.mkv"), path=path)
    assert "of 25 frames shown, 320x192" in told
    assert (tmp_path / "g.mkv").stat().st_size > 1000


def load(name: str) -> ModuleType:
    spec = spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "missing", "said"),
    [
        ("live_opencv", "cv2", "pip install opencv-python-headless"),
        ("live_gstreamer", "gi", "apt-get install python3-gi"),
        ("live_web", "aiohttp", "pip install aiohttp"),
    ],
)
def test_what_is_not_installed_is_said_in_one_line(
    name: str, missing: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SystemExit) as stop:
        load(name)
    told = str(stop.value)
    assert told.startswith("error: ")
    assert told.endswith(f"Hint: {said}")
    assert "\n" not in told


def test_frames_of_a_file_that_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=3)
    monkeypatch.setattr(sys, "argv", ["embed_frames.py", str(clip), "--model", "lite-fast-x2"])
    load("embed_frames").main()
    assert "frame 0: (96, 160, 3) -> (192, 320, 3)" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["embed_frames.py", str(tmp_path / "none.mp4")])
    with pytest.raises(SystemExit):
        load("embed_frames").main()
    assert "none.mp4: no such file" in capsys.readouterr().err


def test_web() -> None:
    utils = pytest.importorskip("aiohttp.test_utils")
    example = load("live_web")
    options = {"realtime": True, "loop": True, "ladder": ["bicubic"], "scale": 2}

    async def visit() -> None:
        app = example.application(str(EXAMPLES / "demo.mp4"), **options)
        async with utils.TestClient(utils.TestServer(app)) as client:
            response = await client.get("/pictures")
            data = await asyncio.wait_for(response.content.readexactly(20_000), 20)
            assert b"--frame\r\nContent-Type: image/jpeg" in data
            assert b"\xff\xd8" in data
            facts = await (await client.get("/state")).json()
            assert facts["state"] == "running"
            assert facts["shown"]["bicubic"] >= 1
            response.close()

    asyncio.run(visit())
