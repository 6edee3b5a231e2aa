"""Example of one call for one file: python examples/upscale_file.py [INPUT [OUTPUT]]."""

from __future__ import annotations

import sys
from pathlib import Path

import vidsr


def main() -> None:
    default = Path(__file__).with_name("demo.mp4")
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(f"{source.stem}_4x.mp4")
    report = vidsr.upscale(source, target, model="lite-x4", preset="veryfast", overwrite=True)
    print(report.summary())


if __name__ == "__main__":
    main()
