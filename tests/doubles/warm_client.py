"""Program that has a command run in a warm process and ends with its status.

    python -SE warm_client.py MODULE [arguments]

It is what scripts call in the place of the command, in 20 ms of CPU instead of 2 s. Its streams,
folder and variables are the job's, and ``WARM_CHANNEL`` is the descriptor of the way to the program
that forks, handed down by ``tests.doubles.warm``.
"""

from __future__ import annotations

import json
import os
import socket
import sys

CODE = "import importlib, sys; sys.exit(importlib.import_module({!r}).main(sys.argv[1:]))"


def main() -> int:
    """Send the job, wait for its end and return its status as a shell would."""
    module, *arguments = sys.argv[1:]
    job = {
        "code": CODE.format(module),
        "arguments": arguments,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
    }
    report, ended = os.pipe()
    # One message: other clients send theirs at the same time.
    channel = socket.socket(fileno=int(os.environ["WARM_CHANNEL"]))
    message = json.dumps(job).encode() + b"\n"
    assert socket.send_fds(channel, [message], [0, 1, 2, ended]) == len(message)
    os.close(ended)
    with os.fdopen(report) as lines:
        _process, status = lines.readline(), int(lines.readline())
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
