"""Every name of TensorRT that the code uses exists in the real bindings of version 10 and 11.

The bindings are the wheels tensorrt-cu13-bindings, in the folders 10 and 11 of
VIDSR_TENSORRT_BINDINGS. They load over a few lines of C that export the symbols of the libraries:
enough to ask for every class, method and docstring, not to build anything. The names are read from
the sources, and the types of what is assigned from the docstrings.
"""

from __future__ import annotations

import enum
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.doubles import fake_tensorrt
from tests.doubles.tensorrt_names import ONLY_IN, Found, Use, missing, read
from tests.paths import ROOT
from vidsr.engines.trt.build import flags

VERSIONS = ("10", "11")
SOURCES = [
    *(ROOT / "engines" / "trt" / f"{n}.py" for n in ("build", "engine", "load", "log", "profile")),
    ROOT / "vidsr" / "lean" / "cuda_stream.py",
]
SYMBOLS = (
    "createInferBuilder_INTERNAL", "createInferRefitter_INTERNAL", "createInferRuntime_INTERNAL",
    "createNvOnnxParserRefitter_INTERNAL", "createNvOnnxParser_INTERNAL",
    "getBuilderPluginRegistry", "getNvOnnxParserVersion", "getPluginRegistry",
    "initLibNvInferPlugins", "getInferLibVersion",
)  # fmt: skip
STUB = "\n".join(f"void *{symbol}(void) {{ return 0; }}" for symbol in SYMBOLS)
LIBRARIES = ("nvinfer", "nvinfer_plugin", "nvonnxparser")

# Without site-packages: there, libraries of a real TensorRT would be loaded first.
PREFIX = "import sys; sys.path[:0] = sys.argv[1:]\nimport tensorrt_bindings as trt\n"
DUMP = """
import inspect, json
found = {"": {name: "" for name in dir(trt)}}
def visit(cls, path):
    members = {name: getattr(cls, name) for name in dir(cls)}
    found[path] = {
        name: inspect.getdoc(getattr(member, "fget", None) or member) or ""
        for name, member in members.items()
    }
    for name, member in members.items():
        if inspect.isclass(member) and member is not cls and not name.startswith("_"):
            visit(member, f"{path}.{name}")
for name in dir(trt):
    value = getattr(trt, name)
    if inspect.isclass(value) and value.__module__.startswith("tensorrt_bindings"):
        visit(value, name)
    elif callable(value):
        found[""][name] = inspect.getdoc(value) or ""
print(json.dumps([trt.__version__, found]))
"""
# With libraries that give null pointers, as real ones do without a GPU.
NULL = """
from vidsr.cache.keys import Profile
from vidsr.engines.trt.build import build_engine, flags
from vidsr.engines.trt.log import Messages, make_logger
from vidsr.errors import DeviceError
messages = Messages()
logger = make_logger(trt, messages)
for severity in trt.ILogger.Severity.__members__.values():
    logger.log(severity, f"{severity.name}\\nsaid")
assert messages.take() == "INTERNAL_ERROR said; ERROR said", messages.take()
assert isinstance(trt.get_nv_onnx_parser_version(), int)
try:
    build_engine(b"", profiles=[Profile(*[(1, 3, 8, 8)] * 3)], trt=trt)
except DeviceError as error:
    print(error)
"""


@dataclass
class Bindings:
    """The real classes, and how to run code on them."""

    version: str
    found: Found
    command: list[str]
    env: dict[str, str]

    def run(self, code: str) -> str:
        return run([*self.command[:2], "-c", PREFIX + code, *self.command[2:]], self.env)


def run(command: list[str], env: dict[str, str]) -> str:
    result = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def find_bindings(version: str) -> Path:
    """Skips where they are not installed; fails where they were named and are absent."""
    named = os.environ.get("VIDSR_TENSORRT_BINDINGS")
    folder = Path(named or Path(sys.prefix) / "tensorrt-bindings") / version
    if not (folder / "tensorrt_bindings").is_dir():
        reason = f"no bindings of TensorRT in {folder}; VIDSR_TENSORRT_BINDINGS names another place"
        pytest.fail(reason) if named else pytest.skip(reason)
    return folder


@pytest.fixture(scope="module", params=VERSIONS)
def bindings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bindings:
    version = request.param
    folder = find_bindings(version)
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    stubs = tmp_path_factory.mktemp(f"tensorrt{version}")
    (stubs / "stub.c").write_text(STUB)
    for library in LIBRARIES:
        name = f"lib{library}.so.{version}"
        options = ["-shared", "-fPIC", f"-Wl,-soname,{name}", "-o", str(stubs / name)]
        run([compiler, *options, str(stubs / "stub.c")], dict(os.environ))
    env = os.environ | {"LD_LIBRARY_PATH": str(stubs), "PYTHONDONTWRITEBYTECODE": "1"}
    real = Bindings(version, {}, [sys.executable, "-S", str(folder), str(ROOT)], env)
    number, real.found = json.loads(real.run(DUMP))
    assert number.startswith(f"{version}.")
    return real


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_names_exist(source: Path, bindings: Bindings) -> None:
    reader = read(source, bindings.found)
    assert reader.mistakes == []
    assert list(missing(reader.uses, bindings.version, bindings.found)) == []


