"""The cache of engines: nothing stale, foreign, cut off or damaged comes out of it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.paths import ROOT
from vidsr.cache.keys import EngineKey, Gpu, Profile, TimingKey
from vidsr.cache.store import EngineCache, default_folder
from vidsr.errors import OptionError, OutputError

GPU = Gpu(
    name="NVIDIA H200",
    compute_capability=(9, 0),
    sm_count=132,
    driver_version="580.65",
    cuda_version="13.0",
)
PROFILE = Profile((1, 3, 16, 16), (1, 3, 180, 320), (1, 3, 1080, 1920))
PLAN = b"a plan" * 5


def engine_key(**changes: Any) -> EngineKey:
    fields: dict[str, Any] = {
        "tensorrt_version": "10.16.1.11",
        "gpu": GPU,
        "model": "lite-x4",
        "onnx_sha256": hashlib.sha256(b"model").hexdigest(),
        "parser_version": 101601,
        "flags": ("STRONGLY_TYPED",),
        "optimization_level": 3,
        "workspace_bytes": 1 << 30,
        "profiles": (PROFILE,),
        "io": ("input fp16 LINEAR", "output fp16 LINEAR"),
        "os": "Linux",
        "architecture": "x86_64",
    }
    return EngineKey(**(fields | changes))


KEY = engine_key()
TIMING = TimingKey(tensorrt_version="10.16.1.11", gpu=GPU)


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines")


def test_a_digest_is_stable() -> None:
    """Another value means that every engine built so far is orphaned: then SCHEMA has to change."""
    assert KEY.digest == "167a145fb26bcc881e4354d7bf76eab332c15d0b06c1d4de215aef2b024db005"
    assert json.loads(KEY.canonical)["gpu"]["sm_count"] == 132


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to every number and text in a key."""
    if dataclasses.is_dataclass(value):
        names: list[Any] = [field.name for field in dataclasses.fields(value)]
        return [leaf for n in names for leaf in leaves(getattr(value, n), (*path, n))]
    if isinstance(value, tuple):
        return [leaf for i, item in enumerate(value) for leaf in leaves(item, (*path, i))]
    return [path]


def changed(value: Any, path: tuple[Any, ...], data: st.DataObject) -> Any:
    if not path:
        values = st.integers(1, 10**6) if isinstance(value, int) else st.text(max_size=12)
        return data.draw(values.filter(lambda other: other != value))
    if isinstance(value, tuple):
        inner = changed(value[path[0]], path[1:], data)
        return (*value[: path[0]], inner, *value[path[0] + 1 :])
    return dataclasses.replace(value, **{path[0]: changed(getattr(value, path[0]), path[1:], data)})


@settings(deadline=None)  # processors may be busy
@given(st.data())
def test_every_leaf_of_a_key_is_in_its_digest(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(leaves(KEY)))
    try:
        other = changed(KEY, path, data)
    except OptionError:  # a profile whose bounds are out of order
        return
    assert other.digest != KEY.digest
    assert other != KEY


@settings(deadline=None)
@given(st.lists(st.text(max_size=4), max_size=3), st.lists(st.text(max_size=4), max_size=3))
def test_lists_do_not_run_together(one: list[str], other: list[str]) -> None:
    keys = engine_key(flags=tuple(one)), engine_key(flags=tuple(other))
    assert (keys[0].digest == keys[1].digest) == (one == other)


def test_a_profile_is_in_order() -> None:
    with pytest.raises(OptionError, match="min <= opt <= max"):
        Profile((1, 3, 16, 16), (1, 3, 8, 16), (1, 3, 16, 16))
    with pytest.raises(OptionError, match="min <= opt <= max"):
        Profile((0, 3, 16, 16), (1, 3, 16, 16), (1, 3, 16, 16))


def test_what_is_stored_is_loaded(cache: EngineCache) -> None:
    assert cache.load(KEY).reason == "none is built yet"
    cache.store(KEY, b"old")
    cache.store(KEY, PLAN)
    cache.store(TIMING, b"")
    assert cache.load(KEY).payload == PLAN
    assert cache.load(TIMING).payload == b""
    assert cache.path(KEY).stat().st_mode & 0o777 == 0o600
    assert sorted(cache.folder.iterdir()) == sorted([cache.path(KEY), cache.path(TIMING)])


def test_what_changed_is_named(cache: EngineCache) -> None:
    newer = dataclasses.replace(GPU, driver_version="590.1")
    cache.store(engine_key(tensorrt_version="9.0.0.1", optimization_level=5), PLAN)
    cache.store(KEY, PLAN)
    found = cache.load(engine_key(gpu=newer))
    assert found.payload is None
    assert found.reason == "none fits: gpu.driver_version 580.65 -> 590.1"
    assert cache.load(engine_key(onnx_sha256="0")).reason == "none is built yet"


