"""Films over FTP, from a server of a few lines."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.makers.clips import make_clip
from tests.video.addresses.reading import frames_of, open_address
from vidsr.errors import InputError, NoInputError
from vidsr.video.source.file_source import FileSource


class Ftp:
    """A server of one file ``/a.mkv``, which cuts the first ``cuts`` transfers in half."""

    def __init__(self, data: bytes, cuts: int = 0, password: str = "") -> None:
        self.data, self.cuts, self.password = data, cuts, password
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.begins: list[int] = []

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(client,), daemon=True).start()

    def talk(self, client: socket.socket) -> None:
        begin, passive, user = 0, None, ""
        with suppress(OSError), client, client.makefile("rb") as lines:
            client.sendall(b"220 here\r\n")
            for line in lines:
                word, _, rest = line.decode().strip().partition(" ")
                answer = "200 yes"
                if word == "USER":
                    user, answer = rest, "331 password"
                elif word == "PASS":
                    wrong = self.password and f"{user}:{rest}" != self.password
                    answer = "530 no" if wrong else "230 in"
                elif word == "SIZE":
                    answer = f"213 {len(self.data)}" if rest == "a.mkv" else "550 none"
                elif word == "REST":
                    begin, answer = int(rest), "350 there"
                elif word in ("PASV", "EPSV"):
                    if passive is not None:
                        passive.close()
                    passive = socket.create_server(("127.0.0.1", 0))
                    port = passive.getsockname()[1]
                    answer = f"227 (127,0,0,1,{port >> 8},{port & 255})"
                    answer = answer if word == "PASV" else f"229 (|||{port}|)"
                elif word == "RETR" and rest == "a.mkv" and passive:
                    client.sendall(b"150 coming\r\n")
                    self.send(passive, begin)
                    answer = "226 done"
                elif word == "RETR":
                    answer = "550 none"
                client.sendall(f"{answer}\r\n".encode())
        if passive is not None:
            passive.close()

    def send(self, passive: socket.socket, begin: int) -> None:
        self.begins.append(begin)
        body = self.data[begin:]
        if self.cuts:
            self.cuts -= 1
            body = body[: len(body) // 2]
        data, _ = passive.accept()
        with passive, data, suppress(OSError):
            data.sendall(body)


@contextmanager
def serving_ftp(server: Ftp) -> Iterator[Ftp]:
    threading.Thread(target=server.serve, daemon=True).start()
    try:
        yield server
    finally:
        server.socket.close()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("ftp") / "a.mkv", frames=30).path


@pytest.mark.parametrize("cuts", [0, 2])
def test_a_film(film: Path, cuts: int) -> None:
    with serving_ftp(Ftp(film.read_bytes(), cuts)) as server:
        got = frames_of(open_address(f"ftp://127.0.0.1:{server.port}/a.mkv"))
    assert got == frames_of(FileSource(film))
    assert not cuts or max(server.begins) > 0


def test_errors_hide_the_password(film: Path) -> None:
    with serving_ftp(Ftp(film.read_bytes(), password="anna:word")) as server:
        place = f"127.0.0.1:{server.port}"
        with pytest.raises(InputError, match=r"refuses .530") as refused:
            open_address(f"ftp://anna:wrong@{place}/a.mkv")
        assert "wrong" not in str(refused.value)
        with pytest.raises(NoInputError):
            open_address(f"ftp://anna:word@{place}/b.mkv")
        assert frames_of(open_address(f"ftp://anna:word@{place}/a.mkv"))
