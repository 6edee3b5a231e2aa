"""NVENC: a file that the GPU has encoded. Skipped where the GPU has none (A100, H100, H200)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gpu.on_gpu import DEVICE, PRECISION, skip_without_cuda

pytest.importorskip("av")

import vidsr
from tests.gpu.files import DEMO, decode, psnr_db
from vidsr.errors import DeviceError
from vidsr.video.sink.codec_defaults import CODECS
from vidsr.video.sink.encoder_settings import check_device

skip_without_cuda()

# Lossy at the codecs' default quality; a wrong plane or pitch is below 20.
LEAST_PSNR_DB = 32.0


@pytest.fixture(scope="module")
def lossless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return upscaled(tmp_path_factory.mktemp("lossless") / "out.mkv", "ffv1")


def upscaled(target: Path, codec: str) -> Path:
    vidsr.upscale(
        DEMO, target, model="lite-x2", device=str(DEVICE), precision=PRECISION, engine="torch",
        duration=0.5, codec=codec,
    )  # fmt: skip
    return target


@pytest.mark.parametrize("codec", ["h264_nvenc", "hevc_nvenc", "av1_nvenc"])
def test_what_the_gpu_encodes_is_what_was_upscaled(
    codec: str, lossless: Path, tmp_path: Path
) -> None:
    try:
        check_device(CODECS[codec])
    except DeviceError as error:
        pytest.skip(error.message)
    times, pictures = decode(upscaled(tmp_path / "out.mkv", codec))
    wanted_times, wanted = decode(lossless)
    assert times == wanted_times
    assert len(times) > 5
    assert min(map(psnr_db, pictures, wanted)) > LEAST_PSNR_DB
