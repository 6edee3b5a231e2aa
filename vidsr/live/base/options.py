"""Options of a live stream, checked, as the configuration, the command and programs give them."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from vidsr.live.base.settings import marked, marked_record
from vidsr.option_values import GREATEST_SCALE, GREATEST_STRENGTH, Strength

Late = Literal["ladder", "drop", "wait"]
OnLost = Literal["hold", "slate", "stop"]
Reuse = Literal["exact", "near", "off"]
Transport = Literal["tcp", "udp", "http"]
Sound = Literal["auto", "copy", "none"]
BICUBIC = "bicubic"


@dataclass(frozen=True, kw_only=True)
class ReconnectOptions:
    """Times between tries to connect: ``first_s`` * 2^n up to ``longest_s``, +- ``jitter``.

    Args:
        first_s: Seconds before the second try.
        longest_s: Most seconds between two tries.
        jitter: The share by which each time varies at random.
        give_up_s: Seconds without a frame after which there are no more tries.
    """

    first_s: float = marked(0.5, flag="retry_first", above=0, most=3600)
    longest_s: float = marked(30.0, flag="retry_longest", above=0, most=86400)
    jitter: float = marked(0.2, flag="retry_jitter", least=0, most=1)
    give_up_s: float | None = marked(None, above=0, most=1e9, none="never")


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """Options of a source.

    Args:
        transport: How RTSP carries its packets.
        open_s: Longest time that opening may take, in seconds.
        stall_s: Seconds without a frame after which a source counts as stalled.
        reconnect: When to try again.
        realtime: True to play files at their own pace, as if a camera gave them.
        loop: True to begin a file again at its end.
        format: What a pipe holds: ``auto``, ``nut``, ``ts``, ``y4m`` or ``raw``.
        size: (width, height) in pixels of ``raw``, and what is asked of a V4L2 device.
        pixel_format: FFmpeg's name of the pixels of ``raw``, and what is asked of a V4L2 device.
        rate: Frames a second of ``raw``, and what is asked of a V4L2 device.
        sound: False to leave sound where it is.
        backlog_s: Frames older than this when they arrive are dropped, after opening only.
        clock: ``source`` keeps the source's times, ``arrival`` takes those at which frames come,
            for sources whose clock is broken.
    """

    transport: Transport = "tcp"
    open_s: float = marked(5.0, above=0, most=600)
    stall_s: float = marked(3.0, above=0, most=3600)
    reconnect: ReconnectOptions = field(default_factory=ReconnectOptions)
    realtime: bool = False
    loop: bool = False
    format: Literal["auto", "nut", "ts", "y4m", "raw"] = "auto"
    size: tuple[int, int] | None = marked(None, key="source_size")
    pixel_format: str | None = None
    rate: Fraction | None = marked(None, key="source_rate", above=0, most=1000)
    sound: bool = marked(True, hidden=True)
    backlog_s: float = marked(0.3, above=0, most=3600)
    clock: Literal["source", "arrival"] = "source"


@dataclass(frozen=True, kw_only=True)
class EncoderOptions:
    """Options of the live encoder; every default is the one that measured best for latency.

    Args:
        codec: ``h264``, ``hevc``, ``av1`` or ``mjpeg``.
        preset: The encoder's preset; None for the live default of the codec.
        crf: Constant quality; None for the default, unless ``bitrate`` is given.
        bitrate: Bits a second.
        maxrate: Most bits a second over ``buffer_frames``.
        buffer_frames: Frames over which ``maxrate`` holds.
        keyframe_s: Longest time between two key frames, in seconds.
        intra_refresh: True to renew the picture bit by bit instead of by key frames.
        latency_sei: True to write the wall clock of arrival into every frame (H.264, H.265).
    """

    codec: Literal["h264", "hevc", "av1", "mjpeg"] = "h264"
    preset: str | None = None
    crf: float | None = marked(None, least=0, most=63)
    bitrate: int | None = marked(None, least=1000, most=2**31 - 1, bitrate=True)
    maxrate: int | None = marked(None, least=1000, most=2**31 - 1, bitrate=True)
    buffer_frames: float = marked(2.0, above=0, most=1000)
    keyframe_s: float = marked(2.0, above=0, most=3600)
    intra_refresh: bool = False
    latency_sei: bool = False


@dataclass(frozen=True, kw_only=True)
class QualityOptions:
    """Options of the upscaling and of its deadline.

    Args:
        model: A model's name or path; ``auto`` for the one that suits live streams on the device.
        scale: 2 or 4, or what a model in a file has, 1 to 16; None for the model's.
        size: (width, height) of the output in pixels whatever the source does; None for
            ``scale`` times the source's.
        strength: How far the network follows what the codec did: ``auto``, or 0 (clean) to 2.
        deadline_s: Longest time from the arrival of a frame's last packet until it is handed on.
        late: ``ladder`` takes a faster level where the model would be late, ``drop`` drops the
            frame, ``wait`` upscales every frame, as late as it gets.
        ladder: The levels from best to fastest, models and ``bicubic`` at the end; empty for the
            model, its fast relative and ``bicubic``.
        weight: The stream's share of the device when there is too little for all.
        reuse: ``exact`` does not compute again what did not change, with the same result; ``near``
            takes changes up to ``near_levels`` for none; ``off`` computes everything.
        near_levels: Greatest change of a sample that ``near`` takes for none, in levels of 8 bits.
        refresh_s: Seconds after which ``near`` has computed every tile again.
    """

    model: str = "auto"
    scale: int | None = marked(None, least=1, most=GREATEST_SCALE)
    size: tuple[int, int] | None = None
    strength: Strength = marked("auto", least=0, most=GREATEST_STRENGTH)
    deadline_s: float = marked(0.2, above=0, most=3600)
    late: Late = "ladder"
    ladder: tuple[str, ...] = ()
    weight: float = marked(1.0, above=0, most=1000)
    reuse: Reuse = "exact"
    near_levels: float = marked(4.0, above=0, most=64)
    refresh_s: float = marked(10.0, above=0, most=3600)


@dataclass(frozen=True, kw_only=True)
class StreamOptions:
    """Everything about one stream but its name and addresses.

    Args:
        source: The source's options.
        quality: The upscaling's options.
        encoder: The encoder's options.
        fps: Pictures a second of a fixed grid, with repeats and drops; else the source's times.
        on_lost: What is shown while the source is gone: its last picture (``hold``), a dark
            picture after ten seconds of that (``slate``), or nothing (``stop``).
        sound: ``auto`` copies sound and converts what a sink cannot carry, ``copy`` never
            converts, ``none`` leaves it out.
        preview_fps: Most pictures a second of the preview in the browser.
    """

    source: SourceOptions = marked_record(SourceOptions, key="")
    quality: QualityOptions = marked_record(QualityOptions, key="")
    encoder: EncoderOptions = field(default_factory=EncoderOptions)
    fps: Fraction | None = marked(None, above=0, most=1000, none="source")
    on_lost: OnLost = "hold"
    sound: Sound = "auto"
    preview_fps: float = marked(5.0, above=0, most=60)


@dataclass(frozen=True, kw_only=True)
class ServiceOptions:
    """Options of a process of streams.

    Args:
        listen: HOST:PORT of metrics, health and the page; None for none of them.
        token: The secret that programs and browsers have to give; needed where ``listen`` is not
            this machine's own 127.0.0.1.
        token_file: A file that holds the token, or shall.
        hosts: Names beside that of ``listen`` by which browsers may call the page.
        viewers: Most viewers of moving pictures at one time.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; several with commas.
        workers: Frames that are upscaled at the same time on a CPU; None for one a core.
        max_streams: Most streams that the process takes.
    """

    listen: str | None = None
    token: str | None = marked(None, secret=True)
    token_file: str | None = None
    hosts: tuple[str, ...] = ()
    viewers: int = marked(64, least=0, most=10000)
    device: str = "auto"
    workers: int | None = marked(None, least=1, most=1024)
    max_streams: int = marked(64, least=1, most=10000)
