"""Dockerfiles, as far as they can be checked where nothing builds them."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from fnmatch import fnmatch
from typing import Any

import pytest

from tests.paths import ROOT

NAMES = ["cpu", "cuda"]
INSTRUCTIONS = {"FROM", "ENV", "ARG", "COPY", "RUN", "WORKDIR", "ENTRYPOINT"}


def instructions(name: str) -> list[tuple[str, str]]:
    """Return instruction and arguments of each, lines that go on put together."""
    text = (ROOT / "docker" / f"Dockerfile.{name}").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    whole = re.sub(r"\\\n", " ", "\n".join(lines))
    parts = (line.partition(" ") for line in whole.splitlines() if line.strip())
    return [(word, rest.strip()) for word, _, rest in parts]


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]  # type: ignore[no-any-return]


def arguments(name: str, wanted: str) -> list[str]:
    return [rest for word, rest in instructions(name) if word == wanted]


@pytest.mark.parametrize("name", NAMES)
def test_instructions_are_known_and_in_order(name: str) -> None:
    words = [word for word, _ in instructions(name)]
    assert set(words) <= INSTRUCTIONS
    assert words[0] == "FROM"
    assert words[-1] == "ENTRYPOINT"
    assert max(i for i, w in enumerate(words) if w == "COPY") < words.index("RUN")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_copied_reaches_the_build(name: str) -> None:
    rules = (ROOT / ".dockerignore").read_text().split()
    let_in = [rule[1:] for rule in rules if rule.startswith("!")]
    kept_out = [rule for rule in rules if not rule.startswith("!") and rule != "*"]
    assert rules[0] == "*"
    copied = [each for rest in arguments(name, "COPY") for each in rest.split()[:-1]]
    assert all((ROOT / each).exists() for each in copied)
    assert set(copied) <= set(let_in)
    assert not any(fnmatch(each, rule) for each in copied for rule in kept_out)
    needed = {"pyproject.toml", project()["readme"], "LICENSE", "MANIFEST.in"}
    assert needed <= set(copied)
    assert {"vidsr", "engines", "kernels"} <= set(copied)  # two of them lie behind links


@pytest.mark.parametrize("name", NAMES)
def test_commands_are_what_a_shell_takes(name: str) -> None:
    for command in arguments(name, "RUN"):
        done = subprocess.run(["sh", "-n"], input=command, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
        declared = {rest.partition("=")[0] for rest in arguments(name, "ARG")}
        assert set(re.findall(r"\$\{?(\w+)", command)) <= declared


@pytest.mark.parametrize("name", NAMES)
def test_the_entry_is_a_command_of_the_package(name: str) -> None:
    (entry,) = arguments(name, "ENTRYPOINT")
    assert json.loads(entry)[0] in project()["scripts"]


@pytest.mark.parametrize("name", NAMES)
def test_extras_and_python_are_those_of_the_package(name: str) -> None:
    (base,) = arguments(name, "FROM")
    found = re.fullmatch(r"python:3\.(\d+)-slim", base)
    least = re.search(r"3\.(\d+)", project()["requires-python"])
    assert found
    assert least
    assert int(found[1]) >= int(least[1])
    extras = re.findall(r"/src\[([\w,]+)\]", " ".join(arguments(name, "RUN")))
    assert set(",".join(extras).split(",")) - {""} <= set(project()["optional-dependencies"])
