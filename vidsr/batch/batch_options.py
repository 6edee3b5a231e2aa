"""The options of a batch beside those of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, get_args

from vidsr.errors import OptionError

OnError = Literal["continue", "stop"]
ON_ERROR: tuple[str, ...] = get_args(OnError)
SETTLED_S = 5.0


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """The choices of a batch.

    Args:
        name: The pattern of the targets' names; None for the usual one.
        skip_existing: True leaves inputs out whose target exists.
        on_error: What follows after an input that failed.
        watch: True takes what comes into the folders until a signal ends it.
        settle: Seconds that a file in a watched folder must have rested, 0 or more.
    """

    name: str | None = None
    skip_existing: bool = False
    on_error: OnError = "continue"
    watch: bool = False
    settle: float = SETTLED_S

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Self:
        """Return the record of a parsed command line. Raises OptionError."""
        given = {each.name: arguments[each.name] for each in fields(cls)}
        if given["settle"] is None:
            del given["settle"]
        elif not given["watch"]:
            raise OptionError("`settle` without `watch`: expected both, or neither.")
        made = cls(**given)
        if made.skip_existing and arguments["overwrite"]:
            raise OptionError(
                "`skip_existing` and `overwrite` are both given: expected one of them."
            )
        return made
