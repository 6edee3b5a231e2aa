"""What luma alone tells of earlier codecs: nothing of clean pictures, never less than a stream."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import vidsr
from tests.makers.clips import make_clip, noise, picture, samples
from tests.makers.coded import coded, frames, quantised, textured
from tests.makers.footage import pan
from vidsr.errors import OptionError
from vidsr.video.coding import coding_errors
from vidsr.video.coding.blind.estimate import NOTHING, Look, look
from vidsr.video.coding.blind.features import features
from vidsr.video.coding.blind.patches import PATCH, patches
from vidsr.video.coding.held_looks import HeldLooks

SEEN = Look(9.0, 12.0)


def levels(path: Path) -> list[float]:
    return [0.0 if each.coding_error is None else each.coding_error.levels for each in frames(path)]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Have every look see the same; returns the widths of what was looked at."""
    widths: list[int] = []

    def see(luma: Any, depth: int) -> Look:
        widths.append(luma.shape[1])
        return SEEN

    monkeypatch.setattr(coding_errors, "look", see)
    return widths


@pytest.mark.parametrize("draw", [noise, picture, textured])
def test_drawn_pictures_are_clean(draw: Any) -> None:
    assert look(samples(draw(320, 192))[0], 8).beyond(0) == 0


def test_ten_bits_tell_what_eight_do() -> None:
    luma = samples(pan(1, (320, 192))[0])[0]
    deep = (luma.astype(np.uint16) << 2).astype(np.uint16)
    assert look(deep, 10) == look(luma, 8)


def test_pictures_too_small_and_bars_tell_nothing() -> None:
    luma = samples(noise(320, 192))[0]
    assert look(luma[:30], 8) == look(luma[:, :60], 8) == NOTHING
    assert look(np.full_like(luma, 16), 8) == NOTHING
    whole = patches(luma, 8)
    luma[:32] = 16
    kept = patches(luma, 8)
    assert whole is not None
    assert kept is not None
    assert whole.shape == (30, PATCH.height, PATCH.width)
    assert kept.shape == (25, PATCH.height, PATCH.width)


def test_large_pictures_cost_no_more_than_forty_eight_patches() -> None:
    large = np.tile(samples(noise(320, 192))[0], (6, 6))
    cut = patches(large, 8)
    assert cut is not None
    assert len(cut) == 48


def test_features_are_shares_and_do_not_depend_on_the_order_of_patches() -> None:
    cut = patches(samples(pan(1, (320, 192))[0])[0], 8)
    assert cut is not None
    found = features(cut)
    assert np.isfinite(found).all()
    assert found == pytest.approx(features(cut[::-1]), abs=1e-12)


def test_a_look_raises_what_is_told_without_a_jump_and_never_lowers_it() -> None:
    seen = Look(3.0, 4.0)
    told = np.linspace(0, 8, 801)
    found = np.array([seen.beyond(each) for each in told])
    assert found[0] == 4.0
    assert (found >= told).all()
    assert np.abs(np.diff(found)).max() < 0.08
    assert (found[told > 2] == told[told > 2]).all()


def test_a_stream_is_raised_where_luma_tells_more(tmp_path: Path, looks: list[int]) -> None:
    clip = coded(tmp_path / "a.mkv", "libx264", {"crf": "16"}, size=(320, 192))
    found = [frame.coding_error for frame in frames(clip.path)]
    assert [(each.levels, each.basis) for each in found if each] == [(12.0, "picture")] * 6
    assert looks == [320]  # held from the key frame on


def test_a_later_look_fades_in_and_a_key_frame_begins_anew() -> None:
    held = HeldLooks()
    told = []
    for number in range(100):
        held.picture(key=number in (0, 80))
        if held.is_due and number != 80:
            held.found(SEEN if number else NOTHING)
        told.append(held.now.likely)
    assert told[:48] == [0.0] * 48
    assert np.diff(told[47:65]) == pytest.approx([12 / 17] * 17)
    assert told[64:80] == pytest.approx([12.0] * 16)
    assert told[80:] == [0.0] * 20


def test_a_picture_without_loss_is_looked_at_and_a_stream_is_not(
    tmp_path: Path, looks: list[int]
) -> None:
    pictures = pan(6, (320, 192))
    Image.fromarray(pictures[0].to_ndarray(format="rgb24")).save(tmp_path / "a.png")
    assert levels(tmp_path / "a.png") == [12.0]
    assert len(looks) == 1
    for codec, name in (("ffv1", "b.mkv"), ("prores_ks", "c.mov"), ("rawvideo", "d.mkv")):
        pix_fmt = "yuv422p10le" if codec == "prores_ks" else "yuv420p"
        shown = [image.reformat(format=pix_fmt) for image in pictures]
        clip = make_clip(tmp_path / name, codec=codec, pictures=shown)
        assert max(levels(clip.path)) < 12
    assert len(looks) == 1


def test_codecs_with_blocks_of_their_own_are_not_looked_at(
    tmp_path: Path, looks: list[int]
) -> None:
    clip = quantised(tmp_path / "a.mkv", "mpeg2video", 8, size=(320, 192))
    assert 0 < max(levels(clip.path)) < 12
    assert not looks


def test_a_frame_has_the_same_look_wherever_decoding_starts(
    tmp_path: Path, looks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def see(luma: Any, depth: int) -> Look:
        looks.append(depth)
        return Look(9.0, 10.0 + float(luma.mean()) / 64)

    monkeypatch.setattr(coding_errors, "look", see)
    options = {"crf": "16", "g": "4", "bf": "0"}
    clip = make_clip(
        tmp_path / "a.mkv", codec="libx264", pictures=pan(12, (320, 192)), options=options
    )
    whole = levels(clip.path)
    assert len(looks) == 3
    assert min(whole) > 10
    part = [frame.coding_error for frame in frames(clip.path, start_s=6 / 25, duration_s=4 / 25)]
    assert [each.levels for each in part if each] == whole[6:10]


def test_all_kinds_of_pictures_are_estimated_alike() -> None:
    image = pan(1, (320, 192))[0]
    array = image.to_ndarray(format="rgb24")
    tensor = torch.from_numpy(array).permute(2, 0, 1)
    found = vidsr.estimate_coding_error(array)
    assert found == vidsr.estimate_coding_error(tensor)
    assert found == vidsr.estimate_coding_error(torch.stack([tensor, tensor]))
    assert found == vidsr.estimate_coding_error(array / 255)
    assert 0 <= vidsr.estimate_coding_error(image) < 64
    assert vidsr.estimate_coding_error(array[:, :, 0]) >= 0


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(OptionError, match="ndarray or"):
        vidsr.estimate_coding_error("photo.png")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "picture",
    [
        torch.zeros(0, 3, 64, 128),
        np.zeros((0, 0, 3), np.uint8),
        torch.full((3, 64, 128), 200.0),
        np.full((64, 128), np.nan),
        torch.zeros(3, 64, 128, device="meta"),
    ],
)
def test_pictures_that_no_upscaler_takes_are_refused(picture: Any) -> None:
    with pytest.raises(OptionError):
        vidsr.estimate_coding_error(picture)


def test_a_picture_with_a_gradient_is_estimated() -> None:
    found = vidsr.estimate_coding_error(torch.rand(3, 64, 256, requires_grad=True))
    assert isinstance(found, float)
