"""The command vidsr-job with folders, sources and targets in an object store."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import vidsr
from tests.doubles.warm import WarmProcess, command
from tests.makers.clips import Tone, make_clip
from tests.servers.s3 import KEY, SECRET, s3_configured
from vidsr.jobs.cli import main
from vidsr.video.folders.remote_folder import RemoteFolder
from vidsr.video.stores.object_store import ObjectStore

OPTIONS = ["--model", "lite-fast-x2", "--precision", "fp32", "--piece-frames", "3", "-q"]
FRAMES = 12


@pytest.fixture(scope="module")
def bucket() -> Iterator[Any]:
    with s3_configured() as files:
        yield files


@pytest.fixture(scope="module")
def whole(bucket: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """Return a clip, which lies in the bucket as well, and the target of one run over it."""
    folder = tmp_path_factory.mktemp("jobs")
    source, target = folder / "clip.mp4", folder / "one.mkv"
    make_clip(source, size=(32, 24), frames=FRAMES, gop=6, bframes=2, audio=Tone())
    vidsr.upscale(source, target, model="lite-fast-x2", precision="fp32", piece_frames=3)
    for name in ("clip.mp4", "drop-2-clip.mp4"):
        bucket.pipe_file(f"films/{name}", source.read_bytes())
    return source, target.read_bytes()


def plan(source: str | Path, target: str | Path, *more: str) -> str:
    assert main(["plan", str(source), "-o", str(target), *OPTIONS, *more]) == 0
    return f"{target}.vidsr-job"


def test_a_life_cycle(
    whole: tuple[Path, bytes], bucket: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    target = "s3://films/a/out [1].mkv"
    folder = plan("s3://films/clip.mp4", target)
    assert capfd.readouterr().out == f"{folder}\n"
    stored = b"".join(bucket.cat_file(name) for name in bucket.find(folder))
    bucket.pipe_file(f"{folder}-of-others/x", b"stays")
    assert main(["join", folder]) == 4
    assert "4 of 4 pieces are missing" in capfd.readouterr().err
    assert main(["work", folder, "--pieces", "1"]) == 0
    assert main(["status", folder, "--json"]) == 0
    status = json.loads(capfd.readouterr().out)
    assert (status["pieces"], status["done"], status["frames"]) == (4, 1, 3)
    assert main(["work", folder, "-q"]) == 0
    assert main(["plan", str(whole[0]), "-o", "s3://films/clip.mp4", *OPTIONS]) == 4
    assert "exists already" in capfd.readouterr().err
    assert main(["join", folder]) == 0
    assert bucket.cat_file(target) == whole[1]
    assert sorted(bucket.find("films/a")) == [
        "films/a/out [1].mkv",
        "films/a/out [1].mkv.vidsr-job-of-others/x",
    ]
    shown = capfd.readouterr()
    for secret in (KEY, SECRET):
        assert secret not in shown.out + shown.err
        assert secret.encode() not in stored
    assert main(["status", folder]) == 4


def test_workers_share_and_one_is_killed(
    whole: tuple[Path, bytes], bucket: Any, tmp_path: Path
) -> None:
    folder = "s3://films/killed"
    plan(whole[0], "out.mkv", "--folder", folder)
    code, words, environment = command("vidsr.jobs.cli"), ["work", folder, "-q"], dict(os.environ)
    with (
        WarmProcess(code, words, environment=environment) as killed,
        WarmProcess(code, words, environment=environment) as other,
    ):
        until = time.monotonic() + 120
        while not [name for name in bucket.ls(folder, detail=False) if name.endswith("0.lease")]:
            assert time.monotonic() < until
        killed.kill()
        killed.wait()
        assert other.wait(timeout=240) == 0
    target = tmp_path / "joined.mkv"
    assert main(["join", folder, "-q"]) == 2  # it lies beside no target
    assert main(["join", folder, "-o", str(target), "-q"]) == 0
    assert target.read_bytes() == whole[1]
    assert not bucket.exists(folder)
    assert [*tmp_path.iterdir()] == [target]


class Struck(Exception):
    """A kill between two requests."""


@pytest.mark.parametrize("removed", [0, 1, 4])
def test_a_join_that_was_struck_goes_on(
    removed: int, whole: tuple[Path, bytes], bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target is sent, and some objects of the folder are removed already, or none."""
    target = f"s3://films/struck-{removed}.mkv"
    folder, left = plan("s3://films/clip.mp4", target), [removed]
    remove = ObjectStore.remove

    def strike(store: ObjectStore, name: str) -> None:
        if str(store) == folder and not name.endswith((".part", ".lease")):
            left[0] -= 1
            if left[0] < 0:
                raise Struck
        remove(store, name)

    assert main(["work", folder, "-q"]) == 0
    with monkeypatch.context() as patch:
        patch.setattr(ObjectStore, "remove", strike)
        with pytest.raises(Struck):
            main(["join", folder, "-q"])
    assert bucket.cat_file(target) == whole[1]
    before = bucket.info(target)["LastModified"]
    assert main(["join", folder, "-q"]) == 0
    assert bucket.info(target)["LastModified"] == before
    assert bucket.find(folder) == []


