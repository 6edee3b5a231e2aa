"""The configuration: what it means, and that nothing wrong in it gets through or is shown."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vidsr.errors import NoInputError, OptionError
from vidsr.live.base.options import StreamOptions
from vidsr.live.base.records import SERVICE, STREAM, stream_options
from vidsr.live.base.settings import Setting, check_options
from vidsr.live.base.values import read_text
from vidsr.live.service.config import load_config, parse_config
from vidsr.live.service.spec import Config, StreamSpec, changes

WHOLE = """
[live]
listen = "127.0.0.1:9464"
device = "cpu"
[defaults]
model = "lite-fast-x2"
deadline = "150ms"
ladder = ["lite-x2", "lite-fast-x2", "bicubic"]
reconnect = { first = "0.25s", longest = "1min", jitter = 0.1, give_up = "never" }
fps = "source"
encoder = { preset = "ultrafast", keyframe = 1, bitrate = "4M" }
[streams.door]
source = "rtsp://viewer:${DOOR}@127.0.0.1:8554/cam"
sinks = ["rtsp://127.0.0.1:8575/record", "hls:/var/lib/door/"]
weight = 2
size = "1280x720"
fps = "30000/1001"
encoder = { crf = 30 }
sound = "none"
[streams.yard]
source = "udp://127.0.0.1:5000"
deadline = 1
"""
HEAD = '[streams.a]\nsource = "udp://127.0.0.1:1"\n'
SECRET = "hunter2-%40"


def parse(text: str, **environment: str) -> Config:
    return parse_config(text, "cams.toml", environment)


def test_a_whole_file() -> None:
    config = parse(WHOLE, DOOR=SECRET)
    door, yard = config.streams
    assert (config.service.listen, config.service.device) == ("127.0.0.1:9464", "cpu")
    assert door.source == f"rtsp://viewer:{SECRET}@127.0.0.1:8554/cam"
    assert door.sinks == ("rtsp://127.0.0.1:8575/record", "hls:/var/lib/door/")
    quality, encoder = door.options.quality, door.options.encoder
    assert (quality.model, quality.deadline_s, quality.weight) == ("lite-fast-x2", 0.15, 2.0)
    assert quality.size == (1280, 720)
    assert quality.ladder == ("lite-x2", "lite-fast-x2", "bicubic")
    assert (encoder.preset, encoder.crf, encoder.bitrate) == ("ultrafast", 30.0, 4_000_000)
    assert door.options.fps == Fraction(30000, 1001)
    assert door.options.source.reconnect.longest_s == 60.0
    assert door.options.source.reconnect.give_up_s is None
    assert not door.options.source.sound
    assert (yard.options.fps, yard.options.quality.deadline_s) == (None, 1.0)
    assert yard.options.encoder.keyframe_s == 1.0
    assert SECRET not in repr(config)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cams.toml: no stream. Hint: a table such as [streams.door] is one."),
        ("[stream.a]", "cams.toml: unknown table 'stream'. Hint: did you mean streams?"),
        (f"{HEAD}weigth = 2", "[streams.a]: unknown key 'weigth'. Hint: did you mean weight?"),
        (f"{HEAD}encoder = {{ codek = 'h264' }}", "[streams.a.encoder]: unknown key 'codek'."),
        (f"{HEAD}deadline = '200'", ""),
        (f"{HEAD}deadline = '2 parsecs'", "[streams.a] deadline: expected a time such as 200ms"),
        (f"{HEAD}deadline = true", "[streams.a] deadline: expected a time"),
        (f"{HEAD}deadline = 0", "above 0 to 3600, got 0"),
        (f"{HEAD}realtime = 1", "[streams.a] realtime: expected true or false, got 1"),
        (f"{HEAD}realtime = 'true'", "[streams.a] realtime: expected true or false"),
        (f"{HEAD}transport = 'tpc'", "[streams.a] transport: expected tcp, udp or http"),
        (f"{HEAD}model = 4", "[streams.a] model: expected text, got 4"),
        (f"{HEAD}ladder = 'lite-x2'", "[streams.a] ladder: expected a list of names"),
        (f"{HEAD}ladder = [1]", "[streams.a] ladder: expected a list of names"),
        (f"{HEAD}size = [640, 0]", "[streams.a] size: expected WxH"),
        (f"{HEAD}fps = 0", "or source, got 0"),
        (f"{HEAD}near_levels = '4'", "[streams.a] near_levels: expected a number"),
        (f"{HEAD}scale = 2.0", "[streams.a] scale: expected a whole number"),
        (f"{HEAD}deadline = nan", "[streams.a] deadline: expected a time"),
        (f"{HEAD}encoder = 4", "[streams.a] encoder: expected a table"),
        (f"{HEAD}sinks = 'udp://127.0.0.1:2'", "[streams.a] sinks: expected a list of addresses"),
        (f"{HEAD}sinks = ['a', 'a']", "[streams.a] sinks: a is there twice"),
        (f"{HEAD}sinks = ['a']\n[streams.b]\nsource = 'c'\nsinks = ['a']", "a is a sink of"),
        ("[streams.a]\nsinks = []", "[streams.a] source: missing"),
        ("[streams.a]\nsource = 4", "[streams.a] source: expected an address"),
        ("[streams.a]\nsource = '${NOT_SET}'", "source: the environment has no variable NOT_SET"),
        ("[streams.a]\nsource = '${2}'", "expected the name of a variable in ${...}"),
        ("[streams.'a b']\nsource = 'x'", "expected a name of letters"),
        ("[live]\nmax_streams = 1\n" + HEAD + "[streams.b]\nsource='b'", "expected at most 1"),
        ("[live\n", "cams.toml: not TOML"),
        ("live = 3", "cams.toml: live: expected a table"),
    ],
)
def test_what_is_wrong_is_named(text: str, said: str) -> None:
    if not said:  # a lone number is seconds
        assert parse(text).streams[0].options.quality.deadline_s == 200.0
        return
    with pytest.raises(OptionError) as raised:
        parse(text)
    assert said in str(raised.value)
    assert str(raised.value).startswith("cams.toml:")


@pytest.mark.parametrize("key", ["source", "sinks", "preset", "deadline", "encoder", "x", "live"])
def test_no_message_shows_a_secret(key: str) -> None:
    texts = [
        f"[streams.a]\nsource = 'rtsp://u:{SECRET}@h/x'\n{key} = ['rtsp://u:{SECRET}@h/y', 5]",
        f"{HEAD}{key} = 'rtsp://u:${{SECRET}}@h/'",
        f"[live]\ntoken = '{SECRET}'\nlisten = 4",
        f"[live]\ntoken = ['{SECRET}']",
        f"{HEAD}sinks = ['rtmp://h/${{SECRET}}?key=${{SECRET}}', 'rtmp://u:{SECRET}@h/', 4]",
        f"[streams.a]\nsource = 'rtsp://u:{SECRET}@h/x' {SECRET}",
        f"{HEAD}sinks = ['rtmp://u:{SECRET}@h/', 'rtmp://u:{SECRET}@h/']",
    ]
    for text in texts:
        with pytest.raises(OptionError) as raised:
            parse(text, SECRET=SECRET)
        assert SECRET not in str(raised.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="No such file"):
        load_config(tmp_path / "none.toml")
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"[live]\n# \xe4")
    with pytest.raises(OptionError, match="not UTF-8"):
        load_config(latin)


@settings(deadline=None)
@given(st.text(max_size=200))
@example("a." * 500 + "b = 1")
@example("[live]\n" * 2)
def test_any_text_is_a_configuration_or_refused(text: str) -> None:
    try:
        config = parse(text)
    except OptionError as error:
        said = str(error)
    else:
        said = "cams.toml:" if config.streams else ""
    assert said.startswith("cams.toml:")


values = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5000), st.floats(), st.text(max_size=8),
    st.lists(st.integers(0, 4000), max_size=3), st.sampled_from(["never", "source", "auto", "2s"]),
)  # fmt: skip


@given(st.sampled_from(STREAM), values)
def test_a_keyword_gives_a_checked_record_or_is_refused(setting: Setting, value: Any) -> None:
    said = setting.keyword
    try:
        check_options(stream_options(StreamOptions(), {setting.keyword: value}))
    except OptionError as error:
        said = str(error)
    assert setting.keyword in said


@given(st.sampled_from(STREAM), st.text(max_size=12))
def test_a_flags_text_is_a_value_or_refused_in_words(setting: Setting, text: str) -> None:
    said = setting.expected
    try:
        setting.check(read_text(setting, text))
    except ValueError as error:
        said = str(error)
    assert said == setting.expected


def test_defaults_are_in_range_and_every_setting_is_described() -> None:
    check_options(StreamOptions())
    for setting in (*STREAM, *SERVICE):
        assert setting.help, setting.name
        if setting.kind in ("count", "number", "seconds", "bitrate", "rate"):
            assert setting.marks.least is not None or setting.marks.above is not None, setting.name
            assert setting.marks.most is not None, setting.name
    keywords = [setting.keyword for setting in (*STREAM, *SERVICE)]
    assert len(set(keywords)) == len(keywords)


def test_an_unknown_keyword_is_named() -> None:
    with pytest.raises(OptionError, match="did you mean deadline"):
        stream_options(StreamOptions(), {"dedline": 3})


def test_a_record_out_of_range_is_refused() -> None:
    options = StreamOptions()
    wrong = replace(options, quality=replace(options.quality, deadline_s=-1.0))
    with pytest.raises(OptionError, match=r"quality\.deadline_s = -1"):
        check_options(wrong)


def test_changes_touch_only_what_differs() -> None:
    one, two, three = (StreamSpec(name, f"udp://{name}:1", ()) for name in "abc")
    other = replace(two, sinks=("udp://h:2",))
    stop, start = changes((one, two), (one, other, three))
    assert (stop, start) == (("b",), (other, three))
    assert changes((one, two), (two, one)) == ((), ())
    assert changes((one,), ()) == (("a",), ())
