"""Messages for people who type: flags in the place of parameters."""

from __future__ import annotations

import pytest

from vidsr.cli import build_parser
from vidsr.run.options import OPTIONS
from vidsr.terminal.flags import as_flags, flags_of

FLAGS = flags_of(build_parser())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("device = 'cuda:9', but there are 1", "--device cuda:9, but there are 1"),
        ("device = 'cuda:0,': a name is", "--device cuda:0,: a name is"),
        ("Hint: use device = 'cpu', or", "Hint: use --device cpu, or"),
        ("device = '': expected", "--device '': expected"),
        (
            "wait_for_engine = True with engine = 'torch': it",
            "--wait-for-engine with --engine torch: it",
        ),
        ("scale = 3, but lite-x2", "--scale 3, but lite-x2"),
        ("a device = of nothing", "a --device of nothing"),
        ("tile = (3, 4) and subdevice = 'x'", "--tile (3, 4) and subdevice = 'x'"),
        ("start = -5: expected", "--start -5: expected"),
        ("framerate = 30000/1001: expected", "--framerate 30000/1001: expected"),
        ("leave `scale` out, or `pix_fmt`", "leave --scale out, or --pix-fmt"),
        ("`size` and `height` are both given", "--size and --height are both given"),
        ("raise `ulimit -l`, scale, `scales`", "raise `ulimit -l`, scale, `scales`"),
    ],
)
def test_parameters_become_flags(text: str, said: str) -> None:
    assert as_flags(text, FLAGS) == said


def test_the_command_has_these_flags() -> None:
    assert {option.keyword for option, _ in OPTIONS} <= FLAGS.keys()
    assert all(FLAGS[option.keyword] == option.flags[-1] for option, _ in OPTIONS)
