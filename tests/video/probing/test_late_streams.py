"""Streams that begin after FFmpeg's first look, and streams for which it has no decoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest

from tests.makers.clips import Tone, make_clip, packet_times, picture
from tests.makers.containers import enlarge
from tests.makers.transport import add_stream
from vidsr.errors import ContainerError
from vidsr.video.locator import Locator
from vidsr.video.probing.longer_look import is_known
from vidsr.video.probing.programme_map import copied_without_decoder
from vidsr.video.source.open_container import open_input

TELETEXT = b"\x56\x05eng\x09\x00"
PAGE = b"\x10" + (b"\x02\x2c" + bytes(range(44))) * 3 + b"\xff" * 44
ARIB = b"\x52\x01\x30\xfd\x03\x00\x08\x3d"


def late(path: Path, codec: str, start_s: float, length_s: float = 1.0) -> Path:
    """Write four frames a second, small, and sound from ``start_s`` on."""
    tone = Tone(codec, start_s=start_s, duration_s=length_s)
    count = round((start_s + length_s) * 4)
    images = [picture(16, 16, index=index) for index in range(count)]
    container = "mpegts" if path.suffix in (".ts", ".m2ts") else None
    video = "mpeg2video" if path.suffix == ".mpg" else "libx264"
    if video == "mpeg2video":
        images = [picture(16, 16, index=index) for index in range(count * 6)]
    rate = 24 if video == "mpeg2video" else 4
    make_clip(path, pictures=images, rate=rate, codec=video, audio=tone, container=container)
    return path


def tracks(path: Path) -> dict[str, int]:
    """Return packets by type of stream."""
    counts: dict[str, int] = {}
    with av.open(str(path)) as container:
        for packet in container.demux([s for s in container.streams if s.type != "attachment"]):
            if packet.size:
                counts[packet.stream.type] = counts.get(packet.stream.type, 0) + 1
    return counts


@pytest.mark.parametrize(
    ("suffix", "codec", "start_s"),
    [
        ("ts", "libmp3lame", 8),
        ("ts", "mp2", 9),
        ("ts", "aac", 12),
        ("ts", "ac3", 28),
        ("ts", "libmp3lame", 45),  # behind the second look
        ("flv", "aac", 9),
        ("flv", "libmp3lame", 40),
        ("mpg", "mp2", 8),
        ("mpg", "ac3", 15),
    ],
)
def test_sound_that_begins_late_is_copied(
    tmp_path: Path, suffix: str, codec: str, start_s: float
) -> None:
    path = late(tmp_path / f"a.{suffix}", codec, start_s)
    report = enlarge(path, tmp_path / "b.mkv")
    counts = tracks(tmp_path / "b.mkv")
    assert counts["audio"] >= 20
    assert not any("dropped" in text for text in report.notes)
    with av.open(str(tmp_path / "b.mkv")) as container:
        assert next(container.decode(audio=0)).sample_rate == 48000
    sound, shown = (packet_times(tmp_path / "b.mkv", kind)[0] for kind in ("audio", "video"))
    assert float(sound - shown) == pytest.approx(start_s, abs=0.2)


def test_a_look_at_an_ordinary_file_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every look costs the time of reading half a minute."""
    make_clip(tmp_path / "a.ts", audio=Tone("aac"))
    opened = []
    real: Any = av.open

    def counted(*args: Any, **kwargs: Any) -> Any:
        opened.append(kwargs.get("options"))
        return real(*args, **kwargs)

    monkeypatch.setattr(av, "open", counted)
    container = open_input(Locator.of(tmp_path / "a.ts"), None)
    assert all(is_known(stream) for stream in container.streams)
    container.close()
    assert len(opened) == 1


def test_a_track_without_packets_is_given_up_for_that_reason(tmp_path: Path) -> None:
    make_clip(tmp_path / "a.ts")
    path = add_stream(tmp_path / "a.ts", tmp_path / "b.ts", 0x0F, b"", [])
    report = enlarge(path, tmp_path / "c.mkv")
    assert any("is dropped: the file holds nothing of it" in text for text in report.notes)


