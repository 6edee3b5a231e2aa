"""Login page."""

from __future__ import annotations

from vidsr.live.web.page.templates import Html, fill


def login_page(place: str, complaint: str) -> str:
    """Return the login page.

    Args:
        place: The path to go to afterwards.
        complaint: Why the last attempt failed; empty for the first.
    """
    shown = fill("complaint", text=complaint) if complaint else Html("")
    return fill("login", place=place, complaint=shown)
