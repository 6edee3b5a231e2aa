"""One encoder's packets for many sinks, of which none hinders another."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from vidsr.live.base.formats import CodedFormat, SoundFormat
from vidsr.live.base.items import CodedPacket
from vidsr.live.base.options import Sound
from vidsr.live.base.roles import PacketSink
from vidsr.live.sinks.encoding.adts import with_config, without_header
from vidsr.live.sinks.encoding.sound_converter import SoundConverter
from vidsr.live.sinks.muxing.sound_fit import carries, has_sound

logger = logging.getLogger("vidsr.live")


class Fanout:
    """Packet sinks as one: each gets the sound that it carries, copied or converted once for all.

    Args:
        sinks: The sinks, opened by ``open_live_sink``.
        sound: ``auto`` converts what a sink does not carry to AAC, ``copy`` leaves it out there,
            ``none`` leaves it out everywhere.
    """

    def __init__(self, sinks: Sequence[PacketSink], sound: Sound = "auto") -> None:
        self._sinks, self._choice = tuple(sinks), sound
        self._copied: list[PacketSink] = []
        self._converted: list[PacketSink] = []
        self._converter: SoundConverter | None = None
        self._faulty: set[str] = set()

    def open(self, format: CodedFormat) -> None:
        """Take the format of what follows."""
        self._end_conversion()
        self._copied, self._converted = [], []
        source = with_config(format.sound) if format.sound else None
        for sink in self._sinks:
            changed = replace(format, sound=self._sound_of(sink, source))
            self._apart(sink, partial(sink.open, changed))

    def write(self, packet: CodedPacket) -> None:
        """Take a packet, and return at once."""
        if packet.kind == "video":
            self._pass(packet, self._sinks)
            return
        packet = replace(packet, data=without_header(packet.data))
        self._pass(packet, self._copied)
        if self._converter is not None:
            for made in self._converter.convert(packet):
                self._pass(made, self._converted)

    def close(self) -> None:
        """Close all sinks side by side; a second time does nothing."""
        self._end_conversion()
        closing = [
            threading.Thread(target=self._apart, args=(sink, sink.close)) for sink in self._sinks
        ]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()

    def _pass(self, packet: CodedPacket, sinks: Iterable[PacketSink]) -> None:
        for sink in sinks:
            self._apart(sink, partial(sink.write, packet))

    def _apart(self, sink: PacketSink, call: Callable[[], None]) -> None:
        """Call a sink; an error of a program's own sink is logged once and hinders no other."""
        try:
            call()
        except Exception:
            if sink.name not in self._faulty:
                self._faulty.add(sink.name)
                logger.exception("%s: the sink raised an error", sink.name)

    def _sound_of(self, sink: PacketSink, source: SoundFormat | None) -> SoundFormat | None:
        """Return the sound that a sink gets, None for none."""
        container = getattr(sink, "container", "")
        if source is None or self._choice == "none" or not has_sound(container):
            return None
        if carries(container, source):
            self._copied.append(sink)
            return source
        if self._choice == "copy":
            logger.warning(
                "%s: %s is left out, sound = 'auto' converts it", sink.name, source.codec
            )
            return None
        if self._converter is None:
            try:
                self._converter = SoundConverter(source)
            except (ValueError, OSError) as error:
                logger.warning("%s: %s is left out: %s", sink.name, source.codec, error)
                return None
        self._converted.append(sink)
        return self._converter.format

    def _end_conversion(self) -> None:
        if self._converter is not None:
            self._converter.close()
            self._converter = None
