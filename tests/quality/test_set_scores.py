"""Protocol of evaluation: bicubic upscaling must score what published tables say."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.makers.photos import photograph
from vidsr.errors import InputError, NoInputError, OptionError
from vidsr.quality import baselines
from vidsr.quality.methods import Method, load_baselines
from vidsr.quality.metrics.measure import (
    blind_scores,
    luma_of,
    luma_of_original,
    mean_score,
    measure,
)
from vidsr.quality.pairs import benchmark_pairs, folder_pairs, match_sizes
from vidsr.quality.results import Row, as_json, markdown, means, show
from vidsr.quality.set_scores import SetScore, score_sets, set_means
from vidsr.quality.stills import score_pictures
from vidsr.video.still_images import read_picture, write_png


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (channels, height, width), generator=generator).byte()


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Write a set of one colour and one grey pair; HR sizes are not multiples of four."""
    inner = tmp_path / "Set5" / "image_SRF_4"
    inner.mkdir(parents=True)
    for number, channels in enumerate([3, 1], start=1):
        hr = noise(50, 67, channels, number)
        write_png(inner / f"img_00{number}_SRF_4_HR.png", hr)
        write_png(inner / f"img_00{number}_SRF_4_LR.png", hr[:, :48:4, :64:4])
    return tmp_path


def nearest(picture: Tensor) -> Tensor:
    return baselines.nearest(picture, 4)


def test_pictures_survive_reading(tmp_path: Path) -> None:
    for channels in (3, 1):
        write_png(tmp_path / "x.png", noise(5, 7, channels))
        assert torch.equal(read_picture(tmp_path / "x.png"), noise(5, 7, channels))


def test_hr_is_cut_to_a_multiple_of_lr(tiny: Path) -> None:
    scores = score_sets(nearest, tiny, scale=4, sets=["Set5"])
    assert [s.picture for s in scores] == ["img_001", "img_002"]
    assert all(3 < s.model_db < 20 for s in scores)
    hr = luma_of_original(noise(50, 67, 3, 1))[:48, :64]
    output = luma_of_original(nearest(noise(50, 67, 3, 1)[:, :48:4, :64:4]))
    expected = measure(output, hr, border=4, metrics=["psnr"])["psnr"]
    assert scores[0].model_db == pytest.approx(expected, abs=1e-9)


def test_the_network_sees_colour_pictures_only(tiny: Path) -> None:
    shapes: list[tuple[int, ...]] = []

    def spy(picture: Tensor) -> Tensor:
        shapes.append(tuple(picture.shape))
        return nearest(picture)

    score_sets(spy, tiny, scale=4, sets=["Set5"])
    assert shapes == [(3, 12, 16), (3, 12, 16)]


def test_a_grey_original_is_scored_on_its_own_scale() -> None:
    gray = torch.full((1, 20, 20), 100, dtype=torch.uint8)
    output = (gray + 16).repeat(3, 1, 1)
    planes = luma_of(output, gray), luma_of_original(gray)
    assert measure(*planes, border=4, metrics=["psnr"])["psnr"] == pytest.approx(24.048, abs=1e-3)


def test_a_missing_set_is_found_before_the_work(tiny: Path) -> None:
    def never(picture: Tensor) -> Tensor:
        raise AssertionError

    with pytest.raises(NoInputError, match=r"no pictures in .*Set14.*Hint: --data"):
        score_sets(never, tiny, scale=4, sets=["Set5", "Set14"])


def test_a_missing_small_picture_is_named(tiny: Path) -> None:
    (tiny / "Set5" / "image_SRF_4" / "img_002_SRF_4_LR.png").unlink()
    with pytest.raises(InputError, match=r"img_002_SRF_4_LR\.png: not a picture"):
        score_sets(nearest, tiny, scale=4, sets=["Set5"])


def test_means_are_rounded_and_equal_pictures_do_not_swallow_the_rest() -> None:
    scores = [SetScore("a", "1", 30.004, 20), SetScore("a", "2", math.inf, 30)]
    assert set_means(scores) == {"a": {"model_db": 65.0, "bicubic_db": 25.0}}


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "scale", "published_db"),
    [("Set5", 4, 28.42), ("Set14", 4, 25.99), ("Set5", 2, 33.64), ("Set14", 2, 30.22)],
)
def test_bicubic_scores_as_published(
    data_dir: Path, name: str, scale: int, published_db: float
) -> None:
    if not (data_dir / "eval" / name).is_dir():
        pytest.skip(f"no eval/{name} in {data_dir}")
    pairs = benchmark_pairs(data_dir / "eval", [name], scale)
    methods = load_baselines(["bicubic"], scale)
    rows = list(score_pictures(pairs, methods, scale=scale, border=scale, metrics=["psnr"]))
    # Half a unit of the last digit printed, and as much again for MATLAB's rounding of halves.
    found = means(rows)[name]["bicubic"]["psnr"]
    assert found == pytest.approx(published_db, abs=0.01)


def test_sizes_are_matched() -> None:
    names = (Path("hr"), Path("lr"))
    original, lr = match_sizes(noise(47, 51), None, 4, 19, names)
    assert (original.shape, lr.shape) == ((3, 44, 48), (3, 11, 12))
    assert torch.equal(lr, baselines.shrink(noise(47, 51), 4))
    assert match_sizes(noise(20, 23), noise(5, 5), 4, 19, names)[0].shape == (3, 20, 20)


