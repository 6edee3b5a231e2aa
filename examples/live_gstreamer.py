"""Example of vidsr between two pipelines of GStreamer: appsink in front, appsrc behind.

    python live_gstreamer.py --seconds 5 out.mkv

It needs PyGObject and GStreamer's plugins (base, good, ugly for x264enc).
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import av
import numpy as np

try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstApp", "1.0")
    from gi.repository import Gst, GstApp  # noqa: F401 - GstApp gives appsink its methods
except (ImportError, ValueError):  # without PyGObject, or without descriptions of the libraries
    sys.exit("error: PyGObject or GStreamer is not installed. Hint: apt-get install python3-gi")

from vidsr import Upscaler

RATE, SIZE = 25, (160, 96)
IN = (
    "videotestsrc is-live=true num-buffers={frames} pattern=ball "
    "! video/x-raw,format=I420,width={width},height={height},framerate={rate}/1 "
    "! appsink name=sink max-buffers=1 drop=true sync=false"
)
OUT = (
    "appsrc name=source is-live=true format=time "
    "caps=video/x-raw,format=I420,width={width},height={height},framerate={rate}/1 "
    "! videoconvert ! x264enc tune=zerolatency speed-preset=ultrafast "
    "! matroskamux ! filesink location={target}"
)


def image_of(sample: Any) -> av.VideoFrame:
    """Return the picture of a sample; widths of multiples of 8 have no padding."""
    buffer, caps = sample.get_buffer(), sample.get_caps().get_structure(0)
    width, height = caps.get_value("width"), caps.get_value("height")
    samples = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), np.uint8)
    return av.VideoFrame.from_ndarray(samples.reshape(height * 3 // 2, width), format="yuv420p")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("target", nargs="?", default="out.mkv")
    parser.add_argument("--seconds", type=float, default=5.0)
    arguments = parser.parse_args()
    Gst.init(None)
    upscaler = Upscaler("lite-fast-x2")
    width, height = SIZE
    frames = round(arguments.seconds * RATE)
    camera = Gst.parse_launch(IN.format(frames=frames, width=width, height=height, rate=RATE))
    target = {"width": 2 * width, "height": 2 * height, "rate": RATE, "target": arguments.target}
    player = Gst.parse_launch(OUT.format(**target))
    sink, source = camera.get_by_name("sink"), player.get_by_name("source")
    for pipeline in (player, camera):
        pipeline.set_state(Gst.State.PLAYING)
    shown = 0
    while (sample := sink.emit("pull-sample")) is not None:  # None at the end
        large = upscaler(image_of(sample))
        buffer = Gst.Buffer.new_wrapped(large.to_ndarray().tobytes())
        buffer.pts, buffer.duration = sample.get_buffer().pts, sample.get_buffer().duration
        source.emit("push-buffer", buffer)
        shown += 1
    source.emit("end-of-stream")
    player.get_bus().timed_pop_filtered(
        10 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR
    )
    for pipeline in (camera, player):
        pipeline.set_state(Gst.State.NULL)
    print(f"{shown} of {frames} frames shown, {large.width}x{large.height}" if shown else "none")


if __name__ == "__main__":
    main()
