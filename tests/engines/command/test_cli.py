"""The command vidsr-engine: with a stand-in for TensorRT, and without any."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
import torch
from torch import nn

from tests.doubles.fake_tensorrt import FakeTensorRT
from vidsr.cache.keys import Gpu
from vidsr.cache.store import EngineCache
from vidsr.engines.command import cli, listing
from vidsr.engines.command.cli import main
from vidsr.engines.onnx_files import network_cache
from vidsr.engines.onnx_files.facts import NetworkFacts, read_facts
from vidsr.engines.onnx_files.reweigh import reweighed
from vidsr.engines.trt import gpu as machines
from vidsr.engines.trt.gpu import Machine, find_machine
from vidsr.engines.trt.profile import profile_of
from vidsr.errors import DeviceError, InputError, ModelError, OptionError, OutputError
from vidsr.models.checkpoint import build_generator, save_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.strength_files import save_strengths
from vidsr.models.strengths import StrengthCurve
from vidsr.models.zoo import load_model
from vidsr.picture.size import Size

pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

GPU = Gpu(
    name="NVIDIA H200",
    compute_capability=(9, 0),
    sm_count=132,
    driver_version="580.65",
    cuda_version="13.0",
)
FACTS = NetworkFacts(
    name="a", kind="lite", channels=3, scale=4, shuffle=4, halo=9, alignment=1, offset=0.0,
    precision="fp16", input_type="fp32", output_type="fp32", bytes_per_pixel=300,
)  # fmt: skip


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What a command that succeeds prints."""
    assert run(*arguments) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], status: int, *arguments: object) -> str:
    """The one line on stderr that a command ends with."""
    assert run(*arguments) == status
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("vidsr-engine: error: ")
    assert len(lines) == 1
    return lines[-1]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where engines lie."""
    monkeypatch.setenv("VIDSR_CACHE", str(tmp_path / "engines"))
    return tmp_path / "engines"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Adds to each repetition of its input what the stand-in for TensorRT adds."""
    config = GeneratorConfig(kind="lite", scale=2, channels=1, width=2, blocks=0)
    net = build_generator(config)
    nn.init.zeros_(net.tail.weight)
    assert net.tail.bias is not None
    with torch.no_grad():
        net.tail.bias.copy_(torch.arange(4) / 16)
    path = tmp_path_factory.mktemp("network") / "net.safetensors"
    save_generator(path, config, net.state_dict())
    return path


@pytest.fixture(scope="module")
def exported(network: Path) -> Path:
    path = network.with_name("net.onnx")
    assert run("export", network, "-o", path) == 0
    return path


def fake_tensorrt(version: str = "10.16.1.11", fail: str = "") -> FakeTensorRT:
    """One that reads ONNX files instead of its own."""
    fake = FakeTensorRT(version, fail)

    class Parser(fake.OnnxParser):  # type: ignore[misc, name-defined]
        def parse(self, model: bytes) -> bool:
            facts = read_facts(model)
            assert facts.input_type == facts.output_type == "fp32"
            stated = {"channels": facts.channels, "shuffle": facts.shuffle, "dtype": "FLOAT"}
            read: bool = super().parse(json.dumps(stated).encode())
            return read

    fake.OnnxParser = Parser
    return fake


Provide = Callable[..., FakeTensorRT]


@pytest.fixture
def provide(monkeypatch: pytest.MonkeyPatch) -> Provide:
    """Makes the command find a GPU and a TensorRT."""

    def make(gpu: Gpu = GPU, **changes: str) -> FakeTensorRT:
        fake = fake_tensorrt(**changes)
        machine = Machine(torch.device("cpu"), gpu, fake)
        monkeypatch.setattr(machines, "find_machine", lambda device="cuda": machine)
        stream = SimpleNamespace(cuda_stream=7)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device: stream)
        return fake

    return make


