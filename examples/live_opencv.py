"""Example of a camera that OpenCV reads: the newest frame is upscaled, older ones are passed over.

python live_opencv.py 0                    # the first camera
python live_opencv.py rtsp://HOST/cam
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

try:
    import cv2
except ImportError:
    sys.exit("error: OpenCV is not installed. Hint: pip install opencv-python-headless")

from vidsr import Upscaler

DEMO = Path(__file__).with_name("demo.mp4")


class Newest:
    """The newest frame of a capture, read by a thread so that no old one waits in a buffer."""

    def __init__(self, capture: Any, pace_s: float) -> None:
        self._capture, self._pace_s = capture, pace_s
        self._changed = threading.Condition()
        self._frame: Any = None
        self._over = False
        self.read = 0
        threading.Thread(target=self._run, daemon=True).start()

    def take(self) -> Any:
        """Return the newest frame that was not taken yet; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._over)
            frame, self._frame = self._frame, None
            return frame

    def _run(self) -> None:
        while True:
            there, frame = self._capture.read()
            with self._changed:
                self._over = not there
                self._frame = frame if there else self._frame
                self.read += there
                self._changed.notify()
            if not there:
                return
            time.sleep(self._pace_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", nargs="?", default=str(DEMO), help="a number, address or file")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--picture", default="out.jpg", help="where the last picture is written")
    arguments = parser.parse_args()
    source = arguments.source
    capture = cv2.VideoCapture(int(source) if source.isdigit() else source)
    if not capture.isOpened():
        parser.error(f"{source}: OpenCV cannot open it")
    pace_s = 1 / (capture.get(cv2.CAP_PROP_FPS) or 25) if Path(source).is_file() else 0.0
    upscaler = Upscaler("lite-fast-x2")
    newest, ends_s, shown = Newest(capture, pace_s), time.monotonic() + arguments.seconds, 0
    large = None
    while time.monotonic() < ends_s and (bgr := newest.take()) is not None:
        # OpenCV has blue first, vidsr red.
        large = np.ascontiguousarray(upscaler(bgr[..., ::-1])[..., ::-1])
        shown += 1
    if large is not None:
        cv2.imwrite(arguments.picture, large)
        print(f"{newest.read} frames read, {shown} shown, {large.shape[1]}x{large.shape[0]}")


if __name__ == "__main__":
    main()
