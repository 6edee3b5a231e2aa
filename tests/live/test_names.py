"""The public names of live streams exist, and load nothing before they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import vidsr.live
from tests.paths import ROOT


@pytest.mark.parametrize("name", vidsr.live.__all__)
def test_a_public_name_is_what_it_says(name: str) -> None:
    found = getattr(vidsr.live, name)
    assert found.__name__ == name
    assert found.__doc__


def test_other_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Strean'"):
        vidsr.live.Strean  # noqa: B018


def test_options_load_neither_pytorch_nor_pyav() -> None:
    program = "import sys, vidsr.live; vidsr.live.StreamOptions(); vidsr.live.load_config\n"
    program += "assert not {'torch', 'av'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
