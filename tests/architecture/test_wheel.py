"""What people install is the wheel, not this folder: every data file is in it, and it runs from it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
UNWANTED = {".gguf", ".pyc", ".db", ".safetensors"}
pytestmark = pytest.mark.slow

RUNS = """
import sys
from pathlib import Path
import jingwei
from jingwei.catalog import load_catalog
from jingwei.core.plugins import check_names, load_check
from jingwei.core.text import texts
from jingwei.detect import Bundle
from jingwei.faces.console.rendering import __file__ as console
from jingwei.platform.demonstration import example_folder

home = Path(sys.argv[1])
assert Path(jingwei.__file__).is_relative_to(home), jingwei.__file__
assert Path(console).is_relative_to(home)
assert len(load_catalog().controls) > 100
for package in sorted(home.joinpath("jingwei").rglob("text.yaml")):
    assert texts(".".join(package.parent.relative_to(home / "jingwei").parts))
for name in check_names():
    load_check(name)
assert Bundle.build().scan("110101199003070011") is not None
assert example_folder() == home / "jingwei" / "examples" / "assistant"
print("runs")
"""


def run(*command, **environment):
    """Run a command without a network; show what it said if it fails."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, env={**os.environ, "UV_OFFLINE": "1", "UV_NO_CONFIG": "1", **environment},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tracked(folder):
    """List what a folder's wheel part should hold: what git knows or would take, but no leftovers."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {
        name
        for name in listed.stdout.split("\0")
        if name and (ROOT / name).is_file() and Path(name).suffix not in UNWANTED
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel, as a release does."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel):
    """Return the names in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Install the wheel, and nothing else, into a folder of its own."""
    folder = tmp_path_factory.mktemp("installed")
    run(
        BIN / "uv",
        "pip",
        "install",
        "--quiet",
        "--offline",
        "--no-deps",
        "--python",
        sys.executable,
        "--target",
        folder,
        wheel,
    )
    return folder


def test_every_file_of_the_package_is_in_the_wheel(names):
    missing = {name.removeprefix("src/") for name in tracked("src/jingwei")} - names
    assert not missing


@pytest.mark.parametrize(
    "part",
    ["py.typed", "core/text.yaml", "catalog/packs/grading.yaml", "core/store/migrations/versions/state/0001_first.py",
     "core/store/migrations/script.py.mako", "develop/evaluate/suites/baseline.yaml", "detect/words/drugs.yaml", "detect/NOTICE",
     "faces/console/templates/base.html", "faces/console/static/console.css", "examples/assistant/system.yaml"],
)  # fmt: skip
def test_each_kind_of_data_is_in_the_wheel(names, part):
    assert f"jingwei/{part}" in names


def test_the_example_is_in_the_wheel_whole(names):
    packed = {name for name in names if name.startswith("jingwei/examples/")}
    assert packed == {f"jingwei/{name}" for name in tracked("examples/assistant")}


def test_no_model_and_no_leftover_is_in_the_wheel(names):
    assert not {name for name in names if Path(name).suffix in UNWANTED}
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"jingwei"}


def test_the_installed_wheel_runs_without_the_repository(installed, tmp_path):
    script = tmp_path / "runs.py"
    script.write_text(RUNS, encoding="utf-8")
    assert run(sys.executable, script, installed, PYTHONPATH=str(installed), HOME=str(tmp_path)) == "runs\n"


def test_the_installed_command_speaks_both_languages(installed, tmp_path):
    script = tmp_path / "speaks.py"
    script.write_text("from jingwei.faces.cli import main\nmain()\n", encoding="utf-8")
    for lang, word in (("en", "Usage:"), ("zh", "用法")):
        assert word in run(sys.executable, script, "--lang", lang, PYTHONPATH=str(installed), HOME=str(tmp_path))
