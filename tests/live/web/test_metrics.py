"""Metrics, read back by the parser of prometheus-client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

import pytest
from prometheus_client import REGISTRY
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse

from tests.live.web.fakes import TALLY, FakeView, status
from tests.live.web.served import served
from vidsr.live.base.counters import BOUNDS_S, Counters, Tally
from vidsr.live.base.states import DROP_REASONS, FailureReason, SourceState
from vidsr.live.base.status import DeviceStatus, SinkStatus
from vidsr.live.web.metrics.collector import Metrics

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]
NAMES = {
    "vidsr_build_info",
    "vidsr_stream_info",
    "vidsr_source_up",
    "vidsr_source_state",
    "vidsr_source_connects_total",
    "vidsr_source_failures_total",
    "vidsr_source_last_frame_timestamp_seconds",
    "vidsr_source_packets_corrupt_total",
    "vidsr_source_received_bytes_total",
    "vidsr_sink_up",
    "vidsr_sink_sent_bytes_total",
    "vidsr_sink_restarts_total",
    "vidsr_frames_received_total",
    "vidsr_frames_output_total",
    "vidsr_frames_dropped_total",
    "vidsr_frame_latency_seconds_bucket",
    "vidsr_stage_seconds_bucket",
    "vidsr_deadline_missed_total",
    "vidsr_quality_level",
    "vidsr_quality_changes_total",
    "vidsr_tiles_computed_total",
    "vidsr_tiles_reused_total",
    "vidsr_queue_frames",
    "vidsr_device_busy_seconds_total",
    "vidsr_device_batch_size_bucket",
}


def read(view: FakeView) -> Series:
    """Return every sample by its name and labels."""
    body, _ = Metrics(view).text()
    samples: Series = {}
    for family in parse(body.decode()):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in samples, key
            samples[key] = sample.value
    return samples


def of(samples: Series, name: str, **labels: str) -> float:
    """Return the value of one series."""
    return samples[name, tuple(sorted(labels.items()))]


def labels_of(samples: Series, name: str, label: str) -> Iterator[str]:
    for found, labels in samples:
        if found == name:
            yield dict(labels)[label]


def test_every_name_is_there_and_no_time_of_creation() -> None:
    names = {name for name, _ in read(FakeView.of("door"))}
    assert names >= NAMES
    assert not [name for name in names if name.endswith("_created")]
    assert all(name.startswith("vidsr_") for name in names)


def test_counts_are_those_of_the_tally() -> None:
    samples = read(FakeView.of("door"))
    assert of(samples, "vidsr_frames_received_total", stream="door") == 1000
    assert of(samples, "vidsr_frames_output_total", stream="door", level="bicubic") == 50
    assert of(samples, "vidsr_frames_output_total", stream="door", level="repeat") == 4
    assert of(samples, "vidsr_frames_dropped_total", stream="door", reason="late") == 30
    assert of(samples, "vidsr_frames_dropped_total", stream="door", reason="corrupt") == 0
    assert of(samples, "vidsr_sink_sent_bytes_total", stream="door", sink="rtsp") == 999
    assert of(samples, "vidsr_sink_restarts_total", stream="door", sink="hls") == 0
    assert of(samples, "vidsr_device_busy_seconds_total", device="cpu") == 12.5


def test_frames_add_up() -> None:
    samples = read(FakeView.of("door"))
    fillers = ("repeat", "slate")
    output = sum(
        value
        for (name, labels), value in samples.items()
        if name == "vidsr_frames_output_total" and dict(labels)["level"] not in fillers
    )
    dropped = sum(v for (name, _), v in samples.items() if name == "vidsr_frames_dropped_total")
    flying = of(samples, "vidsr_frames_in_flight", stream="door")
    assert output + dropped + flying == of(samples, "vidsr_frames_received_total", stream="door")


def test_buckets_are_cumulative() -> None:
    counters = Counters()
    durations = [0.001, 0.005, 0.0051, 0.07, 0.07, 3.0, 99.0]
    for seconds in durations:
        counters.shown("lite-x2", seconds, missed=False)
    view = FakeView({"door": status("door", tally=counters.tally())})
    samples = read(view)
    for bound in BOUNDS_S:
        found = of(samples, "vidsr_frame_latency_seconds_bucket", stream="door", le=f"{bound:g}")
        assert found == sum(seconds <= bound for seconds in durations)
    assert of(samples, "vidsr_frame_latency_seconds_bucket", stream="door", le="+Inf") == 7
    assert of(samples, "vidsr_frame_latency_seconds_count", stream="door") == 7
    total = of(samples, "vidsr_frame_latency_seconds_sum", stream="door")
    assert total == pytest.approx(sum(durations))


def test_batch_sizes_are_a_histogram() -> None:
    samples = read(FakeView(devices=(DeviceStatus("cuda:0", 1.0, 1, {1: 5, 3: 2, 32: 1}),)))
    found = [
        of(samples, "vidsr_device_batch_size_bucket", device="cuda:0", le=bound)
        for bound in ("1", "2", "4", "8", "16", "+Inf")
    ]
    assert found == [5, 5, 7, 7, 7, 8]
    assert of(samples, "vidsr_device_batch_size_sum", device="cuda:0") == 43


@pytest.mark.parametrize("state", get_args(SourceState))
def test_the_state_is_one_of_a_closed_set(state: SourceState) -> None:
    samples = read(FakeView({"door": status("door", state=state)}))
    found = {one: of(samples, "vidsr_source_state", stream="door", state=one) for one in STATES}
    assert found == {one: float(one == state) for one in STATES}
    assert set(labels_of(samples, "vidsr_source_state", "state")) == set(STATES)
    assert of(samples, "vidsr_source_up", stream="door") == (state == "running")


STATES = get_args(SourceState)


def test_sets_of_labels_are_closed_from_the_start() -> None:
    samples = read(FakeView({"door": status("door", tally=Tally())}))
    assert set(labels_of(samples, "vidsr_frames_dropped_total", "reason")) == set(DROP_REASONS)
    failures = set(labels_of(samples, "vidsr_source_failures_total", "reason"))
    assert failures == set(get_args(FailureReason))
    levels = set(labels_of(samples, "vidsr_frames_output_total", "level"))
    assert levels == {"lite-x2", "lite-fast-x2", "bicubic", "repeat", "slate"}


def test_a_stream_that_goes_takes_its_series_along() -> None:
    view = FakeView.of("door", "yard")
    assert any("yard" in str(labels) for _, labels in read(view))
    del view.streams["yard"]
    assert not any("yard" in str(labels) for _, labels in read(view))


def test_no_address_is_a_label() -> None:
    view = FakeView.of("door")
    assert not any("://" in str(labels) for _, labels in read(view))


def test_two_sinks_of_a_kind_have_two_labels() -> None:
    sinks = tuple(SinkStatus(f"rtmp://127.0.0.1/{n}", "rtmp", "running", 0.0) for n in "ab")
    tally = replace(TALLY, sent_bytes={"rtmp://127.0.0.1/a": 1, "rtmp://127.0.0.1/b": 2})
    samples = read(FakeView({"door": status("door", sinks=sinks, tally=tally)}))
    assert of(samples, "vidsr_sink_sent_bytes_total", stream="door", sink="rtmp") == 1
    assert of(samples, "vidsr_sink_sent_bytes_total", stream="door", sink="rtmp-2") == 2


def test_age_is_told_only_where_the_camera_tells_its_clock() -> None:
    assert not [name for name, _ in read(FakeView.of("door")) if "source_age" in name]
    counters = Counters()
    counters.age(0.2)
    view = FakeView({"door": status("door", tally=counters.tally())})
    assert of(read(view), "vidsr_source_age_seconds_count", stream="door") == 1


def test_the_process_s_own_registry_is_left_alone() -> None:
    before = [family.name for family in REGISTRY.collect()]
    first, second = Metrics(FakeView.of("a")), Metrics(FakeView.of("b"))
    assert b'stream="a"' in first.text()[0]
    assert b'stream="b"' in second.text()[0]
    assert [family.name for family in REGISTRY.collect()] == before


def test_both_formats_are_served() -> None:
    with served(FakeView.of("door")) as client:
        plain = client.ask("/metrics")
        assert plain.headers["Content-Type"].startswith("text/plain; version=")
        assert list(parse(plain.text))
        modern = client.ask("/metrics", Accept="application/openmetrics-text; version=1.0.0")
        assert modern.headers["Content-Type"].startswith("application/openmetrics-text")
        assert list(parse_openmetrics(modern.text))  # type: ignore[no-untyped-call]
