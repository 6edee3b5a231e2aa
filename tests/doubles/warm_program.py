"""Program that loads vidsr once and then forks a process for every job sent to it.

A job is a line of JSON and four descriptors: the job's standard streams, and a pipe that takes the
process's number and then its status. A process ends as Python ends, so that what happens at exit
happens. ``tests.doubles.warm`` is the other end.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from typing import Any

READ_BYTES = 1 << 16


def serve(channel: socket.socket) -> dict[str, Any]:
    """Return the job in each process forked for one; ends when the other end closes."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # then nobody waits for supervisors
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, READ_BYTES, 4)
        if not message:
            sys.exit(0)
        while not message.endswith(b"\n"):
            message += channel.recv(READ_BYTES)
        if not os.fork():
            channel.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            supervise(descriptors)
            return dict(json.loads(message))
        for each in descriptors:
            os.close(each)


def supervise(descriptors: list[int]) -> None:
    """Fork once more, return in that process, and report its end from this one."""
    *streams, report = descriptors
    process = os.fork()
    if not process:
        os.close(report)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        return
    for number in (0, 1, 2, *streams):  # else a pipe would stay open beyond its process
        os.close(number)
    os.write(report, f"{process}\n".encode())
    _, status = os.waitpid(process, 0)
    os.write(report, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def main() -> None:
    """Load what commands load, serve, and run the job."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    import vidsr.api
    import vidsr.cli

    loaded = (vidsr.api, vidsr.cli)
    job = serve(socket.socket(fileno=int(sys.argv[1])))
    del loaded
    os.chdir(job["folder"])
    os.environ.update(job["environment"])
    sys.argv = ["-c", *job["arguments"]]
    exec(compile(job["code"], "<job>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    main()
