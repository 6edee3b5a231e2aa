"""The evaluation protocol: bicubic enlargement must score what published tables say."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from vidsr.errors import InputError, OptionError
from vidsr.quality import evaluate as ev


def write_png(path: Path, image: ev.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    gray = image.ndim == 2
    context = av.CodecContext.create("png", "w")
    context.height, context.width = image.shape[:2]
    context.pix_fmt = "gray" if gray else "rgb24"
    frame = av.VideoFrame.from_ndarray(image, format="gray" if gray else "rgb24")
    path.write_bytes(b"".join(bytes(p) for p in [*context.encode(frame), *context.encode(None)]))


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A set of one colour and one grey pair; HR sizes are not multiples of four."""
    rng = np.random.default_rng(0)
    inner = tmp_path / "Set5" / "image_SRF_4"
    for number, shape in enumerate([(50, 67, 3), (50, 67)], start=1):
        hr = rng.integers(0, 256, shape, np.uint8)
        write_png(inner / f"img_00{number}_SRF_4_HR.png", hr)
        write_png(inner / f"img_00{number}_SRF_4_LR.png", hr[:48:4, :64:4])
    return tmp_path


def nearest(image: ev.Image) -> ev.Image:
    return image.repeat(4, axis=0).repeat(4, axis=1)


def test_pictures_survive_reading(tmp_path: Path) -> None:
    for shape in [(5, 7, 3), (5, 7)]:
        image = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
        write_png(tmp_path / "x.png", image)
        assert np.array_equal(ev.read_picture(tmp_path / "x.png"), image)


def test_hr_is_cut_to_a_multiple_of_lr(tiny: Path) -> None:
    scores = ev.evaluate(nearest, tiny, scale=4, sets=["Set5"])
    assert [s.picture for s in scores] == ["img_001", "img_002"]
    assert all(3 < s.model_db < 20 for s in scores)


def test_the_network_sees_colour_pictures_only(tiny: Path) -> None:
    shapes: list[tuple[int, ...]] = []

    def spy(image: ev.Image) -> ev.Image:
        shapes.append(image.shape)
        return nearest(image)

    ev.evaluate(spy, tiny, scale=4, sets=["Set5"])
    assert shapes == [(12, 16, 3), (12, 16, 3)]


def test_a_grey_original_is_scored_on_its_own_scale() -> None:
    gray = np.full((20, 20), 100, np.uint8)
    output = ev.as_rgb(gray + np.uint8(16))
    assert ev.fidelity_db(output, gray, border=4) == pytest.approx(24.048, abs=1e-3)


def test_table_and_json_agree(
    tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ev, "enlarger", lambda model, scale, device: nearest)
    arguments = ["--data", str(tiny), "--sets", "Set5"]
    assert ev.main([*arguments, "--json"]) == 0
    means = json.loads(capsys.readouterr().out)["means"]["Set5"]
    assert ev.main(arguments) == 0
    table = capsys.readouterr().out
    assert f"| **Set5 mean** | {means['bicubic_db']:.2f} | {means['model_db']:.2f} |" in table


def test_missing_folder_is_one_line_with_a_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ev.main(["--data", str(tmp_path)]) == InputError.exit_code
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "Set5" in error
    assert "Hint: --data" in error


def test_scale_comes_from_the_name() -> None:
    assert ev.scale_of("srresnet-x2") == 2
    with pytest.raises(OptionError, match=r"'mine\.pth' does not end in its scale"):
        ev.scale_of("mine.pth")


@pytest.mark.corpus
@pytest.mark.slow
@pytest.mark.parametrize(("name", "published_db"), [("Set5", 28.43), ("Set14", 25.99)])
def test_bicubic_scores_as_published(data_dir: Path, name: str, published_db: float) -> None:
    scores = ev.evaluate(
        lambda image: ev.bicubic(image, 4), data_dir / "eval", scale=4, sets=[name]
    )
    assert ev.means(scores)[name]["model_db"] == pytest.approx(published_db, abs=0.02)
