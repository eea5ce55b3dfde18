"""The AI-BOM of a small environment made for the purpose, and of the one that runs these tests."""

import asyncio
import base64
import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from jingwei.core.check import Run, examine_all
from jingwei.core.errors import InputError
from jingwei.core.evidence import Artefact, Outcome
from jingwei.core.target import Target, TargetKind
from jingwei.deploy.bom import AiBom, AiBomOptions, Component, completeness, write_bom

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Kept:
    """Artefacts, in memory."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def __call__(self, name: str, media_type: str, content: bytes) -> Artefact:
        self.contents[name] = content
        return Artefact(name=name, media_type=media_type, sha256=hashlib.sha256(content).hexdigest(), size=len(content))


def install(
    root: Path, name: str, version: str = "1.0", *, extra: str = "License-Expression: MIT\n", record: bool = True
) -> Path:
    site = root / "lib" / "python3.11" / "site-packages"
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    module = site / f"{name}.py"
    module.write_text("x = 1\n")
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nAuthor: A. Person\n{extra}\nBody\n"
    )
    if record:
        sha = base64.urlsafe_b64encode(hashlib.sha256(module.read_bytes()).digest()).rstrip(b"=").decode()
        (info / "RECORD").write_text(f"{module.name},sha256={sha},6\n{info.name}/RECORD,,\n")
    return module


def concluded(root: Path, **options: object):
    kept = Kept()
    run = Run(id="1", target=Target(kind=TargetKind.ENVIRONMENT, locator=str(root), name="assistant"),
              options=AiBomOptions(**options), keep=kept, clock=lambda: NOW)  # fmt: skip
    check = AiBom()
    units = check.plan(run)
    results = asyncio.run(examine_all(check, run, units, done={}, each=lambda *_: None))
    (draft,) = check.conclude(run, units, results)
    return draft, json.loads(kept.contents["ai-bom.cdx.json"]), kept.contents["ai-bom.cdx.json"]


def rules(draft) -> list[str]:
    return sorted(finding.rule_id for finding in draft.findings)


def test_every_package_is_listed_with_licence_and_dependencies(tmp_path):
    install(
        tmp_path,
        "alpha",
        extra="License-Expression: Apache-2.0\nRequires-Dist: beta>=1\nRequires-Dist: gone; extra == 'x'\n",
    )
    install(tmp_path, "beta")

    draft, written, _ = concluded(tmp_path)

    assert draft.outcome is Outcome.PASS
    assert [entry["purl"] for entry in written["components"]] == ["pkg:pypi/alpha@1.0", "pkg:pypi/beta@1.0"]
    assert written["components"][0]["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    depends = {entry["ref"]: entry.get("dependsOn") for entry in written["dependencies"]}
    assert depends["pkg:pypi/alpha@1.0"] == ["pkg:pypi/beta@1.0"]
    assert depends["system"] == ["pkg:pypi/alpha@1.0"]


def test_the_same_environment_gives_the_same_bytes(tmp_path):
    install(tmp_path, "alpha")

    assert concluded(tmp_path)[2] == concluded(tmp_path)[2]


def test_another_version_gives_another_serial_number_and_digest(tmp_path):
    install(tmp_path / "one", "alpha", "1.0")
    install(tmp_path / "two", "alpha", "1.1")
    (first, one, _), (second, two, _) = concluded(tmp_path / "one"), concluded(tmp_path / "two")

    assert one["serialNumber"] != two["serialNumber"]
    assert first.bindings[0].digest != second.bindings[0].digest


def test_models_data_prompts_and_services_are_components(tmp_path):
    install(tmp_path, "alpha")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    (tmp_path / "model" / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    (tmp_path / "rows.jsonl").write_text("{}\n")
    (tmp_path / "prompt.txt").write_text("Be kind.")

    draft, written, _ = concluded(
        tmp_path, models=(tmp_path / "model",), datasets=(tmp_path / "rows.jsonl",), prompts=(tmp_path / "prompt.txt",),
        services=("http://u:p@127.0.0.1:8080/v1?key=secret", "http://127.0.0.1:8081/v1"),
    )  # fmt: skip
    by_name = {entry["name"]: entry for entry in written["components"]}

    assert by_name["model"]["type"] == "machine-learning-model"
    assert by_name["model"]["modelCard"]["modelParameters"]["modelArchitecture"] == "LlamaForCausalLM"
    assert by_name["model"]["modelCard"]["modelParameters"]["datasets"] == [{"ref": by_name["rows.jsonl"]["bom-ref"]}]
    assert by_name["rows.jsonl"]["hashes"][0]["content"] == hashlib.sha256(b"{}\n").hexdigest()
    assert by_name["prompt.txt"]["data"][0]["type"] == "configuration"
    assert [service["endpoints"] for service in written["services"]] == [
        ["http://127.0.0.1:8080/v1"],
        ["http://127.0.0.1:8081/v1"],
    ]
    assert {measure.name: measure.value for measure in draft.measures}["models"] == 1


def test_the_document_passes_the_strict_schema(tmp_path):
    install(tmp_path, "alpha", extra="License: some licence of our own\n")

    text = concluded(tmp_path)[2].decode()

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_a_changed_file_fails(tmp_path):
    install(tmp_path, "alpha").write_text("x = 2\n")

    draft, _, _ = concluded(tmp_path)

    assert (draft.outcome, rules(draft)) == (Outcome.FAIL, ["bom.changed"])
    assert concluded(tmp_path, verify_files=False)[0].outcome is Outcome.PASS


def test_a_record_that_points_out_of_the_environment_is_not_followed(tmp_path):
    install(tmp_path / "env", "alpha")
    outside = tmp_path / "secret"
    outside.write_bytes(b"s")
    sha = base64.urlsafe_b64encode(hashlib.sha256(b"s").digest()).rstrip(b"=").decode()
    record = tmp_path / "env/lib/python3.11/site-packages/alpha-1.0.dist-info/RECORD"
    record.write_text(f"../../../../secret,sha256={sha},1\n")

    assert rules(concluded(tmp_path / "env")[0]) == ["bom.changed"]


@pytest.mark.parametrize(("extra", "expected"), [
    ("", ["bom.no-licence"]),
    ("License: UNKNOWN\n", ["bom.no-licence"]),
    ("License-Expression: GPL-3.0-only\n", ["bom.copyleft"]),
    ("Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)\n", ["bom.copyleft"]),
    ("License-Expression: AGPL-3.0-only\n", ["bom.copyleft"]),
    ("License-Expression: LGPL-3.0-only\n", []),
    ("License: GNU Lesser General Public License v3\n", []),
    ("Classifier: License :: OSI Approved :: MIT License\n", []),
])  # fmt: skip
def test_licences_are_read_as_they_are_stated(tmp_path, extra, expected):
    install(tmp_path, "alpha", extra=extra)

    assert rules(concluded(tmp_path)[0]) == expected


def test_a_package_installed_twice_is_told_once(tmp_path):
    install(tmp_path, "alpha", "1.0")
    (tmp_path / "lib/python3.11/site-packages/alpha.py").unlink()
    install(tmp_path, "alpha", "2.0")

    assert rules(concluded(tmp_path)[0]) == ["bom.duplicate"]


def test_a_package_without_record_leaves_a_gap(tmp_path):
    install(tmp_path, "alpha", record=False)

    draft, _, _ = concluded(tmp_path)

    assert draft.outcome is Outcome.INCOMPLETE
    assert not draft.bindings[0].observed


def test_a_model_that_is_not_there_leaves_a_gap(tmp_path):
    install(tmp_path, "alpha")

    assert concluded(tmp_path, models=(tmp_path / "none.gguf",))[0].outcome is Outcome.INCOMPLETE


def test_packages_borrowed_from_the_system_leave_a_gap(tmp_path):
    install(tmp_path, "alpha")
    (tmp_path / "pyvenv.cfg").write_text("include-system-site-packages = true\n")

    assert concluded(tmp_path)[0].outcome is Outcome.INCOMPLETE


def test_an_environment_is_found_by_its_interpreter(tmp_path):
    install(tmp_path, "alpha")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text("never run")

    assert len(concluded(tmp_path / "bin" / "python")[1]["components"]) == 1
    assert len(concluded(tmp_path / "lib/python3.11/site-packages")[1]["components"]) == 1


@pytest.mark.parametrize("name", ["nothing", "."])
def test_a_place_without_packages_is_an_error(tmp_path, name):
    with pytest.raises(InputError):
        concluded(tmp_path / name)


def test_the_release_digest_is_the_callers_where_given(tmp_path):
    install(tmp_path, "alpha")

    assert concluded(tmp_path, release_digest="ab" * 32)[0].bindings[0].digest == "ab" * 32


def test_completeness_counts_what_is_known():
    known = Component(kind="library", name="a", version="1", licence="MIT", sha256="0" * 64, supplier="A")

    assert completeness([known]) == 1.0
    assert completeness([known.model_copy(update={"licence": ""})]) == 0.8
    assert completeness([]) == 0.0


def test_hostile_metadata_still_gives_a_valid_document():
    odd = Component(kind="library", name="a<b>&\u202e", version="1\n2", licence="((", supplier="\x07", sha256="0" * 64)

    assert b"bomFormat" in write_bom([odd], name="x", version="", at=NOW)


@pytest.mark.slow
def test_the_environment_of_these_tests_is_listed_in_full():
    draft, written, _ = concluded(Path(sys.executable))

    assert "pydantic" in [entry["name"] for entry in written["components"]]
    assert {measure.name: measure.value for measure in draft.measures}["completeness"] > 0.9
