"""Levels that are models: shared by streams, equal to the upscaler, one format for all."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import torch

from tests.live.schedule.levels.test_bicubic_level import YUV, noisy
from vidsr.errors import ModelError
from vidsr.live.base.options import QualityOptions
from vidsr.live.schedule.levels.level import ReusingLevel, is_reusing
from vidsr.live.schedule.levels.levels import Levels
from vidsr.live.schedule.levels.model_store import ModelKey, ModelStore
from vidsr.picture.coding_error import CodingError
from vidsr.picture.frame import Frame
from vidsr.upscaling.upscaler import Upscaler


def levels_of(store: ModelStore, **given: object) -> Levels:
    return Levels.of(QualityOptions(**given), store, device="cpu")  # type: ignore[arg-type]


def same(one: Frame, other: Frame) -> bool:
    pairs = zip(one.planes, other.planes, strict=True)
    return one.format == other.format and all(torch.equal(a, b) for a, b in pairs)


def test_streams_share_models_and_the_last_one_closes_them() -> None:
    store = ModelStore()
    first, second = levels_of(store), levels_of(store, ladder=("lite-fast-x2", "bicubic"))
    assert [level.name for level in first.levels] == ["lite-x2", "lite-fast-x2", "bicubic"]
    counts = {key.model: count for key, count in store.models.items()}
    assert counts == {"lite-x2": 1, "lite-fast-x2": 2}
    first.close()
    first.close()
    assert {key.model for key in store.models} == {"lite-fast-x2"}
    assert same(second.levels[0].upscale(noisy(YUV)), second.levels[0].upscale(noisy(YUV)))
    second.close()
    assert not store.models


def test_what_is_dropped_without_close_gives_its_models_back() -> None:
    store = ModelStore()
    lease = store.lease(ModelKey(model="lite-fast-x2", device="cpu"))
    assert len(store.models) == 1
    del lease
    assert not store.models


def test_a_model_that_fails_to_load_leaves_none_behind() -> None:
    store = ModelStore()
    with pytest.raises(ModelError):
        levels_of(store, ladder=("lite-fast-x2", "lite-x9", "bicubic"))
    assert not store.models


@pytest.mark.parametrize("given", [{}, {"scale": 4}, {"size": (50, 30)}, {"model": "unet-x1"}])
def test_all_levels_make_frames_of_one_format(given: dict[str, object]) -> None:
    levels = levels_of(ModelStore(), **given)
    frame = noisy(YUV)
    target = levels.target(YUV)
    for level in levels.levels:
        large = level.upscale(frame)
        assert large.format == target
        assert [tuple(plane.shape) for plane in large.planes] == target.plane_sizes
        assert (large.pts, large.duration) == (7, 3600)
    levels.close()


def test_a_level_gives_what_the_upscaler_gives_strength_included() -> None:
    levels = levels_of(ModelStore(), model="lite-x2")
    coded = [replace(noisy(YUV), coding_error=CodingError(e, "quantiser")) for e in (0.0, 4.0, 9.0)]
    with Upscaler("lite-x2", device="cpu", strength="auto") as upscaler:
        expected = list(upscaler.stream(coded, latency=0))
    given = [levels.levels[0].upscale(frame) for frame in coded]
    assert all(same(one, other) for one, other in zip(given, expected, strict=True))
    assert not same(given[0], given[2])
    levels.close()


def test_another_format_in_mid_stream() -> None:
    levels = levels_of(ModelStore(), model="lite-fast-x2")
    wide = replace(YUV, width=40)
    for layout in (YUV, wide, YUV):
        for level in levels.levels:
            assert level.upscale(noisy(layout)).format == levels.target(layout)
    levels.close()


def test_frames_of_one_stream_side_by_side() -> None:
    levels = Levels.of(
        QualityOptions(model="lite-fast-x2"), ModelStore(), device="cpu", side_by_side=2
    )
    level, frame = levels.levels[0], noisy(YUV)
    assert level.side_by_side == 2
    expected, given = level.upscale(frame), list[Frame]()
    threads = [threading.Thread(target=lambda: given.append(level.upscale(frame))) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == 2
    assert all(same(one, expected) for one in given)
    levels.close()


def test_a_closed_level_leaves_nothing_of_a_frame_in_work() -> None:
    store = ModelStore()
    levels = levels_of(store, model="lite-fast-x2")
    assert levels.levels[0].warm(YUV) > 0
    levels.close()
    assert not store.models


@pytest.mark.parametrize("model", ["lite-x2", "srresnet-x2", "unet-x1"])
def test_a_batch_of_cameras_gives_each_what_it_has_alone(model: str) -> None:
    """Of different strengths, with places of the batch left over; sums may have another order."""
    levels = Levels.of(QualityOptions(model=model), ModelStore(), device="cpu", batches=True)
    level = levels.levels[0]
    errors = [None, CodingError(8.0, "quantiser"), None]
    frames = [
        replace(noisy(YUV), pts=number, coding_error=error) for number, error in enumerate(errors)
    ]
    assert level.batch_key(YUV) != level.batch_key(replace(YUV, width=40))
    together = level.upscale_batch(frames, 4)
    for frame, large in zip(frames, together, strict=True):
        alone = level.upscale(frame)
        assert (large.pts, large.format) == (frame.pts, alone.format)
        for mine, other in zip(large.planes, alone.planes, strict=True):
            assert (mine.int() - other.int()).abs().max() <= 1
    levels.close()


def test_streams_of_one_model_share_batches_and_bicubic_has_none() -> None:
    store = ModelStore()
    pair = [Levels.of(QualityOptions(), store, device="cpu", batches=True) for _ in range(2)]
    keys = [[level.batch_key(YUV) for level in levels.levels] for levels in pair]
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 3
    assert keys[0][2] is None
    assert Levels.of(QualityOptions(), store, device="cpu").levels[0].batch_key(YUV) is None


def moved(frame: Frame, number: int) -> Frame:
    """The frame with one block changed, as a camera sees a person far away."""
    luma = frame.planes[0].clone()
    luma[8:16, 4 * number : 4 * number + 8] = 16 * number
    return replace(frame, planes=(luma, *frame.planes[1:]))


def test_reuse_is_told_before_and_after_and_changes_no_bit() -> None:
    layout = replace(YUV, width=320, height=180)
    picture = noisy(layout)
    reusing, whole = (levels_of(ModelStore(), model="lite-x2", reuse=r) for r in ("exact", "off"))
    level, other = reusing.levels[0], whole.levels[0]
    assert isinstance(level, ReusingLevel)
    assert (is_reusing(level), is_reusing(other)) == (True, False)
    assert level.changed_share(picture) == 1.0
    for number in range(8):
        frame = moved(picture, number)
        expected = level.changed_share(frame)
        large = level.upscale(frame)
        assert same(large, other.upscale(frame))
        assert 0 <= level.last_share <= 1
        if number > 3 and expected < 1:
            assert level.last_share == pytest.approx(expected, abs=0.01)
    reusing.close()
    whole.close()


def test_a_warm_up_is_of_whole_frames() -> None:
    levels = levels_of(ModelStore(), model="lite-x2")
    level = levels.levels[0]
    assert isinstance(level, ReusingLevel)
    level.warm(YUV)
    assert level.last_share == 1.0
    levels.close()
