"""New advisories by file drop: compiled once, swapped whole, and what could not be read is counted."""

import gzip
import json
import sqlite3
import zipfile
from datetime import date

import pytest

from jingwei.core.errors import InputError
from jingwei.deploy.advisories import Knowledge, Package, Store, open_store, shipped_store, what_is_known
from jingwei.deploy.advisories.intake import COMPILED

TODAY = date(2026, 11, 23)


def osv(name="GHSA-1", package="demo", ecosystem="npm", fixed="2.0.0", modified="2026-11-01T00:00:00Z", **more):
    events = [{"introduced": "0"}, {"fixed": fixed}]
    affected = {"package": {"ecosystem": ecosystem, "name": package}, "ranges": [{"type": "SEMVER", "events": events}]}
    return {"id": name, "modified": modified, "affected": [affected], **more}


def drop(folder, name, *records):
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / name, "w") as archive:
        for number, record in enumerate(records):
            archive.writestr(f"{number}.json", record if isinstance(record, str) else json.dumps(record))


def ids(store, package="demo", ecosystem="npm"):
    return [one.id for one in store.of(ecosystem, package)]


def test_the_shipped_store_covers_python_and_ai_components():
    store = shipped_store()

    assert {source.ecosystem: source.advisories for source in store.sources} == {"PyPI": 7080, "AI": 2004}
    assert {source.licence for source in store.sources} == {"CC-BY-4.0", "Apache-2.0"}
    assert len(Knowledge([store]).match(Package("PyPI", "mlflow", "2.8.0")).affected) > 60
    assert store.path.stat().st_size < 4_000_000


@pytest.mark.parametrize("name", ["npm.zip", "record.json", "list.json"])
def test_a_dropped_file_is_used(tmp_path, name):
    folder = tmp_path / "store"
    folder.mkdir()
    if name.endswith(".zip"):
        drop(folder, name, osv())
    else:
        (folder / name).write_text(json.dumps(osv() if name == "record.json" else [osv()]))
    store = open_store(folder, today=TODAY)

    assert ids(store) == ["GHSA-1"]
    assert store.sources[0][1:4] == ("npm", "2026-11-01", 1)


def test_a_zip_or_a_record_alone_is_a_store(tmp_path):
    drop(tmp_path, "npm.zip", osv())

    assert ids(open_store(tmp_path / "npm.zip", today=TODAY)) == ["GHSA-1"]


def test_nothing_is_compiled_again_until_a_file_changes(tmp_path):
    drop(tmp_path / "s", "npm.zip", osv())
    open_store(tmp_path / "s", today=TODAY)
    before = (tmp_path / "s" / COMPILED).stat().st_ino
    open_store(tmp_path / "s", today=TODAY)
    unchanged = (tmp_path / "s" / COMPILED).stat().st_ino
    (tmp_path / "s" / "more.json").write_text(json.dumps(osv("GHSA-2")))
    store = open_store(tmp_path / "s", today=TODAY)

    assert before == unchanged
    assert ids(store) == ["GHSA-1", "GHSA-2"]


def test_who_reads_while_it_is_swapped_keeps_the_old_store_whole(tmp_path):
    drop(tmp_path / "s", "npm.zip", osv())
    old = open_store(tmp_path / "s", today=TODAY)
    (tmp_path / "s" / "more.json").write_text(json.dumps(osv("GHSA-2", package="other")))
    new = open_store(tmp_path / "s", today=TODAY)

    assert (ids(old), ids(old, "other")) == (["GHSA-1"], [])
    assert ids(new, "other") == ["GHSA-2"]
    assert [each.name for each in (tmp_path / "s").iterdir() if each.name.startswith(".")] == []


def test_of_one_advisory_twice_the_newer_counts(tmp_path):
    drop(tmp_path / "s", "a.zip", osv(fixed="3.0.0", modified="2026-11-02T00:00:00Z"), osv(fixed="1.0.0"))

    assert open_store(tmp_path / "s", today=TODAY).of("npm", "demo")[0].spans == ("<3.0.0",)


def test_what_cannot_be_read_is_counted_and_the_rest_is_used(tmp_path):
    folder = tmp_path / "s"
    drop(folder, "a.zip", osv(), "{broken", json.dumps({"id": "X"}))
    (folder / "bad.zip").write_bytes(b"PK\x03\x04 nonsense")
    (folder / "bomb.yaml").write_text("a: &a [x]\nb: [*a, *a]\n")
    known = what_is_known(str(folder), shipped=False, today=TODAY)

    assert ids(known.knowledge.stores[0]) == ["GHSA-1"]
    assert "4 records or files" in known.gaps[0].en


def test_lists_of_exploited_flaws_and_likelihoods_are_joined(tmp_path):
    folder = tmp_path / "s"
    drop(folder, "a.zip", osv(aliases=["CVE-2026-7"]))
    (folder / "kev.json").write_text(json.dumps({"vulnerabilities": [{"cveID": "CVE-2026-7"}]}))
    with gzip.open(folder / "epss.csv.gz", "wt") as file:
        file.write("#model\ncve,epss,percentile\nCVE-2026-7,0.42,0.9\nCVE-2026-8,nonsense,0\n")
    (one,) = open_store(folder, today=TODAY).of("npm", "demo")

    assert (one.exploited, one.likelihood) == (True, 0.42)


def test_rules_about_components_can_be_dropped_in(tmp_path):
    folder = tmp_path / "s"
    folder.mkdir()
    (folder / "rule.yaml").write_text(
        'info: {name: Our Gateway, cve: CVE-2026-99, severity: HIGH}\nrule: version < "2"\n'
    )

    assert ids(open_store(folder, today=TODAY), "our-gateway", "AI") == ["CVE-2026-99"]


def test_a_date_of_tomorrow_does_not_make_advisories_younger(tmp_path):
    drop(tmp_path / "s", "a.zip", osv(modified="2099-01-01T00:00:00Z"))

    assert open_store(tmp_path / "s", today=TODAY).sources[0].day == "2026-11-23"


@pytest.mark.parametrize("given", ["missing", "empty", "broken.sqlite", "other.sqlite"])
def test_a_store_that_is_none_leaves_a_gap(tmp_path, given):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.sqlite").write_bytes(b"nothing")
    sqlite3.connect(tmp_path / "other.sqlite").close()
    known = what_is_known(str(tmp_path / given), shipped=False, today=TODAY)

    assert known.gaps
    assert not known.knowledge.covers("PyPI")


def test_a_file_that_is_no_store_is_refused_with_its_name(tmp_path):
    (tmp_path / "x.sqlite").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"x\.sqlite"):
        Store(tmp_path / "x.sqlite")
