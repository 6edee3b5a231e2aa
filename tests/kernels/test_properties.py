"""The Triton conversion to RGB in formats that nobody has thought of."""

from __future__ import annotations

from typing import Any

import pytest
import torch

pytest.importorskip("hypothesis")  # which gpu-check does without
pytest.importorskip("triton")

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.test_yuv_to_rgb import SITINGS, SUBSAMPLINGS, check, layout, random_planes


@settings(max_examples=12, deadline=None)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 7)),
    subsampling=st.sampled_from(SUBSAMPLINGS),
    siting=st.sampled_from(SITINGS),
    depth=st.sampled_from([8, 10, 12, 16]),
    range=st.sampled_from([1, 2]),
    matrix=st.sampled_from([1, 4, 5, 6, 7, 9]),
    channels_last=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_any_format(
    size: tuple[int, int], seed: int, channels_last: bool, **properties: Any
) -> None:
    form = layout(*size, **properties)
    planes = random_planes(form, 1, seed)
    check(planes, form, dtype=torch.float32, channels_last=channels_last)
