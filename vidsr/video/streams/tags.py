"""Metadata of a file and of its streams: what containers hold of it, and what got lost."""

from __future__ import annotations

from collections.abc import Mapping

from vidsr.video.header import Service

# Written by the muxer itself, or meaningless in another container.
_OWN_TAGS = ("encoder", "major_brand", "minor_version", "compatible_brands", "duration")
# mkvmerge's counts of the source's packets and bytes: wrong for what is encoded anew.
_STATISTICS = ("DURATION", "_STATISTICS", "BPS", "NUMBER_OF_FRAMES", "NUMBER_OF_BYTES")
# What FFmpeg writes where players of Apple and Microsoft look; the rest goes by its own name into a
# list of keys, which then takes the place of these.
_COMMON = ("title", "artist", "album", "date", "comment", "genre", "copyright", "location")
_NATIVE = {
    "mov": {*_COMMON, "creation_time", "make", "model", "performer"},
    "mp4": {
        *_COMMON,
        *("creation_time", "album_artist", "composer", "grouping", "lyrics", "description"),
        *("synopsis", "show", "episode_id", "network", "keywords", "episode_sort"),
        *("season_number", "media_type", "hd_video", "gapless_playback", "compilation"),
        *("disc", "track"),
    },
}
# Names that a muxer makes up, or stores without a demuxer that reads them.
_UNREAD = ("handler_name", "vendor_id", "service_name", "service_provider", "language", "encoder")


def copy_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return metadata without what describes the source's own container."""
    kept = {
        k: v
        for k, v in tags.items()
        if k.lower() not in _OWN_TAGS and not k.upper().startswith(_STATISTICS)
    }
    # A track's title is called so by every muxer, but "name" by the MP4 demuxer.
    if "name" in kept and "title" not in kept:
        kept["title"] = kept.pop("name")
    return kept


def service_tags(service: Service | None) -> dict[str, str]:
    """Return the names of a programme as FFmpeg calls them."""
    if service is None:
        return {}
    tags = {"service_name": service.name, "service_provider": service.provider}
    return {name: value for name, value in tags.items() if value}


def need_keys(tags: Mapping[str, str], container: str) -> bool:
    """Return True if MP4 or MOV keeps some of the tags by their own names alone."""
    return any(tag.lower().split("-")[0] not in _NATIVE[container] for tag in copy_tags(tags))


def lost_tags(wanted: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Return the names of tags that a finished file does not give back."""
    there = {name.lower() for name in found}
    there |= {"title"} if "name" in there else set()
    names = (name for name, value in wanted.items() if value and name.lower() not in _UNREAD)
    return [n for n in names if n.lower() not in there and n.lower().split("-")[0] not in there]
