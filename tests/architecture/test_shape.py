"""The shape of the code: sizes, names, languages. Each rule names the harm it keeps away."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "jingwei"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if "versions" not in path.parts)
TEXTS = sorted(SOURCE.rglob("text.yaml"))
HAN = re.compile(r"[\u3400-\u9fff]")


def name_of(path):
    return str(path.relative_to(ROOT))


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def test_a_module_says_one_thing_in_at_most_300_lines():
    long = {
        name_of(path): lines for path in MODULES if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 300
    }
    assert not long


def test_a_function_has_at_most_40_lines_of_code():
    """Deep functions hide rules. Docstrings and blank lines are not counted."""
    long = {}
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = (body[-1].end_lineno - body[0].lineno + 1) if body else 0
                if lines > 40:
                    long[f"{name_of(path)}:{node.name}"] = lines
    assert not long


def test_a_class_offers_at_most_ten_public_methods():
    wide = {}
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                public = [
                    each.name
                    for each in node.body
                    if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
                    and not each.name.startswith("_")
                    and not any("property" in ast.dump(mark) for mark in each.decorator_list)
                ]
                if len(public) > 10:
                    wide[f"{name_of(path)}:{node.name}"] = public
    assert not wide


def test_no_module_is_a_drawer_for_everything():
    assert not [
        name_of(path)
        for path in MODULES
        if path.stem in {"utils", "util", "helpers", "common", "base", "misc", "manager"}
    ]


def test_every_folder_is_a_package_with_a_docstring():
    for folder in {path.parent for path in MODULES} - {SOURCE / "core" / "store" / "migrations"}:  # Alembic's scripts
        init = folder / "__init__.py"
        assert init.exists(), name_of(folder)
        assert ast.get_docstring(tree_of(init)), name_of(init)


def test_no_sentence_for_people_hides_in_the_code():
    """A Chinese literal in a module is a text that the other language lacks."""
    leaks = []
    for path in MODULES:
        tree = tree_of(path)
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr):  # attribute docstrings
                docstrings.add(id(node.value))
        leaks += [
            f"{name_of(path)}:{node.lineno}: {node.value[:40]}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
            and HAN.search(node.value)
        ]
    assert not leaks


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_every_text_is_in_both_languages(path):
    for name, entry in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        assert set(entry) == {"zh", "en"}, name
        assert entry["zh"].strip(), name
        assert entry["en"].strip(), name
        assert not HAN.search(entry["en"].replace("经纬", "").replace("中文", "")), name
        assert set(re.findall(r"{(\w+)", entry["zh"])) == set(re.findall(r"{(\w+)", entry["en"])), (
            f"{name}: places differ"
        )


def test_every_text_the_code_names_exists():
    known = {
        f"{'.'.join(path.parent.relative_to(SOURCE).parts)}:{name}"
        for path in TEXTS
        for name in yaml.safe_load(path.read_text(encoding="utf-8"))
    }
    named = set()
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and re.fullmatch(r"[a-z_.]+:[a-z0-9-]+[a-z0-9]", node.value)
            ):
                package, _, _ = node.value.partition(":")
                if (SOURCE.joinpath(*package.split("."))).is_dir():
                    named.add((name_of(path), node.value))
    missing = sorted({(where, key) for where, key in named if key not in known and not key.startswith("jingwei.")})
    assert not missing


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not here to say which files are tracked")
def test_no_place_or_registry_of_one_machine_is_written_down():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    hosts = re.compile(r"pyp[i]\.org|pythonhoste[d]|registry\.npmj[s]|deb\.debia[n]")  # no match for itself
    places = re.compile(r"(?<![\w.])/(?:work|farm)/|/root/\.")
    bad = []
    for name in tracked:
        path = ROOT / name
        if path.suffix in {".png", ".gguf"} or not path.is_file():
            continue
        content = path.read_text(encoding="utf-8", errors="ignore")
        bad += [name for pattern in (hosts, places) if pattern.search(content)]
    assert not bad


def test_help_starts_without_the_heavy_half():
    script = (
        "import sys; sys.argv = ['jingwei', '--help']\n"
        "try:\n    from jingwei.faces.cli import main; main()\nexcept SystemExit: pass\n"
        "print([m for m in ('sqlalchemy', 'fastapi', 'pydantic', 'dbos', 'aiohttp', 'alembic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_floors_hold():
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
