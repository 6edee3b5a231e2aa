"""The run that tests of workers share."""

from __future__ import annotations

import pytest

from tests.clusters.shared_run import Whole, make_whole


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Return a clip and its target."""
    return make_whole(tmp_path_factory.mktemp("clusters"))
