"""Playlists reach what they may: nothing from a file, their own protocol over the network."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import av
import pytest

from tests.makers.clips import Tone, make_clip
from tests.makers.http_server import Served, serving
from tests.video.addresses.reading import frames_of, open_address
from vidsr.errors import InputError
from vidsr.notes import Notes
from vidsr.video.addresses.playlists import checked_playlist
from vidsr.video.locator import Locator
from vidsr.video.source.base import SourceRequest
from vidsr.video.source.file_source import FileSource
from vidsr.video.source.source_kinds import open_source

END = "#EXT-X-ENDLIST\n"
LIST = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n"


def playlist(*names: str, end: str = END) -> str:
    return LIST + "".join(f"#EXTINF:1.0,\n{name}\n" for name in names) + end


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip, and an HLS package of it in four segments."""
    path = tmp_path_factory.mktemp("hls")
    make_clip(path / "a.mp4", frames=80, size=(96, 64), gop=20, audio=Tone())
    segmented = {"hls_time": "0.5", "hls_playlist_type": "vod"}
    with (
        av.open(str(path / "a.mp4")) as source,
        av.open(str(path / "x.m3u8"), "w", container_options=segmented) as target,
    ):
        copies = {s.index: target.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                target.mux(packet)
    return path


def served(folder: Path) -> dict[str, Served]:
    return {f"/{p.name}": Served(p.read_bytes()) for p in folder.iterdir()}


def open_local(path: Path, *allow: str) -> FileSource:
    source = open_source(Locator.of(path), SourceRequest(allow=allow), Notes())
    assert isinstance(source, FileSource)
    return source


def pictures(source: FileSource) -> list[str]:
    return [digest for _, digest in frames_of(source)]


def test_a_playlist_that_ends_is_a_film(folder: Path) -> None:
    with serving(served(folder)) as server:
        source = open_address(server.url("/x.m3u8"))
        assert {s.kind for s in source.header.streams} >= {"video", "audio"}
        assert pictures(source) == pictures(FileSource(folder / "a.mp4"))


def test_its_login_goes_to_its_own_server_alone(folder: Path) -> None:
    with serving(served(folder)) as other, serving(served(folder)) as server:
        for one in server.files.values():
            one.login = "anna:word"
        names = [p.name for p in sorted(folder.glob("*.ts"))]
        mixed = playlist(names[0], *(other.url(f"/{name}") for name in names[1:]))
        server.files["/m.m3u8"] = Served(mixed.encode(), login="anna:word")
        assert len(frames_of(open_address(server.url("/m.m3u8", "anna:word")))) == 80
        assert other.requests
        assert all("Authorization" not in headers for _, headers in other.requests)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_segment_that_is_missing_is_an_error(folder: Path, number: int) -> None:
    with serving(served(folder)) as server:
        del server.files[f"/x{number}.ts"]
        with pytest.raises(InputError, match=rf"x{number}.ts: no such file .404"):
            frames_of(open_address(server.url("/x.m3u8")))


def test_so_is_one_that_breaks(folder: Path) -> None:
    with serving(served(folder)) as server:
        one = server.files["/x2.ts"]
        one.wall = len(one.data) // 2
        with pytest.raises(InputError, match="could not be resumed"):
            frames_of(open_address(server.url("/x.m3u8")))


def test_one_over_http_reads_no_file(folder: Path) -> None:
    text = playlist(f"file://{folder}/x0.ts")
    with (
        serving({"/p.m3u8": Served(text.encode())}) as server,
        pytest.raises(InputError, match="is a playlist that names a file of this machine"),
    ):
        frames_of(open_address(server.url("/p.m3u8")))


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "rtmp://127.0.0.1/a", "concat:/etc/passwd|b.ts", "tcp://127.0.0.1:9"],
)
def test_nor_another_protocol(url: str) -> None:
    with (
        serving({"/p.m3u8": Served(playlist(url).encode())}) as server,
        pytest.raises(InputError),
    ):
        frames_of(open_address(server.url("/p.m3u8")))


