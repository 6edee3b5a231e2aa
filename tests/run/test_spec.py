"""Property of runs as data: what is written down is what is read."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vidsr.option_values import MAX_SIDE
from vidsr.picture.size import Size
from vidsr.run.options import MAX_SECONDS, OPTIONS, SMALLEST_TILE, RunOptions
from vidsr.run.spec import JobSpec

SIDES = st.integers(1, MAX_SIDE)
NAMES = st.text(st.characters(exclude_characters="\0", codec="utf-8"))
PATHS = NAMES.map(Path)


def numbers(least: int, most: int) -> st.SearchStrategy[float | Fraction]:
    """Return numbers of every type between the ends, which are no values themselves."""
    exact = st.integers(least + 1, most - 1) | st.fractions(least, most, max_denominator=10**6)
    rounded = st.floats(least, most, exclude_min=True, exclude_max=True)
    return exact.filter(lambda number: least < number < most) | rounded


OWN: dict[str, st.SearchStrategy[Any]] = {
    "model": NAMES | PATHS,
    "restore": st.none() | NAMES | PATHS,
    "enhance": st.just(()) | st.just(("less noise",)),
    "scale": st.integers(1, 16),
    "size": st.builds(Size, SIDES, SIDES),
    "height": SIDES,
    "device": st.sampled_from(("auto", "cpu", "cuda", "cuda:0,cuda:1")),
    "tile": st.tuples(st.integers(SMALLEST_TILE), st.integers(SMALLEST_TILE)),
    "max_memory": st.integers(1) | st.sampled_from(("512M", "2G")),
    "strength": st.just("auto") | st.floats(0, 2) | st.integers(0, 2),
    "start_s": numbers(0, int(MAX_SECONDS)),
    "duration_s": numbers(0, int(MAX_SECONDS)),
    "input_size": st.builds(Size, SIDES, SIDES),
    "input_pix_fmt": NAMES,
    "allow": st.lists(st.sampled_from(("file", "http", "https"))).map(tuple),
    "framerate": st.fractions(0, 1000).filter(bool),
    "codec": st.sampled_from(("h264", "hevc", "av1")),
    "crf": st.integers(1, 51),
    "preset": st.none(),
    "pix_fmt": NAMES,
    "bitrate": st.none() | st.integers(1000, (1 << 31) - 1),
    "maxrate": st.none() | st.integers(1000, (1 << 31) - 1),
    "encoder_option": st.none() | st.lists(st.just("g=50")).map(tuple),
    "piece_frames": st.none() | st.integers(1, 1_000_000),
    "streams": st.none() | st.sampled_from(("audio", "audio:0,subtitle:ger", "2,3", "none")),
}
FIELDS = dict(zip(RunOptions.__dataclass_fields__, OPTIONS, strict=True))
VALUES = {
    name: OWN[name] if name in OWN else st.sampled_from(described.choices or (False, True))
    for name, (described, _) in FIELDS.items()
}


def options_of(values: dict[str, Any]) -> RunOptions:
    """Return the options of values of which two may contradict one another."""
    out = {"height"} if "size" in values else set()
    out |= {"crf"} if values.get("bitrate") is not None else set()
    out |= {"look"} if "model" in values else set()
    out |= {"enhance"} if "strength" in values else set()
    out |= {"no_pieces"} if values.get("piece_frames") is not None else set()
    if values.get("input_format") != "raw":  # other formats state these themselves
        out |= {"input_size", "input_pix_fmt"}
    elif "input_size" not in values or "framerate" not in values:
        out |= {"input_format", "input_size", "input_pix_fmt"}
    return RunOptions(**{k: v for k, v in values.items() if k not in out})


OPTION_SETS = st.fixed_dictionaries({}, optional=VALUES).map(options_of)
SPECS = st.builds(JobSpec.of, NAMES | PATHS, NAMES | PATHS, OPTION_SETS)


@given(SPECS)
def test_a_spec_is_what_its_json_says(spec: JobSpec) -> None:
    again = JobSpec.from_json(spec.to_json())
    assert again == spec
    kinds = {name: type(getattr(spec.options, name)) for name in FIELDS}
    assert {name: type(getattr(again.options, name)) for name in FIELDS} == kinds
