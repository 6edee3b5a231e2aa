"""A fixture for the tests of whole runs: curves are drawn quickly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.doubles.quick_curves import drawing_quickly


@pytest.fixture(autouse=True, scope="package")
def _quick_curves() -> Iterator[None]:
    """Draw curves small: what they show is held by the tests of ``vidsr.training.records``."""
    with drawing_quickly():
        yield
