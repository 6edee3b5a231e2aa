"""Video codecs as a degradation: frames are really encoded and decoded, in memory.

One thread and a fixed lookahead: the same frames and settings give the same bytes.
"""

from __future__ import annotations

import os
from fractions import Fraction

import av
import torch
from torch import Tensor
from torch.nn import functional as F

from vidsr.degradation.operations.codec_settings import CODECS, CodecSettings
from vidsr.degradation.operations.passes import run_through
from vidsr.errors import OptionError, VidsrError
from vidsr.picture.color import RANGE_LIMITED, ColorSpec, assumed_matrix
from vidsr.picture.conversion import rgb_to_yuv, yuv_to_rgb
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat, to_image, view_planes
from vidsr.picture.size import Size
from vidsr.video.close_codecs import empty_decoder, empty_encoder
from vidsr.video.streams.copies import MUX_ERRORS

_PIXEL = PixelFormat("yuv", 8, (2, 2))


class CodecPass:
    """Encoder and decoder side by side: frames in, as many frames out, some calls later.

    Frames are ``[1, 3, H, W]`` float32 in [0, 1], all of one size. Methods raise VidsrError.
    """

    def __init__(self, settings: CodecSettings, size: Size) -> None:
        self.settings, self.size = settings, size
        smallest = CODECS[settings.codec].smallest
        height, width = (max(smallest, side + side % 2) for side in size.rows_columns)
        color = _color(height)
        self._layout = VideoFormat(width, height, _PIXEL, color)
        self._encoder = self._open_encoder()
        self._decoder: av.VideoCodecContext | None = None
        self._pushed = self._returned = 0
        self._device = torch.device("cpu")

    def push(self, frame: Tensor) -> list[Tensor]:
        """Encode one frame and return those that have come out."""
        self._device = frame.device
        height, width = self.size.rows_columns
        layout = self._layout
        edge = (0, layout.width - width, 0, layout.height - height)
        rgb = F.pad(frame.cpu(), edge, mode="replicate")[0]
        image = to_image(Frame(rgb_to_yuv(rgb, layout), layout, self._pushed))
        image.time_base = 1 / self.settings.rate
        self._pushed += 1
        return self._exchange(image)

    def finish(self) -> list[Tensor]:
        """Return the frames still inside. Raises VidsrError when the codec lost one."""
        frames = self._exchange(None) if self._pushed else []
        if self._returned != self._pushed:
            what = f"{self._returned} of {self._pushed} frames"
            raise VidsrError(f"{self.settings.codec}: {what} came back from the codec")
        return frames

    def __del__(self) -> None:
        # Given up half way, perhaps: no picture may be in flight then.
        empty_decoder(getattr(self, "_decoder", None))
        empty_encoder(getattr(self, "_encoder", None))

    def _exchange(self, image: av.VideoFrame | None) -> list[Tensor]:
        try:
            packets = self._encoder.encode(image)
            decoder = self._decoder = self._decoder or self._open_decoder()
            images = [shown for packet in packets for shown in decoder.decode(packet)]
            if image is None:
                images += decoder.decode(None)
        except MUX_ERRORS as error:
            raise VidsrError(f"{self.settings.codec}: compression failed: {error}") from error
        self._returned += len(images)
        return [self._rgb(shown) for shown in images]

    def _rgb(self, image: av.VideoFrame) -> Tensor:
        height, width = self.size.rows_columns
        rgb = yuv_to_rgb(view_planes(image), self._layout)
        return rgb[None, :, :height, :width].to(self._device)

    def _open_encoder(self) -> av.VideoCodecContext:
        settings, layout = self.settings, self._layout
        encoder = _context(CODECS[settings.codec].encoder, "w")
        encoder.width, encoder.height, encoder.pix_fmt = layout.width, layout.height, _PIXEL.name
        encoder.framerate, encoder.time_base = settings.rate, 1 / settings.rate
        encoder.gop_size = settings.gop_frames
        if settings.b_frames is not None:
            encoder.max_b_frames = settings.b_frames
        if settings.codec == "vp9" or settings.bitrate_kbps is not None:
            # VP9 takes a bit rate of 0 for "quality alone".
            encoder.bit_rate = round((settings.bitrate_kbps or 0) * 1000)
        if settings.bitrate_kbps is not None:
            # The default tolerance is absolute, and refused at rates of small pictures.
            encoder.bit_rate_tolerance = 4_000_000 + round(settings.bitrate_kbps * 1000)
        encoder.colorspace, encoder.color_range = layout.color.matrix, layout.color.range
        encoder.options = settings.encoder_options()
        if settings.codec == "av1":
            os.environ.setdefault("SVT_LOG", "1")  # read when the encoder opens; it has no option
        return encoder

    def _open_decoder(self) -> av.VideoCodecContext:
        decoder = _context(CODECS[self.settings.codec].decoder, "r")
        if self._encoder.extradata:
            decoder.extradata = self._encoder.extradata
        return decoder


