"""The check that the guide shows is a check: it runs through the same door as ours, and its evidence is signed."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jingwei.catalog import load_catalog
from jingwei.core.check import Run
from jingwei.core.evidence import Artefact, Outcome
from jingwei.core.signing import Signer
from jingwei.core.target import Target, TargetKind
from jingwei.platform.alone import Alone

CONCEPTS = Path(__file__).resolve().parents[2] / "docs" / "concepts"
GUIDES = [CONCEPTS / "checks.md", CONCEPTS / "checks.zh.md"]


def block(guide, kind):
    """Return the one code block of a kind."""
    (found,) = re.findall(rf"```{kind}\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    return found


@pytest.fixture
def module(tmp_path):
    """Save the guide's example as the guide says, and import it."""
    path = tmp_path / "prompt_notes.py"
    path.write_text(block(GUIDES[0], "python"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("prompt_notes", path)
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def no_artefact(name: str, media_type: str, content: bytes) -> Artefact:
    raise AssertionError(name)


def examined(module, folder, content, **options):
    """Run the example alone on a prompt."""
    prompt = folder / "prompt.txt"
    prompt.write_text(content, encoding="utf-8")
    check = module.PromptNotes()
    run = Run(
        id="run-1",
        target=Target(kind=TargetKind.FILE, locator=str(prompt)),
        options=module.Options(**options),
        keep=no_artefact,
    )
    (evidence,) = Alone(folder / "home").run(check, run, progress=lambda _done, _total: None)
    evidence.verify(Signer.at(folder / "home" / "keys" / "local.key").verifier)
    return evidence


@pytest.mark.parametrize("kind", ["python", "toml", "yaml", "sh"])
def test_both_languages_show_the_same_example(kind):
    assert block(GUIDES[0], kind) == block(GUIDES[1], kind)


def test_the_example_finds_a_note_and_says_where(module, tmp_path):
    evidence = examined(module, tmp_path, "You answer questions.\n\nTODO: mention the travel rules\n")
    assert evidence.outcome is Outcome.FAIL
    assert [(each.rule_id, each.location.line) for each in evidence.findings] == [("prompt.note", 3)]
    assert evidence.examined == 3
    assert evidence.source.name == "prompt-notes"


def test_the_example_passes_a_clean_prompt_and_listens_to_its_options(module, tmp_path):
    assert examined(module, tmp_path, "You answer questions.\nTODO later\n", marks=("XXX",)).outcome is Outcome.PASS


def test_the_pack_of_the_guide_is_a_pack(tmp_path):
    (tmp_path / "acme.yaml").write_text(block(GUIDES[0], "yaml"), encoding="utf-8")
    kind = load_catalog((tmp_path,)).evidence_types["ACME-PROMPT-NOTES"]
    assert kind.checks == ("prompt-notes",)


@pytest.mark.slow
def test_the_example_is_found_by_its_entry_point(tmp_path):
    """A second distribution, as an installer lays it down."""
    (tmp_path / "prompt_notes.py").write_text(block(GUIDES[0], "python"), encoding="utf-8")
    about = tmp_path / "acme_checks-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-checks\nVersion: 1\n", encoding="utf-8")
    points = (
        block(GUIDES[0], "toml").replace('[project.entry-points."jingwei.checks"]', "[jingwei.checks]").replace('"', "")
    )
    (about / "entry_points.txt").write_text(points, encoding="utf-8")
    (tmp_path / "prompt.txt").write_text("Be kind.\nXXX ask legal\n", encoding="utf-8")
    command = block(GUIDES[0], "sh").split()
    environment = {
        **os.environ,
        "PYTHONPATH": str(tmp_path),
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }
    done = subprocess.run(
        [Path(sys.executable).parent / command[0], *command[1:]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "prompt.note" in (tmp_path / "notes.sarif").read_text(encoding="utf-8")
