"""Entry of ``python -m vidsr.training``, which runs ``vidsr-train`` as torchrun starts it."""

from __future__ import annotations

import sys

from vidsr.training.command.cli import main

if __name__ == "__main__":
    sys.exit(main())
