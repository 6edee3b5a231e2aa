"""FFmpeg's payloads of quantisers, whole and broken."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidsr.video.coding.venc_params import parse

HEADER = struct.Struct("=i4xQQii")
Block = tuple[int, int, int, int, int]


def payload(
    kind: int, base: int, blocks: list[Block], *, offset: int = 64, size: int = 24
) -> bytes:
    head = HEADER.pack(len(blocks), offset, size, kind, base)
    body = b"".join(struct.pack("=5i", *block).ljust(size, b"\0") for block in blocks)
    return head.ljust(offset, b"\0") + body


numbers = st.integers(-(2**31), 2**31 - 1)
block_lists = st.lists(st.tuples(*[numbers] * 5), max_size=5)


@given(st.integers(0, 2), numbers, block_lists, st.integers(32, 80), st.integers(20, 40))
def test_what_was_written_is_read(
    kind: int, base: int, blocks: list[Block], offset: int, size: int
) -> None:
    found = parse(payload(kind, base, blocks, offset=offset, size=size))
    assert found is not None
    assert (found.kind, found.base) == (("vp9", "h264", "mpeg")[kind], base)
    assert found.blocks.dtype == np.int32
    assert found.blocks.tolist() == [list(block) for block in blocks]


@given(st.binary(max_size=120))
def test_any_bytes_are_survived(data: bytes) -> None:
    parse(data)


@given(st.integers(-5, 5), *[st.integers(0, 2**64 - 1)] * 2, numbers, st.binary(max_size=99))
def test_any_header_is_survived(count: int, offset: int, size: int, kind: int, rest: bytes) -> None:
    found = parse(HEADER.pack(count, offset, size, kind, 20) + rest)
    assert found is None or len(found.blocks) == count


@pytest.mark.parametrize("cut", range(1, 24 * 2 + 32))
def test_a_payload_cut_short_is_none(cut: int) -> None:
    whole = payload(1, 20, [(0, 0, 16, 16, 1), (16, 0, 16, 16, 2)], offset=32)
    assert parse(whole) is not None
    assert parse(whole[:-cut]) is None


@pytest.mark.parametrize("kind", [-1, 3, 99])
def test_another_kind_is_none(kind: int) -> None:
    assert parse(payload(kind, 20, [])) is None