def test_every_truncation_and_every_flipped_byte_is_refused(cache: EngineCache) -> None:
    cache.store(KEY, PLAN)
    path = cache.path(KEY)
    whole = path.read_bytes()
    damaged = [whole[:size] for size in range(len(whole))] + [whole + b"\0"]
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        damaged.append(bytes(flipped))
    for data in damaged:
        path.write_bytes(data)
        found = cache.load(KEY)
        assert found.payload is None
        assert found.reason.startswith(f"{path} is not used: it ")
        assert "\n" not in found.reason
    path.write_bytes(whole)
    assert cache.load(KEY).payload == PLAN


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is cut off after 0 bytes"),
        (b"ftrt of another tool, long enough for a header", "it is not a file of this cache"),
        (b"vidsrTRT\x09\0\0\0" + bytes(40), "schema 9, this version reads 1"),
    ],
)
def test_reasons(cache: EngineCache, data: bytes, reason: str) -> None:
    cache.path(KEY).write_bytes(data)
    cache.path(KEY).chmod(0o600)
    assert cache.load(KEY).reason.endswith(reason)


def test_an_engine_of_another_key_is_not_loaded(cache: EngineCache) -> None:
    other = engine_key(optimization_level=5)
    cache.store(other, PLAN)
    cache.path(other).rename(cache.path(KEY))
    assert cache.load(KEY).reason.endswith("it was made for something else")
    (entry,) = cache.entries()
    assert (entry.key, entry.reason) == (None, "it was made for something else")


def test_links_pipes_and_files_of_others_are_refused(
    cache: EngineCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.store(KEY, PLAN)
    path = cache.path(KEY)
    path.chmod(0o620)
    assert "writable by others (mode 0620)" in cache.load(KEY).reason
    path.chmod(0o600)
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
        assert "owned by user" in cache.load(KEY).reason
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert cache.load(KEY).reason.endswith("it is a symbolic link")
    path.unlink()
    os.mkfifo(path, 0o600)
    assert cache.load(KEY).reason.endswith("it is not a plain file")
    path.unlink()
    path.mkdir(0o700)
    assert cache.load(KEY).reason.endswith("it is not a plain file")


def test_the_folder_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a" / "b"
    assert EngineCache(folder).folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o770)
    with pytest.raises(OptionError, match=r"writable by others \(mode 0770\).*Hint: chmod go-w"):
        EngineCache(folder)
    folder.chmod(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(OptionError, match="owned by user"):
        EngineCache(folder)


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OptionError, match="Hint: set VIDSR_CACHE"):
            EngineCache(folder)


def test_the_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIDSR_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert default_folder() == tmp_path / ".cache" / "vidsr" / "engines"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert EngineCache().folder == tmp_path / "xdg" / "vidsr" / "engines"
    monkeypatch.setenv("VIDSR_CACHE", str(tmp_path / "own"))
    assert EngineCache().folder == tmp_path / "own"


def test_entries_verify_and_clean(cache: EngineCache) -> None:
    older = engine_key(optimization_level=1)
    for key in (older, KEY, TIMING):
        cache.store(key, PLAN)
    an_hour_ago = time.time() - 3601
    for key in (older, TIMING):
        os.utime(cache.path(key), (an_hour_ago, an_hour_ago))
    left, new = cache.folder / ".left.tmp", cache.folder / ".new.tmp"
    left.touch()
    new.touch()
    os.utime(left, (an_hour_ago, an_hour_ago))
    assert cache.entries()[0].path == cache.path(KEY)
    data = bytearray(cache.path(KEY).read_bytes())
    data[-40] ^= 1  # in the payload, which only verify looks at
    cache.path(KEY).write_bytes(data)
    assert all(entry.key for entry in cache.entries())
    bad = [entry for entry in cache.verify() if entry.reason]
    assert [(e.path, e.reason) for e in bad] == [
        (cache.path(KEY), "it is damaged: the checksum differs")
    ]
    cache.load(TIMING)  # used just now
    gone = cache.clean(unused_for_seconds=3600)
    assert [entry.path for entry in gone] == [cache.path(older)]
    assert not left.exists()
    assert new.exists()  # somebody may be writing it
    assert len(cache.clean()) == 2
    assert list(cache.folder.iterdir()) == [new]