def test_a_track_of_garbage_is_given_up_for_that_reason(tmp_path: Path) -> None:
    make_clip(tmp_path / "a.ts")
    garbage = [(1.4 + i / 10, bytes((i * 7 + j) % 251 for j in range(300))) for i in range(5)]
    path = add_stream(tmp_path / "a.ts", tmp_path / "b.ts", 0x0F, b"", garbage)
    report = enlarge(path, tmp_path / "c.mkv")
    assert any("is dropped: nothing in it says how it is coded" in t for t in report.notes)


def with_captions(tmp_path: Path, descriptor: bytes) -> Path:
    make_clip(tmp_path / "a.ts", audio=Tone("aac"))
    data = [(1.4 + i * 0.05, PAGE) for i in range(5)]
    return add_stream(tmp_path / "a.ts", tmp_path / "b.ts", 0x06, descriptor, data)


@pytest.mark.parametrize(
    ("descriptor", "name"),
    [(TELETEXT, "dvb_teletext"), (b"\x52\x01\x07" + TELETEXT, "dvb_teletext")],
)
def test_teletext_is_copied_into_a_transport_stream(
    tmp_path: Path, descriptor: bytes, name: str
) -> None:
    path = with_captions(tmp_path, descriptor)
    assert copied_without_decoder(path) == {0x300: name}
    report = enlarge(path, tmp_path / "c.ts")
    assert not any("reads back" in text or "dropped" in text for text in report.notes)
    assert name in copied_without_decoder(tmp_path / "c.ts").values()
    with av.open(str(tmp_path / "c.ts")) as container:
        copied = [p for p in container.demux(container.streams.subtitles[0]) if p.size]
        assert [bytes(p) for p in copied] == [PAGE] * 5
        assert container.streams.subtitles[0].metadata["language"] == "eng"


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "mov"])
def test_elsewhere_teletext_is_refused_as_other_subtitles_are(tmp_path: Path, suffix: str) -> None:
    path = with_captions(tmp_path, TELETEXT)
    with pytest.raises(ContainerError, match=r"cannot hold subtitle stream 2 \(dvb_teletext\)"):
        enlarge(path, tmp_path / f"c.{suffix}")
    enlarge(path, tmp_path / f"c.{suffix}", drop_incompatible=True)
    assert set(tracks(tmp_path / f"c.{suffix}")) == {"video", "audio"}


def test_japanese_captions_have_a_name(tmp_path: Path) -> None:
    assert copied_without_decoder(with_captions(tmp_path, ARIB)) == {0x300: "arib_caption"}


@pytest.mark.parametrize(
    "data", [b"", b"\x47", b"\x47" * 4000, bytes(4000), bytes(range(256)) * 40]
)
def test_what_is_no_map_has_no_names(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.ts").write_bytes(data)
    assert copied_without_decoder(tmp_path / "a.ts") == {}


def test_maps_in_packets_of_192_bytes(tmp_path: Path) -> None:
    data = with_captions(tmp_path, TELETEXT).read_bytes()
    spaced = b"".join(bytes(4) + data[i : i + 188] for i in range(0, len(data), 188))
    (tmp_path / "d.m2ts").write_bytes(spaced)
    assert copied_without_decoder(tmp_path / "d.m2ts") == {0x300: "dvb_teletext"}


@pytest.mark.parametrize("suffix", [".ts", ".mkv"])
@pytest.mark.parametrize(("kind", "name"), [(0x86, "scte_35"), (0xB0, "none")])
def test_streams_of_no_known_kind_are_data_that_is_dropped(
    tmp_path: Path, kind: int, name: str, suffix: str
) -> None:
    clip = make_clip(tmp_path / "a.ts", frames=25)
    source = add_stream(clip.path, tmp_path / "b.ts", kind, b"", [(0.1, b"\xfc" + bytes(20))])
    report = enlarge(source, tmp_path / f"c{suffix}")
    words = f"data stream 1 ({name}) is dropped: {suffix} takes no such data as a copy"
    assert words in report.notes
