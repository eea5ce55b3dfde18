"""The way back: which release is chosen, that it is one step, and what being killed half-way leaves."""

import asyncio
import signal
import subprocess
import sys

import pytest

from jingwei.core.check import Run
from jingwei.core.errors import Conflict, Tampered
from jingwei.core.evidence import Artefact, Outcome
from jingwei.core.target import Target, TargetKind
from jingwei.deploy.signing import (
    ModelSignature,
    Release,
    RollbackDrill,
    examine,
    new_key,
    roll_back,
    sign,
    switch_to,
    write_releases,
)
from jingwei.deploy.signing.check import ModelSignatureOptions, RollbackDrillOptions


@pytest.fixture
def keys(tmp_path):
    return new_key(tmp_path)


@pytest.fixture
def served(tmp_path, keys):
    """Give three approved releases, the newest of which is served."""
    return make(tmp_path / "served", keys, approved={"1.0": True, "1.1": True, "1.2": True})


def make(folder, keys, *, approved):
    releases = []
    for version, good in approved.items():
        place = folder / "releases" / version
        place.mkdir(parents=True)
        (place / "weights.bin").write_text(version, encoding="utf-8")
        sign(place, keys.private)
        releases.append(Release(version=version, digest=examine(place, keys.public).digest, approved=good))
    write_releases(folder, releases, keys.private)
    (folder / "current").symlink_to(f"releases/{releases[-1].version}")
    return folder


def weights(folder):
    return (folder / "current" / "weights.bin").read_text(encoding="utf-8")


def test_the_last_approved_release_that_verifies_is_chosen(tmp_path, keys):
    folder = make(tmp_path / "m", keys, approved={"1.0": True, "1.1": True, "1.2": False, "1.3": True})
    (folder / "releases" / "1.1" / "weights.bin").write_text("evil", encoding="utf-8")
    done = roll_back(folder, keys.public)
    assert (done.before, done.after) == ("1.3", "1.0")
    assert [each.version for each in done.passed] == ["1.2", "1.1"]
    assert weights(folder) == "1.0"
    assert (folder / "releases" / "1.3").is_dir()


def test_without_a_good_release_what_is_served_stays(served, keys):
    for version in ("1.0", "1.1"):
        (served / "releases" / version / "model.sig").unlink()
    with pytest.raises(Conflict):
        roll_back(served, keys.public)
    assert weights(served) == "1.2"


def test_an_old_release_under_a_new_name_is_refused(served, keys):
    old, new = served / "releases" / "1.0", served / "releases" / "1.1"
    for name in ("weights.bin", "model.sig"):
        (new / name).write_bytes((old / name).read_bytes())
    assert roll_back(served, keys.public).after == "1.0"


def test_a_list_that_another_signed_is_not_believed(served, keys, tmp_path):
    other = new_key(tmp_path, name="other")
    write_releases(served, [Release(version="1.0", digest="0" * 64, approved=True)], other.private)
    with pytest.raises(Tampered):
        roll_back(served, keys.public)


def test_a_release_that_was_never_approved_is_not_served(tmp_path, keys):
    folder = make(tmp_path / "m", keys, approved={"1.0": True, "1.1": False})
    with pytest.raises(Conflict):
        switch_to(folder, "1.1", keys.public)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["symlink", "before", "after"])
def test_killed_half_way_leaves_the_old_or_the_new_release(served, keys, place):
    """A child kills itself at a point of the switch: nothing but a whole release is ever served."""
    script = f"""
import os, pathlib, signal, sys
from jingwei.deploy.signing import rollback
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
made, replaced = pathlib.Path.symlink_to, pathlib.Path.replace
if {place!r} == "symlink":
    pathlib.Path.symlink_to = lambda *a, **k: die()
elif {place!r} == "before":
    pathlib.Path.replace = lambda *a, **k: die()
else:
    pathlib.Path.replace = lambda *a, **k: (replaced(*a, **k), die())
rollback.roll_back(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(served), str(keys.public)], check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert weights(served) == ("1.1" if place == "after" else "1.2")
    again = roll_back(served, keys.public)
    assert weights(served) == again.after
    assert sorted(each.name for each in served.iterdir()) == ["current", "releases", "releases.dsse.json"]


def run_of(check, folder, options):
    kept = {}

    def keep(name, media_type, content):
        kept[name] = content
        return Artefact(name=name, media_type=media_type, sha256="0" * 64, size=len(content))

    run = Run(id="r", target=Target(kind=TargetKind.FILE, locator=str(folder)), options=options, keep=keep)
    units = check.plan(run)
    results = [asyncio.run(check.examine(run, unit)) for unit in units]
    (draft,) = check.conclude(run, units, results)
    assert "scan.json" in kept
    return draft


def test_the_drill_goes_back_and_forward_and_measures(served, keys):
    draft = run_of(RollbackDrill(), served, RollbackDrillOptions(public_key=keys.public))
    assert draft.outcome is Outcome.PASS
    assert draft.measures[0].value > 0
    assert weights(served) == "1.2"


def test_the_signature_check_binds_to_the_models_digest_and_names_what_differs(served, keys):
    place = served / "releases" / "1.0"
    options = ModelSignatureOptions(public_key=keys.public)
    good = run_of(ModelSignature(), place, options)
    assert good.outcome is Outcome.PASS
    assert good.bindings[0].digest == examine(place, keys.public).digest
    (place / "weights.bin").write_text("evil", encoding="utf-8")
    bad = run_of(ModelSignature(), place, options)
    assert [(each.rule_id, each.location.path) for each in bad.findings] == [("signing.changed", "weights.bin")]
