"""The header of a source: everything that a sink and a plan of the output may know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from vidsr.option_values import Decoder

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.container.core import Chapter
    from av.stream import Stream

    from vidsr.video.info import SourceInfo


@dataclass(frozen=True)
class PictureTags:
    """Bytes of a still picture's colour profile (ICC) and of its EXIF data; empty for none."""

    profile: bytes = b""
    exif: bytes = b""

    def __bool__(self) -> bool:
        return bool(self.profile or self.exif)


@dataclass(frozen=True)
class Service:
    """A programme of a transport stream: its number, the identifier of its table, its names."""

    number: int
    table_pid: int
    name: str = ""
    provider: str = ""


@dataclass(frozen=True)
class SideStream:
    """One stream of a source, the video that is upscaled among them.

    Args:
        index: Its number in the source, which its packets carry.
        kind: ``video``, ``audio``, ``subtitle``, ``data`` or ``attachment``.
        codec: FFmpeg's name of its codec, ``none`` where it knows none.
        tags: Its metadata as the source has them.
        disposition: FFmpeg's flags, such as default or forced.
        time_base: The unit of its packets' times, in seconds.
        cover: True for a still picture that belongs to the file.
        readable: False where the source does not say how it is coded.
        unreadable_why: The reason, in the words of a sentence's end; empty where it is readable.
        template: PyAV's stream, from which a copy is made while the source is open; None where
            nothing is to be copied.
        pid: The identifier of its packets in a transport stream, None elsewhere.
        read_payload: A function that returns the bytes of an attachment or a cover, which a
            header may hold; None for streams of packets only.
        open_again: A function that opens the beginning of the source beside what is read; None
            where that cannot be.
    """

    index: int
    kind: str
    codec: str
    tags: Mapping[str, str] = field(default_factory=dict)
    disposition: int = 0
    time_base: Fraction | None = None
    cover: bool = False
    readable: bool = True
    unreadable_why: str = ""
    template: Stream | None = None
    read_payload: Callable[[], bytes] | None = None
    pid: int | None = None
    open_again: Callable[[], InputContainer] | None = None


@dataclass(frozen=True)
class StreamHeader:
    """A source as it presents itself before its first item.

    Args:
        info: The video, as its first frame shows it.
        streams: Every stream of the source in its order.
        video: The index of the video's stream; None where ``streams`` is empty.
        tags: Metadata of the whole source.
        chapters: Chapters on the clock of the frames.
        first_pts: The time of the first frame, in units of ``info.time_base``.
        first_number: The number of a sequence's first picture, 1 for anything else.
        live: True where frames come as time goes by, whether or not somebody takes them.
        seekable: True where the source may be opened again, at any place.
        decoder: What decodes the video.
        service: The programme of the video, None where the source has none.
        counted_frames: How many frames come, where the source counts them and all are asked for.
        picture_tags: What a picture file holds beside its samples; of a sequence, the first one.
    """

    info: SourceInfo
    streams: tuple[SideStream, ...] = ()
    video: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    chapters: tuple[Chapter, ...] = ()
    first_pts: int = 0
    first_number: int = 1
    live: bool = False
    seekable: bool = True
    decoder: Decoder = "cpu"
    service: Service | None = None
    picture_tags: PictureTags = field(default_factory=PictureTags)
    counted_frames: int | None = None

    @property
    def video_stream(self) -> SideStream | None:
        """The stream of the video, None where the source has no streams to speak of."""
        return next((stream for stream in self.streams if stream.index == self.video), None)
