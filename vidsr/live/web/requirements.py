"""Packages of the extra ``live``, asked for before anything imports them."""

from __future__ import annotations

from importlib.util import find_spec

from vidsr.errors import VidsrError

PACKAGES = ("aiohttp", "prometheus_client")


def require_packages() -> None:
    """Raise VidsrError in one line where a package of the extra ``live`` is not installed."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise VidsrError(
            f"the web server needs {' and '.join(missing)}, which cannot be imported",
            hint="pip install -e '.[live]'",
        )
