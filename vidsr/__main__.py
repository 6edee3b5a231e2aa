"""``python -m vidsr`` is the command ``vidsr``."""

import sys

from vidsr.cli import main

sys.exit(main())
