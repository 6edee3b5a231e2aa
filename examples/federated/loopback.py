"""All of federated training on one machine: a server and a client for each folder, on loopback.

python loopback.py FOOTAGE FOOTAGE FOOTAGE --out lite.safetensors [options of server.py]
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
LOOK_S = 0.2  # between looks at who has ended


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def start(program: str, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(HERE / program), *words])


def run(folders: list[Path], words: list[str]) -> int:
    """Run until the server has ended or anyone has failed; return the exit status."""
    address = f"127.0.0.1:{free_port()}"
    server = start("server.py", "--address", address, "--clients", str(len(folders)), *words)
    clients = [
        start("client.py", str(folder), "--server", address, "--seed", str(seed))
        for seed, folder in enumerate(folders)
    ]
    try:
        while server.poll() is None:
            if any(client.poll() for client in clients):
                return 1
            time.sleep(LOOK_S)
        return server.returncode or max(client.wait() for client in clients)
    finally:
        for process in (server, *clients):
            if process.poll() is None:
                process.terminate()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+", help="footage, a folder for each client")
    arguments, words = parser.parse_known_args()
    missing = [str(folder) for folder in arguments.folders if not folder.exists()]
    if missing:
        parser.error(f"no such folder: {', '.join(missing)}")
    return run(arguments.folders, words)


if __name__ == "__main__":
    sys.exit(main())
