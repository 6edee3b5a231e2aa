"""Learning from videos: runs of frames, pairs out of them, and the store that keeps them."""

from __future__ import annotations

import json
import logging
import random
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from tests.makers.clips import decode, make_clip, picture, samples
from tests.makers.footage import black, footage, pan
from tests.makers.photos import make_photos
from vidsr.degradation.recipe import Recipe
from vidsr.errors import InputError, NoInputError
from vidsr.picture.frame import Frame
from vidsr.training.data.crop_pool import TrainingPair
from vidsr.training.data.pairs import Prepared, prepare
from vidsr.training.data.validation import samples_of
from vidsr.training.data.video_runs import runs_of
from vidsr.training.options import Options, preset
from vidsr.training.portions import Portion, parse_portion

SIZE = (96, 80)
WHOLE = parse_portion("0-100%")


def options(data: Path, **given: object) -> Options:
    settled = {"steps": 1, "crop": 16, "scale": 2, "recipe": "codecs", "spots": 4, "clips": 3}
    return preset("srresnet", data=str(data), **{**settled, **given})


def read(
    data: Path,
    *,
    colour: bool = True,
    hold_back: int = 0,
    cache: Path | None = None,
    **given: object,
) -> Prepared:
    return prepare(
        options(data, **given), threads=2, colour=colour, hold_back=hold_back, cache=cache
    )


def runs(
    path: Path, portion: Portion = WHOLE, count: int = 4, frames: int = 3
) -> list[list[Frame]]:
    return list(runs_of(path, portion, count, frames, random.Random(0)))


def same(first: list[TrainingPair], second: list[TrainingPair]) -> bool:
    pairs = zip(first, second, strict=True)
    return all(torch.equal(a.low, b.low) and torch.equal(a.high, b.high) for a, b in pairs)


