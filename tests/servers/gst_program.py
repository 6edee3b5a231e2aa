"""A program of GStreamer's RTSP server, for the system's Python: a camera, or a recorder.

Run by ``tests.servers.rtsp``; needs ``python3-gi`` and the server's typelib.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import math
import sys
import threading
import time
from array import array
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.makers.counter import Stamps, draw

gi: Any = importlib.import_module("gi")
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
Gio: Any = importlib.import_module("gi.repository.Gio")
GLib: Any = importlib.import_module("gi.repository.GLib")
Gst: Any = importlib.import_module("gi.repository.Gst")
GstRtspServer: Any = importlib.import_module("gi.repository.GstRtspServer")

VIDEO = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max={gop} threads=1 "
    "! rtph264pay name=pay0 pt=96 config-interval=-1",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max={gop} "
    "option-string=pools=none:frame-threads=1 ! rtph265pay name=pay0 pt=96 config-interval=-1",
    "mjpeg": "jpegenc quality=90 ! rtpjpegpay name=pay0 pt=26",
}
# The sound is fed as the pictures are: with audiotestsrc beside them, PLAY fails ("seek failed").
SOUND = {
    "none": "",
    "alaw": "alawenc ! rtppcmapay name=pay1 pt=8",
    "aac": "voaacenc ! rtpmp4gpay name=pay1 pt=97",
}
SOUND_HZ = {"none": 0, "alaw": 8000, "aac": 48000}
SOURCE = (
    'appsrc name={name} is-live=true do-timestamp=true format=time block=false caps="{caps}" ! '
)
RECORD = (
    "( rtph264depay name=depay0 ! h264parse config-interval=-1 ! mux. {sound} "
    "mpegtsmux name=mux alignment=7 ! {udp} )"
)
# Without a parser: one would wait for the next picture where it does not see the end of this one.
RECORD_RTP = (
    "( rtph264depay name=depay0 ! rtph264pay pt=96 config-interval=-1 aggregate-mode=0 ! {udp} )"
)
UDP = "udpsink host=127.0.0.1 port={port} sync=false async=false"


class Camera:
    """A factory of one picture source that all clients share, numbered without a break."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.size = args.width, args.height
        self.rate = args.rate
        self.numbers = itertools.count()
        self.stamps = Stamps(Path(args.stamps)) if args.stamps else None
        caps = f"video/x-raw,format=I420,width={args.width},height={args.height}"
        self.launch = SOURCE.format(name="pictures", caps=f"{caps},framerate={args.rate}/1")
        self.launch += VIDEO[args.codec].format(gop=args.gop)
        self.sound_hz = SOUND_HZ[args.sound]
        if self.sound_hz:
            caps = f"audio/x-raw,format=S16LE,layout=interleaved,channels=1,rate={self.sound_hz}"
            self.launch += " " + SOURCE.format(name="sound", caps=caps) + SOUND[args.sound]

    def factory(self) -> Any:
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(f"( {self.launch} )")
        factory.set_shared(True)
        factory.set_latency(0)
        factory.connect("media-configure", lambda _, media: self._feed(media))
        return factory

    def _feed(self, media: Any) -> None:
        sources = [media.get_element().get_by_name(name) for name in ("pictures", "sound")]
        threading.Thread(target=self._push, args=sources, daemon=True).start()

    def _push(self, pictures: Any, sound: Any) -> None:
        next_s = time.monotonic()
        for number in self.numbers:
            time.sleep(max(0.0, next_s - time.monotonic()))
            next_s = max(next_s + 1 / self.rate, time.monotonic() - 1)
            if self.stamps:
                self.stamps.note(number)
            ended = pictures.emit("push-buffer", Gst.Buffer.new_wrapped(draw(number, self.size)))
            if sound is not None:
                sound.emit("push-buffer", Gst.Buffer.new_wrapped(self._tone(number)))
            if ended != Gst.FlowReturn.OK:
                return

    def _tone(self, number: int) -> bytes:
        count = self.sound_hz // self.rate
        step = 2 * math.pi * 440 / self.sound_hz
        begin = number * count
        return array(
            "h", (int(8000 * math.sin(step * (begin + n))) for n in range(count))
        ).tobytes()


def recorder(args: argparse.Namespace) -> Any:
    """Return the factory of a sink that passes on what it records: MPEG-TS, or bare RTP."""
    factory = GstRtspServer.RTSPMediaFactory()
    sound = "rtpmp4gdepay name=depay1 ! aacparse ! mux." if args.sound == "aac" else ""
    launch = RECORD_RTP if args.forward_as == "rtp" else RECORD
    factory.set_launch(launch.format(udp=UDP.format(port=args.forward), sound=sound))
    factory.set_transport_mode(GstRtspServer.RTSPTransportMode.RECORD)
    factory.set_latency(0)
    return factory


def protect(server: Any, factory: Any, user: str, password: str) -> None:
    """Let in only those who know the password."""
    auth, token = GstRtspServer.RTSPAuth(), GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    factory.set_permissions(rights_of("user"))


def encrypt(server: Any, factory: Any, certificate: str) -> None:
    """Let everybody in, by TLS alone; the file holds a certificate and its key."""
    auth, token = GstRtspServer.RTSPAuth(), GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    auth.set_default_token(token)
    auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(certificate))
    server.set_auth(auth)
    factory.set_permissions(rights_of("user"))


def rights_of(role: str) -> Any:
    """Return what a role may do: everything."""
    rights = GstRtspServer.RTSPPermissions()
    for right in ("access", "construct"):
        rights.add_permission_for_role(role, f"media.factory.{right}", True)
    return rights


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["camera", "recorder"])
    parser.add_argument("--port", required=True)
    parser.add_argument("--forward", type=int)
    parser.add_argument("--forward-as", choices=["ts", "rtp"], default="ts")
    parser.add_argument("--codec", default="h264")
    parser.add_argument("--sound", default="none")
    parser.add_argument("--width", type=int)
    parser.add_argument("--height", type=int)
    parser.add_argument("--rate", type=int, default=25)
    parser.add_argument("--gop", type=int, default=25)
    parser.add_argument("--stamps")
    parser.add_argument("--login")
    parser.add_argument("--certificate")
    args = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(args.port)
    camera = args.kind == "camera"
    factory = Camera(args).factory() if camera else recorder(args)
    if args.login:
        protect(server, factory, *args.login.split(":"))
    if args.certificate:
        encrypt(server, factory, args.certificate)
    server.get_mount_points().add_factory("/cam" if camera else "/record", factory)
    server.attach(None)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