TRAPS = {
    "a.m3u8": playlist("x0.ts"),
    "b.mp4": playlist("http://127.0.0.1:{port}/x0.ts"),
    "c.avi": "ffconcat version 1.0\nfile x0.ts\n",
    "d.mkv": "ffconcat version 1.0\nfile http://127.0.0.1:{port}/x0.ts\n",
    "e.mpd": '<?xml version="1.0"?>\n<MPD type="static"><BaseURL>x0.ts</BaseURL></MPD>\n',
    "f.sdp": "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=video {port} RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n",
}


@pytest.mark.parametrize("name", TRAPS)
def test_a_file_that_is_a_playlist_reads_nothing(folder: Path, tmp_path: Path, name: str) -> None:
    shutil.copy(folder / "x0.ts", tmp_path)
    with serving(served(folder)) as server:
        path = tmp_path / name
        path.write_text(TRAPS[name].replace("{port}", str(server.port)), newline="")
        with pytest.raises(InputError, match="is a playlist, which names other files") as refused:
            open_local(path)
        assert "allow" in refused.value.hint
        assert not server.requests


def test_it_reads_what_it_is_allowed_to(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "x0.ts", tmp_path)
    (tmp_path / "a.m3u8").write_text(playlist("x0.ts"))
    (tmp_path / "c.txt").write_text("ffconcat version 1.0\nfile x0.ts\n")
    first = pictures(FileSource(tmp_path / "x0.ts"))
    assert pictures(open_local(tmp_path / "a.m3u8", "file")) == first
    assert pictures(open_local(tmp_path / "c.txt", "file")) == first
    with serving(served(folder)) as server:
        (tmp_path / "b.m3u8").write_text(playlist(server.url("/x0.ts")))
        for allow in ((), ("file",), ("https",)):
            with pytest.raises(InputError, match="playlist"):
                frames_of(open_local(tmp_path / "b.m3u8", *allow))
        assert not server.requests
        assert pictures(open_local(tmp_path / "b.m3u8", "http")) == first


def test_a_concatenation_reaches_no_network(folder: Path, tmp_path: Path) -> None:
    with serving(served(folder)) as server:
        path = tmp_path / "c.txt"
        path.write_text(f"ffconcat version 1.0\nfile {server.url('/x0.ts')}\n")
        with pytest.raises(InputError):
            frames_of(open_local(path, "file", "http"))
        assert not server.requests


def test_one_that_goes_on_is_for_live() -> None:
    with (
        serving({"/p.m3u8": Served(playlist("a.ts", end="").encode())}) as server,
        pytest.raises(InputError, match="goes on") as refused,
    ):
        open_address(server.url("/p.m3u8"))
    assert "vidsr-live" in refused.value.hint


def test_an_encrypted_one_is_refused() -> None:
    key = '#EXT-X-KEY:METHOD=AES-128,URI="k"\n'
    with pytest.raises(InputError, match="is encrypted"):
        checked_playlist(LIST + key + playlist("a.ts"), Locator.of("http://a/b"), Notes())
    none = LIST + "#EXT-X-KEY:METHOD=NONE\n" + END
    assert checked_playlist(none, Locator.of("http://a/b"), Notes()) == none


def test_the_best_of_several_variants_is_read(folder: Path) -> None:
    master = (
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100,RESOLUTION=48x32\nsmall.m3u8\n"
        "#EXT-X-STREAM-INF:AVERAGE-BANDWIDTH=1,BANDWIDTH=900,RESOLUTION=96x64\nx.m3u8\n"
    )
    notes = Notes()
    with serving(served(folder) | {"/m.m3u8": Served(master.encode())}) as server:
        assert len(frames_of(open_address(server.url("/m.m3u8"), notes=notes))) == 80
        assert not any("small" in path for path, _ in server.requests)
    assert any("2 variants: the one of 96x64" in note for note in notes.said)


def test_no_thread_stays(folder: Path) -> None:
    before = threading.active_count()
    with serving(served(folder)) as server:
        frames_of(open_address(server.url("/x.m3u8")))
    assert threading.active_count() <= before + 1