def test_a_target_of_others_is_not_taken_for_the_own(
    whole: tuple[Path, bytes], bucket: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    target = "s3://films/others.mkv"
    folder = plan("s3://films/clip.mp4", target)
    assert main(["work", folder, "-q"]) == 0
    bucket.pipe_file(target, b"another")
    assert main(["join", folder, "-q"]) == 4
    assert "exists already" in capfd.readouterr().err


def test_a_local_join_that_was_struck_goes_on(
    whole: tuple[Path, bytes], bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, target = "s3://films/struck-here", tmp_path / "out.mkv"

    def strike(store: ObjectStore) -> None:
        raise Struck

    plan(whole[0], "out.mkv", "--folder", folder)
    assert main(["work", folder, "-q"]) == 0
    with monkeypatch.context() as patch:
        patch.setattr(RemoteFolder, "destroy", strike)
        with pytest.raises(Struck):
            main(["join", folder, "-o", str(target), "-q"])
    assert target.read_bytes() == whole[1]
    assert main(["join", folder, "-o", str(target), "-q"]) == 0
    assert target.read_bytes() == whole[1]
    assert not bucket.exists(folder)


def test_a_connection_that_breaks_is_mended(whole: tuple[Path, bytes], tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"
    folder = "s3://films/drop-1-job"
    plan("s3://films/drop-2-clip.mp4", "out.mkv", "--folder", folder)
    assert main(["work", folder, "-q"]) == 0
    assert main(["join", folder, "-o", str(target), "-q"]) == 0
    assert target.read_bytes() == whole[1]


def test_a_folder_is_input_like_any_other(
    whole: tuple[Path, bytes], bucket: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = plan(whole[0], "s3://films/hostile.mkv")
    order = json.loads(bucket.cat_file(f"{folder}/order.json"))
    evil = [{}, [], order | {"pieces": -1}]
    for text in ("/etc/victim.mkv", "../victim.mkv", "..", "a\\b.mkv"):
        changed = json.loads(json.dumps(order))
        changed["run"]["target"] = {"kind": "file", "text": text}
        evil.append(changed)
    for text in ("rtsp://camera/1", "http://me:secret@host/a.mp4"):
        changed = json.loads(json.dumps(order))
        changed["run"]["source"] = {"kind": "address", "text": text}
        evil.append(changed)
    for one in evil:
        bucket.pipe_file(f"{folder}/order.json", json.dumps(one).encode())
        for verb in ("work", "join", "status"):
            assert main([verb, folder]) == 4
            err = capfd.readouterr().err
            assert "its order cannot be read" in err
            assert "Traceback" not in err
            assert "secret" not in err
    bucket.pipe_file(f"{folder}/order.json", json.dumps(order).encode())
    for name in ("../evil.piece", "x.piece", "000001.piece", "000002.piece/deep", "a%2fb?.piece"):
        bucket.pipe_file(f"{folder}/{name}", b"{}\n")
    assert main(["status", folder]) == 0
    assert main(["work", folder, "-q"]) == 0
    assert main(["join", folder, "-o", str(tmp_path / "a.mkv"), "-q"]) == 4  # one was damaged
    assert main(["work", folder, "-q"]) == 0
    assert main(["join", folder, "-q"]) == 0
    assert bucket.cat_file("films/hostile.mkv") == whole[1]
    assert [*tmp_path.iterdir()] == []


def test_a_target_that_appears_meanwhile_is_kept(whole: tuple[Path, bytes], bucket: Any) -> None:
    from vidsr.errors import OutputError
    from vidsr.jobs.sending import digest_of, send_target
    from vidsr.video.locator import Locator

    place, digest = Locator.of("s3://films/b/taken.mkv"), digest_of(whole[0])
    bucket.pipe_file("films/b/taken.mkv", b"precious")
    with pytest.raises(OutputError, match="appeared meanwhile; result is taken-"):
        send_target(whole[0], place, digest, overwrite=False)
    assert bucket.cat_file("films/b/taken.mkv") == b"precious"
    assert len(bucket.ls("films/b")) == 2
    send_target(whole[0], place, digest, overwrite=True)
    assert bucket.cat_file("films/b/taken.mkv") == whole[0].read_bytes()
    send_target(whole[0], place, digest, overwrite=False)  # the answer had been lost
    assert len(bucket.ls("films/b")) == 2


def refusing_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize(
    ("words", "changes", "status", "said"),
    [
        (["work", "s3://nowhere/job"], {}, 4, "no such bucket. Hint: create it"),
        (["status", "s3://films/nothing"], {}, 4, "is no folder of a job. Hint: vidsr-job plan"),
        (["plan", "s3://nowhere/a.mp4", "-o", "out.mkv"], {}, 3, "no such bucket"),
        (["plan", "s3://films/none.mp4", "-o", "out.mkv"], {}, 3, "no such object"),
        (["plan", "s3://films", "-o", "out.mkv"], {}, 3, "is a folder"),
        (["plan", "s3://me:secretword@films/a.mp4", "-o", "o.mkv"], {}, 2, "holds credentials"),
        (["plan", "https://me:secretword@h/a.mp4", "-o", "o.mkv"], {}, 2, "holds credentials"),
        (["work", "https://host/job"], {}, 2, "hold no folders of jobs. Hint: name a folder"),
        (["work", "gs://films/job"], {}, 4, "is missing. Hint: install the package"),
        (
            ["work", "s3://films/job"],
            {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "HOME": "/nowhere"},
            4,
            "no credentials. Hint: give those of the store",
        ),
        (
            ["work", "s3://films/job"],
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:REFUSING"},
            4,
            "cannot be reached. Hint: check the network",
        ),
    ],
)
def test_faults_are_one_line_with_a_hint(
    words: list[str],
    changes: dict[str, str],
    status: int,
    said: str,
    whole: tuple[Path, bytes],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    import s3fs

    monkeypatch.chdir(tmp_path)
    for name, value in changes.items():
        value = value.replace("REFUSING", str(refusing_port()))
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    s3fs.S3FileSystem.clear_instance_cache()
    try:
        assert main([*words, *(OPTIONS if words[0] == "plan" else [])]) == status
    finally:
        s3fs.S3FileSystem.clear_instance_cache()
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert "secretword" not in lines[0]
    assert SECRET not in lines[0]
    assert [*tmp_path.iterdir()] == []


def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import fsspec

    def missing(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "url_to_fs", missing)
    assert main(["work", "s3://films/job"]) == 4
    assert "Hint: pip install -e '.[remote]'" in capfd.readouterr().err


@pytest.mark.parametrize(("end", "status"), [(".vidsr-job", 0), ("", 4)])
def test_clean_knows_a_damaged_job_by_its_name(bucket: Any, end: str, status: int) -> None:
    folder = f"s3://films/damaged{end}"
    for name in ("order.json", "identity.json", "000000.piece", "000001.0.lease"):
        bucket.pipe_file(f"{folder}/{name}", b"half")
    assert main(["clean", folder]) == status
    assert len(bucket.find(folder)) == (4 if status else 0)
    bucket.pipe_file(f"{folder}/thesis.txt", b"precious")
    bucket.pipe_file(f"{folder}/order.json", b"half")
    assert main(["clean", folder]) == 4
    assert bucket.cat_file(f"{folder}/thesis.txt") == b"precious"
