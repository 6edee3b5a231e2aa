"""Wishes in words: a small vocabulary over the options that exist, and nothing else.

Each wish sets one option to one value. What no option does, such as faces, has no word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from vidsr.errors import OptionError, VidsrError
from vidsr.option_values import nearest, one_of


@dataclass(frozen=True)
class Wish:
    """One entry of the vocabulary: the words, and the option that they set.

    Attributes:
        words: What is typed.
        option: The keyword of the option, as ``vidsr.upscale`` has it.
        value: The value that it gets.
        does: What that does, for the pages.
    """

    words: str
    option: str
    value: str | float
    does: str


VOCABULARY = (
    Wish("less blocking", "strength", 1.5, "takes more of what a codec did away"),
    Wish("less noise", "strength", 1.5, "the same: in coded video it takes noise away with it"),
    Wish("much less blocking", "strength", 2.0, "takes as much of it away as can be"),
    Wish("keep grain", "strength", 0.0, "takes every frame as clean: grain stays, and blocks"),
    Wish("sharper", "look", "crisp", "the network that is sharper for the eye, less faithful"),
    Wish("less blur", "restore", "deblur", "takes blur of motion and lens away, before the rest"),
    Wish("smoother motion", "deinterlace", "field", "a frame of each field of interlaced video"),
)
"""Every wish there is. Figures that decided the values stand in docs/guides/models.md."""

_BY_WORDS = {wish.words: wish for wish in VOCABULARY}
WISHED = frozenset(wish.option for wish in VOCABULARY)
"""Options that some wish sets, by keyword."""
EXPECTED = f"some of {', '.join(_BY_WORDS)}, with commas between"


def wishes_of(given: object) -> tuple[str, ...]:
    """Return the wishes in ``"Less blocking,  sharper"`` or in several texts, in plain spelling.

    A flag that is repeated gives several of what this returns. Raises ValueError for another type.
    """
    parts = given.split(",") if isinstance(given, str) else given
    if not isinstance(parts, list | tuple):
        raise ValueError(given)
    flat = [each for part in parts for each in (part if isinstance(part, tuple) else (part,))]
    if not all(isinstance(part, str) for part in flat):
        raise ValueError(given)
    return tuple(dict.fromkeys(" ".join(part.lower().split()) for part in flat))


def are_wishes(wishes: Sequence[object]) -> bool:
    """Return True if all are of the vocabulary. Raises OptionError for words that are not."""
    for words in wishes:
        if not isinstance(words, str):
            return False
        if words not in _BY_WORDS:
            near = nearest(words, _BY_WORDS) if words else ""
            raise OptionError(
                f"enhance = {words!r}: expected {one_of(tuple(_BY_WORDS))}",
                hint=f"did you mean {near!r}?" if near else "commas stand between wishes.",
            )
    return True


def settings_of(
    wishes: Sequence[str], given: Mapping[str, object], defaults: Mapping[str, object]
) -> dict[str, str | float]:
    """Return what the wishes set, by option.

    Args:
        wishes: Words of the vocabulary.
        given: Values of all options.
        defaults: Their defaults; an option that has another value was given by itself.

    Raises:
        OptionError: Two wishes set one option, or a wish one that was given with another value.
    """
    settings: dict[str, str | float] = {}
    by: dict[str, str] = {}
    for wish in map(_BY_WORDS.__getitem__, wishes):
        option, value = wish.option, wish.value
        if option in by and settings[option] == value:
            continue
        if option in by:
            raise OptionError(
                f"`enhance`: {by[option]!r} and {wish.words!r} both set `{option}`: "
                "expected one of them.",
                hint=f"they stand for {settings[option]} and {value}.",
            )
        if given[option] not in (defaults[option], value):
            raise _given_as_well(wish)
        settings[option], by[option] = value, wish.words
    _check_steered(settings, by)
    return settings


def check_typed(given: object, typed: Mapping[str, object]) -> None:
    """Raise OptionError for a wish beside a flag that was typed with another value.

    Args:
        given: The wishes as they were typed.
        typed: Values of flags that were typed, by option; a default that was typed is one.
    """
    for wish in map(_BY_WORDS.__getitem__, _known(given)):
        if typed.get(wish.option, wish.value) != wish.value:
            raise _given_as_well(wish)


def _given_as_well(wish: Wish) -> OptionError:
    return OptionError(
        f"`enhance`: {wish.words!r} sets `{wish.option}`, which is given as well: "
        "expected one of them.",
        hint=f"it stands for {wish.value}.",
    )


def _check_steered(settings: Mapping[str, str | float], by: Mapping[str, str]) -> None:
    """Raise OptionError for a strength beside a restorer, whose networks have none."""
    if "restore" in settings and settings.get("strength"):
        raise OptionError(
            f"`enhance`: {by['restore']!r} takes a network that has no strengths, which "
            f"{by['strength']!r} needs: expected one of them."
        )


def meanings(wishes: Sequence[str]) -> dict[str, str]:
    """Return what each wish became, such as ``{"less blocking": "strength 1.5"}``."""
    return {words: _meaning(_BY_WORDS[words]) for words in wishes}


def _meaning(wish: Wish) -> str:
    value = wish.value if isinstance(wish.value, str) else f"{wish.value:g}"
    return f"{wish.option} {value}"


@contextmanager
def wishes_named(given: object) -> Iterator[None]:
    """Name, in the hint of an error about options, the wishes that set them.

    Args:
        given: The wishes as they were typed; the errors inside name only what they became.
    """
    try:
        yield
    except VidsrError as error:
        behind = [words for words in _known(given) if _is_about(error, _BY_WORDS[words])]
        if not behind:
            raise
        said = "; ".join(f"{words!r} stands for {_meaning(_BY_WORDS[words])}" for words in behind)
        raise type(error)(error.message, hint=f"{said}: leave it out of `enhance`.") from error


def _known(given: object) -> list[str]:
    try:
        return [words for words in wishes_of(given) if words in _BY_WORDS]
    except ValueError:
        return []


def _is_about(error: VidsrError, wish: Wish) -> bool:
    value = repr(wish.value) if isinstance(wish.value, str) else f"{wish.value:g}"
    return f"{wish.option} = {value}" in error.message


def plan_lines(wishes: Sequence[str], *, progressive: bool) -> Iterator[str]:
    """Yield the line of a plan that says what the wishes became; none where there is no wish.

    Args:
        wishes: Words of the vocabulary.
        progressive: True where the first frames have no fields.
    """
    if not wishes:
        return
    said = []
    for words, became in meanings(wishes).items():
        idle = progressive and _BY_WORDS[words].option == "deinterlace"
        doubt = ", which changes nothing where frames are progressive, as the first ones are"
        said.append(f"{words}: {became}{doubt if idle else ''}")
    yield f"enhance  {'; '.join(said)}"