def test_a_failed_write_leaves_the_old_and_no_litter(
    cache: EngineCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.store(KEY, PLAN)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"cannot be written: No space left on device"):
        cache.store(KEY, b"new")
    assert cache.load(KEY).payload == PLAN
    assert list(cache.folder.iterdir()) == [cache.path(KEY)]


def test_one_holds_the_lock(cache: EngineCache) -> None:
    order: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        def say(text: str) -> None:
            order.append(text)
            waiting.set()

        with cache.lock(KEY, say):
            order.append("second")

    thread = threading.Thread(target=second)
    with cache.lock(KEY), cache.lock(engine_key(optimization_level=1)):
        thread.start()
        assert waiting.wait(30)
        cache.clean()  # does not remove what is held
        order.append("first")
    thread.join(30)
    assert order == [
        "waiting for another process, which is making the same", "first", "second",
    ]  # fmt: skip
    cache.clean()
    assert list(cache.folder.iterdir()) == []


def test_a_lock_that_was_removed_is_not_the_lock(cache: EngineCache) -> None:
    """Who waited on a file that is gone would else work beside the holder of the new one."""
    waiting, entered = threading.Event(), threading.Event()

    def wait() -> None:
        with cache.lock(KEY, lambda _: waiting.set()):
            entered.set()

    thread = threading.Thread(target=wait)
    with ExitStack() as newer:
        with cache.lock(KEY):
            thread.start()
            assert waiting.wait(30)
            time.sleep(0.05)  # on its way into the second, waiting flock
            (cache.folder / f"{KEY.digest}.lock").unlink()
            newer.enter_context(cache.lock(KEY))
        assert not entered.wait(0.2)
    assert entered.wait(30)
    thread.join(30)


# Imported once and forked often. Each child is killed at one step of a store over an old entry, or
# after some time of storing without an end.
KILLED = """
import json, os, random, signal, sys, time
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from tests.cache.test_store import KEY
from vidsr.cache.store import EngineCache
cache = EngineCache(Path(sys.argv[1]))
old, new = b"old" * 100_000, b"new" * 100_000
die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
def after(name):
    real = getattr(os, name)
    def call(*args, **kwargs):
        real(*args, **kwargs)
        die()
    return call
def child(work, seconds=None):
    pid = os.fork()
    if not pid:
        work()
        os._exit(1)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    assert os.WIFSIGNALED(status), status
    data = cache.load(KEY).payload
    print(json.dumps({old: "old", new: "new"}.get(data, "neither")), flush=True)
def store_once(name, replacement):
    def work():
        setattr(os, name, replacement)
        cache.store(KEY, new)
    return work
def store_forever():
    while True:
        cache.store(KEY, old)
        cache.store(KEY, new)
for name, replacement in [
    ("fsync", die), ("fsync", after("fsync")), ("replace", die), ("replace", after("replace")),
]:
    cache.store(KEY, old)
    child(store_once(name, replacement))
for _ in range(10):
    child(store_forever, random.uniform(0, 0.05))
"""


def script(code: str, folder: Path) -> list[str]:
    return [sys.executable, "-c", code, str(folder), str(ROOT)]


def test_killed_while_storing(cache: EngineCache) -> None:
    command = script(KILLED, cache.folder)
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    seen = [json.loads(line) for line in result.stdout.splitlines()]
    assert seen[:4] == ["old", "old", "old", "new"]
    assert len(seen) == 14
    assert set(seen[4:]) <= {"old", "new"}
    assert cache.load(KEY).payload is not None


# Two of these build what is missing; whoever comes second must find it built.
RACING = """
import os, sys, time
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from tests.cache.test_store import engine_key
from vidsr.cache.store import EngineCache
cache = EngineCache(Path(sys.argv[1]))
for level in range(40):
    key = engine_key(optimization_level=level)
    with cache.lock(key):
        found = cache.load(key)
        if found.payload is None:
            assert found.reason.startswith("none "), found.reason
            with open(Path(sys.argv[1]).parent / "built", "a") as built:
                built.write(f"{level}\\n")
            time.sleep(0.002)
            cache.store(key, b"plan" * 10_000)
    assert cache.load(key).payload == b"plan" * 10_000
"""


def test_two_processes_build_each_engine_once(cache: EngineCache) -> None:
    processes = [
        subprocess.Popen(script(RACING, cache.folder), stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    built = (cache.folder.parent / "built").read_text().split()
    assert sorted(map(int, built)) == list(range(40))
    assert not [entry for entry in cache.verify() if entry.reason]


def test_no_torch_is_needed() -> None:
    """A program on a small device loads and builds engines without it."""
    code = (
        "import sys, vidsr.cache.store, vidsr.engines.trt.build\nassert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
