"""What each encoder may be told, and the pixel format it is given."""

from __future__ import annotations

import pytest

from vidsr.errors import OptionError
from vidsr.picture.frame import PixelFormat
from vidsr.video.hdr import HdrMetadata
from vidsr.video.sink.codec_defaults import CODECS, find_codec
from vidsr.video.sink.encoder_formats import check_pixel_format, encoder_formats
from vidsr.video.sink.encoder_settings import add_parameters, choose_format, encoder_options
from vidsr.video.sink.output_options import OutputOptions, check_encoding
from vidsr.video.sink.target_file import Target

YUV = PixelFormat("yuv", 8, (2, 2))
HDR10 = HdrMetadata(
    primaries=((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.3127, 0.329)),
    luminance=(0.005, 1000.0),
    light_levels=(1000, 400),
)


def test_an_unknown_codec_names_the_allowed_and_the_nearest() -> None:
    with pytest.raises(OptionError, match=r"codec = 'hevcc': expected.*h264, hevc, av1") as error:
        find_codec("hevcc")
    assert error.value.hint == "did you mean hevc?"
    with pytest.raises(OptionError) as error:
        find_codec("zzz")
    assert error.value.hint == ""


@pytest.mark.parametrize("name", CODECS)
def test_the_ends_of_the_quality_range_are_allowed_and_no_more(name: str) -> None:
    codec = CODECS[name]
    if not codec.crf_max:
        with pytest.raises(OptionError, match="it has no quality setting"):
            encoder_options(codec, 20, None, YUV)
        return
    for end in (codec.crf_min, codec.crf_max):
        assert encoder_options(codec, end, None, YUV)[codec.crf_option] == str(end)
    for wrong in (codec.crf_min - 1, codec.crf_max + 1):
        allowed = f"{codec.crf_min} to {codec.crf_max}"
        with pytest.raises(OptionError, match=rf"crf = {wrong} .*{allowed}"):
            encoder_options(codec, wrong, None, YUV)


@pytest.mark.parametrize("name", CODECS)
def test_a_wrong_preset_names_what_is_allowed(name: str) -> None:
    codec = CODECS[name]
    with pytest.raises(OptionError, match=", ".join(codec.presets) or "expected none"):
        encoder_options(codec, None, "warp", YUV)
    for preset in codec.presets:
        assert preset in encoder_options(codec, None, preset, YUV).values()


def test_prores_has_a_profile_for_full_chroma() -> None:
    assert encoder_options(CODECS["prores"], None, None, YUV)["profile"] == "hq"
    full = PixelFormat("yuv", 10, (1, 1))
    assert encoder_options(CODECS["prores"], None, None, full)["profile"] == "4444"


@pytest.mark.parametrize("name", CODECS)
def test_a_wrong_pixel_format_names_what_is_allowed(name: str) -> None:
    allowed = encoder_formats(CODECS[name])
    assert allowed
    with pytest.raises(OptionError, match=f"expected one of {', '.join(allowed)}"):
        choose_format(CODECS[name], YUV, "nv12")
    with pytest.raises(OptionError) as error:
        check_pixel_format(CODECS[name], "bogus")
    assert error.value.message.endswith(f"expected one of {', '.join(allowed)}.")
    for wanted, pixel in allowed.items():
        assert choose_format(CODECS[name], YUV, wanted) == (wanted, pixel)


@pytest.mark.parametrize("codec", ["h264", "vp9"])
def test_every_pixel_format_named_by_a_refusal_is_taken(codec: str) -> None:
    target = Target.of("a.mkv")
    with pytest.raises(OptionError) as error:
        check_encoding(OutputOptions(codec=codec, pix_fmt="bogus"), target)
    named = error.value.message.rpartition("one of ")[2].rstrip(".").split(", ")
    for name in named:
        check_encoding(OutputOptions(codec=codec, pix_fmt=name), target)
        assert choose_format(CODECS[codec], YUV, name)[0] == name
    for name in ("nv12", "yuvj420p", "gbrap"):  # listed by FFmpeg for one or the other
        with pytest.raises(OptionError, match=f"pix_fmt = '{name}'"):
            check_encoding(OutputOptions(codec=codec, pix_fmt=name), target)


@pytest.mark.parametrize(
    ("codec", "source", "expected"),
    [
        ("h264", PixelFormat("yuv", 12, (2, 2)), "yuv420p10le"),  # the deepest it has
        ("h264", PixelFormat("yuv", 10, (2, 1)), "yuv422p10le"),
        ("av1", PixelFormat("gray", 8), "yuv420p"),
        ("av1", PixelFormat("yuv", 8, (1, 1)), "yuv420p"),
        ("jpeg", PixelFormat("yuv", 8, (2, 1)), "yuvj422p"),
        ("jpeg", PixelFormat("yuv", 10, (2, 2)), "yuvj420p"),
        ("png", PixelFormat("yuv", 10, (2, 2)), "rgb48be"),
        ("png", PixelFormat("yuv", 8, (2, 2)), "rgb24"),
        ("png", PixelFormat("gray", 8), "gray"),
    ],
)
def test_the_nearest_format_loses_least(codec: str, source: PixelFormat, expected: str) -> None:
    assert choose_format(CODECS[codec], source, None)[0] == expected


@pytest.mark.parametrize(
    ("codec", "key", "expected"),
    [
        (
            *("hevc", "x265-params"),
            "log-level=error:master-display=G(13250,34500)B(7500,3000)R(34000,16000)"
            "WP(15635,16450)L(10000000,50):max-cll=1000,400",
        ),
        (
            *("h264", "x264-params"),
            "mastering-display=G(13250,34500)B(7500,3000)R(34000,16000)"
            "WP(15635,16450)L(10000000,50):cll=1000,400",
        ),
        (
            *("av1", "svtav1-params"),
            "mastering-display=G(0.265000,0.690000)B(0.150000,0.060000)R(0.680000,0.320000)"
            "WP(0.312700,0.329000)L(1000,0.005000):content-light=1000,400",
        ),
    ],
)
def test_hdr_metadata_in_each_encoders_own_words(codec: str, key: str, expected: str) -> None:
    options: dict[str, str] = {}
    assert add_parameters(options, CODECS[codec], HDR10)
    assert options == {key: expected}


def test_metadata_that_cannot_be_written_are_admitted() -> None:
    assert not add_parameters({}, CODECS["ffv1"], HDR10)
    assert add_parameters({}, CODECS["ffv1"], HdrMetadata())
    half = HdrMetadata(primaries=HDR10.primaries)  # the encoders want both halves
    assert not add_parameters({}, CODECS["hevc"], half)
