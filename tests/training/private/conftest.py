"""Fixtures for the tests of private runs: no divergence is computed twice, curves are quick."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterator

import pytest

from tests.doubles.quick_curves import drawing_quickly


@pytest.fixture(autouse=True, scope="package")
def _each_divergence_once() -> Iterator[None]:
    """Keep what Opacus computes of rate, noise and order: most runs here ask for the same.

    To choose the noise of a run of eight steps took 1.5 s, and each look at what is spent 0.1 s.
    """
    if importlib.util.find_spec("opacus") is None:
        yield
        return
    from opacus.accountants.analysis import rdp

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rdp, "_compute_rdp", functools.cache(rdp._compute_rdp))
        yield


@pytest.fixture(autouse=True, scope="package")
def _quick_curves() -> Iterator[None]:
    """Draw curves small: what they show is held by the tests of ``vidsr.training.records``."""
    with drawing_quickly():
        yield
