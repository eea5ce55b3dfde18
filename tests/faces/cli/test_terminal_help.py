"""Help that teaches, in both languages, at once; and a reference that names every command there is."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from jingwei.faces.cli.help import LazyGroup
from jingwei.faces.cli.root import COMMANDS, root

ROOT = Path(__file__).resolve().parents[3]
HAN = re.compile(r"[\u4e00-\u9fff]")
GROUPS = [name for name in COMMANDS if name != "check"]


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(command)
    if not isinstance(command, LazyGroup):
        return [(path, command)]
    return [
        leaf
        for name in command.list_commands(context)
        for leaf in leaves(command.get_command(context, name), (*path, name))
    ]


LEAVES = [leaf for name in GROUPS for leaf in leaves(root.get_command(click.Context(root), name), (name,))]


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=[" ".join(path) for path, _ in LEAVES])
def test_each_command_says_what_it_does_and_closes_with_an_example_of_itself(path, command):
    assert command.help
    assert any(example.startswith("jingwei ") and path[-1] in example for example in command.examples)
    for parameter in command.params:
        assert getattr(parameter, "help", None) or getattr(parameter, "about", None), parameter.name


@pytest.mark.parametrize("name", ["cli.md", "cli.zh.md"])
@pytest.mark.parametrize(("path", "command"), LEAVES, ids=[" ".join(path) for path, _ in LEAVES])
def test_the_reference_shows_every_command(path, command, name):
    text = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert re.search(rf"\bjingwei {' '.join(path)}\b", text)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_help_is_worded_in_one_language(jingwei, lang):
    done = subprocess.run(
        [Path(sys.executable).parent / "jingwei", "--lang", lang, "gate", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert bool(HAN.search(done.stdout)) == (lang == "zh")


def test_help_imports_neither_models_nor_database():
    code = (
        "import sys; sys.argv = ['jingwei', '--help']\n"
        "from jingwei.faces.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(sorted({'pydantic', 'sqlalchemy', 'rich', 'fastapi'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
