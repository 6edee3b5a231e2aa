"""What people would use instead: a peer delivers what it was asked for, or says what it lacks."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from tests.makers.clips import make_clip
from vidsr import Upscaler
from vidsr.bench.peers import PEERS
from vidsr.bench.peers.__main__ import main
from vidsr.bench.peers.job import Absent, needed
from vidsr.bench.peers.ncnn_file import ncnn_file
from vidsr.errors import ModelError
from vidsr.models.checkpoint import build_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.zoo import load_model

NAMES = [peer.name for peer in PEERS]
OURS = ("naive", "onnxruntime", "openvino", "ncnn")
WIDTH, HEIGHT, FRAMES = 46, 34, 4


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Colours that RGB can show: what lies outside is clipped on the way through it."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = [128 + 60 * np.sin(x / 5 + y / 7 + phase) for phase in range(FRAMES)]
    images = [np.stack([w, np.full_like(w, 120), 255 - w], axis=2) for w in waves]
    pictures = [
        av.VideoFrame.from_ndarray(image.astype(np.uint8), format="rgb24").reformat(
            format="yuv420p"
        )
        for image in images
    ]
    return make_clip(tmp_path / "clip.mp4", pictures=pictures, size=(WIDTH, HEIGHT)).path


def upscale(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    assert main(["--threads", "1", *map(str, words)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 1
    line: dict[str, Any] = json.loads(out[0])
    return line


def lumas(path: Path) -> list[np.ndarray[Any, Any]]:
    with av.open(str(path)) as file:
        return [f.to_ndarray(format="gray") for f in file.decode(video=0)]


@pytest.mark.parametrize("name", NAMES)
def test_every_peer_delivers_all_frames_or_says_what_to_install(
    name: str, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.mp4"
    line = upscale(capsys, name, clip, target, "--frames", FRAMES, "--model", "lite-x4")
    assert line["name"] == name
    if line["absent"]:
        assert name in ("opencv", "onnxruntime", "openvino", "ncnn", "realesrgan", "waifu2x")
        assert "pip install" in line["absent"] or "https://" in line["absent"]
        return
    assert line["frames"] == len(line["frame_s"]) == FRAMES
    assert all(s > 0 for s in line["frame_s"])
    assert line["cpu_s"] > 0
    assert line["versions"]
    assert (line["network_s"] is None) == (name in ("bicubic", "ffmpeg"))
    pictures = lumas(target)
    assert [p.shape for p in pictures] == [(4 * HEIGHT, 4 * WIDTH)] * FRAMES


def vidsr_lumas(clip: Path, model: str) -> list[np.ndarray[Any, Any]]:
    upscaler = Upscaler(model, device="cpu", precision="fp32")
    with av.open(str(clip)) as file:
        return [upscaler(f).to_ndarray(format="gray") for f in file.decode(video=0)]


@pytest.mark.parametrize("model", ["lite-x2", "lite-fast-x2", "srresnet-x2"])
@pytest.mark.parametrize("name", OURS)
def test_peers_with_this_network_make_its_pictures(
    name: str, model: str, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """40 dB leaves room for 8-bit RGB in between, x264 at crf 1 and bf16, for nothing else."""
    target = tmp_path / "out.mp4"
    line = upscale(capsys, name, clip, target, "--frames", 2, "--model", model, "--crf", 1)
    if line["absent"]:
        pytest.skip(line["absent"])
    for got, wanted in zip(lumas(target), vidsr_lumas(clip, model), strict=False):
        mse = np.square(got.astype(float) - wanted).mean()
        assert 10 * np.log10(255**2 / max(mse, 1e-9)) > 40


def test_opencv_without_its_network_says_where_that_is(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("opencv", clip, tmp_path / "out.mp4", "--frames", 1, "--models", tmp_path)
    line = upscale(capsys, *words)
    assert "https://" in line["absent"] or "pip install" in line["absent"]
    assert not (tmp_path / "out.mp4").exists()


def test_what_is_not_installed_is_named() -> None:
    with pytest.raises(Absent, match=r"^no-such is not installed: pip install no-such$"):
        needed("no_such_module", "no-such")


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["nobody"], 2, "nobody"),
        (["naive", "--frames", "0"], 2, "--frames 0"),
        (["naive", "--frames", "x"], 2, "--frames"),
        (["naive", "--crf", "99"], 2, "--crf 99"),
        (["naive", "--model", "lite-x9"], 6, "lite-x9"),
        (["naive", "--frames", "99"], 3, "it has 4"),
    ],
)
def test_bad_arguments_are_told_in_one_line(
    words: list[str],
    status: int,
    said: str,
    clip: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([words[0], str(clip), str(tmp_path / "out.mp4"), *words[1:]]) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert said in captured.err


def test_bad_files_are_told_in_one_line(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(b"no video" * 99)
    for source, target, status in (
        (tmp_path / "absent.mp4", tmp_path / "out.mp4", 3),
        (damaged, tmp_path / "out.mp4", 3),
        (clip, clip, 4),
        (clip, tmp_path / "no" / "out.mp4", 4),
    ):
        assert main(["bicubic", str(source), str(target)]) == status
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_listing_the_peers_imports_no_libraries() -> None:
    heavy = "{'torch', 'cv2', 'av', 'openvino', 'ncnn', 'onnxruntime'}"
    code = f"import sys, vidsr.bench.peers; print({heavy} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


def test_every_module_that_is_named_is_there() -> None:
    assert len(set(NAMES)) == len(NAMES)
    for peer in PEERS:
        assert callable(import_module(peer.module).open_peer)


def test_ncnn_files_fit_each_other() -> None:
    module = load_model("lite-x4").module
    text, weights = ncnn_file(module)
    lines = text.splitlines()
    layers, blobs = map(int, lines[1].split())
    words = [line.split() for line in lines[2:]]
    assert layers == len(words)
    made = [name for w in words for name in w[4 + int(w[2]) : 4 + int(w[2]) + int(w[3])]]
    read = [name for w in words for name in w[4 : 4 + int(w[2])]]
    assert blobs == len(made) == len(set(made))
    assert sorted(read) == sorted(set(made) - {"y"})  # everything once, but for the result
    tags = 4 * sum(w[0] == "Convolution" for w in words)
    assert len(weights) == tags + 4 * sum(p.numel() for p in module.parameters())


def test_ncnn_refuses_other_networks() -> None:
    module = build_generator(GeneratorConfig(kind="espcn", scale=4, channels=1, width=8, blocks=1))
    with pytest.raises(ModelError, match="espcn"):
        ncnn_file(module)


@pytest.mark.skipif(find_spec("ncnn") is None, reason="ncnn is not installed")
@pytest.mark.parametrize("name", ["lite-x4", "lite-x2", "srresnet-x2"])
def test_ncnn_computes_the_network(name: str, tmp_path: Path) -> None:
    """1e-3 is what 16-bit storage may cost; on x86 it is 1e-5."""
    import ncnn

    model = load_model(name)
    text, weights = ncnn_file(model.module)
    (tmp_path / "param").write_text(text)
    (tmp_path / "bin").write_bytes(weights)
    net = ncnn.Net()
    assert net.load_param(str(tmp_path / "param")) == 0
    assert net.load_model(str(tmp_path / "bin")) == 0
    x = torch.rand(model.config.channels, 21, 35, generator=torch.Generator().manual_seed(1))
    extractor = net.create_extractor()
    extractor.input("x", ncnn.Mat(x.numpy()).clone())
    result = torch.from_numpy(np.array(extractor.extract("y")[1]))
    with torch.no_grad():
        wanted = getattr(model.module, "upscale", model.module)(x[None])[0]
    assert torch.allclose(result, wanted, atol=1e-3, rtol=0)
