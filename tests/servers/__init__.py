"""Real servers and senders on loopback, started for a test and stopped with it.

    with rtsp_camera(codec="h264") as camera:     GStreamer: plays rtsp://127.0.0.1:PORT/cam
    with rtsp_recorder() as recorder:             GStreamer: takes RECORD, passes on as UDP
    with rtmp_server() as server:                 nginx: RTMP in and out, HLS
    with srt_relay(...) as relay:                 srt-live-transmit
    with sender(url) as process:                  PyAV: the counter to any address
    with black_hole() as port, garbage() as port  peers that do harm

Every picture of the cameras and senders bears a number (``tests.makers.counter``). All of them are
``Server`` objects with ``pause``, ``resume``, ``kill`` and ``restart``. A test skips, with the
reason, where a server is not installed; ``tools/install_servers.sh`` installs them all.
"""
