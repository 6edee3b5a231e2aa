"""The command vidsr-degrade on a clip, a folder and a picture made here."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
import torch

from tests.doubles.warm import run_warm
from tests.makers.clips import Tone, decode, make_clip, seconds, truncate
from vidsr.degradation import stills
from vidsr.degradation.cli import build_parser, main
from vidsr.degradation.operations.resize import resize
from vidsr.degradation.recipe import Recipe
from vidsr.picture.size import Size
from vidsr.video.still_images import read_rgb, to_bytes, to_unit, write_png

# A limit on the size of files stands for a full disk; 1 kB is less than any picture here.
LIMITED = """
import resource, sys
from vidsr.degradation.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
sys.exit(main(sys.argv[1:]))
"""
VFR = [0, 40, 70, 130, 170, 300, 310, 400, 440, 480, 520, 560]  # ms


def make_picture(path: Path, height: int = 61, width: int = 50, seed: int = 0) -> Path:
    generator = torch.Generator().manual_seed(seed)
    picture = resize(torch.rand(1, 3, 8, 8, generator=generator), Size(width, height))
    write_png(path, to_bytes(picture[0]))
    return path


def make_jpeg(path: Path) -> Path:
    frame = av.VideoFrame.from_ndarray(
        (torch.rand(64, 64, 3) * 255).byte().numpy(), format="rgb24"
    ).reformat(format="yuvj420p")
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 64, 64, "yuvj420p"
    path.write_bytes(b"".join(bytes(p) for p in encoder.encode(frame) + encoder.encode(None)))
    return path


@pytest.fixture
def video(tmp_path: Path) -> Path:
    from fractions import Fraction

    path = tmp_path / "hr.mp4"
    clip = {"pts": VFR, "time_base": Fraction(1, 1000), "size": (96, 64), "frames": len(VFR)}
    return make_clip(path, audio=Tone(), options={"crf": "10"}, **clip).path  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        make_picture(folder / f"p{number}.png", seed=number)
    truncate(make_jpeg(tmp_path / "whole.jpg"), folder / "broken.jpg", 0.6)
    return folder


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.mark.parametrize("recipe", ["surveillance", "broadcast"])
def test_a_video_keeps_its_times_and_sound(video: Path, tmp_path: Path, recipe: str) -> None:
    target = tmp_path / "lr.mp4"
    assert run(video, "-o", target, "--recipe", recipe, "--seed", 7, "--scale", 2) == 0
    before, after = decode(video), decode(target)
    assert [seconds(f) for f in after] == [seconds(f) for f in before]
    assert {(f.width, f.height) for f in after} == {(48, 32)}
    with av.open(str(target)) as container:
        assert [s.type for s in container.streams] == ["video", "audio"]
    assert not list(tmp_path.glob("*.part"))


def test_the_same_seed_gives_the_same_file(video: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert run(video, "-o", tmp_path / f"{name}.mkv", "--recipe", "web", "--seed", seed) == 0
    files = {name: (tmp_path / f"{name}.mkv").read_bytes() for name in "abc"}
    assert files["a"] == files["b"] != files["c"]
    with av.open(str(tmp_path / "a.mkv")) as container:
        assert container.streams.video[0].codec_context.name == "ffv1"


def test_pairs_of_a_video_are_aligned(video: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs"
    assert run(video, "-o", tmp_path / "lr.mp4", "--pairs", pairs, "--every", 5) == 0
    names = [f"{video.stem}-{number:06d}.png" for number in (0, 5, 10)]
    assert [p.name for p in sorted((pairs / "hr").iterdir())] == names
    for name in names:
        hr, lr = read_rgb(pairs / "hr" / name), read_rgb(pairs / "lr" / name)
        assert hr.shape == (3, 64, 96)
        wanted = Recipe.load("bicubic").sample(0).apply(to_unit(hr)[None], 4)[0]
        # The chain saw unrounded values of the video, the pair is rounded: half a level each.
        assert float((to_unit(lr) - wanted).abs().max()) < 1.6 / 255


def pictures_of(pairs: Path) -> dict[str, bytes]:
    return {str(p.relative_to(pairs)): p.read_bytes() for p in sorted(pairs.rglob("*.png"))}


def test_several_sources_share_a_folder_of_pairs(video: Path, folder: Path, tmp_path: Path) -> None:
    pairs, frames, numbered = tmp_path / "pairs", tmp_path / "frames", tmp_path / "scans"
    second = tmp_path / "second.v1.mkv"
    second.write_bytes(make_clip(tmp_path / "x.mkv", size=(96, 64), frames=3).path.read_bytes())
    frames.mkdir()
    numbered.mkdir()
    for number in range(2):
        make_picture(numbered / f"{number}.png", 48, 40, seed=number)
    sources: list[tuple[Path, Path]] = [
        (video, tmp_path / "a.mkv"),
        (second, tmp_path / "b.mkv"),
        (numbered / "%d.png", frames / "%d.png"),
        (folder, tmp_path / "small"),
        (folder / "p0.png", tmp_path / "single.png"),
    ]
    seen: dict[str, bytes] = {}
    for source, target in sources:
        assert run(source, "-o", target, "--pairs", pairs) == 0
        now = pictures_of(pairs)
        assert seen.items() < now.items()  # nothing that was there has changed
        assert {n for n in now if n[:2] == "hr"} == {n.replace("lr", "hr", 1) for n in now}
        seen = now
    names = {Path(name).name for name in seen}
    assert {f"{video.stem}-000000.png", "second.v1-000002.png", "scans-000001.png"} < names
    assert {"p0.png", "single.png"} < names


@pytest.mark.parametrize("kind", ["video", "folder", "picture", "numbered"])
def test_pairs_of_the_same_name_are_replaced_only_if_asked(
    kind: str, video: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs, outputs = tmp_path / "pairs", tmp_path / "outputs"
    numbered = tmp_path / "scans"
    numbered.mkdir()
    outputs.mkdir()
    make_picture(numbered / "7.png", 48, 40)
    source, target = {
        "video": (video, outputs / "a.mkv"),
        "folder": (folder, outputs / "small"),
        "picture": (folder / "p0.png", outputs / "p.png"),
        "numbered": (numbered / "%d.png", outputs / "%d.png"),
    }[kind]
    other = tmp_path / "other.mkv"
    other.write_bytes(video.read_bytes())
    assert run(other, "-o", tmp_path / "other_lr.mkv", "--pairs", pairs) == 0
    assert run(source, "-o", target, "--pairs", pairs) == 0
    before = pictures_of(pairs)
    again = target.with_name("again" + target.name) if kind != "picture" else tmp_path / "p.png"
    capsys.readouterr()
    assert run(source, "-o", again, "--pairs", pairs, "--recipe", "web") == 4
    said = capsys.readouterr().err
    assert "exists already, from a source of the same name" in said
    assert "choose another --pairs; --overwrite replaces such pictures" in said
    assert pictures_of(pairs) == before
    assert run(source, "-o", again, "--pairs", pairs, "--recipe", "web", "--overwrite") == 0
    after = pictures_of(pairs)
    assert after.keys() == before.keys()
    changed = {name for name in after if after[name] != before[name]}
    assert changed
    assert not any("other" in name for name in changed)


def test_odd_sizes_and_scale_one(video: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd.mp4"
    assert run(video, "-o", odd, "--scale", 5) == 0  # 96x64 -> 19x12
    assert (decode(odd)[0].width, decode(odd)[0].height) == (19, 12)
    same = tmp_path / "same.mp4"
    assert run(video, "-o", same, "--scale", 1, "--recipe", "motion") == 0
    assert (decode(same)[0].width, decode(same)[0].height) == (96, 64)


def test_a_folder(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    target, pairs = tmp_path / "small", tmp_path / "pairs"
    assert run(folder, "-o", target, "--recipe", "surveillance", "--pairs", pairs) == 0
    names = ["p0.png", "p1.png", "p2.png"]
    assert sorted(p.name for p in target.iterdir()) == names
    assert len([m for m in caplog.messages if "broken.jpg" in m]) == 1
    for name in names:
        lr, hr = read_rgb(target / name), read_rgb(pairs / "hr" / name)
        assert lr.shape == (3, 15, 12)
        assert hr.shape == (3, 60, 48)
        assert torch.equal(lr, read_rgb(pairs / "lr" / name))
        assert torch.equal(hr, read_rgb(folder / name)[:, :60, :48])


def test_a_pictures_seed_is_its_own(folder: Path, tmp_path: Path) -> None:
    """Alone or among others, a picture of one name becomes the same; another name, another."""
    assert run(folder, "-o", tmp_path / "all", "--recipe", "web", "--seed", 3) == 0
    alone = tmp_path / "alone.png"
    assert run(folder / "p1.png", "-o", alone, "--recipe", "web", "--seed", 3) == 0
    assert alone.read_bytes() == (tmp_path / "all" / "p1.png").read_bytes()
    other = folder / "other.png"
    other.write_bytes((folder / "p1.png").read_bytes())
    assert run(other, "-o", tmp_path / "o.png", "--recipe", "web", "--seed", 3) == 0
    assert (tmp_path / "o.png").read_bytes() != alone.read_bytes()


def test_names_that_would_be_the_same(folder: Path, tmp_path: Path) -> None:
    make_jpeg(folder / "p0.jpg")
    assert run(folder, "-o", tmp_path / "small") == 0
    assert {p.name for p in (tmp_path / "small").iterdir()} == {
        "p0.png.png", "p0.jpg.png", "p1.png", "p2.png",
    }  # fmt: skip


def make_folder(path: Path, *names: str) -> Path:
    path.mkdir()
    for seed, name in enumerate(names):
        (path / name).write_bytes(make_picture(path.with_suffix(".png"), seed=seed).read_bytes())
    return path


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        # Without its suffix, the third has the first's full name.
        (
            ("same.png", "same.bmp", "same.png.bmp", "x.png"),
            {"same.png.png", "same.bmp.png", "same.png.bmp.png", "x.png.png"},
        ),
        (("same.png", "SAME.bmp", "x.png"), {"same.png.png", "SAME.bmp.png", "x.png"}),
    ],
)
def test_as_many_files_as_it_says(
    names: tuple[str, ...],
    wanted: set[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source, pairs = make_folder(tmp_path / "in", *names), tmp_path / "pairs"
    assert run(source, "-o", tmp_path / "out", "--pairs", pairs) == 0
    assert f"{len(names)} written" in capsys.readouterr().err
    for folder in (tmp_path / "out", pairs / "hr", pairs / "lr"):
        assert {p.name for p in folder.iterdir()} == wanted


def test_pairs_of_every_nth_picture(tmp_path: Path) -> None:
    """One that is left out is not counted."""
    source = make_folder(tmp_path / "in", *(f"p{number}.png" for number in range(6)))
    make_picture(source / "p1.png", 9, 9)  # too small
    out, pairs = tmp_path / "out", tmp_path / "pairs"
    assert run(source, "-o", out, "--pairs", pairs, "--every", 2) == 0
    assert len(list(out.iterdir())) == 5
    for part in ("hr", "lr"):
        assert sorted(p.name for p in (pairs / part).iterdir()) == ["p0.png", "p3.png", "p5.png"]


def test_an_interrupted_folder_says_what_is_done(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    real = read_rgb

    def interrupt(path: Path) -> torch.Tensor:
        if path.name == "p2.png":
            raise KeyboardInterrupt
        return real(path)

    monkeypatch.setattr(stills, "read_rgb", interrupt)
    assert run(folder, "-o", tmp_path / "out") == 130
    told = capsys.readouterr().err.splitlines()
    assert told[-1] == "vidsr-degrade: interrupted; 2 of 4 pictures are done"
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"p0.png", "p1.png"}


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    source = make_folder(tmp_path / "in", "p0.png", "p1.png")
    for name, arguments in (
        ("out", [source, "-o", tmp_path / "out"]),
        ("one.png", [source / "p0.png", "-o", tmp_path / "one.png"]),
    ):
        before = {p.name for p in tmp_path.rglob("*")} | {"out"}
        done = run_warm(LIMITED, [*arguments, "--scale", "1"])
        assert done.returncode == 4, done.stderr
        told = done.stderr.splitlines()
        assert len(told) == 1, done.stderr
        assert told[0].startswith(f"vidsr-degrade: error: {tmp_path / name}")
        assert "cannot be written: File too large" in told[0]
        assert {p.name for p in tmp_path.rglob("*")} | {"out"} == before


def test_the_help_has_every_exit_status() -> None:
    told = " ".join(str(build_parser().epilog).split())
    for status in ("2 arguments", "3 source", "4 target", "8 out of memory", "130 interrupted"):
        assert status in told


def test_nothing_usable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    make_picture(tmp_path / "in" / "tiny.png", 9, 9)
    assert run(tmp_path / "in", "-o", tmp_path / "out") == 3
    assert "none of its 1 pictures" in capsys.readouterr().err
    assert run(tmp_path / "in" / "tiny.png", "-o", tmp_path / "tiny.png") == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert "tiny.png: a picture of 9x9 at scale 4 is too small" in told[0]


def test_the_recipes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--list-recipes") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        "bicubic", "blocks", "blur", "broadcast", "codecs", "motion", "surveillance", "web",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["no.mp4", "-o", "x.mp4"], 3, "no.mp4: no such file"),
        (["nofolder/", "-o", "x"], 3, "nofolder: no such file or folder"),
        (["no.png", "-o", "x.png"], 3, "no.png"),
        (["in.png", "-o", "x.jpg"], 2, "becomes a .png"),
        (["in.png", "-o", "in.png"], 4, "is the source itself"),
        (["in.png", "-o", "taken.png"], 4, "exists already"),
        (["in.png", "-o", "x.png", "--recipe", "wep"], 3, "did you mean web"),
        (["in.png", "-o", "x.png", "--recipe", "bad.toml"], 2, "bad.toml, step 1 (jpeg): unknown"),
        (["in.png", "-o", "x.png", "--scale", "0"], 2, "--scale 0"),
        (["in.png", "-o", "x.png", "--every", "0"], 2, "--every 0"),
        (["in.png"], 2, "-o OUTPUT"),
        (["text.mp4", "-o", "x.mp4"], 3, "text.mp4"),
        (["in.png", "-o", "x.png", "--codec", "h264"], 2, "--codec: in.png is no video"),
        (["in.png", "-o", "x.png", "--crf", "0"], 2, "--crf: in.png is no video"),
        ([".", "-o", "x", "--crf", "8"], 2, "--crf: . is no video"),
        ([".", "-o", "x", "--codec", "ffv1"], 2, "--codec: . is no video"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str],
    status: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    make_picture(Path("in.png"))
    make_picture(Path("taken.png"))
    Path("bad.toml").write_text('[[step]]\nop = "jpeg"\nqualiti = 3\n')
    Path("text.mp4").write_text("this is no video")
    before = sorted(tmp_path.iterdir())
    assert run(*arguments) == status
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert message in told[0]
    assert sorted(tmp_path.iterdir()) == before


def test_an_interrupted_run_leaves_nothing(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vidsr.degradation.chain import ChainStream

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ChainStream, "finish", interrupt)
    target = tmp_path / "out" / "lr.mp4"
    target.parent.mkdir()
    assert run(video, "-o", target) == 130
    assert not list(target.parent.iterdir())
