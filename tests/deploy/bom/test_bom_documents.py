"""Documents: strictly valid, read back as written, and foreign ones read as far as they go."""

import json
from datetime import UTC, datetime

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st

from jingwei.deploy.bom import Component, Unreadable, components_of, parsed, write_bom, write_spdx
from jingwei.deploy.bom.reading import line_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WHOLE = (
    Component(kind="library", name="alpha", version="1.0", licence="MIT", supplier="A", requires=("beta",), purl="pkg:pypi/alpha@1.0",
              sha256="a" * 64, path="requirements.txt"),
    Component(kind="library", name="beta", version="2.0", purl="pkg:pypi/beta@2.0"),
    Component(kind="library", name="@s/n", version="1", purl="pkg:npm/%40s/n@1"),
    Component(kind="model", name="tiny", version="abc", sha256="b" * 64, licence="LicenseRef-llama3", supplier="org", path="tiny",
              rests_on=("org/base", "rows", "tiny/w.safetensors"), facts={"architecture": "Llama", "task": "text-generation"}),
    Component(kind="model", name="org/base", facts={"named-by": "tiny"}, purl="pkg:huggingface/org/base"),
    Component(kind="dataset", name="rows", version="1", sha256="c" * 64),
    Component(kind="weights", name="w.safetensors", version="d" * 12, sha256="d" * 64, path="tiny/w.safetensors"),
    Component(kind="prompt", name="p.txt", version="ee", sha256="e" * 64),
    Component(kind="tool", name="files", version="1.0.0", purl="pkg:npm/files@1.0.0", facts={"protocol": "mcp", "command": "npx"}),
    Component(kind="service", name="ollama", version="0.5", facts={"endpoint": "http://127.0.0.1:11434"}),
    Component(kind="hardware", name="A CPU", facts={"class": "processor"}),
)  # fmt: skip


@pytest.mark.parametrize(("edition", "schema"), [("1.6", SchemaVersion.V1_6), ("1.7", SchemaVersion.V1_7)])
def test_both_editions_are_strictly_valid(edition, schema):
    written = write_bom(WHOLE, name="app", version="1", at=NOW, edition=edition)

    assert JsonStrictValidator(schema).validate_str(written.decode()) is None
    assert json.loads(written)["specVersion"] == edition


def test_a_model_card_names_its_datasets_and_the_graph_its_base():
    document = json.loads(write_bom(WHOLE, name="app", version="1", at=NOW))
    model = next(each for each in document["components"] if each["name"] == "tiny")
    below = {each["ref"]: each.get("dependsOn", []) for each in document["dependencies"]}

    assert model["modelCard"]["modelParameters"]["datasets"] == [
        {"ref": next(e["bom-ref"] for e in document["components"] if e["name"] == "rows")}
    ]
    assert len(below[model["bom-ref"]]) == 3
    assert not {model["bom-ref"]} & {ref for refs in below.values() for ref in refs} - set(below["system"])


def shape(one):
    said = one.model_dump(exclude={"path", "gap", "purl", "requires", "rests_on"}) | {"purl": one.package_url}
    return json.dumps(said, sort_keys=True), sorted(one.requires), sorted(one.rests_on)


@pytest.mark.parametrize("write", [write_bom, write_spdx])
def test_what_is_written_reads_back(write):
    back = components_of(parsed(write(WHOLE, name="app", version="1", at=NOW)))

    assert sorted(map(shape, back)) == sorted(map(shape, WHOLE))


def test_spdx_claims_a_profile_only_where_everything_it_demands_is_there():
    graph = json.loads(write_spdx(WHOLE, name="app", version="1", at=NOW))["@graph"]
    (document,) = [each for each in graph if each["type"] == "SpdxDocument"]
    listed = {each["spdxId"] for each in graph if "spdxId" in each}

    assert "ai" not in document["profileConformance"]
    assert set(document["element"]) <= listed
    assert all(
        target in listed for each in graph if each["type"] == "Relationship" for target in [each["from"], *each["to"]]
    )


def test_cyclonedx_as_xml_is_read():
    content = b"""<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.6"><components>
      <component type="library" bom-ref="a"><name>a</name><version>1</version><purl>pkg:pypi/a@1</purl>
        <licenses><license><id>MIT</id></license></licenses><hashes><hash alg="SHA-256">ff</hash></hashes>
        <components><component type="library" bom-ref="b"><name>b</name></component></components></component></components>
      <services><service bom-ref="s"><name>s</name><endpoints><endpoint>http://h</endpoint></endpoints></service></services>
      <dependencies><dependency ref="a"><dependency ref="b"/></dependency></dependencies></bom>"""
    a, b, s = components_of(parsed(content))

    assert (a.name, a.version, a.licence, a.requires, b.name, s.facts) == (
        "a",
        "1",
        "MIT",
        ("b",),
        "b",
        {"endpoint": "http://h"},
    )


def test_spdx_2_is_read():
    package = {"SPDXID": "SPDXRef-a", "name": "a", "versionInfo": "1", "licenseConcluded": "NOASSERTION", "licenseDeclared": "MIT",
               "supplier": "Organization: Acme", "checksums": [{"algorithm": "SHA256", "checksumValue": "ff"}],
               "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:npm/a@1"}]}  # fmt: skip
    root = {"SPDXID": "SPDXRef-root", "name": "app"}
    document = {"spdxVersion": "SPDX-2.3", "packages": [root, package], "documentDescribes": ["SPDXRef-root"]}
    (one,) = components_of(document)

    assert (one.purl, one.licence, one.supplier, one.sha256) == ("pkg:npm/a@1", "MIT", "Acme", "ff")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"<bom", b"<x/>", b'<!DOCTYPE b [<!ENTITY e "x">]><bom>&e;</bom>',
                                     b"[" * 100_000, b"<a>" * 100_000, b"{}"], ids=range(9))  # fmt: skip
def test_what_is_no_bom_is_refused(content):
    with pytest.raises(Unreadable):
        components_of(parsed(content))


texts = st.text(max_size=12) | st.none() | st.integers()
entries = st.recursive(
    texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["name", "version", "purl", "type", "bom-ref", "licenses", "license", "id", "hashes", "alg", "content", "properties",
         "value", "components", "services", "dependencies", "ref", "dependsOn", "modelCard", "data", "spdxId", "to", "from",
         "relationshipType", "packages", "supplier", "verifiedUsing", "comment"]), inner, max_size=5),
    max_leaves=25,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["components", "services", "dependencies", "@graph", "packages"]), entries, max_size=3),
       st.sampled_from([{"bomFormat": "CycloneDX"}, {"spdxVersion": "SPDX-2.3"}, {"@graph": [{"type": "software_Package"}]}]))  # fmt: skip
def test_any_document_is_read_or_refused(document, head):
    try:
        found = components_of(document | head)
    except Unreadable:
        return
    assert all(line_of(one.name) == one.name and one.name for one in found)
