"""Each import contract is shown the one thing it forbids: a contract that lets its own violation pass holds nothing.

The sources are copied, one line is added, and the linter must refuse the copy and name the contract.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = [
    each["name"]
    for each in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
]


class Seed(NamedTuple):
    """One violation: which module gets which line, and how the contract that must refuse it begins."""

    contract: str
    module: str
    line: str


SEEDS = {
    "a lower floor imports a higher one": Seed("Floors", "core/clock.py", "import jingwei.platform.platform"),
    "a floor imports one two above": Seed("Floors", "detect/hit.py", "from jingwei.faces.cli import main"),
    "the weft imports the warp": Seed("Floors", "manage/line.py", "from jingwei.deploy.guard import Guard"),
    "two sides of the warp meet": Seed("Floors", "operate/label/explicit.py", "def late():\n    from jingwei.develop.data import DataScan"),
    "a new folder has no place": Seed("Floors", "attic/__init__.py", '"""Nobody said where this belongs."""'),
    "the API imports the console": Seed("The terminal starts", "faces/api/paging.py", "from jingwei.faces.console import console"),
    "the console imports the gateway": Seed("The terminal starts", "faces/console/language.py", "import jingwei.faces.gateway.wire"),
    "a face imports the terminal": Seed("The terminal starts", "faces/gateway/wire.py", "from jingwei.faces.cli import main"),
    "a new face has no place": Seed("The terminal starts", "faces/pager/__init__.py", '"""A fifth face."""'),
    "two modules deep inside a package import one another": Seed("No cycles", "core/ledger/model.py", "import jingwei.core.ledger.walk"),
    "two packages of one room import one another": Seed("No cycles", "core/store/row.py", "from jingwei.core.ledger import verify"),
    "the core knows the terminal": Seed("Only faces", "core/text.py", "import click"),
    "a room knows the web": Seed("Only faces", "deploy/guard/verdict.py", "def late():\n    from fastapi import FastAPI"),
    "the platform paints": Seed("Only faces", "platform/loop.py", "from rich.table import Table"),
    "the gateway opens a database": Seed("The gateway stays light", "faces/gateway/wire.py", "import sqlalchemy"),
    "the gateway opens the store": Seed("The gateway stays light", "faces/gateway/wire.py", "from jingwei.core.store import Store"),
    "the gateway draws templates": Seed("The gateway stays light", "faces/gateway/wire.py", "import jinja2"),
    "what the gateway imports opens the store": Seed("The gateway stays light", "core/ids.py", "import jingwei.core.store.failure"),
    "what the gateway imports opens a database": Seed("The gateway stays light", "detect/hidden.py", "import sqlalchemy"),
    "what the gateway imports draws templates": Seed("The gateway stays light", "core/snapshot.py", "def late():\n    import jinja2"),
    "a model runs outside its door": Seed("The llama runtime", "platform/loop.py", "def late():\n    import xllamacpp"),
    "a job is made outside its door": Seed("Durable jobs", "platform/work.py", "import dbos"),
    "a job is made by a face": Seed("Durable jobs", "faces/api/app.py", "def late():\n    from dbos import DBOS"),
    "torch comes in": Seed("torch and ray", "develop/evaluate/judge.py", "def late():\n    import torch"),
    "ray comes in": Seed("torch and ray", "core/jobs.py", "import ray"),
}  # fmt: skip


def named(beginning):
    """Find the one contract whose name begins so."""
    (name,) = [each for each in CONTRACTS if each.startswith(beginning)]
    return name


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """Copy what the linter reads."""
    folder = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def linted(folder):
    """Return the linter's exit status and what it says of the copy, on one line."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, " ".join(done.stdout.split())


def test_each_contract_has_a_violation_to_refuse():
    assert {named(seed.contract) for seed in SEEDS.values()} == set(CONTRACTS)


@pytest.mark.slow
def test_the_tree_as_it_is_breaks_no_contract(copied):
    status, said = linted(copied)
    assert status == 0, said
    assert f"{len(CONTRACTS)} kept, 0 broken" in said


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS.values(), ids=list(SEEDS))
def test_the_contract_refuses(copied, seed):
    module = copied / "src" / "jingwei" / seed.module
    before = module.read_text(encoding="utf-8") if module.exists() else None
    module.parent.mkdir(exist_ok=True)
    module.write_text(f"{before or ''}\n{seed.line}\n", encoding="utf-8")
    try:
        status, said = linted(copied)
    finally:
        if before is None:
            shutil.rmtree(module.parent)
        else:
            module.write_text(before, encoding="utf-8")
    assert status == 1, said
    assert f"{named(seed.contract)} BROKEN" in said
