"""Checks of a configuration that open nothing and load neither PyTorch nor PyAV."""

from __future__ import annotations

from vidsr.errors import OptionError, VidsrError
from vidsr.live.base.settings import check_options
from vidsr.live.schedule.levels.ladder_names import check_ladder
from vidsr.live.service.spec import ONLY, Config, StreamSpec
from vidsr.live.service.web import web_options
from vidsr.live.sinks.address import SinkAddress, parse_sink
from vidsr.live.sources.opening.address import parse_address
from vidsr.live.streams.pace import check_pace
from vidsr.option_values import check_device_names


def check_config(config: Config) -> None:
    """Raise VidsrError, which names the stream where there are several, for what cannot work."""
    check_options(config.service)
    check_device_names(config.service.device)
    web_options(config.service)
    for spec in config.streams:
        try:
            _check_stream(spec)
        except VidsrError as error:
            if spec.name == ONLY:
                raise
            where = f"[streams.{spec.name}]"
            raise type(error)(f"{where} {_of_keys(error.message)}", hint=error.hint) from error
    _check_outputs(config.streams)


def _check_stream(spec: StreamSpec) -> None:
    parse_address(spec.source)
    for sink in spec.sinks:
        parse_sink(sink)
    check_options(spec.options)
    check_ladder(spec.options.quality)
    check_pace(spec.source, spec.options)
    if spec.options.encoder.crf is not None and spec.options.encoder.bitrate is not None:
        raise OptionError("`crf` and `bitrate` are both given: expected one of them.")


def writes_output(config: Config) -> bool:
    """Return True if a stream writes to standard output."""
    return bool(_on_output(config.streams))


def _on_output(streams: tuple[StreamSpec, ...]) -> list[SinkAddress]:
    """Return the sinks that write to standard output."""
    sinks = (parse_sink(sink) for spec in streams for sink in spec.sinks)
    return [sink for sink in sinks if sink.kind == "pipe" and not sink.target]


def _check_outputs(streams: tuple[StreamSpec, ...]) -> None:
    """Raise OptionError where two ends of pipes meet on the process's one input or output."""
    inputs = [spec for spec in streams if parse_address(spec.source).kind == "pipe"]
    for count, what in ((len(inputs), "sources"), (len(_on_output(streams)), "sinks")):
        if count > 1:
            raise OptionError(f"{count} {what} are pipes: expected at most one.")


def _of_keys(message: str) -> str:
    """Return a message about arguments as one about keys, which the command leaves as they are."""
    return message.replace(" = ", ": ").replace("`", "")
