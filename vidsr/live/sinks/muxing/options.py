"""Options of muxers and protocols, by which packets leave at once."""

from __future__ import annotations

# Seven packets of a transport stream in one datagram.
DATAGRAM = 1316
# Microseconds; bounds the opening of RTSP alone (a stalled write waits for ever).
_RTSP_OPEN_US = 4_000_000
# Segments begin with key frames and are seen when they are complete; the list is not over with
# one muxer: another may follow, after a change of format.
_HLS_FLAGS = (
    *("delete_segments", "independent_segments", "program_date_time"),
    *("temp_file", "omit_endlist"),
)


def network_options(kind: str) -> dict[str, str]:
    """Return the options of a network sink's muxer."""
    if kind in ("rtsp", "rtsps", "rtsp+udp"):
        transport = "udp" if kind == "rtsp+udp" else "tcp"
        return {"rtsp_transport": transport, "timeout": str(_RTSP_OPEN_US)}
    if kind in ("rtmp", "rtmps"):
        # The header of a stream that never ends has no length to go back for.
        return {"flvflags": "no_duration_filesize"}
    return transport_options()


def transport_options() -> dict[str, str]:
    """Return the options of MPEG-TS.

    Without ``omit_video_pes_length=0`` a reader learns the end of a frame from the next one: 83 ms
    instead of 42 at 25 frames a second. Sound else waits until 2930 bytes of it have come together.
    """
    return {"omit_video_pes_length": "0", "pes_payload_size": "0"}


def hls_options(segments: str, *, low_latency: bool) -> dict[str, str]:
    """Return the options of HLS with 1 s segments, or half a second in fragmented MP4.

    Numbers of segments begin with the clock, so that they grow over restarts.
    """
    options = {
        "hls_time": "0.5" if low_latency else "1",
        "hls_list_size": "8" if low_latency else "6",
        "hls_flags": "+".join(_HLS_FLAGS),
        "hls_start_number_source": "epoch_us",
        "hls_segment_filename": segments,
        "hls_segment_type": "fmp4" if low_latency else "mpegts",
        "hls_delete_threshold": "4",
    }
    if low_latency:
        options["hls_fmp4_init_filename"] = "init.mp4"
    return options


def file_options(container: str) -> dict[str, str]:
    """Return the options of a recording that is readable as far as it was written."""
    if container == "mp4":
        return {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    if container == "matroska":
        return {"cluster_time_limit": "1000"}
    return transport_options()
