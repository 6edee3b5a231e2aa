"""GStreamer's RTSP server as a camera and as a recorder."""

from __future__ import annotations

import contextlib
import functools
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from tests.makers.counter import SIZE
from tests.servers.process import Server, free_port, running

PYTHON = "/usr/bin/python3"  # whose gi the distribution's packages bring
PROGRAM = str(Path(__file__).with_name("gst_program.py"))
_PROBE = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); "
    "from gi.repository import Gst, GstRtspServer; Gst.init(None); "
    "assert all(map(Gst.ElementFactory.find, ('x264enc', 'x265enc', 'rtph264pay', 'mpegtsmux')))"
)


@functools.cache
def _missing() -> bool:
    try:
        probe = subprocess.run([PYTHON, "-c", _PROBE], capture_output=True, timeout=60)
    except OSError:
        return True
    return probe.returncode != 0


def need_gstreamer() -> None:
    """Skip the test where GStreamer's RTSP server is not installed."""
    if _missing():
        pytest.skip("GStreamer's RTSP server is not installed: tools/install_servers.sh")


@contextlib.contextmanager
def rtsp_camera(
    *,
    codec: Literal["h264", "h265", "mjpeg"] = "h264",
    sound: Literal["none", "alaw", "aac"] = "none",
    size: tuple[int, int] = SIZE,
    rate: int = 25,
    gop: int = 25,
    login: str = "",
    port: int | None = None,
    stamps: Path | None = None,
    certificate: Path | None = None,
) -> Iterator[Server]:
    """Serve numbered pictures.

    ``login`` is ``user:password``, which its url does not hold; with ``certificate``, a file with
    its key, all goes by TLS.
    """
    need_gstreamer()
    port = port or free_port()
    command = [PYTHON, PROGRAM, "camera", f"--port={port}", f"--codec={codec}", f"--sound={sound}"]
    command += [f"--width={size[0]}", f"--height={size[1]}", f"--rate={rate}", f"--gop={gop}"]
    command += [f"--stamps={stamps}"] * bool(stamps) + [f"--login={login}"] * bool(login)
    command += [f"--certificate={certificate}"] * bool(certificate)
    scheme = "rtsps" if certificate else "rtsp"
    with running(Server(command, ports=[port], url=f"{scheme}://127.0.0.1:{port}/cam")) as server:
        yield server


@contextlib.contextmanager
def rtsp_recorder(
    *,
    sound: Literal["none", "aac"] = "none",
    port: int | None = None,
    forward_as: Literal["ts", "rtp"] = "ts",
) -> Iterator[tuple[Server, str]]:
    """Take RECORD at the server's url; yield it and the address of UDP where it is passed on.

    ``forward_as`` is what goes there: a transport stream, or RTP, which ``sdp_of`` describes. A
    reader of the first waits for one frame more.
    """
    need_gstreamer()
    port, forward = port or free_port(), free_port()
    command = [PYTHON, PROGRAM, "recorder", f"--port={port}", f"--forward={forward}"]
    command += [f"--sound={sound}", f"--forward-as={forward_as}"]
    with running(Server(command, ports=[port], url=f"rtsp://127.0.0.1:{port}/record")) as server:
        yield server, f"udp://127.0.0.1:{forward}"


def self_signed(folder: Path) -> Path:
    """Return a file with a new certificate, signed by itself, and its key; skip without OpenSSL."""
    if not shutil.which("openssl"):
        pytest.skip("the program openssl is not installed")
    file, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=127.0.0.1", "-keyout", str(key), "-out", str(file)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    file.write_bytes(file.read_bytes() + key.read_bytes())
    return file


def sdp_of(forward: str) -> str:
    """Return what describes the RTP of a recorder, for a file that a reader opens."""
    port = forward.rpartition(":")[2]
    lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=record", "c=IN IP4 127.0.0.1", "t=0 0"]
    lines += [f"m=video {port} RTP/AVP 96", "a=rtpmap:96 H264/90000"]
    return "\n".join([*lines, "a=fmtp:96 packetization-mode=1", ""])
