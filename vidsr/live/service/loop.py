"""The main thread of the service while streams run: signals, lines, signs of life, the end."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from vidsr.errors import VidsrError
from vidsr.live.service.checks import check_config
from vidsr.live.service.notify import Notifier
from vidsr.live.service.progress import line_of
from vidsr.live.service.service import Service
from vidsr.live.service.signals import LiveInterruption
from vidsr.live.service.spec import Config
from vidsr.terminal.command import say

logger = logging.getLogger("vidsr.live")
LOOK_EVERY_S = 0.1
LINES_EVERY_S, LOG_LINES_EVERY_S = 5.0, 60.0  # on a terminal, and in a log
ALIVE_WITHIN_S = 5.0  # since the last tick of the process's threads


@dataclass(frozen=True)
class Wishes:
    """What the command line says about a service's run.

    Args:
        duration_s: Seconds after which it ends, None for never.
        quiet: True for no lines about progress.
        read_config: The way to a new configuration, None where there is no file.
    """

    duration_s: float | None = None
    quiet: bool = False
    read_config: Callable[[], Config] | None = None


def run_service(name: str, service: Service, wishes: Wishes, interruption: LiveInterruption) -> str:
    """Watch over a started service until it ends; return why, as the report calls it."""
    notifier = Notifier()
    notifier.ready()
    lines = _Lines(name, service)
    begun_s = time.monotonic()
    try:
        while True:
            now_s = time.monotonic()
            if interruption.asked:
                return "stopped" if interruption.is_clean else "interrupted"
            if wishes.duration_s is not None and now_s - begun_s >= wishes.duration_s:
                return "duration"
            if service.ended:
                return _ended(service)
            if _is_unheard(service):
                return "unheard"
            if wishes.read_config is not None and interruption.take_reload():
                _reload(service, wishes.read_config)
                notifier.reloading()
            if service.service().ticked_s < ALIVE_WITHIN_S:
                notifier.alive(now_s)
            if not wishes.quiet:
                lines.print_due(now_s)
            time.sleep(LOOK_EVERY_S)
    finally:
        notifier.stopping()


def _ended(service: Service) -> str:
    """Return ``failed`` where no stream came to a good end."""
    states = [status.state for status in service.statuses()]
    return "failed" if states and all(state == "failed" for state in states) else "ended"


def _is_unheard(service: Service) -> bool:
    """Return True where every sink of every stream has failed for good."""
    sinks = [sink.state for status in service.statuses() for sink in status.sinks]
    return bool(sinks) and all(state == "failed" for state in sinks)


def _reload(service: Service, read_config: Callable[[], Config]) -> None:
    """Go over to the configuration as it is now; one that is wrong is refused."""
    try:
        config = read_config()
        check_config(config)
        stopped, started = service.reload(config)
    except VidsrError as error:
        logger.error("the new configuration is refused, the old one stays: %s", error)
        return
    told = [f"stopped {', '.join(stopped)}"] if stopped else []
    told += [f"started {', '.join(started)}"] if started else []
    logger.info("the configuration was read again: %s", "; ".join(told) or "nothing has changed")


class _Lines:
    """Printer of a line for each stream, now and then and when it, or a sink, comes or goes."""

    def __init__(self, name: str, service: Service) -> None:
        self._name, self._service = name, service
        self._states: dict[str, tuple[object, ...]] = {}
        self._every_s = LINES_EVERY_S if sys.stderr.isatty() else LOG_LINES_EVERY_S
        self._due_s = time.monotonic() + self._every_s

    def print_due(self, now_s: float) -> None:
        """Print what is due."""
        all_due = now_s >= self._due_s
        if all_due:
            self._due_s = now_s + self._every_s
        for status in self._service.statuses():
            state = (status.state, *(sink.state == "running" for sink in status.sinks))
            if all_due or self._states.get(status.name) != state:
                self._states[status.name] = state
                say(self._name, line_of(status))
                sys.stderr.flush()
