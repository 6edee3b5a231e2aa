"""Program that loads vidsr once and then forks a process for every job sent to it.

A job is a line of JSON and four descriptors: the job's standard streams, and a pipe that takes the
process's number and then its status. ``tests.doubles.warm`` is the other end.

With PyTorch loaded, Python takes 0.9 s of a core to end, nearly all of it to take modules apart. A
job that ends well waits for its threads, does what is due at exit, flushes and ends there.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import sys
import threading
from typing import Any

READ_BYTES = 1 << 16


def serve(channel: socket.socket) -> dict[str, Any]:
    """Return the job in each process forked for one; ends when the other end closes."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # then nobody waits for supervisors
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, READ_BYTES, 4)
        if not message:
            os._exit(0)
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


def load(what: str) -> None:
    """Load what commands load before they answer; with ``torch``, what they load to work."""
    import vidsr.cli
    import vidsr.terminal.command

    if what == "torch":
        import vidsr.api
    assert vidsr


def work(job: dict[str, Any]) -> int:
    """Run the job's code as ``python -c`` does, and return its status."""
    os.chdir(job["folder"])
    os.environ.update(job["environment"])
    sys.argv = ["-c", *job["arguments"]]
    try:
        exec(compile(job["code"], "<job>", "exec"), {"__name__": "__main__"})
    except SystemExit as stop:
        if not isinstance(stop.code, int | None):
            raise
        return stop.code or 0
    return 0


def end(status: int) -> None:
    """End this process at once, unless what is left to write cannot be written."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            sys.exit(status)  # and Python says so
    os._exit(status & 0xFF)


def main() -> None:
    """Load, serve, and run the job."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    what = sys.argv[2]
    load(what)
    status = work(serve(socket.socket(fileno=int(sys.argv[1]))))
    if what == "torch":
        end(status)
    sys.exit(status)


if __name__ == "__main__":
    main()