def times(found: list[list[Frame]]) -> list[list[int]]:
    return [[frame.pts or 0 for frame in run] for run in found]


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write two scenes with black between them: frames 0 to 19, and 24 to 43."""
    path = tmp_path_factory.mktemp("movie") / "movie.mkv"
    pictures = [*pan(20, SIZE), *black(4, SIZE), *pan(20, SIZE, seed=1)]
    return make_clip(path, codec="ffv1", pictures=pictures).path


def test_runs_follow_one_another_within_a_scene(movie: Path) -> None:
    found = times(runs(movie, count=6))
    assert len(found) >= 4
    for run in found:
        numbers = [round(at / 40) for at in run]  # milliseconds, at 25 frames a second
        assert numbers == list(range(numbers[0], numbers[0] + 3))
        assert numbers[-1] < 20 or numbers[0] >= 24
    flat = [at for run in found for at in run]
    assert flat == sorted(set(flat))
    assert flat[0] < 400 < 1300 < flat[-1]


def test_a_portion_is_all_that_is_read(movie: Path) -> None:
    lumas = [samples(image)[0].tobytes() for image in decode(movie)]
    for text, low, high in (("0-45%", 0, 20), ("55-100%", 24, 44)):
        found = runs(movie, parse_portion(text), count=3)
        assert found
        numbers = [lumas.index(frame.planes[0].numpy().tobytes()) for run in found for frame in run]
        assert low <= min(numbers) < max(numbers) < high


def test_a_raw_stream_is_read_by_number(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "raw.264", pictures=pan(16, SIZE), container="h264").path
    assert len(runs(path, count=2)) == 2
    assert len(runs(path, parse_portion("0-50%"), count=2)) >= 1


def test_a_cut_is_not_crossed(tmp_path: Path) -> None:
    pictures = [*(picture(*SIZE, index=i) for i in range(7)), *pan(7, SIZE)]
    path = make_clip(tmp_path / "cut.mkv", codec="ffv1", pictures=pictures).path
    for run in times(runs(path, count=8, frames=4)):
        assert run[-1] < 270 or run[0] > 270


def test_frames_that_repeat_are_left_out(tmp_path: Path) -> None:
    pictures = [image for image in pan(8, SIZE) for _ in range(2)]
    path = make_clip(tmp_path / "slow.mkv", codec="ffv1", pictures=pictures).path
    for run in times(runs(path, count=2)):
        assert [later - at for at, later in pairwise(run)] == [80, 80]
    still = make_clip(tmp_path / "still.mkv", codec="ffv1", pictures=pan(1, SIZE) * 9).path
    assert runs(still) == []


def test_pairs_of_a_video(movie: Path) -> None:
    prepared = read(movie, crop=16)
    assert (prepared.videos, prepared.pictures, prepared.skipped) == (1, 0, [])
    assert len(prepared.pairs) % 3 == 0
    for pair in prepared.pairs:
        assert pair.high.shape[1:] == tuple(2 * side for side in pair.low.shape[1:])
        assert "resize" in pair.chain
        coded = any(name in pair.chain for name in ("26", "vp9", "av1", "mpeg"))
        assert (pair.error > 0) == coded
    assert same(read(movie).pairs, prepared.pairs)
    assert not same(read(movie, seed=1).pairs, prepared.pairs)


def test_a_coarser_codec_errs_more(movie: Path, tmp_path: Path) -> None:
    errors = []
    for qscale in (2, 20):
        recipe = tmp_path / f"q{qscale}.toml"
        steps = f'[[step]]\nop = "resize"\n\n[[step]]\nop = "mpeg2"\nqscale = {qscale}\n'
        recipe.write_text(steps)
        pairs = read(movie, recipe=str(recipe)).pairs
        errors.append(sum(pair.error for pair in pairs) / len(pairs))
    assert 0 < 2 * errors[0] < errors[1]


def test_a_plain_recipe_makes_still_pairs(movie: Path) -> None:
    pairs = read(movie, recipe="bicubic").pairs
    assert pairs
    assert all(pair.error == 0 for pair in pairs)


def test_photographs_and_videos_in_one_folder(tmp_path: Path) -> None:
    make_photos(tmp_path, 2, 64, 80)
    footage(tmp_path / "clip.mkv", 12, SIZE)
    (tmp_path / "notes.txt").write_text("neither")
    prepared = read(tmp_path)
    assert (prepared.pictures, prepared.videos) == (2, 1)
    assert len(prepared.pairs) > 2 * 3
    grey = read(tmp_path, colour=False)
    assert {pair.low.shape[0] for pair in grey.pairs} == {1}
    assert [pair.chain for pair in grey.pairs] == [pair.chain for pair in prepared.pairs]


def test_what_cannot_be_learned_from(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(NoInputError, match="no pictures and no videos in it"):
        read(tmp_path)
    (tmp_path / "broken.mp4").write_text("nothing " * 9)
    with pytest.raises(InputError, match=r"none of 1 sources can be trained on; .*broken\.mp4"):
        read(tmp_path)
    make_clip(tmp_path / "still.mkv", codec="ffv1", pictures=pan(1, SIZE) * 9)
    footage(tmp_path / "tiny.mkv", 9, (24, 20))
    footage(tmp_path / "good.mkv", 9, SIZE)
    with caplog.at_level(logging.WARNING, "vidsr"):
        prepared = read(tmp_path)
    assert prepared.videos == 1
    assert "still.mkv: no 6 frames that follow one another" in caplog.text
    assert "tiny.mkv: 24x20 is smaller than a crop of 32x32" in caplog.text


def test_the_last_spot_is_held_back_where_there_are_only_videos(movie: Path) -> None:
    whole = read(movie).pairs
    prepared = read(movie, hold_back=2, colour=False)
    assert len(prepared.pairs) == len(whole) - 3
    assert [pair.high.shape[0] for pair in prepared.spared] == [3, 3]
    assert same(prepared.spared, whole[-3:-1])
    samples = samples_of(prepared, Recipe.load("codecs"), 2)
    assert [sample.name for sample in samples] == ["clip 1", "clip 2"]
    assert all(sample.bicubic.shape == sample.high.shape for sample in samples)


def test_pairs_are_kept_and_found(movie: Path, tmp_path: Path) -> None:
    cache = tmp_path / "pairs"
    made = read(movie, cache=cache).pairs
    (stored,) = cache.iterdir()
    with safe_open(str(stored), framework="pt") as file:
        about = json.loads(file.metadata()["vidsr"])
    assert [pair["chain"] for pair in about["pairs"]] == [pair.chain for pair in made]
    assert about["made of"]["source"][0] == "movie.mkv"
    before = stored.stat().st_mtime_ns
    found = read(movie, cache=cache)
    assert same(found.pairs, made)
    assert [round(p.error, 4) for p in found.pairs] == [round(p.error, 4) for p in made]
    assert stored.stat().st_mtime_ns == before
    # Luma is made of the same store, and what changes the pairs has one of its own.
    read(movie, cache=cache, colour=False)
    assert len(list(cache.iterdir())) == 1
    for given in ({"seed": 1}, {"portion": "0-50%"}, {"recipe": "web"}, {"clips": 2}):
        read(movie, cache=cache, **given)
    assert len(list(cache.iterdir())) == 5


def test_a_damaged_store_is_made_anew(
    movie: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = read(movie, cache=tmp_path).pairs
    (stored,) = tmp_path.iterdir()
    stored.write_bytes(stored.read_bytes()[:99])
    with caplog.at_level(logging.WARNING, "vidsr"):
        assert same(read(movie, cache=tmp_path).pairs, made)
    assert "made anew" in caplog.text
    assert same(read(movie, cache=tmp_path).pairs, made)


def test_photographs_are_kept_too(tmp_path: Path) -> None:
    photos = make_photos(tmp_path / "photos", 2, 64, 80)
    made = read(photos, cache=tmp_path / "pairs").pairs
    assert len(list((tmp_path / "pairs").iterdir())) == 2
    assert same(read(photos, cache=tmp_path / "pairs").pairs, made)
    assert same(read(photos).pairs, made)
