"""Every command that a page or a help text shows exists, with every option it is shown with."""

import re
import shlex
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from click.testing import CliRunner

from jingwei.catalog import load_catalog
from jingwei.faces.cli.root import root

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "README.zh.md", ROOT / "CONTRIBUTING.md"]
INSTALLED_BY_THE_READER = {"prompt-notes"}  # the guide's own example, which test_check_guide runs


class Shown(NamedTuple):
    """One command line and the first place that shows it."""

    line: str
    place: str


def lines_of(page):
    """Give the command lines of a page: those in code blocks, and those within a sentence."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from re.findall(r"^\$?\s*(jingwei(?: .*)?)$", block, re.MULTILINE)
    prose = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`(jingwei(?: [^`]*)?)`", prose)


@lru_cache
def evidence_types():
    """Return the ids of the catalogue's evidence types."""
    return frozenset(load_catalog().evidence_types)


def commands(group, path=()):
    """Give every command of the tree with its path."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def shown():
    """Return what all pages and the installed commands' own examples show, each line once."""
    found = {}
    for page in PAGES:
        for line in lines_of(page):
            found.setdefault(re.sub(r"\s+#.*$", "", line).strip(), str(page.relative_to(ROOT)))
    return [Shown(line, place) for line, place in found.items()]


def resolved(line):
    """Follow a command line down the tree; return the path, the command and what is left over."""
    words = [
        word
        for word in shlex.split(line, comments=True)[1:]
        if word not in {"[COMMAND]", "[ARGS]...", "[OPTIONS]", "…"}
    ]
    if words[:1] == ["--lang"]:
        words = words[2:]
    path, command = [], root
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        if path == ["check"] and words[0] in INSTALLED_BY_THE_READER:
            words[0] = "model-scan"  # every check takes the same options
        try:
            name, command, words = command.resolve_command(click.Context(command), words)
        except click.UsageError as error:
            raise AssertionError(f"no command {' '.join((*path, words[0]))}") from error
        path.append(name)
    return tuple(path), command, words


def demand_real(line):
    """Demand that a line's command exists and takes what the line gives it; return its path."""
    path, command, rest = resolved(line)
    named = {word for word in rest if re.fullmatch(r"EV-[A-Z-]+", word)}
    assert named <= evidence_types(), f"the catalogue has no {', '.join(sorted(named - evidence_types()))}"
    context = click.Context(command)
    known = {name for parameter in command.get_params(context) for name in (*parameter.opts, *parameter.secondary_opts)}
    rest = rest[: next((place for place, word in enumerate(rest) if word in {"<", ">", "|", "&&", "--"}), len(rest))]
    given = {word.partition("=")[0] for word in rest if word.startswith("--")}
    assert given <= known, f"{' '.join(path)} has no {', '.join(sorted(given - known))}"
    if rest and not isinstance(command, click.Group):
        try:
            left = command.make_parser(context).parse_args(list(rest))[1]
        except click.UsageError as error:
            raise AssertionError(error.message) from error
        assert not left, f"{' '.join(path)} does not take {left}"
    return path


@pytest.mark.parametrize("case", shown(), ids=lambda case: f"{case.place}: {case.line}")
def test_a_command_that_a_page_shows_exists(case):
    done = CliRunner().invoke(root, [*demand_real(case.line), "--help"])
    assert done.exit_code == 0, done.output


def test_the_pages_show_commands():
    assert len(shown()) > 20


@pytest.mark.slow  # it imports every check
def test_every_example_in_a_help_text_is_a_command_that_exists():
    examples = [(path, each) for path, command in commands(root) for each in getattr(command, "examples", ())]
    assert len(examples) > 10
    wrong = {}
    for path, example in examples:
        try:
            demand_real(example)
        except AssertionError as error:
            wrong[f"{' '.join(path)}: {example}"] = str(error)
    assert not wrong


def test_a_command_that_a_text_names_exists():
    wrong = []
    for path in sorted((ROOT / "src").rglob("text.yaml")):
        for words in re.findall(r"jingwei ([a-z]+)(?: ([a-z]+))?", path.read_text(encoding="utf-8")):
            try:
                resolved(" ".join(("jingwei", *filter(None, words))))
            except AssertionError as error:
                wrong.append(f"{path.relative_to(ROOT)}: {error}")
    assert not wrong
