"""``python -m vidsr`` is the command ``vidsr``."""

import sys

from vidsr.terminal.start import vidsr

sys.exit(vidsr())
