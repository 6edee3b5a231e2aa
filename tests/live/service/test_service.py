"""All streams of a process, seen as the page sees them, and exchanged while others run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.live.doubles import until
from tests.live.service.clips import numbered_clip
from vidsr.errors import OptionError, VidsrError
from vidsr.live.base.options import QualityOptions, ServiceOptions, SourceOptions, StreamOptions
from vidsr.live.service.progress import line_of, summary_of
from vidsr.live.service.service import Service
from vidsr.live.service.spec import Config, StreamSpec

OPTIONS = StreamOptions(
    source=SourceOptions(realtime=True, loop=True),
    quality=QualityOptions(ladder=("bicubic",), scale=2),
)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return numbered_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", 50)


def config_of(*streams: StreamSpec, **service: Any) -> Config:
    return Config(ServiceOptions(device="cpu", workers=2, **service), streams)


def test_streams_are_seen_exchanged_and_stopped(clip: Path) -> None:
    one = StreamSpec("one", str(clip), (), OPTIONS)
    two = replace(one, name="two")
    with Service(config_of(one, two)) as service:
        assert service.names() == ("one", "two")
        assert until(lambda: all(s.tally.shown for s in service.statuses()))
        before = service.status("one")
        assert before is not None
        assert service.status("three") is None
        assert service.watch("three") is None
        watch = service.watch("one")
        assert watch is not None
        assert until(lambda: watch.newest() is not None)
        watch.close()
        wrong = replace(two, options=replace(OPTIONS, quality=QualityOptions(model="none.pth")))
        with pytest.raises(VidsrError, match=r"none\.pth"):
            service.reload(config_of(one, wrong))
        with pytest.raises(OptionError, match="expected a restart"):
            service.reload(config_of(one, max_streams=3))
        assert service.names() == ("one", "two")
        heavier = replace(two, options=replace(OPTIONS, quality=replace(OPTIONS.quality, weight=2)))
        assert service.reload(config_of(heavier, one)) == (("two",), ("two",))
        assert service.names() == ("two", "one")
        after = service.status("one")
        assert after is not None
        assert after.started_s == before.started_s
        assert after.tally.received >= before.tally.received
        assert until(lambda: bool(service.statuses()[0].tally.shown))
        facts = service.service()
        assert facts.ticked_s < 5
        assert facts.devices[0].busy_s > 0
        line = line_of(after)
        assert line.startswith("one: ")
        assert "fps in" in line
    for status in service.statuses():
        assert status.tally.in_flight == 0
        assert f"received {status.tally.received} frames" in summary_of(status)


def test_nothing_begins_where_a_stream_is_wrong(clip: Path) -> None:
    one = StreamSpec("one", str(clip), (), OPTIONS)
    with pytest.raises(VidsrError):
        Service(config_of(one, replace(one, name="two", source="gopher://x")))
