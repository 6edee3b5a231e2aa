"""Every option of a run, once.

The parser of ``vidsr``, the keywords of ``vidsr.upscale``, the checks of types and ranges, and the
rows of the reference page derive from the one record here. Neither PyTorch nor PyAV is imported.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any, Self, get_args

from vidsr.errors import OptionError
from vidsr.models.families import network_of, restorer_alone
from vidsr.option_values import (
    GREATEST_SCALE,
    GREATEST_STRENGTH,
    MAX_SIDE,
    AudioChoice,
    Decoder,
    Deinterlace,
    EngineKind,
    Look,
    ModelName,
    PipeFormat,
    Precision,
    ReuseMode,
    Strength,
    check_device_names,
    exact_rate,
    is_strength,
    key_values,
    model_name,
    one_of,
    parse_bitrate,
    parse_bytes,
    parse_rate,
    parse_seconds,
    parse_strength,
)
from vidsr.picture.size import Size
from vidsr.run.option_description import Option, option, option_of
from vidsr.run.records import json_values
from vidsr.run.records.enhance_words import EXPECTED as WISHES
from vidsr.run.records.enhance_words import are_wishes, settings_of, wishes_of
from vidsr.run.wanted_size import WantedSize
from vidsr.video.media.pipe_formats import InputLayout
from vidsr.video.sink.codec_defaults import CODECS, check_quality, find_codec
from vidsr.video.sink.output_options import OutputOptions
from vidsr.video.streams.choice import EXPECTED, is_choice

SMALLEST_TILE = 16  # below, the halo is nearly all of the work
MAX_SECONDS = 1e9  # thirty years; more overflows the clocks of containers
HIGHEST_CRF = max(codec.crf_max for codec in CODECS.values())
NUMBER = (int, float, Fraction)

PICTURE, TIME, SOURCE = "picture", "time", "source"
PROTOCOLS = ("file", "http", "https", "ftp")
ENCODING = "encoding (default: what the source is)"
MACHINE = "machine"
PIECES = "long runs"
MOST_PIECE_FRAMES = 1_000_000


def size_of(size: object) -> Size:
    """Return the size that ``"640x360"`` or (width, height) stands for. Raises ValueError."""
    if isinstance(size, Size):
        return size
    if isinstance(size, str):
        return Size.parse(size)
    pair = tuple(size) if isinstance(size, list | tuple) else ()
    if len(pair) != 2 or not all(type(side) is int for side in pair):
        raise ValueError(size)
    return Size(*pair)


def protocols_of(names: object) -> tuple[str, ...]:
    """Return the protocols that ``"file,https"`` or several names stand for. Raises ValueError."""
    if isinstance(names, str):
        return tuple(name.strip() for name in names.split(","))
    if isinstance(names, list | tuple):
        return tuple(names)
    raise ValueError(names)


def tile_of(text: str) -> tuple[int, int]:
    """Return (height, width) of a tile typed as ``256`` or ``WxH``. Raises ValueError."""
    width, _, height = text.lower().partition("x")
    return int(height or width), int(width)


def _is_tile(tile: tuple[Any, ...]) -> bool:
    whole = len(tile) == 2 and all(isinstance(side, int) for side in tile)
    return whole and min(tile) >= SMALLEST_TILE


def _is_memory(limit: int | str) -> bool:
    try:
        return parse_bytes(str(limit)) > 0
    except OptionError:
        return False


def _is_bitrate(rate: int) -> bool:
    return 1000 <= rate < 1 << 31  # as far as FFmpeg counts


def _are_key_values(pairs: tuple[Any, ...]) -> bool:
    texts = [pair.partition("=") for pair in pairs if isinstance(pair, str)]
    return len(texts) == len(pairs) and all(key.strip() and sign for key, sign, _ in texts)


def _is_device(text: str) -> bool:
    check_device_names(text)  # whose own message says which name is wrong
    return True


def _words(
    default: str | None,
    literal: Any,
    flag: str,
    *,
    group: str,
    help: str,
    metavar: str | None = None,
) -> Any:
    """Return the field of a choice among the words of ``literal``."""
    words = get_args(literal)
    return option(
        default,
        flag,
        group=group,
        help=help,
        takes=one_of(words),
        kinds=(str,),
        choices=words,
        metavar=metavar,
    )


def _switch(flag: str, *, group: str, help: str) -> Any:
    """Return the field of a flag without a value."""
    takes = "True or False"
    return option(False, flag, group=group, help=help, takes=takes, kinds=(bool,), switch=True)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Every choice of a run but source and target; the defaults keep what the source is.

    The fields stand in the order of the keywords of ``vidsr.upscale``, each with the description
    that everything else derives from. A record that exists has been checked.

    Raises:
        OptionError: A value has a wrong type, is out of range, or contradicts another.
    """

    model: ModelName = option(
        "auto",
        "--model",
        group=PICTURE,
        help="a model; --list-models names them (auto)",
        takes="a name or a path",
        kinds=(str, os.PathLike),
        convert=model_name,
        metavar="NAME|PATH",
        json=json_values.PATH,
    )
    scale: int | None = option(
        None,
        "--scale",
        group=PICTURE,
        help="the factor: 4, or what a size needs; 1 to restore only",
        takes=f"a whole number of 1 to {GREATEST_SCALE}",
        kinds=(int,),
        parse=int,
        holds=lambda scale: 1 <= scale <= GREATEST_SCALE,
        metavar="N",
    )
    size: Size | None = option(
        None,
        "--size",
        group=PICTURE,
        help="the size to finish at",
        takes="'WxH' or (width, height)",
        kinds=(Size,),
        parse=Size.parse,
        convert=size_of,
        holds=lambda size: 1 <= size.width <= MAX_SIDE and 1 <= size.height <= MAX_SIDE,
        expected=f"WxH such as 1920x1080, sides of 1 to {MAX_SIDE}",
        metavar="WxH",
        json=json_values.SIZE,
    )
    height: int | None = option(
        None,
        "--height",
        group=PICTURE,
        help="the height to finish at; the width follows",
        takes="a number of lines",
        kinds=(int,),
        parse=int,
        holds=lambda height: 1 <= height <= MAX_SIDE,
        expected=f"a whole number of 1 to {MAX_SIDE}",
        metavar="N",
    )
    restore: ModelName | None = option(
        None,
        "--restore",
        group=PICTURE,
        help="what runs before: deblur, denoise, deblock or your own",
        takes="a name or a path",
        kinds=(str, os.PathLike),
        convert=model_name,
        metavar="NAME|PATH",
        json=json_values.PATH,
    )
    device: str = option(
        "auto",
        "--device",
        group=MACHINE,
        help="a device: auto, cpu, cuda, or cuda:0,cuda:1",
        takes="'auto', 'cpu', 'cuda', 'cuda:N' or a list of CUDA devices",
        kinds=(str,),
        holds=_is_device,
        metavar="NAME",
    )
    precision: Precision = _words(
        "auto",
        Precision,
        "--precision",
        group=MACHINE,
        help="the network's numbers: auto, fp32, bf16 or fp16 (auto)",
        metavar="NAME",
    )
    engine: EngineKind = _words(
        "auto",
        EngineKind,
        "--engine",
        group=MACHINE,
        help="what runs the network: auto, torch, tensorrt, compile (needs a compiler), "
        "winograd (wide networks, fp32), openvino (8 bits, ONNX), onnxruntime (auto)",
        metavar="NAME",
    )
    wait_for_engine: bool = _switch(
        "--wait-for-engine", group=MACHINE, help="build TensorRT's engine before starting"
    )
    tile: tuple[int, int] | None = option(
        None,
        "--tile",
        group=MACHINE,
        help="the pixels that the network sees at once",
        takes="(height, width) in pixels of the source",
        kinds=(tuple,),
        parse=tile_of,
        holds=_is_tile,
        expected=f"two sizes of {SMALLEST_TILE} or more",
        metavar="N|WxH",
        json=json_values.PAIR,
    )
    max_memory: int | str | None = option(
        None,
        "--max-memory",
        group=MACHINE,
        help="the most memory, such as 2G; on each GPU",
        takes="a number of bytes, or text such as '2G'",
        kinds=(int, str),
        holds=_is_memory,
        expected="a size such as 512M or 2G",
        metavar="SIZE",
    )
    strength: Strength = option(
        "auto",
        "--strength",
        group=PICTURE,
        help="how far to follow the codec's harm: auto, or 0 to 2",
        takes=f"'auto' or a number of 0 to {GREATEST_STRENGTH:g}",
        kinds=(str, int, float),
        parse=parse_strength,
        holds=is_strength,
        expected=f"auto, or a number of 0 to {GREATEST_STRENGTH:g}",
        metavar="auto|X",
    )
    look: Look = _words(
        "faithful",
        Look,
        "--look",
        group=PICTURE,
        help="faithful to the source, or crisp: sharper (faithful)",
        metavar="LOOK",
    )
    enhance: tuple[str, ...] = option(
        (),
        "--enhance",
        group=PICTURE,
        help="wishes in words, such as 'less noise, sharper'",
        takes=WISHES,
        kinds=(tuple,),
        parse=wishes_of,
        convert=wishes_of,
        holds=are_wishes,
        metavar="WORDS",
        many=True,
        json=json_values.PAIR,
    )
    reuse: ReuseMode = _words(
        "exact",
        ReuseMode,
        "--reuse",
        group=MACHINE,
        help="what a CPU does not compute again: parts that did not change (exact), nearly "
        "did not (near), none (off)",
        metavar="HOW",
    )
    start_s: float | None = option(
        None,
        "-ss",
        "--start",
        group=TIME,
        help="the time to begin at: 90, 1:30 or 0:01:30",
        takes="seconds",
        kinds=NUMBER,
        parse=parse_seconds,
        holds=lambda start: 0 <= start < MAX_SECONDS,
        expected="0 or more seconds",
        metavar="TIME",
        json=json_values.NUMBER,
    )
    duration_s: float | None = option(
        None,
        "--duration",
        group=TIME,
        help="the length of the part to upscale",
        takes="seconds",
        kinds=NUMBER,
        parse=parse_seconds,
        holds=lambda duration: 0 < duration < MAX_SECONDS,
        expected="more than 0 seconds",
        metavar="TIME",
        json=json_values.NUMBER,
    )
    deinterlace: Deinterlace = _words(
        "auto",
        Deinterlace,
        "--deinterlace",
        group=PICTURE,
        help="the treatment of flagged frames (auto)",
    )
    decoder: Decoder = _words(
        "cpu",
        Decoder,
        "--decoder",
        group=MACHINE,
        help="the decoder (cpu); cuda: NVDEC, on the GPU",
    )
    framerate: Fraction | None = option(
        None,
        "--framerate",
        group=TIME,
        help="the frame rate of numbered or raw pictures (25)",
        takes="a number",
        kinds=(Fraction,),
        parse=parse_rate,
        convert=exact_rate,
        holds=lambda rate: 0 < rate <= 1000,
        expected="a number of more than 0, up to 1000",
        metavar="FPS",
        json=json_values.NUMBER,
    )
    input_format: PipeFormat | None = _words(
        None,
        PipeFormat,
        "--input-format",
        group=SOURCE,
        help="what INPUT is in: nut, ts, y4m or raw",
        metavar="NAME",
    )
    input_size: Size | None = option(
        None,
        "--input-size",
        group=SOURCE,
        help="the size of raw pictures",
        takes="'WxH' or (width, height)",
        kinds=(Size,),
        parse=Size.parse,
        convert=size_of,
        holds=lambda size: 1 <= size.width <= MAX_SIDE and 1 <= size.height <= MAX_SIDE,
        expected=f"WxH such as 640x360, sides of 1 to {MAX_SIDE}",
        metavar="WxH",
        json=json_values.SIZE,
    )
    input_pix_fmt: str | None = option(
        None,
        "--input-pix-fmt",
        group=SOURCE,
        help="the format of raw pixels (yuv420p)",
        takes="FFmpeg's name of a pixel format",
        kinds=(str,),
        metavar="NAME",
    )
    allow: tuple[str, ...] = option(
        (),
        "--allow",
        group=SOURCE,
        help="what a playlist may read: file,https",
        takes="names of protocols with commas between, or several",
        kinds=(tuple,),
        parse=protocols_of,
        convert=protocols_of,
        holds=lambda names: set(names) <= set(PROTOCOLS),
        expected=f"some of {', '.join(PROTOCOLS)}",
        metavar="LIST",
        json=json_values.PAIR,
    )
    format: PipeFormat | None = _words(
        None,
        PipeFormat,
        "--format",
        group=ENCODING,
        help="the kind of a pipe: nut, ts, y4m or raw",
        metavar="NAME",
    )
    codec: str | None = option(
        None,
        "--codec",
        group=ENCODING,
        help=", ".join(CODECS),
        takes="a name of a codec",
        kinds=(str,),
        metavar="NAME",
    )
    crf: int | None = option(
        None,
        "--crf",
        group=ENCODING,
        help="the quality; smaller is better",
        takes=f"a whole number, up to 51 or {HIGHEST_CRF} as the codec has it",
        kinds=(int,),
        parse=int,
        metavar="N",
    )
    preset: str | None = option(
        None,
        "--preset",
        group=ENCODING,
        help="the encoder's effort",
        takes="a name that the encoder knows",
        kinds=(str,),
        metavar="NAME",
    )
    bitrate: int | None = option(
        None,
        "--bitrate",
        group=ENCODING,
        help="the bits a second to aim at, such as 8M",
        takes="bits a second, or text such as '8M'",
        kinds=(int,),
        parse=parse_bitrate,
        convert=parse_bitrate,
        holds=_is_bitrate,
        expected="a number such as 800k or 8M",
        metavar="RATE",
    )
    maxrate: int | None = option(
        None,
        "--maxrate",
        group=ENCODING,
        help="the bits a second that no two seconds exceed",
        takes="bits a second, or text such as '8M'",
        kinds=(int,),
        parse=parse_bitrate,
        convert=parse_bitrate,
        holds=_is_bitrate,
        expected="a number such as 800k or 8M",
        metavar="RATE",
    )
    encoder_option: tuple[str, ...] | None = option(
        None,
        "--encoder-option",
        group=ENCODING,
        help="a setting of FFmpeg's encoder; may be repeated",
        takes="KEY=VALUE, several of them, or a mapping",
        kinds=(tuple,),
        parse=key_values,
        convert=key_values,
        holds=_are_key_values,
        expected="KEY=VALUE",
        metavar="KEY=VALUE",
        many=True,
        json=json_values.PAIR,
    )
    pix_fmt: str | None = option(
        None,
        "--pix-fmt",
        group=ENCODING,
        help="FFmpeg's name of a pixel format",
        takes="FFmpeg's name of a pixel format",
        kinds=(str,),
        metavar="NAME",
    )
    audio: AudioChoice = _words(
        "copy",
        AudioChoice,
        "--audio",
        group=ENCODING,
        help="copy, auto (converted where it must be), aac, opus, flac or none (copy)",
        metavar="HOW",
    )
    streams: str | None = option(
        None,
        "--streams",
        group=ENCODING,
        help="what to keep: audio:0,subtitle:ger or none (all)",
        takes=EXPECTED,
        kinds=(str,),
        holds=is_choice,
        metavar="LIST",
    )
    drop_incompatible: bool = _switch(
        "--drop-incompatible", group=ENCODING, help="leave out what OUTPUT cannot hold"
    )
    piece_frames: int | None = option(
        None,
        "--piece-frames",
        group=PIECES,
        help="the frames of a piece (about 250, from 1000 on)",
        takes="a number of frames",
        kinds=(int,),
        parse=int,
        holds=lambda frames: 1 <= frames <= MOST_PIECE_FRAMES,
        expected=f"a whole number of 1 to {MOST_PIECE_FRAMES}",
        metavar="N",
    )
    no_pieces: bool = _switch(
        "--no-pieces", group=PIECES, help="one encoder for all; a stopped run begins anew"
    )
    restart: bool = _switch(
        "--restart", group=PIECES, help="begin anew, whatever a stopped run has left"
    )
    growing: bool = _switch(
        "--growing", group=PIECES, help="let OUTPUT.part be watched while the run goes on"
    )
    overwrite: bool = _switch("--overwrite", group="", help="replace an existing target")

    def __post_init__(self) -> None:
        for each in fields(self):
            option_of(each).check(getattr(self, each.name), each.default)
        self._fulfil()
        if self.size is not None and self.height is not None:
            raise OptionError("`size` and `height` are both given: expected one of them.")
        if self.crf is not None and self.bitrate is not None:
            raise OptionError("`crf` and `bitrate` are both given: expected one of them.")
        self.layout.check(self.framerate)
        if self.no_pieces and self.piece_frames is not None:
            raise OptionError(
                "`piece_frames` and `no_pieces` are both given: expected one of them."
            )
        network_of(self.model, self.look)
        if self.codec is not None:
            check_quality(find_codec(self.codec), self.crf, self.preset)

    def _fulfil(self) -> None:
        """Set the options that the wishes stand for."""
        defaults = {each.name: each.default for each in fields(self)}
        given = {name: getattr(self, name) for name in defaults}
        for name, value in settings_of(self.enhance, given, defaults).items():
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Self:
        """Return the record of the keywords of ``vidsr.upscale``, or of a parsed command line.

        Names that are no option's are left out. Raises OptionError.
        """
        given = {}
        for each in fields(cls):
            described = option_of(each)
            if described.keyword in arguments:
                given[each.name] = described.value_of(arguments[described.keyword])
        return cls(**given)

    @property
    def network(self) -> ModelName:
        """The model that runs: the look's or a restorer alone, where none was chosen."""
        return restorer_alone(network_of(self.model, self.look), self.restore, self.scale)[0]

    @property
    def restorer(self) -> ModelName | None:
        """The restorer that runs before the model; None where there is none, or it runs alone."""
        return restorer_alone(network_of(self.model, self.look), self.restore, self.scale)[1]

    @property
    def wanted_size(self) -> WantedSize | None:
        """The size that the target shall have; None leaves it to the model."""
        if self.size is not None:
            return WantedSize(self.size.width, self.size.height)
        return None if self.height is None else WantedSize(None, self.height)

    @property
    def layout(self) -> InputLayout:
        """What the source is in, where that is stated."""
        return InputLayout(self.input_format, self.input_size, self.input_pix_fmt)

    @property
    def output(self) -> OutputOptions:
        """The choices that concern the target."""
        return OutputOptions(**{f.name: getattr(self, f.name) for f in fields(OutputOptions)})

    def to_json(self) -> str:
        """Return the options as a JSON object, keyed as ``vidsr.upscale`` names them."""
        values = ((option_of(each), getattr(self, each.name)) for each in fields(self))
        return json.dumps({described.keyword: described.written(v) for described, v in values})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what ``to_json`` wrote, now or before there was every option.

        Raises OptionError for anything else.
        """
        known = {described.keyword: described for described, _ in OPTIONS}
        try:
            stored = dict(json.loads(text))
            if unknown := stored.keys() - known.keys():
                raise ValueError(f"{', '.join(sorted(unknown))} is unknown")
            given = {name: known[name].stored(value) for name, value in stored.items()}
        except (TypeError, ValueError) as error:
            raise OptionError(f"not the options of a run: {error}") from error
        return cls.of(given)


OPTIONS: tuple[tuple[Option, Any], ...] = tuple(
    (option_of(each), each.default) for each in fields(RunOptions)
)
"""Every option with its default, in the order of the keywords of ``vidsr.upscale``."""
