"""Pages say what the code says, and what they name exists."""

from __future__ import annotations

import inspect
import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import vidsr
from tests.docs.blocks import documents
from tests.paths import ROOT
from tests.test_layers import LAYERS
from tools.docs.commands_page import commands_page
from tools.docs.markdown import table
from tools.docs.programs import PROGRAMS, parser_of, subparsers
from tools.docs.report_page import described, json_type, meanings, report_keys, report_page
from tools.docs.site_pages import PAGES, command_place, copied
from vidsr.degradation.operations.catalogue import OPS
from vidsr.degradation.recipe_files import recipe_names
from vidsr.terminal.start import COMMANDS

DOCS = ROOT / "docs"
LINK = re.compile(r"\]\((?!https?:|#)([^)\s#]+)(?:#[^)\s]*)?\)")
PATH = re.compile(r"`((?:vidsr|engines|kernels|tests|tools|benchmarks|examples|docs)/[\w./-]*)`")
FROM_INDEX = re.compile(r"pip install (?:-\S+ )*['\"]?vidsr(?![\w/-])")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_layers_are_those_of_the_test() -> None:
    page = text_of(DOCS / "how-it-works" / "layers.md")
    shown = page.partition("<!-- layers -->")[2].partition("<!-- /layers -->")[0]
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", shown, re.MULTILINE)
    named = {int(level): tuple(re.findall(r"`(\w+)`", rooms)) for level, rooms in rows}
    assert named == dict(enumerate(LAYERS, 1))


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for link in LINK.findall(text_of(path)):
        target = (path.parent / link).resolve()
        generated = target.is_relative_to(DOCS) and str(target.relative_to(DOCS)) in PAGES
        assert target.exists() or generated, link


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_are_named_exist(path: Path) -> None:
    if path.name == "CHANGELOG.md":  # names what a version had
        return
    for name in PATH.findall(text_of(path)):
        assert (ROOT / name).exists() or (ROOT / "vidsr" / name).exists(), name


def test_no_line_installs_the_project_of_that_name_on_the_index() -> None:
    sources = [
        *documents(),
        *(p for room in ("vidsr", "engines") for p in ROOT.glob(f"{room}/**/*.py")),
    ]
    found = [str(path) for path in sources if FROM_INDEX.search(text_of(path))]
    assert not found
    assert FROM_INDEX.search("pip install 'vidsr[test]'")
    assert not FROM_INDEX.search("pip install dist/vidsr-0.1.0-py3-none-any.whl")


def test_every_page_is_in_the_navigation() -> None:
    nav = text_of(ROOT / "mkdocs.yml").partition("\nnav:\n")[2]
    named = re.findall(r": ([\w./-]+\.md)$", nav, re.MULTILINE)
    written = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert len(named) == len(set(named))
    assert set(named) == written | set(PAGES)
    assert not written & set(PAGES)


def test_programs_are_those_that_are_installed() -> None:
    scripts = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["scripts"]
    named = {name: module for name, module in PROGRAMS.items() if " " not in name}
    assert named == COMMANDS
    assert {name: entry.partition(":")[0] for name, entry in scripts.items()} == dict.fromkeys(
        COMMANDS, "vidsr.terminal.start"
    )
    for name, module in PROGRAMS.items():
        assert import_module(module).build_parser().prog == name


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_page_of_a_command_has_every_option(program: str) -> None:
    page = commands_page(program)
    parsers = [parser_of(program), *(parser for _, parser in subparsers(parser_of(program)))]
    options = {option for parser in parsers for option in parser._option_string_actions}
    assert [option for option in options - {"-h"} if f"`{option}`" not in page] == []
    assert command_place(program) in PAGES


def test_the_page_of_options_has_every_keyword() -> None:
    page = PAGES["reference/options.md"]()
    keywords = set(inspect.signature(vidsr.upscale).parameters) - {"src", "dst", "progress"}
    assert set(re.findall(r"^\| `-.*?` \| `(\w+)` \|", page, re.MULTILINE)) == keywords


def test_every_key_of_the_report_has_its_meaning() -> None:
    page, told = report_page(), meanings()
    assert set(told) == set(report_keys())
    assert all(f"| `{key}` |" in page and told[key] for key in report_keys())


def test_meanings_are_read_from_docstrings() -> None:
    class Record:
        """A record.

        Args:
            first: The first of
                all ``things``.
            second: The second.

        Raises:
            ValueError: Never.
        """

    assert described(Record) == {"first": "The first of all `things`.", "second": "The second."}


def test_types_of_the_report_are_those_of_json() -> None:
    assert json_type(tuple[int, int]) == "array of integer"
    assert json_type(float | None) == "number or null"
    assert json_type(tuple[dict[str, int], ...]) == "array of object"


def test_models_recipes_and_errors_are_complete() -> None:
    models, recipes, errors = (
        PAGES[f"reference/{name}.md"]() for name in ("models", "recipes", "exit-codes")
    )
    assert all(f"| `{name}` |" in models for name in vidsr.available_models())
    assert all(f"### {name}\n" in recipes for name in recipe_names())
    assert all(f"| `{name}` |" in recipes for name in OPS)
    public = [name for name in vidsr.__all__ if name.endswith("Error")]
    assert all(f"| `{name}` |" in errors for name in public)
    assert "| 3 | `NoInputError` | `FileNotFoundError` |" in errors


def test_python_reference_has_every_public_name() -> None:
    page = text_of(DOCS / "reference" / "python.md")
    shown = set(re.findall(r"^::: vidsr\.(\w+)$", page, re.MULTILINE))
    assert shown == {name for name in vidsr.__all__ if name != "__version__"}


def test_every_variable_of_the_environment_is_described() -> None:
    page = text_of(DOCS / "reference" / "environment.md")
    files = [p for room in ("vidsr", "engines", "kernels") for p in ROOT.glob(f"{room}/**/*.py")]
    code = "\n".join(map(text_of, files))
    read = set(re.findall(r"\bVIDSR_[A-Z_]+\b", code))
    read |= set(re.findall(r'environ(?:\.get|\.setdefault)?[\[(]"([A-Z_]+)"', code))
    assert read - {"PYTHONPATH", "XDG_CACHE_HOME"} <= set(re.findall(r"`([A-Z_]+)`", page))


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    assert project["version"] == vidsr.__version__
    assert f"## [{vidsr.__version__}]" in text_of(ROOT / "CHANGELOG.md")


def test_links_of_copied_files_follow_them() -> None:
    page = copied("CONTRIBUTING.md", "development/contributing.md")
    assert "](../how-it-works/layers.md)" in page
    assert "](changelog.md)" in page
    assert "[Speed](../performance.md)" in copied("benchmarks/README.md", "development/b.md")
    assert "(LICENSE)" not in copied("README.md", "readme.md")


def test_bars_in_cells_are_escaped() -> None:
    assert table(["a"], [["x|y\nz"]]).splitlines()[2] == "| x\\|y z |"
