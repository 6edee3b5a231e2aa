"""Films over HTTP: the frames of the file, or an error; never half of them without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.makers.clips import Tone, make_clip
from tests.makers.http_server import Served, serving, unused_port
from tests.video.addresses.reading import Frames, frames_of, open_address
from vidsr.errors import InputError, NoInputError
from vidsr.notes import Notes
from vidsr.video.source.file_source import FileSource

FAST_START = {"movflags": "+faststart"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films")
    make_clip(path / "end.mp4", frames=30, gop=10, bframes=2, audio=Tone())
    make_clip(path / "start.mp4", frames=30, gop=10, audio=Tone(), container_options=FAST_START)
    make_clip(path / "a.mkv", frames=30, gop=10, audio=Tone())
    make_clip(path / "a.ts", frames=40, size=(96, 64), gop=10, audio=Tone())
    return path


def expected(path: Path) -> Frames:
    return frames_of(FileSource(path))


@pytest.mark.parametrize("name", ["end.mp4", "start.mp4", "a.mkv", "a.ts"])
def test_a_server_with_ranges_gives_what_the_file_gives(folder: Path, name: str) -> None:
    with serving({"/x": Served((folder / name).read_bytes())}) as server:
        source = open_address(server.url("/x"))
        header = source.header
        assert frames_of(source) == expected(folder / name)
    with FileSource(folder / name) as file:
        assert header.info.rate == file.header.info.rate
        assert header.info.duration_s == file.header.info.duration_s
        assert header.service == file.header.service
        assert [s.codec for s in header.streams] == [s.codec for s in file.header.streams]


@pytest.mark.parametrize("name", ["start.mp4", "a.mkv", "a.ts"])
def test_so_does_one_without_ranges(folder: Path, name: str) -> None:
    data = (folder / name).read_bytes()
    with serving({"/x": Served(data, ranges=False)}) as server:
        assert frames_of(open_address(server.url("/x"))) == expected(folder / name)


def test_an_index_at_the_end_needs_ranges(folder: Path) -> None:
    data = (folder / "end.mp4").read_bytes()
    with (
        serving({"/x": Served(data, ranges=False)}) as server,
        pytest.raises(InputError, match="index lies at its end") as caught,
    ):
        open_address(server.url("/x"))
    assert "sends ranges" in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["end.mp4", "a.mkv", "a.ts"])
@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("share", [0.6])
def test_a_connection_that_breaks_is_resumed(
    folder: Path, name: str, ranges: bool, share: float
) -> None:
    name = name if ranges else name.replace("end", "start")
    data = (folder / name).read_bytes()
    cut = Served(data, ranges=ranges, cut_after=int(share * len(data)), cuts=1)
    with serving({"/x": cut}) as server:
        assert frames_of(open_address(server.url("/x"))) == expected(folder / name)
        assert cut.cuts == 0
        assert len(server.requests) > 1


@pytest.mark.parametrize("name", ["start.mp4", "a.mkv", "a.ts"])
@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("share", [0.7])
def test_one_that_cannot_be_resumed_is_an_error(
    folder: Path, name: str, ranges: bool, share: float
) -> None:
    data = (folder / name).read_bytes()
    served = Served(data, ranges=ranges, wall=int(share * len(data)))
    with (
        serving({"/x": served}) as server,
        pytest.raises(InputError, match=f"broke at byte .* of {len(data)} and could not"),
    ):
        frames_of(open_address(server.url("/x")))


@pytest.mark.parametrize("name", ["start.mp4", "a.mkv", "a.ts"])
def test_a_length_that_is_never_reached_is_an_error(folder: Path, name: str) -> None:
    data = (folder / name).read_bytes()
    with (
        serving({"/x": Served(data, ranges=False, length=len(data) + 1000)}) as server,
        pytest.raises(InputError, match="could not be resumed"),
    ):
        frames_of(open_address(server.url("/x")))


def test_a_stall_is_mended(folder: Path) -> None:
    data = (folder / "a.mkv").read_bytes()
    with serving({"/x": Served(data, stall_after=len(data) // 2)}) as server:
        assert frames_of(open_address(server.url("/x"))) == expected(folder / "a.mkv")


def test_a_broken_chunk_is_no_end(folder: Path) -> None:
    data = (folder / "a.ts").read_bytes()
    whole = Served(data, ranges=False, chunked=True)
    with serving({"/x": whole}) as server:
        assert frames_of(open_address(server.url("/x"))) == expected(folder / "a.ts")
        whole.cut_after = len(data) // 2
        with pytest.raises(InputError, match="could not be resumed"):
            frames_of(open_address(server.url("/x")))


def test_an_unknown_length_is_said(folder: Path) -> None:
    notes = Notes()
    data = (folder / "a.ts").read_bytes()
    with serving({"/x": Served(data, ranges=False, length=-1)}) as server:
        frames_of(open_address(server.url("/x"), notes=notes))
    assert any("does not say how long" in note for note in notes.said)


def test_a_file_that_changes_is_an_error(folder: Path) -> None:
    data = (folder / "a.ts").read_bytes()
    served = Served(data, cut_after=len(data) // 2, cuts=1, etags=['"one"', '"two"'])
    with (
        serving({"/x": served}) as server,
        pytest.raises(InputError, match="has changed"),
    ):
        frames_of(open_address(server.url("/x")))


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (404, NoInputError, "no such file .404"),
        (403, InputError, "refuses .403"),
        (500, InputError, "cannot be reached: 500"),
        (418, InputError, "answers 418"),
    ],
)
def test_answers_that_are_errors(status: int, kind: type[InputError], words: str) -> None:
    with serving({"/x": Served(b"", status=status)}) as server, pytest.raises(kind, match=words):
        open_address(server.url("/x"))


def test_a_busy_server_is_asked_again(folder: Path) -> None:
    data = (folder / "a.mkv").read_bytes()
    with serving({"/x": Served(data, busy=1)}) as server:
        assert frames_of(open_address(server.url("/x"))) == expected(folder / "a.mkv")


def test_nobody_there() -> None:
    with pytest.raises(InputError, match="cannot be reached: Connection refused"):
        open_address(f"http://127.0.0.1:{unused_port()}/x.mp4")


def test_an_empty_answer() -> None:
    with (
        serving({"/x": Served(b"", ranges=False)}) as server,
        pytest.raises(InputError, match="is empty"),
    ):
        open_address(server.url("/x"))


def test_a_login_is_used_and_never_shown(folder: Path) -> None:
    served = Served((folder / "a.mkv").read_bytes(), login="anna:p@ss:word")
    with serving({"/x": served}) as server:
        source = open_address(server.url("/x", "anna:p%40ss%3Aword"))
        assert "word" not in repr(source.header)
        assert "***@" in source.header.info.path
        assert frames_of(source) == expected(folder / "a.mkv")
        with pytest.raises(InputError, match=r"refuses .401") as refused:
            open_address(server.url("/x", "anna:wrong"))
        assert "wrong" not in str(refused.value)
        served.status = 404
        with pytest.raises(InputError) as missing:
            open_address(server.url("/x", "anna:p%40ss%3Aword"))
        assert "word" not in str(missing.value)


def test_redirections_are_followed_without_the_login(folder: Path) -> None:
    film = Served((folder / "end.mp4").read_bytes())
    with serving({"/film": film}) as other, serving({"/x": Served(b"")}) as server:
        server.files["/x"].location = other.url("/film")
        found = frames_of(open_address(server.url("/x", "anna:word")))
        assert found == expected(folder / "end.mp4")
        assert all("Authorization" not in headers for _, headers in other.requests)
        assert all("Authorization" in headers for _, headers in server.requests)


@pytest.mark.parametrize("where", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://a/b"])
def test_redirections_elsewhere_are_not(where: str) -> None:
    with (
        serving({"/x": Served(b"", location=where)}) as server,
        pytest.raises(InputError, match="not followed"),
    ):
        open_address(server.url("/x"))


def test_a_part_is_read_without_what_lies_before(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    make_clip(path, frames=200, size=(320, 240), gop=20, options={"crf": "1"})
    data = path.read_bytes()
    with serving({"/x": Served(data)}) as server:
        got = frames_of(open_address(server.url("/x"), start_s=7.0, duration_s=0.4))
        read = sum(1 for _ in server.requests)
    assert got == frames_of(FileSource(path, start_s=7.0, duration_s=0.4))
    assert read < 40