@pytest.fixture
def built(provide: Provide, exported: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """An engine in the cache, with the timing cache beside it."""
    provide()
    told(capsys, "build", exported, "--size", "24x16")
    (path,) = EngineCache().folder.glob("*.engine")
    return path


def test_export_writes_a_file_that_says_what_it_is(
    network: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.onnx"
    assert run("export", network, "-o", out, "--precision", "fp32") == 0
    printed = capfd.readouterr()
    assert printed.err == ""
    assert printed.out == (
        f"{out}: 0.0 MiB, net in fp32, x [N, 1, H, W] fp32 -> y [N, 4, ...] fp32, "
        "pixel shuffle 2, offset 0\n"
    )
    assert read_facts(out.read_bytes()).precision == "fp32"
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]


def test_export_of_what_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a.onnx"
    error = refused(capsys, ModelError.exit_code, "export", "lite-x3", "-o", out)
    assert "available: " in error
    assert not out.exists()


def test_targets_that_cannot_be_written(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = network.read_bytes()
    for target, said in (
        (tmp_path, "cannot be written there"),
        (tmp_path / "absent" / "a.onnx", "cannot be written there"),
        (network, "is the model itself"),
    ):
        error = refused(capsys, OutputError.exit_code, "export", network, "-o", target)
        assert said in error
    assert network.read_bytes() == before


def test_export_without_the_packages_for_it(
    network: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    error = refused(capsys, DeviceError.exit_code, "export", network, "-o", tmp_path / "a.onnx")
    assert "needs onnxscript. Hint: pip install" in error


def test_build_makes_one_engine_for_each_size(
    network: Path, provide: Provide, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = provide()
    sizes = ("--size", "24x16", "--size", "31x9", "--size", "24x16")
    out = told(
        capsys, "build", network, *sizes, "--optimization-level", 1, "--workspace", "64M"
    ).splitlines()
    assert [line.partition(": ready")[0] for line in out] == ["net for 24x16", "net for 31x9"]
    profiles = [build.config.profiles[0].shapes for build in fake.builds]
    assert profiles == [[(1, 1, 16, 24)] * 3, [(1, 1, 9, 31)] * 3]
    for build in fake.builds:
        assert build.config.builder_optimization_level == 1
        assert build.config.workspace_bytes == 64 << 20
    assert len(list(EngineCache().folder.glob("*.engine"))) == 2


def test_build_does_nothing_twice(
    built: Path, provide: Provide, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = provide()
    assert "ready after" in told(capsys, "build", exported, "--size", "24x16")
    assert not fake.builds
    assert run("build", exported, "--size", "24x18") == 0
    assert "none fits: profiles" in capsys.readouterr().err


def test_build_says_what_tensorrt_says(
    exported: Path, provide: Provide, capsys: pytest.CaptureFixture[str]
) -> None:
    provide(fail="plan")
    assert run("build", exported, "--size", "24x16") == DeviceError.exit_code
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("vidsr-engine: error: TensorRT made no plan: ")
    assert error.endswith("out of workspace")


@pytest.mark.parametrize(
    ("frame", "tile", "alignment", "window"),
    [
        ((100, 150), None, 1, (100, 150)),
        ((101, 150), None, 4, (104, 152)),
        ((100, 150), (20, 30), 1, (38, 48)),  # and 9 pixels on each side
        ((100, 150), (200, 30), 1, (100, 48)),  # a tile is never larger than the frame
        ((100, 150), (20, 30), 4, (44, 56)),  # 54: others start at multiples of 4, it ends at 150
    ],
)
def test_the_shape_of_a_tile(
    frame: tuple[int, int], tile: tuple[int, int] | None, alignment: int, window: tuple[int, int]
) -> None:
    facts = dataclasses.replace(FACTS, alignment=alignment)
    picture, kept = (size and Size(height=size[0], width=size[1]) for size in (frame, tile))
    assert picture is not None
    assert profile_of(facts, picture, kept).opt == (1, 3, *window)


def test_models_that_cannot_be_built(
    exported: Path, tmp_path: Path, provide: Provide, capsys: pytest.CaptureFixture[str]
) -> None:
    provide()
    (tmp_path / "text.onnx").write_text("no network")
    for name, said in (("absent.onnx", "cannot be read"), ("text.onnx", "not an ONNX file")):
        path = tmp_path / name
        error = refused(capsys, ModelError.exit_code, "build", path, "--size", "9x9")
        assert f"{path}: " in error
        assert said in error
    arguments = ("build", exported, "--size", "9x9", "--precision", "fp32")
    assert "--precision" in refused(capsys, OptionError.exit_code, *arguments)
    again = ("export", exported, "-o", tmp_path / "b.onnx")
    assert "ONNX file already" in refused(capsys, OptionError.exit_code, *again)


def test_a_machine_without_a_gpu(
    exported: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    error = refused(capsys, DeviceError.exit_code, "build", exported, "--size", "9x9")
    assert "NVIDIA GPU" in error
    assert "Hint: vidsr-engine export" in error


def test_a_machine_without_tensorrt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(machines, "describe_gpu", lambda device: GPU)
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(DeviceError, match=r"TensorRT .* Hint: pip install"):
        find_machine("cuda:0")
    with pytest.raises(DeviceError, match="there are 1"):
        find_machine("cuda:1")
    with pytest.raises(OptionError, match="'cuda' or 'cuda:N'"):
        find_machine("cpu")
    monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt())
    assert find_machine("cuda:0").gpu == GPU


def test_what_a_gpu_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = SimpleNamespace(name="NVIDIA L4", major=8, minor=9, multi_processor_count=58)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: card)
    monkeypatch.setattr(machines, "DRIVER", tmp_path / "version")
    (tmp_path / "version").write_text(
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build\n"
        "GCC version:  gcc version 12.3.0\n"
    )
    gpu = machines.describe_gpu(torch.device("cuda", 0))
    assert (gpu.name, gpu.compute_capability, gpu.sm_count) == ("NVIDIA L4", (8, 9), 58)
    assert gpu.driver_version == "580.65.06"


def test_list_names_what_is_usable(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head, *rows = told(capsys, "list").splitlines()
    assert head.split() == ["model", "shape", "GPU", "TensorRT", "size", "used", "state"]
    assert len(rows) == 2
    (engine,) = (row for row in rows if "1x1x16x24" in row)
    assert engine.split()[0] == "net"
    for text in ("NVIDIA H200", "10.16.1.11", "0.0 MiB", "0 min", "usable here"):
        assert text in engine
        assert head.index("state") == engine.index("usable")
    assert sum("(timings)" in row for row in rows) == 1


def test_list_says_why_an_engine_is_stale(
    built: Path, provide: Provide, capsys: pytest.CaptureFixture[str]
) -> None:
    provide(gpu=dataclasses.replace(GPU, driver_version="590.1"))
    rows = told(capsys, "list").splitlines()[1:]
    assert all(row.endswith("stale: gpu.driver_version 580.65 -> 590.1") for row in rows)
    provide(version="11.4.0.1")
    out = told(capsys, "list")
    assert "stale: parser_version 101600 -> 110400, tensorrt_version 10.16.1.11 -> 11.4.0.1" in out


def test_list_without_a_gpu(
    built: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("VIDSR_CACHE", str(built.parent))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert run("list") == 0
    captured = capsys.readouterr()
    assert captured.out.count("fit not known") == 2
    assert "which of them fit is not known: TensorRT engines need an NVIDIA GPU" in captured.err


def test_nothing_there(folder: Path, provide: Provide, capsys: pytest.CaptureFixture[str]) -> None:
    provide()
    assert told(capsys, "list") == f"no engines in {folder}\n"
    assert told(capsys, "verify", "lite-x4") == "0 files, all good\n"
    assert told(capsys, "clean", "--all") == "0 files, 0.0 MiB\n"


def test_verify_runs_engines_beside_their_network(
    built: Path, network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told(capsys, "verify", network)
    assert f"{built.name}: whole, inf dB from fp32" in out
    assert out.endswith("2 files, all good\n")


def test_verify_finds_engines_that_fail(
    built: Path, network: Path, provide: Provide, capsys: pytest.CaptureFixture[str]
) -> None:
    for fail in ("execute", "engine"):
        provide(fail=fail)
        assert run("verify", network) == InputError.exit_code
        captured = capsys.readouterr()
        assert "1 of 2 files are not to be used" in captured.err
        (line,) = (line for line in captured.out.splitlines() if line.startswith(built.name))
        assert "dB from fp32" not in line


def test_verify_finds_damage(
    built: Path, network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with built.open("r+b") as file:
        file.seek(-40, os.SEEK_END)
        file.write(b"?")
    assert run("verify", network) == InputError.exit_code
    captured = capsys.readouterr()
    assert f"{built.name}: damaged: it is damaged: the checksum differs" in captured.out
    assert captured.err.count("\n") == 1


def test_verify_says_what_it_did_not_load(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = GeneratorConfig(kind="espcn", scale=2, channels=1, width=2, blocks=1)
    other = tmp_path / "other.safetensors"
    save_generator(other, config, build_generator(config).state_dict())
    assert f"{built.name}: whole, not loaded" in told(capsys, "verify", other)


@pytest.fixture
def kept(network: Path, provide: Provide, capsys: pytest.CaptureFixture[str]) -> Path:
    """A network in the cache, with the engine and the timings that were made of it."""
    provide()
    told(capsys, "build", network, "--size", "24x16", "--precision", "fp32")
    (path,) = EngineCache().folder.glob("*.network")
    return path


def test_a_network_is_exported_once(
    kept: Path,
    network: Path,
    provide: Provide,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def export(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("it is in the cache")

    assert kept.stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr("vidsr.engines.onnx_files.export.export_onnx", export)
    told(capsys, "build", network, "--size", "9x9", "--precision", "fp32")
    assert len(list(kept.parent.glob("*.engine"))) == 2
    with pytest.raises(AssertionError, match="in the cache"):
        run("build", network, "--size", "9x9", "--precision", "fp16")


def test_networks_are_listed_and_verified(
    kept: Path, network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (line,) = (row for row in told(capsys, "list").splitlines() if "ONNX fp32" in row)
    assert line.split()[0] == "net"
    assert line.endswith("usable here")
    out = told(capsys, "verify", network)
    assert f"{kept.name}: whole, usable here\n" in out
    assert out.endswith("3 files, all good\n")
    kept.write_bytes(kept.read_bytes()[:-1] + b"?")
    assert run("verify", network) == InputError.exit_code
    assert f"{kept.name}: damaged" in capsys.readouterr().out


def test_networks_of_another_exporter_are_cleaned_without_a_gpu(
    kept: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("VIDSR_CACHE", str(kept.parent))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert run("clean", "--stale") == 0
    assert kept.exists()
    capsys.readouterr()
    monkeypatch.setattr(network_cache, "version", lambda name: "99" if name == "onnx" else "1")
    assert run("list") == 0
    assert "stale: exporter.onnx " in capsys.readouterr().out
    assert run("clean", "--stale") == 0
    assert capsys.readouterr().out.startswith(f"removed {kept}\n1 files, ")
    assert len(EngineCache().entries()) == 2


def test_clean_all(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "clean", "--all")
    assert f"removed {built}\n" in out
    assert out.endswith("2 files, 0.0 MiB\n")
    assert not built.exists()


def test_clean_what_was_not_used(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day = 86400
    os.utime(built, (0, built.stat().st_mtime - 3 * day))
    assert told(capsys, "clean", "--older-than", "3.5") == "0 files, 0.0 MiB\n"
    assert f"removed {built}" in told(capsys, "clean", "--older-than", "2.5")
    assert len(EngineCache().entries()) == 1


def test_clean_stale(built: Path, provide: Provide, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "clean", "--stale") == "0 files, 0.0 MiB\n"
    provide(gpu=dataclasses.replace(GPU, driver_version="590.1"))
    assert f"removed {built}" in told(capsys, "clean", "--stale")
    assert not EngineCache().entries()


def test_clean_stale_without_a_gpu_removes_only_what_is_damaged(
    built: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("VIDSR_CACHE", str(built.parent))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (timings,) = built.parent.glob("*.timing")
    timings.write_bytes(timings.read_bytes()[:-1])
    assert run("clean", "--stale") == 0
    captured = capsys.readouterr()
    assert f"removed {timings}" in captured.out
    assert "engines are removed only where they are damaged" in captured.err
    assert built.exists()


def test_a_cache_of_others_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    assert "writable by others" in refused(capsys, OptionError.exit_code, "list")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("burn",),
        ("clean",),
        ("clean", "--all", "--stale"),
        ("clean", "--older-than", "0"),
        ("clean", "--older-than", "nan"),
        ("build", "lite-x4"),
        ("build", "lite-x4", "--size", "9"),
        ("build", "lite-x4", "--size", "9x0"),
        ("build", "lite-x4", "--size", "9x9", "--optimization-level", "6"),
        ("export", "lite-x4"),
        ("export", "lite-x4", "-o", "x", "--precision", "bf16"),
    ],
)
def test_arguments_that_cannot_be_read(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ending:
        main(list(arguments))
    assert ending.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_memory_that_cannot_be_read(
    exported: Path, provide: Provide, capsys: pytest.CaptureFixture[str]
) -> None:
    provide()
    arguments = ("build", exported, "--size", "9x9", "--workspace", "much")
    assert "'much'" in refused(capsys, OptionError.exit_code, *arguments)


@pytest.mark.parametrize("command", [(), ("build",), ("export",), ("verify",), ("clean",)])
def test_help_is_there_without_torch(command: tuple[str, ...]) -> None:
    code = (
        "import sys\nsys.modules['torch'] = None\n"
        "from vidsr.engines.command.cli import main\nmain(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command, "--help"], capture_output=True, text=True, check=True
    )
    assert f"usage: vidsr-engine {' '.join(command)}".strip() in done.stdout
    assert done.stderr == ""


def test_signals_end_it_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "EngineCache", lambda: signal.raise_signal(signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    assert run("list") == 143
    assert signal.getsignal(signal.SIGTERM) == before
    assert capsys.readouterr().err == "vidsr-engine: interrupted\n"


def test_out_of_memory_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> NoReturn:
        raise MemoryError

    monkeypatch.setattr(cli, "EngineCache", full)
    assert run("list") == 8
    assert capsys.readouterr().err == "vidsr-engine: error: out of memory.\n"


def test_ages_and_sizes() -> None:
    ages: dict[float, Any] = {-5: "0 min", 3599: "59 min", 3600: "1 h", 47 * 3600: "47 h"}
    assert {seconds: listing.human_age(seconds) for seconds in ages} == ages
    assert listing.human_age(12.5 * 86400) == "12 d"
    assert listing.human_bytes(3 << 19) == "1.5 MiB"


def test_export_of_the_network_for_coded_pictures(network: Path, tmp_path: Path) -> None:
    """What is exported for an error is what other weights make of the clean network's export."""
    path = tmp_path / "own.safetensors"
    path.write_bytes(network.read_bytes())
    weights = load_model(path).module.state_dict()
    other = {name: weight + 0.25 for name, weight in weights.items()}
    save_strengths(path, weights, [other], StrengthCurve((2.0,), (1.0,)))
    clean, hard = tmp_path / "clean.onnx", tmp_path / "hard.onnx"
    assert run("export", path, "-o", clean) == 0
    assert run("export", path, "-o", hard, "--coding-error", "2") == 0
    model = load_model(path)
    assert clean.read_bytes() != hard.read_bytes()
    assert reweighed(clean.read_bytes(), model, model.at(4)) == hard.read_bytes()


def test_export_for_coded_pictures_of_a_model_without_such_networks(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("export", network, "-o", tmp_path / "a.onnx", "--coding-error", "2")
    assert "has one network" in refused(capsys, OptionError.exit_code, *arguments)