def compress(
    clip: Tensor,
    codec: str = "h264",
    *,
    crf: int | None = None,
    qscale: int | None = None,
    bitrate_kbps: float | None = None,
    gop_frames: int = 250,
    b_frames: int | None = None,
    preset: str = "veryfast",
    rate: Fraction = Fraction(25),
) -> Tensor:
    """Encode and decode a clip, 4:2:0 at 8 bits.

    One of ``crf``, ``qscale`` and ``bitrate_kbps`` is given. Colours are BT.601 below 720 lines,
    else BT.709, limited range, chroma sited left, both ways. Odd and tiny sizes are padded by
    repeating the edge, and cut.

    Args:
        clip: ``[T, 3, H, W]`` float32 in [0, 1].
        codec: h264, h265, vp9, av1, mpeg2, mpeg4 or mjpeg.
        crf: Quality of h264 and h265 (0 to 51), vp9 and av1 (0, av1 1, to 63); smaller is better.
        qscale: Quantiser of mpeg2, mpeg4 and mjpeg, 1 to 31; smaller is better.
        bitrate_kbps: Bit rate in kbit/s, above 0.
        gop_frames: Most frames from one key frame to the next, 1 or more.
        b_frames: Most B frames in a row; None is the encoder's default.
        preset: Preset of h264 and h265.
        rate: Frames a second; only the bit rate depends on it.

    Returns:
        ``[T, 3, H, W]`` float32 in [0, 1].

    Raises:
        OptionError: An argument is outside its range.
        VidsrError: The codec failed.
    """
    settings = CodecSettings(
        codec=codec,
        quality=_quality(codec, crf, qscale),
        bitrate_kbps=bitrate_kbps,
        gop_frames=gop_frames,
        b_frames=b_frames,
        preset=preset,
        rate=rate,
    )
    codec_pass = CodecPass(settings, Size(clip.shape[3], clip.shape[2]))
    return torch.cat([clip[:0], *run_through(codec_pass, clip)])


def _quality(codec: str, crf: int | None, qscale: int | None) -> int | None:
    wanted = CODECS[codec].quality if codec in CODECS else "crf"
    given = {"crf": crf, "qscale": qscale}
    for name, value in given.items():
        if value is not None and name != wanted:
            raise OptionError(f"{codec}: expected {wanted} or a bit rate, got {name}")
    return given[wanted]


def _color(height: int) -> ColorSpec:
    matrix = assumed_matrix(height)
    return ColorSpec(matrix=matrix, primaries=matrix, transfer=matrix, range=RANGE_LIMITED)


def _context(name: str, mode: str) -> av.VideoCodecContext:
    context = av.CodecContext.create(name, "w" if mode == "w" else "r")
    assert isinstance(context, av.VideoCodecContext)
    context.thread_count = 1
    return context
