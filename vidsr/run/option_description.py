"""One option of a run, described once: its keyword, flags, type, range and help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, dataclass, field
from fractions import Fraction
from os import PathLike
from typing import Any

from vidsr.errors import OptionError
from vidsr.picture.size import Size
from vidsr.run.records.json_values import PLAIN, JsonValue
from vidsr.terminal.parser import reader

_KEY = "option"


@dataclass(frozen=True, kw_only=True)
class Option:
    """The description of one option, from which its flag, its checks and its page derive.

    Args:
        flags: Its names on the command line, the long one last; its keyword is that name.
        group: The heading of the command's help that it stands under; empty for none.
        help: A phrase for the command's help and the reference page.
        takes: Its values in words, as an argument of ``vidsr.upscale``.
        kinds: Types that a value may have; None is allowed where it is the default.
        parse: A function from the command line's text to a value; raises ValueError.
        convert: A function from an argument of ``vidsr.upscale`` to the stored value, for those
            of another type; raises ValueError or OptionError.
        choices: All values there are, empty for no such list.
        holds: True for a value of the right type that is in range.
        expected: The range in words, for messages.
        metavar: The placeholder in the command's help.
        switch: True for a flag without a value.
        many: True for a flag that may be repeated.
        json: The ways between its values and JSON.
    """

    flags: tuple[str, ...]
    group: str
    help: str
    takes: str
    kinds: tuple[type, ...]
    parse: Callable[[str], Any] = str
    convert: Callable[[Any], Any] | None = None
    choices: tuple[Any, ...] = ()
    holds: Callable[[Any], bool] = lambda _: True
    expected: str = ""
    metavar: str | None = None
    switch: bool = False
    many: bool = False
    json: JsonValue = PLAIN

    @property
    def keyword(self) -> str:
        """The name of the argument of ``vidsr.upscale``."""
        return self.flags[-1].lstrip("-").replace("-", "_")

    def value_of(self, argument: Any) -> Any:
        """Return an argument of ``vidsr.upscale`` as it is stored. Raises OptionError."""
        if self.convert is None or argument is None:
            return argument
        try:
            return self.convert(argument)
        except (ValueError, TypeError) as error:
            raise self._refusal(argument) from error

    def read(self, text: str) -> Any:
        """Return the value that ``text`` of the command line stands for.

        Raises argparse.ArgumentTypeError for what is no value and for one out of range.
        """
        return reader(self.parse, self.expected or self.takes, self._in_range)(text)

    def _in_range(self, value: Any) -> bool:
        try:
            return bool(self.choices) or self.holds(value)
        except OptionError:  # a message of its own, which the check of the record gives
            return True

    def written(self, value: Any) -> Any:
        """Return a stored value as JSON has it."""
        return None if value is None else self.json.write(value)

    def stored(self, written: Any) -> Any:
        """Return the value that ``written`` stands for. Raises ValueError or TypeError."""
        return None if written is None else self.json.read(written)

    def check(self, value: Any, default: Any) -> None:
        """Raise OptionError for a value of a wrong type or out of range."""
        if value is None and default is None:
            return
        # A bool is an int for Python, and never meant as one.
        right = isinstance(value, self.kinds) and isinstance(value, bool) == self.switch
        if not right or (self.choices and value not in self.choices) or not self.holds(value):
            raise self._refusal(value)

    def _refusal(self, value: Any) -> OptionError:
        return OptionError(
            f"{self.keyword} = {_shown(value)}: expected {self.expected or self.takes}."
        )


def _shown(value: Any) -> str:
    if isinstance(value, Fraction):
        return str(value)
    plain = isinstance(value, PathLike | Size)
    return f"'{value}'" if plain else repr(value)


def option(default: Any, *flags: str, **described: Any) -> Any:
    """Return a dataclass field with a default and the description of its option."""
    return field(default=default, metadata={_KEY: Option(flags=flags, **described)})


def option_of(of: Field[Any]) -> Option:
    """Return the description that a field of a record carries."""
    described: Option = of.metadata[_KEY]
    return described
