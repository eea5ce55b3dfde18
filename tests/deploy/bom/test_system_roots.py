"""A container's root, read without an engine: packages of the distribution, of Python, of Node."""

import os
import sqlite3
import struct
from contextlib import closing

import pytest

from jingwei.deploy.bom import collect


@pytest.fixture
def root(tmp_path):
    def make(release, **files):
        (tmp_path / "etc").mkdir(exist_ok=True)
        (tmp_path / "etc/os-release").write_text(release)
        for name, content in files.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path

    return make


def purls(path):
    return {one.purl for one in collect(str(path)) if one.purl}


DPKG = """Package: libssl3
Status: install ok installed
Source: openssl (3.0.9-1)
Version: 3.0.9-1+b1
Architecture: amd64
Maintainer: Some Body <a@b.c>

Package: gone
Status: deinstall ok config-files
Version: 1
"""


def test_debian_packages_carry_their_distribution_and_source(root):
    (found,) = collect(str(root('ID=debian\nVERSION_ID="12"\n', var__lib__dpkg__status=DPKG)))

    assert found.purl == "pkg:deb/debian/libssl3@3.0.9-1%2Bb1?arch=amd64&distro=debian-12"
    assert found.facts == {"source": "openssl", "source-version": "3.0.9-1"}
    assert found.supplier == "Some Body"


def test_distroless_images_list_a_file_a_package(root):
    files = {
        "var__lib__dpkg__status.d__base": "Package: base-files\nVersion: 12\n",
        "var__lib__dpkg__status.d__base.md5sums": "x",
    }

    assert purls(root("ID=debian\nVERSION_ID=12\n", **files)) == {"pkg:deb/debian/base-files@12?distro=debian-12"}


def test_alpine_packages_are_listed(root):
    installed = "P:musl\nV:1.2.4-r2\nA:x86_64\nL:MIT\no:musl\n\nP:busybox\nV:1.36-r0\n"
    found = {
        one.name: one for one in collect(str(root("ID=alpine\nVERSION_ID=3.18.4\n", lib__apk__db__installed=installed)))
    }

    assert found["musl"].licence == "MIT"
    assert found["busybox"].purl == "pkg:apk/alpine/busybox@1.36-r0?distro=alpine-3.18.4"


def header(**fields):
    tags = {"name": (1000, 6), "version": (1001, 6), "release": (1002, 6), "epoch": (1003, 4), "arch": (1022, 6)}
    index, data = b"", b""
    for name, value in fields.items():
        tag, kind = tags[name]
        if kind == 4:
            data += b"\0" * (-len(data) % 4)
        index += struct.pack(">IIII", tag, kind, len(data), 1)
        data += struct.pack(">I", value) if kind == 4 else value.encode() + b"\0"
    return struct.pack(">II", len(fields), len(data)) + index + data


def test_rpm_headers_are_read_from_its_database(root):
    path = root("ID=rocky\nVERSION_ID=9.3\n") / "var/lib/rpm/rpmdb.sqlite"
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE Packages (hnum INTEGER, blob BLOB)")
        rows = [header(name="bash", version="5.1", release="6.el9", arch="x86_64"), header(name="dbus", version="1", release="2", epoch=1),
                header(name="gpg-pubkey", version="1", release="1"), b"short", b"\xff" * 40]  # fmt: skip
        connection.executemany("INSERT INTO Packages VALUES (1, ?)", [(row,) for row in rows])

    assert purls(path.parents[3]) == {"pkg:rpm/rocky/bash@5.1-6.el9?arch=x86_64&distro=rocky-9.3",
                                      "pkg:rpm/rocky/dbus@1:1-2?distro=rocky-9.3"}  # fmt: skip


@pytest.mark.parametrize("name", ["rpmdb.sqlite", "Packages", "Packages.db"])
def test_a_database_that_cannot_be_read_is_a_gap(root, name):
    found = list(collect(str(root("ID=rocky\n", **{f"var__lib__rpm__{name}": "not a database"}))))

    assert len(found) == 1
    assert found[0].gap


def test_python_and_node_packages_inside_are_listed(root):
    files = {"usr__lib__python3__dist-packages__a-1.0.dist-info__METADATA": "Name: a\nVersion: 1.0\nLicense: MIT\n",
             "usr__lib__python3__dist-packages__old.egg-info__PKG-INFO": "Name: old\nVersion: 2.0\n",
             "app__node_modules__@s__b__package.json": '{"name": "@s/b", "version": "3.0.0", "license": "MIT"}',
             "app__node_modules__@s__b__lib__package.json": '{"name": "inner", "version": "9"}',
             "app__node_modules__c__package.json": "{broken"}  # fmt: skip
    found = {one.name: one for one in collect(str(root("ID=debian\n", **files)))}

    assert {name: one.version for name, one in found.items()} == {"a": "1.0", "old": "2.0", "@s/b": "3.0.0", "c": ""}
    assert found["c"].gap == "gap-syntax"
    assert found["@s/b"].licence == "MIT"


def test_links_that_lead_out_loops_and_pipes_do_not_stop_the_walk(root, tmp_path):
    base = root("ID=debian\nVERSION_ID=12\n", var__lib__dpkg__status=DPKG)
    (base / "loop").symlink_to(base)
    (base / "requirements.txt").symlink_to("/etc/hostname")
    os.mkfifo(base / "constraints.txt")
    os.mkfifo(base / "model.gguf")
    found = {one.name: one.gap for one in collect(str(base))}

    assert found == {"libssl3": "", "constraints.txt": "gap-not-a-file", "model.gguf": "gap-not-a-file"}


def test_a_record_that_names_impossible_files_is_told_not_fatal(root):
    """A name with a NUL, a link in a circle, a pipe."""
    files = {"site-packages__a-1.0.dist-info__METADATA": "Name: a\nVersion: 1.0\n",
             "site-packages__a-1.0.dist-info__RECORD": "a\0b.py,sha256=AA,1\ncircle.py,sha256=AA,1\npipe.py,sha256=AA,1\n"}  # fmt: skip
    base = root("ID=debian\n", **files)
    os.mkfifo(base / "site-packages/pipe.py")
    (base / "site-packages/circle.py").symlink_to("circle.py")
    (found,) = collect(str(base))

    assert len(found.changed) == 3


def test_an_os_release_in_a_circle_is_no_distribution(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").symlink_to("os-release")
    (tmp_path / "requirements.txt").write_text("a==1\n")

    assert [one.name for one in collect(str(tmp_path))] == ["a"]
