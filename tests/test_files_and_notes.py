"""Ground floor: files that appear whole or not at all, notes that are logged once."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vidsr.errors import OutputError
from vidsr.files import write_text, written_whole
from vidsr.notes import Notes


def test_a_file_takes_its_place_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("before")
    with written_whole(target) as part:
        part.write_text("after")
        assert target.read_text() == "before"
    assert target.read_text() == "after"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, MemoryError])
def test_what_goes_wrong_leaves_the_file_of_before(
    tmp_path: Path, error: type[BaseException]
) -> None:
    target = tmp_path / "a.txt"
    target.write_text("before")

    def fail() -> None:
        with written_whole(target) as part:
            part.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    target = tmp_path / "absent" / "a.txt"
    with pytest.raises(OutputError, match=r"absent/a\.txt: cannot be written: No such file"):
        write_text(target, "text")


def test_a_full_disk_as_torch_reports_it(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"a\.pt: cannot be written: no room$"),
        written_whole(tmp_path / "a.pt"),
    ):
        raise RuntimeError("no room\nand a page of C++")
    assert list(tmp_path.iterdir()) == []


def test_a_note_is_logged_once_and_kept_in_order(caplog: pytest.LogCaptureFixture) -> None:
    notes = Notes()
    with caplog.at_level(logging.WARNING, logger="vidsr"):
        for text in ("second track dropped", "colour assumed", "second track dropped"):
            notes.say(text)
    assert notes.said == ("second track dropped", "colour assumed")
    assert caplog.messages == list(notes.said)


def test_notes_of_many_threads_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    notes = Notes()
    texts = [f"note {number % 7}" for number in range(700)]
    with caplog.at_level(logging.WARNING, logger="vidsr"), ThreadPoolExecutor(8) as workers:
        list(workers.map(notes.say, texts))
    assert sorted(notes.said) == sorted(set(texts))
    assert sorted(caplog.messages) == sorted(set(texts))
