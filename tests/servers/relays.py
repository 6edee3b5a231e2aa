"""nginx with its RTMP module, and srt-live-transmit."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.process import Server, free_port, running

RTMP_MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
_CONFIG = """
load_module {module};
{user}
daemon off; master_process off; worker_processes 1;
error_log stderr warn; pid {folder}/nginx.pid;
events {{ worker_connections 256; }}
rtmp {{ server {{ listen 127.0.0.1:{rtmp}; chunk_size 4096;
  application live {{ live on; wait_key on; idle_streams on;
    hls on; hls_path {folder}/hls; hls_fragment 1s; hls_playlist_length 6s; }} }} }}
http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{http}; root {folder};
    types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; video/mp4 mp4; }} }} }}
"""


@dataclass(frozen=True)
class RtmpServer:
    """nginx: ``rtmp`` is an address to publish to and to play, ``hls`` the same as a playlist.

    What lies in ``folder`` is served by HTTP below ``http``.
    """

    server: Server
    rtmp: str
    hls: str
    http: str
    folder: Path


@contextlib.contextmanager
def rtmp_server(name: str = "cam") -> Iterator[RtmpServer]:
    """Serve RTMP and HLS, and files by HTTP."""
    if not shutil.which("nginx") or not RTMP_MODULE.exists():
        pytest.skip("nginx with its RTMP module is not installed: tools/install_servers.sh")
    rtmp, http = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="nginx-") as folder:
        user = "user root;" if os.geteuid() == 0 else ""
        config = Path(folder, "nginx.conf")
        config.write_text(
            _CONFIG.format(module=RTMP_MODULE, user=user, folder=folder, rtmp=rtmp, http=http)
        )
        command = ["nginx", "-e", "stderr", "-c", str(config), "-p", folder]
        url = f"rtmp://127.0.0.1:{rtmp}/live/{name}"
        with running(Server(command, ports=[rtmp, http], url=url)) as server:
            base = f"http://127.0.0.1:{http}"
            yield RtmpServer(server, url, f"{base}/hls/{name}.m3u8", base, Path(folder))


@contextlib.contextmanager
def srt_relay(source: str, target: str, *, wait_port: int | None = None) -> Iterator[Server]:
    """Pass on what comes from ``source`` to ``target``: addresses of srt-live-transmit.

    ``wait_port`` is the port of UDP on which it will listen.
    """
    if not shutil.which("srt-live-transmit"):
        pytest.skip("srt-live-transmit is not installed: tools/install_servers.sh")
    command = ["srt-live-transmit", "-q", source, target]
    ports = [wait_port] if wait_port else []
    with running(Server(command, ports=ports, protocol="udp", url=target)) as server:
        yield server


@contextlib.contextmanager
def srt_camera(latency_ms: int = 60, query: str = "") -> Iterator[tuple[Server, str]]:
    """Serve a stream by SRT; yield the server, its url for callers, and where to send it by UDP.

    The first is ``server.url``; ``query`` is more of it, such as ``&passphrase=...``.
    """
    feed, port = free_port(), free_port()
    listener = f"srt://127.0.0.1:{port}?mode=listener&latency={latency_ms}{query}"
    with srt_relay(f"udp://127.0.0.1:{feed}", listener, wait_port=port) as server:
        server.url = f"srt://127.0.0.1:{port}"
        yield server, f"udp://127.0.0.1:{feed}"
