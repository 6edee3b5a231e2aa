"""Templates of pages, and the files that pages are made of."""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path
from string import Template

_HERE = Path(__file__).parent
CONTENT_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def fill(name: str, /, **values: str) -> Html:
    """Return a template with values in their places, escaped unless they are HTML."""
    return Html(_template(name).substitute({key: safe(value) for key, value in values.items()}))


def safe(value: str) -> Html:
    """Return text as HTML, fit for attributes too."""
    return value if isinstance(value, Html) else Html(escape(value, quote=True))


def joined(parts: list[Html], between: str = "") -> Html:
    """Return pieces of HTML as one."""
    return Html(between.join(parts))


@cache
def _template(name: str) -> Template:
    return Template((_HERE / "templates" / f"{name}.html").read_text(encoding="utf-8"))


@cache
def static_files() -> dict[str, tuple[bytes, str]]:
    """Return the files that browsers load, with their types, by name; no others are ever read."""
    return {
        path.name: (path.read_bytes(), CONTENT_TYPES[path.suffix])
        for path in sorted((_HERE / "static").iterdir())
        if path.suffix in CONTENT_TYPES
    }
