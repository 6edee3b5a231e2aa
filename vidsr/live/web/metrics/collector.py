"""Collector that makes metrics of snapshots, each time that somebody asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from vidsr.live.base.status import ServiceStatus, StreamsView
from vidsr.live.web.metrics.families import add_batch_sizes, counter, gauge, histogram
from vidsr.live.web.metrics.frames import frame_metrics
from vidsr.live.web.metrics.peers import sink_metrics, source_metrics
from vidsr.live.web.snapshot_json import snapshots


class StreamsCollector(Collector):
    """Metrics of all streams; nothing is kept between two scrapes.

    A stream that is removed takes its series with it, and one that begins again begins at 0.

    Args:
        view: The streams.
    """

    def __init__(self, view: StreamsView) -> None:
        self._view = view

    def collect(self) -> Iterable[Metric]:
        """Yield all families."""
        streams = snapshots(self._view)
        yield from _service_metrics(self._view.service())
        yield from source_metrics(streams)
        yield from sink_metrics(streams)
        yield from frame_metrics(streams)


class Metrics:
    """Text of metrics, from a registry of its own.

    Args:
        view: The streams.
    """

    def __init__(self, view: StreamsView) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(StreamsCollector(view))

    def text(self, accept: str = "") -> tuple[bytes, str]:
        """Return the metrics and their content type, in the format that ``accept`` asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


def _service_metrics(service: ServiceStatus) -> Iterator[Metric]:
    names = ",".join(device.name for device in service.devices)
    build = gauge("vidsr_build_info", "Versions and devices.", "version", "torch", "device")
    build.add_metric([service.version, _version_of("torch"), names], 1)
    start = gauge("vidsr_start_time_seconds", "When the service was started.")
    start.add_metric([], service.started_s)
    pause = gauge("vidsr_longest_pause_seconds", "Longest time in which no thread ran.")
    pause.add_metric([], service.longest_pause_s)
    busy = counter("vidsr_device_busy_seconds", "Time spent upscaling.", "device")
    workers = gauge("vidsr_device_workers", "Threads that upscale.", "device")
    batches = histogram("vidsr_device_batch_size", "Frames upscaled at once.", "device")
    for device in service.devices:
        busy.add_metric([device.name], device.busy_s)
        workers.add_metric([device.name], device.workers)
        add_batch_sizes(batches, [device.name], device.batch_sizes)
    yield from (build, start, pause, busy, workers, batches)


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