def test_names_are_found_at_all(bindings: Bindings) -> None:
    """Otherwise the test above would pass on nothing."""
    uses = {(u.owner, u.name) for path in SOURCES for u in read(path, bindings.found).uses}
    assert {
        ("", "Builder"), ("", "OnnxParser"), ("Builder", "build_serialized_network"),
        ("IBuilderConfig", "builder_optimization_level"), ("MemoryPoolType", "WORKSPACE"),
        ("ILogger.Severity", "WARNING"), ("IExecutionContext", "execute_async_v3"),
        ("ICudaEngine", "get_tensor_profile_shape"), ("ParserError", "desc"),
        ("ITimingCache", "serialize"), ("TensorIOMode", "INPUT"), ("TensorFormat", "LINEAR"),
        ("ITensor", "allowed_formats"), ("", "get_nv_onnx_parser_version"), ("", "__version__"),
    } <= uses  # fmt: skip


WRONG = """
def build(trt: Any, builder: Any, thing: Any) -> None:
    config = builder.create_builder_config()
    config.set_flag(trt.BuilderFlag.NONSENSE)
    config.set_timing_cache(b"", ignore=False)
    network = created("it", lambda: builder.create_builder_config(), messages)
    trt.Nonsense

class Engine:
    def __init__(self, plan: bytes, network: Plain) -> None:
        trt, parser = import_tensorrt(), argparse.ArgumentParser()
        engine = created("it", lambda: trt.Runtime(logger).deserialize_cuda_engine(plan), messages)
        self._context, self._network = engine.create_execution_context(), network
        network.plain, self._network.plain, parser.plain

    def run(self) -> None:
        self._context.execute_async_v9(0)

class Other:
    def __init__(self) -> None:
        self._context = Plain()
        self._context.plain
"""


def test_wrong_names_are_found(bindings: Bindings, tmp_path: Path) -> None:
    source = tmp_path / "wrong.py"
    source.write_text(WRONG)
    reader = read(source, bindings.found)
    assert sorted(reader.mistakes) == [
        "wrong.py:2: what is thing?", "wrong.py:6: network is IBuilderConfig",
    ]  # fmt: skip
    assert sorted(
        line.partition(": ")[2] for line in missing(reader.uses, bindings.version, bindings.found)
    ) == [
        "IBuilderConfig.set_timing_cache has no argument ignore",
        f"TensorRT {bindings.version} has no .Nonsense",
        f"TensorRT {bindings.version} has no BuilderFlag.NONSENSE",
        f"TensorRT {bindings.version} has no IExecutionContext.execute_async_v9",
    ]


def test_version_dependent_flags(bindings: Bindings) -> None:
    names = flags(SimpleNamespace(__version__=f"{bindings.version}.0.0.0"))
    assert set(names) <= bindings.found["NetworkDefinitionCreationFlag"].keys()
    expected = {name for (_, name), version in ONLY_IN.items() if version == bindings.version}
    assert set(names) == expected


def test_null_pointers_are_device_errors(bindings: Bindings) -> None:
    text = bindings.run(NULL)
    assert text.startswith("TensorRT made no builder: ")
    assert text.count("\n") == 1


def fake_members() -> Iterator[tuple[str, str, list[str]]]:
    """Class, member and names of its parameters, of the stand-in."""
    fake = fake_tensorrt.FakeTensorRT("11.4.0.106")
    classes = [c for c in (*vars(fake).values(), *vars(fake_tensorrt).values()) if is_class(c)]
    for cls in classes:
        if cls.__name__.startswith("_") or cls is fake_tensorrt.FakeTensorRT:
            continue
        for name, member in vars(cls).items():
            code = getattr(member, "__code__", None)
            if name.startswith("_") or (code is None and not isinstance(member, enum.Enum)):
                continue
            yield cls.__name__, name, list(code.co_varnames[1 : code.co_argcount]) if code else []


def is_class(value: Any) -> bool:
    return isinstance(value, type) and value.__module__ == fake_tensorrt.__name__


def test_the_stand_in_has_no_names_of_its_own(bindings: Bindings) -> None:
    members = list(fake_members())
    assert len(members) > 30
    uses = [Use("fake_tensorrt.py", owner, name, tuple(args)) for owner, name, args in members]
    assert list(missing(uses, bindings.version, bindings.found)) == []
