"""Lock files and requirements: exact names and versions, and an unpinned one is never guessed."""

import json

import pytest

from jingwei.core.errors import InputError
from jingwei.deploy.bom import collect

REQUIREMENTS = """
# comment
torch==2.5.0
numpy>=1.2  # any
Pillow===10.0
requests[security]==2.31.0 ; python_version > "3" --hash=sha256:{sha}
foo @ https://user:secret@host/z.whl
-e git+https://token@host/bar.git#egg=bar
-r more.txt
--index-url https://user:secret@host/simple
scipy==1.*
???
"""
LOCKS = {
    "requirements.txt": (
        REQUIREMENTS.format(sha="a" * 64),
        {"torch": "2.5.0", "numpy": "", "Pillow": "10.0", "requests": "2.31.0", "foo": "", "bar": "", "mlflow": "2.8.0",
         "scipy": "", "???": ""},
    ),
    "pyproject.toml": (
        ('[project]\ndependencies = ["a==1", "b>2"]\n[project.optional-dependencies]\nx = ["c==3"]\n[dependency-groups]\n'
        'dev = ["d==4", {include-group = "x"}]\n[tool.poetry.dependencies]\npython = "^3.11"\ne = "5.0"\nf = {version = "^6"}\n'),
        {"a": "1", "b": "", "c": "3", "d": "4", "e": "5.0", "f": ""},
    ),
    "uv.lock": (
        ('version = 1\n[[package]]\nname = "me"\nversion = "0"\nsource = { virtual = "." }\n[[package]]\nname = "a"\n'
        'version = "1.0"\nsource = { registry = "r" }\ndependencies = [{ name = "b" }]\n'),
        {"a": "1.0"},
    ),
    "poetry.lock": ('[[package]]\nname = "a"\nversion = "1.0"\n[package.dependencies]\nb = ">1"\n', {"a": "1.0"}),
    "Pipfile.lock": (
        '{"_meta": {}, "default": {"a": {"version": "==1.0"}, "b": {"git": "x"}}, "develop": {"c": {"version": "==2"}}}',
        {"a": "1.0", "b": "", "c": "2"},
    ),
    "pylock.toml": ('lock-version = "1.0"\n[[packages]]\nname = "a"\nversion = "1.0"\n', {"a": "1.0"}),
    "environment.yml": (
        "dependencies:\n  - python=3.10\n  - conda-forge::numpy=1.26.4\n  - scipy=1.1=py310\n  - x==2\n  - y>=3\n  - pip:\n    - a==1\n",
        {"python": "", "numpy": "1.26.4", "scipy": "1.1", "x": "2", "y": "", "a": "1"},
    ),
    "package-lock.json": (
        json.dumps({"lockfileVersion": 3, "packages": {"": {"name": "me"}, "node_modules/@a/b": {"version": "1.2.3"},
                    "node_modules/c/node_modules/d": {"version": "0.1.0"}, "node_modules/e": {"link": True},
                    "node_modules/f": {"version": "git+ssh://x"}}}),
        {"@a/b": "1.2.3", "d": "0.1.0", "f": ""},
    ),
    "npm-shrinkwrap.json": (
        json.dumps({"lockfileVersion": 1, "dependencies": {"a": {"version": "1", "dependencies": {"b": {"version": "2"}}}}}),
        {"a": "1", "b": "2"},
    ),
    "pnpm-lock.yaml": (
        "lockfileVersion: '9.0'\npackages:\n  '@a/z@1.0.0(react@1)':\n    x: y\n  /q@2.0.0: {}\n  /old/3.0.0: {}\n",
        {"@a/z": "1.0.0", "q": "2.0.0", "old": "3.0.0"},
    ),
    "yarn.lock": (
        ('"@babel/core@^7.0.0", "@babel/core@^7.1":\n  version "7.22.0"\n\nlodash@^4:\n  version "4.17.20"\n\n'
        '"berry@npm:^1":\n  version: 1.2.3\n\n"me@workspace:.":\n  version: 0.0.0\n'),
        {"@babel/core": "7.22.0", "lodash": "4.17.20", "berry": "1.2.3"},
    ),
    "go.mod": (
        ("module m\nrequire (\n\tgithub.com/a/b v1.2.3 // indirect\n\tx.org/y v0.1.0\n)\nrequire z.org/q v1.0.0\n"
        "replace x.org/y => x.org/y v0.9.0\nreplace z.org/q => ../local\n"),
        {"github.com/a/b": "v1.2.3", "x.org/y": "v0.9.0"},
    ),
    "Cargo.lock": (
        '[[package]]\nname = "me"\nversion = "0"\n[[package]]\nname = "serde"\nversion = "1.0"\nsource = "registry"\n',
        {"serde": "1.0"},
    ),
    "pom.xml": (
        ('<project xmlns="http://maven.apache.org/POM/4.0.0"><properties><v>2.14.0</v></properties><dependencyManagement>'
        "<dependencies><dependency><groupId>g</groupId><artifactId>m</artifactId><version>3</version></dependency>"
        "</dependencies></dependencyManagement><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId>"
        "<version>${v}</version></dependency><dependency><groupId>g</groupId><artifactId>m</artifactId></dependency>"
        "<dependency><groupId>g</groupId><artifactId>u</artifactId><version>${unknown}</version></dependency>"
        "<dependency><groupId>g</groupId><artifactId>r</artifactId><version>[1,2)</version></dependency>"
        "</dependencies></project>"),
        {"g:a": "2.14.0", "g:m": "3", "g:u": "", "g:r": ""},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content", "versions"), [(name, *each) for name, each in LOCKS.items()], ids=LOCKS)
def test_each_lock_gives_its_exact_versions(tmp_path, name, content, versions):
    (tmp_path / name).write_text(content)
    (tmp_path / "more.txt").write_text("mlflow==2.8.0\n-r requirements.txt\n")

    assert {one.name: one.version for one in collect(str(tmp_path / name))} == versions


def test_secrets_of_addresses_stay_out(tmp_path):
    (tmp_path / "requirements.txt").write_text(REQUIREMENTS)
    (tmp_path / "more.txt").write_text("")

    assert not any(word in one.model_dump_json() for one in collect(str(tmp_path)) for word in ("secret", "token@"))


@pytest.mark.parametrize("include", ["../outside.txt", "/etc/hostname", "missing.txt", "nul\0.txt", "circle.txt"])
def test_an_include_that_leads_out_is_a_gap(tmp_path, include):
    (tmp_path / "app").mkdir()
    (tmp_path / "outside.txt").write_text("a==1\n")
    (tmp_path / "app" / "circle.txt").symlink_to("circle.txt")
    (tmp_path / "app" / "requirements.txt").write_text(f"-r {include}\nb==2\n")
    found = list(collect(str(tmp_path / "app" / "requirements.txt")))

    assert [bool(one.gap) for one in found] == [True, False]


@pytest.mark.parametrize(
    "name", [name for name in LOCKS if name not in {"requirements.txt", "go.mod", "yarn.lock", "environment.yml"}]
)
@pytest.mark.parametrize(
    "content", ["", "{", "<x>", "\x00\xff", "[" * 100_000, "a: &a [x]\nb: [*a, *a]\n"], ids=range(6)
)
def test_a_broken_lock_is_one_gap(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    (tmp_path / "requirements.txt").write_text("a==1\n")
    found = [one for one in collect(str(tmp_path)) if one.path == name]

    assert [one.gap for one in found] in (["gap-syntax"], [])
    assert found or not content.strip("[]")


def test_an_entity_in_a_pom_is_refused(tmp_path):
    (tmp_path / "pom.xml").write_text('<!DOCTYPE a [<!ENTITY e "x">]><project>&e;</project>')

    assert [one.gap for one in collect(str(tmp_path))] == ["gap-syntax"]


@pytest.mark.parametrize(
    ("name", "content", "versions"),
    [
        ("frozen.txt", "a==1\nb==2  # via a\nc==3 \\\n    --hash=sha256:ff\n", {"a": "1", "b": "2", "c": "3"}),
        ("installed.json", '[{"name": "a", "version": "1"}, {"name": "b"}]', {"a": "1"}),
        ("any.json", '{"bomFormat": "CycloneDX", "components": [{"name": "a", "version": "1"}]}', {"a": "1"}),
        ("x.json", '{"mcpServers": {"s": {"command": "npx", "args": ["p@1.0.0"]}}}', {"s": "1.0.0"}),
    ],
)
def test_a_file_of_any_name_is_told_by_its_content(tmp_path, name, content, versions):
    (tmp_path / name).write_text(content)

    assert {one.name: one.version for one in collect(str(tmp_path / name))} == versions


@pytest.mark.parametrize(("name", "content"), [("notes.txt", "buy milk\n"), ("words.txt", "alpha\nbeta\n"), ("x.json", "{"),
                                               ("a.cdx.json", "{}"), ("empty.txt", "")])  # fmt: skip
def test_a_file_that_says_nothing_of_components_is_refused(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError):
        list(collect(str(tmp_path / name)))
