"""The way to the user's index that costs nothing where there is none."""

from __future__ import annotations

import logging

from vidsr.models.named.folder import models_folder

logger = logging.getLogger("vidsr")


def fetch_if_named(model: object) -> None:
    """Fetch a model that the user's index names and that is not there yet. Raises ModelError."""
    if isinstance(model, str) and models_folder() is not None:
        from vidsr.fetching.fetch import fetch_named

        fetch_named(model, logger.info)
