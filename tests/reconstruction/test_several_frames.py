"""Several frames of a static scene: where they lie, what moved, and what they give together."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.makers.clips import make_clip
from tests.makers.photos import make_photos, photograph
from vidsr.errors import OptionError
from vidsr.picture.size import Size
from vidsr.quality.metrics.psnr import luma_601, psnr_db
from vidsr.reconstruction import burst
from vidsr.reconstruction.captures import capture
from vidsr.reconstruction.methods import METHODS
from vidsr.reconstruction.several_frames import reconstruct_scene
from vidsr.video.still_images import read_rgb

SHIFTS = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5), (0.26, -0.74), (-0.3, 0.2))
SCALE = 4


@pytest.fixture(scope="module")
def original() -> Tensor:
    return photograph(2, 128, 160)


@pytest.fixture(scope="module")
def frames(original: Tensor) -> list[Tensor]:
    """Frames whose samples are the means over 4x4 pixels: they alias."""
    small = Size(40, 32)
    ways = [
        capture(small, SCALE, shift_px=(SCALE * down, SCALE * across), shrinking="area")
        for down, across in SHIFTS
    ]
    return [way.forward(original.float()).round().clamp(0, 255).to(torch.uint8) for way in ways]


def score(large: Tensor, original: Tensor) -> float:
    return psnr_db(luma_601(large), luma_601(original), border=12)


@pytest.mark.parametrize("method", METHODS)
def test_aliased_frames_hold_more_than_one(
    method: str, frames: list[Tensor], original: Tensor
) -> None:
    one = reconstruct_scene(frames[:1], SCALE, method, shifts_px=SHIFTS[:1])
    many = reconstruct_scene(frames, SCALE, method, shifts_px=SHIFTS)
    assert score(many, original) > score(one, original) + 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"method": "magic"}, "method = 'magic': expected one of ibp, pocs"),
        ({"frames": []}, "frames: expected one or more"),
        ({"frames": [torch.zeros(3, 4, 4), torch.zeros(3, 4, 5)]}, "all of one size"),
    ],
)
def test_what_is_refused(more: dict[str, object], said: str) -> None:
    given = {"frames": [torch.zeros(3, 4, 4)], "scale": 2, "method": "ibp"} | more
    with pytest.raises(OptionError, match=said):
        reconstruct_scene(**given)  # type: ignore[arg-type]


class TestWithRegistration:
    """Displacements that have to be found."""

    @pytest.fixture(autouse=True)
    def _library(self) -> None:
        pytest.importorskip("skimage", reason="scikit-image is not installed")

    def test_displacements_are_found_to_a_tenth_of_a_pixel(self, frames: list[Tensor]) -> None:
        from vidsr.reconstruction.registration import register

        found = register([frame.float() for frame in frames])
        for each, shift in zip(found, SHIFTS, strict=True):
            assert each.shift_px == pytest.approx(shift, abs=0.1)

    def test_found_displacements_serve_as_known_ones_do(
        self, frames: list[Tensor], original: Tensor
    ) -> None:
        one = reconstruct_scene(frames[:1], SCALE, "map-tv")
        assert score(reconstruct_scene(frames, SCALE, "map-tv"), original) > (
            score(one, original) + 1
        )

    def test_what_moved_is_left_out(self, original: Tensor) -> None:
        from vidsr.reconstruction.registration import register

        small = Size(40, 32)
        first, moved = (
            capture(small, SCALE, shift_px=(0, by), blur_px=4).forward(original.float())
            for by in (0, 2)
        )
        moved[:, 14:18, 18:22] += 40
        found = register([first, moved])[1]
        assert float(found.weight[15:17, 19:21].mean()) == 0
        assert float(found.weight.mean()) > 0.6
        everything = register([first, moved], moved_levels=None)[1]
        assert float(everything.weight[15:17, 19:21].mean()) == 1

    def test_another_scene_changes_nothing(
        self, frames: list[Tensor], caplog: pytest.LogCaptureFixture
    ) -> None:
        other = torch.where(frames[0] > 127, 0, 255).to(torch.uint8)
        one = reconstruct_scene(frames[:1], SCALE, "ibp")
        assert not caplog.messages
        assert reconstruct_scene([frames[0], other], SCALE, "ibp").equal(one)
        assert "1 of 2 frames are left out" in caplog.text

    def test_flat_frames(self) -> None:
        flat = torch.full((3, 16, 16), 90, dtype=torch.uint8)
        assert (reconstruct_scene([flat, flat], 2, "ibp") == 90).all()

    def test_the_command_on_a_clip_and_on_a_folder(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        clip = make_clip(tmp_path / "in.mp4", frames=4, size=(48, 32)).path
        words = [str(clip), "-o", str(tmp_path / "large.png"), "--frames", "3", "--scale", "2"]
        assert burst.main([*words, "--method", "ibp", "--start", "0.04"]) == 0
        assert "large.png: 96x64 from 3 frames" in capsys.readouterr().out
        assert read_rgb(tmp_path / "large.png").shape == (3, 64, 96)
        folder = make_photos(tmp_path / "photos", 2, 24, 32)
        assert burst.main([str(folder), "-o", str(tmp_path / "b.png"), "--scale", "2"]) == 0
        assert read_rgb(tmp_path / "b.png").shape == (3, 48, 64)


def test_without_the_library_the_extra_is_named(
    frames: list[Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skimage.registration", None)
    with pytest.raises(OptionError, match="scikit-image, which is not installed") as refused:
        reconstruct_scene(frames, SCALE, "ibp")
    assert ".[reconstruction]" in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("no.mp4 -o a.png", 3, "no.mp4: no such file or folder"),
        (". -o a.jpg", 4, "expected a name that ends in .png"),
        (". -o absent/a.png", 4, "absent"),
        (". -o a.png --method magic", 2, "invalid choice: 'magic'"),
        (". -o a.png --scale 0", 2, "expected a whole number of 1 or more"),
        (". -o a.png --blur -1", 2, "expected 0 or more"),
        (". -o a.png", 3, "no pictures"),
    ],
)
def test_mistakes(
    line: str,
    status: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        found = burst.main(line.split())
    except SystemExit as stop:
        found = int(str(stop.code))
    assert found == status
    assert said in capsys.readouterr().err