@pytest.mark.parametrize("size", [(12, 12), (11, 13), (13, 12), (12, 10)])
def test_sizes_that_do_not_match(size: tuple[int, int]) -> None:
    names = (Path("hr"), Path("lr"))
    with pytest.raises(InputError, match=rf"lr: {size[1]}x{size[0]} is not hr \(47x51\) divided"):
        match_sizes(noise(51, 47), noise(*size), 4, 19, names)


@pytest.mark.parametrize("lr", [None, noise(4, 5)])
def test_too_small_once_it_is_cut(lr: Tensor | None) -> None:
    # 19 pixels would do, but only 16 of them are whole LR pixels.
    with pytest.raises(InputError, match="20x19 is too small: expected 20x20 or larger"):
        match_sizes(noise(19, 20), lr, 4, 19, (Path("hr"), Path("lr")))
    assert match_sizes(noise(20, 20), None, 4, 19, (Path("a"), Path("b")))[1].shape == (3, 5, 5)


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    return folder


def test_partners_by_name(tmp_path: Path) -> None:
    hr = touch(tmp_path / "hr", "0801.png", "0802.png", "notes.txt")
    lr = touch(tmp_path / "lr", "0801x4.png", "0802.jpg", "0803.png")
    pairs = folder_pairs(hr, lr, 4)
    assert [(p.group, p.name, p.lr and p.lr.name) for p in pairs] == [
        ("hr", "0801", "0801x4.png"),
        ("hr", "0802", "0802.jpg"),
    ]
    with pytest.raises(NoInputError, match=r"no picture for .*0801\.png\. Hint: .*0801x2\.\*"):
        folder_pairs(hr, lr, 2)
    (lr / "0801.webp").touch()
    with pytest.raises(InputError, match=r"several pictures for .*0801\.png: 0801\.webp, 0801x4"):
        folder_pairs(hr, lr, 4)


def test_pictures_of_one_name_stay_apart(tmp_path: Path) -> None:
    hr = touch(tmp_path / "hr", "a.jpg", "a.png", "b.png")
    assert [pair.name for pair in folder_pairs(hr, None, 4)] == ["a.jpg", "a.png", "b"]


def test_one_picture_is_a_pair(tmp_path: Path) -> None:
    hr = touch(tmp_path / "hr", "a.png") / "a.png"
    assert folder_pairs(hr, None, 4)[0].lr is None
    assert folder_pairs(hr, tmp_path / "b.png", 4)[0].lr == tmp_path / "b.png"
    with pytest.raises(OptionError, match="--lr"):
        folder_pairs(hr, None, 1)


def test_only_what_is_asked_for_is_measured() -> None:
    a, b = (luma_of_original(photograph(seed, 100, 100)) for seed in (0, 1))
    assert list(measure(a, b, border=4, metrics=["ssim"])) == ["ssim"]
    assert list(measure(a, b, border=4, metrics=["niqe", "psnr"])) == ["psnr"]
    assert list(blind_scores(a, ["niqe", "psnr"])) == ["niqe"]
    assert math.isnan(blind_scores(a[:90], ["niqe"])["niqe"])


def test_niqe_has_a_row_of_the_original(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", photograph(0, 100, 100))
    rows = score_pictures(
        folder_pairs(tmp_path, None, 4),
        [Method("own", nearest)],
        scale=4, border=4, metrics=["psnr", "niqe"],
    )  # fmt: skip
    assert [(row.method, set(row.scores)) for row in rows] == [
        ("own", {"psnr", "niqe"}),
        ("original", {"niqe"}),
    ]


def test_means_leave_out_what_is_no_number_and_cap_only_psnr() -> None:
    assert mean_score("psnr", [20, math.inf, math.nan]) == 60
    assert mean_score("niqe", [150, 50]) == 100
    assert mean_score("flicker", [200]) == 200
    assert math.isnan(mean_score("ssim", [math.nan]))
    assert math.isnan(mean_score("ssim", []))


ROWS = [
    Row("s", "a|b", "x", {"psnr": 30.126, "ssim": 0.9}),
    Row("s", "a|b", "y", {"psnr": math.inf, "ssim": math.nan}),
    Row("s", "c", "x", {"psnr": 20.0, "ssim": 0.8}),
    Row("t", "d", "x", {"psnr": 10.0, "ssim": 0.7}),
]


def test_table() -> None:
    assert markdown(ROWS).split("\n\n")[1].splitlines() == [
        "| picture | x | y |",
        "| --- | ---: | ---: |",
        r"| s a\|b | 30.13 | inf |",
        "| s c | 20.00 | - |",
        "| **s mean** | 25.06 | 100.00 |",
        "| t d | 10.00 | - |",
    ]
    assert "SSIM" in markdown(ROWS)
    assert "NIQE" not in markdown(ROWS)
    assert show("ssim", math.nan) == "-"


def strict(text: str) -> dict[str, object]:
    """JSON as the standard has it: no NaN, no Infinity."""

    def refuse(name: str) -> Callable[[], None]:
        raise AssertionError(name)

    value: dict[str, object] = json.loads(text, parse_constant=refuse)
    return value


def test_json_holds_no_nan() -> None:
    told = strict(as_json(ROWS, {"scale": 4}))
    assert told["scale"] == 4
    assert told["pictures"][1]["scores"] == {"psnr": None, "ssim": None}  # type: ignore[index]
    assert told["means"]["s"] == {  # type: ignore[index]
        "x": {"psnr": 25.063, "ssim": 0.85},
        "y": {"psnr": 100.0, "ssim": None},
    }
