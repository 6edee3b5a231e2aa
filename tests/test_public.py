"""The public surface: what changes here changes for users."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import vidsr
from tests.makers.clips import make_clip
from tests.paths import ROOT
from vidsr import errors

BUILTINS: dict[str, type[Exception]] = {
    "OptionError": ValueError,
    "InputError": ValueError,
    "OutputError": OSError,
    "ContainerError": ValueError,
    "ModelError": ValueError,
    "DeviceError": RuntimeError,
    "MemoryLimitError": MemoryError,
    "TrainingError": RuntimeError,
}
UPSCALER = {
    "scale": None,
    "restore": None,
    "device": "auto",
    "precision": "auto",
    "engine": "auto",
    "wait_for_engine": False,
    "tile": None,
    "max_memory": None,
    "strength": "auto",
    "reuse": "exact",
    "notes": None,
    "pool": None,
}
UPSCALE = {
    "model": "auto",
    "scale": None,
    "size": None,
    "height": None,
    "restore": None,
    "device": "auto",
    "precision": "auto",
    "engine": "auto",
    "wait_for_engine": False,
    "tile": None,
    "max_memory": None,
    "strength": "auto",
    "look": "faithful",
    "enhance": (),
    "reuse": "exact",
    "start": None,
    "duration": None,
    "deinterlace": "auto",
    "decoder": "cpu",
    "framerate": None,
    "input_format": None,
    "input_size": None,
    "input_pix_fmt": None,
    "allow": (),
    "format": None,
    "codec": None,
    "crf": None,
    "preset": None,
    "bitrate": None,
    "maxrate": None,
    "encoder_option": None,
    "pix_fmt": None,
    "audio": "copy",
    "streams": None,
    "drop_incompatible": False,
    "piece_frames": None,
    "no_pieces": False,
    "growing": False,
    "restart": False,
    "overwrite": False,
    "progress": None,
}


def test_public_names() -> None:
    assert vidsr.__all__ == [
        *("ContainerError", "DeviceError", "InputError", "MemoryLimitError", "ModelError"),
        *("NoInputError", "OptionError", "OutputError", "Report", "TrainingError"),
        *("Upscaler", "VidsrError"),
        *("__version__", "available_models", "estimate_coding_error", "upscale"),
    ]
    assert all(hasattr(vidsr, name) for name in vidsr.__all__)


def test_everything_public_is_documented() -> None:
    for name in vidsr.__all__:
        value = getattr(vidsr, name)
        assert isinstance(value, str) or (value.__doc__ or "").strip(), name


def parameters(function: object) -> tuple[list[str], dict[str, object]]:
    """Positional names, and keyword-only names with their defaults."""
    signature = inspect.signature(function)  # type: ignore[arg-type]
    found = signature.parameters.values()
    assert all(p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) for p in found)
    return (
        [p.name for p in found if p.kind is p.POSITIONAL_OR_KEYWORD],
        {p.name: p.default for p in found if p.kind is p.KEYWORD_ONLY},
    )


def test_signatures() -> None:
    assert parameters(vidsr.upscale) == (["src", "dst"], UPSCALE)
    assert parameters(vidsr.Upscaler) == (["model"], UPSCALER)
    assert inspect.signature(vidsr.Upscaler).parameters["model"].default == "auto"
    assert parameters(vidsr.Upscaler.__call__) == (
        ["self", "picture"],
        {"coding_error": None},
    )


def test_report_fields() -> None:
    assert list(vidsr.Report.__dataclass_fields__) == [
        *("source", "target", "model", "device", "precision", "engine"),
        *("decoder", "scale", "tile"),
        *("codec", "size", "pixel_format", "color", "frames", "elapsed_s", "video_s"),
        *("output_bytes", "stages"),
        *(
            "counts",
            "streams",
            "notes",
            "tile_error_levels",
            "strengths",
            "last_strength",
            "enhance",
        ),
        *("pixels", "computed_pixels", "latency_ms", "queues"),
        *("resumed_frames", "version", "platform"),
    ]


def test_the_version_is_the_packages() -> None:
    project = ROOT / "pyproject.toml"
    assert f'\nversion = "{vidsr.__version__}"\n' in project.read_text()


@pytest.mark.parametrize("name", list(BUILTINS))
def test_every_error_is_also_its_builtin(name: str) -> None:
    kind = getattr(vidsr, name)
    assert kind.__bases__ == (vidsr.VidsrError, BUILTINS[name])
    error = kind("a frame\n  is lost", hint="look for it.")
    assert str(error) == "a frame is lost. Hint: look for it."
    assert (error.message, error.hint) == ("a frame is lost", "look for it.")
    assert str(kind("plain")) == "plain"
    with pytest.raises(BUILTINS[name]):
        raise error


def test_a_missing_source_is_also_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file") as caught:
        vidsr.upscale(tmp_path / "a.mp4", tmp_path / "b.mp4")
    assert isinstance(caught.value, vidsr.InputError)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"start": "0:01"}, {"duration": "1"}, {"crf": "20"}, {"framerate": "x"}, {"size": 640}),
        *({"size": (640,)}, {"height": "360"}, {"tile": 64}, {"tile": (3, 3)}, {"device": 0}),
        *({"deinterlace": "on"}, {"scale": "4"}, {"scale": 3}, {"scale": 2.0}, {"codec": 1}),
        *({"framerate": 10.0}, {"preset": True}, {"model": 4}, {"size": (0, 0)}, {"height": -3}),
    ],
    ids=str,
)
def test_arguments_of_a_wrong_kind_are_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    clip = make_clip(tmp_path / "a.mkv", frames=2).path
    target = tmp_path / "b.mkv"
    with pytest.raises(vidsr.OptionError):
        vidsr.upscale(clip, target, **wrong)  # type: ignore[arg-type]
    assert not target.exists()


def test_exit_codes_are_distinct_and_those_the_help_names() -> None:
    from vidsr import cli
    from vidsr.training.command import cli as training_cli

    codes = {getattr(vidsr, name).exit_code for name in BUILTINS}
    assert len(codes) == len(BUILTINS)
    helps = (text.EPILOG.split("exit status")[1] for text in (cli, training_cli))
    named = [{int(n) for n in re.findall(r"\b(\d+) [a-z]", text)} for text in helps]
    assert codes - {vidsr.TrainingError.exit_code} <= named[0]
    assert vidsr.TrainingError.exit_code in named[1]


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    lines = re.findall(r"^      (\w+) +(\w+) {3,}\S", errors.__doc__ or "", re.MULTILINE)
    assert dict(lines) == {name: kind.__name__ for name, kind in BUILTINS.items()}
    kinds = [k for k in vidsr.VidsrError.__subclasses__() if k.__module__ == errors.__name__]
    subclasses = {kind.__name__ for kind in kinds}
    assert subclasses == set(BUILTINS)
