"""Hooks of MkDocs: generated pages join those in docs/ at every build."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


def on_files(files: Any, config: Any) -> Any:
    """Add every generated page to the files of the site."""
    sys.path.insert(0, str(ROOT))  # here: MkDocs sets the path back after it has read this file
    from mkdocs.structure.files import File  # type: ignore[import-not-found,unused-ignore]

    from tools.docs.site_pages import PAGES

    for place, make in PAGES.items():
        files.append(File.generated(config, place, content=make()))
    return files
