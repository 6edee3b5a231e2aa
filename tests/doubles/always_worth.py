"""A judge of reuse that always finds it worth while, so that tests depend on no clock."""

from __future__ import annotations

from vidsr.upscaling.reuse.worth import Worth


class AlwaysWorth(Worth):
    """Judge that compares every frame after the first."""

    @property
    def measured(self) -> bool:
        """True: nothing is waited for."""
        return True

    def whole(self, seconds: float, *, compared: bool) -> None:
        """Take no note."""

    def parts(self, seconds: float) -> None:
        """Take no note."""
