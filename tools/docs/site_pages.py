"""All pages of the site that are generated, by their place in it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tools.docs.commands_page import commands_page
from tools.docs.exit_codes_page import exit_codes_page
from tools.docs.live_page import latency_page, live_page
from tools.docs.models_page import models_page
from tools.docs.options_page import options_page
from tools.docs.programs import PROGRAMS
from tools.docs.recipes_page import recipes_page
from tools.docs.report_page import report_page

ROOT = Path(__file__).resolve().parent.parent.parent
LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|#)([^)\s#]+)(#[^)\s]*)?\)")
COPIED = {
    "development/contributing.md": "CONTRIBUTING.md",
    "development/changelog.md": "CHANGELOG.md",
    "development/security.md": "SECURITY.md",
    "development/benchmarks.md": "benchmarks/README.md",
    "performance/int8.md": "benchmarks/int8.md",
}
"""Files of the repository that are pages of the site, by their place."""


def command_place(program: str) -> str:
    """Return the place of a program's page, such as ``reference/commands/vidsr-train.md``."""
    return f"reference/commands/{program.rpartition(' ')[2]}.md"


def copied(source: str, place: str) -> str:
    """Return a Markdown file of the repository with its links made for ``place`` in the site.

    Links to pages of the site follow them; of links to other files the text alone remains.
    """
    places = {name: page for page, name in COPIED.items()}

    def moved(link: re.Match[str]) -> str:
        text, path, anchor = link[1], link[2], link[3] or ""
        inside = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        page = places.get(inside, inside.removeprefix("docs/"))
        if page == inside:
            return text
        return f"[{text}]({posixpath.relpath(page, posixpath.dirname(place))}{anchor})"

    return LINK.sub(moved, (ROOT / source).read_text(encoding="utf-8"))


PAGES: dict[str, Callable[[], str]] = {
    **{command_place(name): partial(commands_page, name) for name in PROGRAMS},
    "reference/options.md": options_page,
    "reference/live.md": live_page,
    "performance/live.md": latency_page,
    "reference/models.md": models_page,
    "reference/recipes.md": recipes_page,
    "reference/exit-codes.md": exit_codes_page,
    "reference/report.md": report_page,
    **{place: partial(copied, source, place) for place, source in COPIED.items()},
}
"""Makers of the generated pages, by place."""
