"""Videos in a folder, by their names."""

from __future__ import annotations

from pathlib import Path

from vidsr.errors import NoInputError

VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".flv", ".wmv", ".y4m"),
    *(".ts", ".m2ts", ".mts", ".mpg", ".mpeg", ".vob", ".264", ".h264", ".265", ".hevc", ".ivf"),
)


def is_video(path: Path) -> bool:
    """Return True if the suffix names a video format."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def video_files(folder: Path) -> list[Path]:
    """Return every video right in ``folder``, sorted by name. Raises NoInputError for none."""
    found = sorted(path for path in folder.iterdir() if is_video(path) and path.is_file())
    if not found:
        raise NoInputError(
            f"{folder}: no videos in it", hint="expected files such as .mp4, .mkv, .webm or .ts"
        )
    return found
