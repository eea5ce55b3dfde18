"""Intake: a whole System from one file, answers that scans overrule, and clear errors."""

from pathlib import Path

import pytest
import yaml

from jingwei.core.canonical import file_digest
from jingwei.core.errors import Conflict, InputError, NotFound, Refused
from jingwei.core.evidence import BoundTo
from jingwei.manage import read_system


@pytest.fixture
def folder(tmp_path: Path, world) -> Path:
    """A System's folder as a team keeps it."""
    home = tmp_path / "assistant"
    home.mkdir()
    for name, content in (("model.gguf", b"weights"), ("a.jsonl", b"{}"), ("b.jsonl", b"{ }"), ("prompt.txt", b"Be kind."),
                          ("duty.pdf", b"%PDF")):  # fmt: skip
        (home / name).write_bytes(content)
    data = {
        "name": "staff", "purpose": "Helps staff.", "domain": "retail", "facts": world.facts(),
        "prompt": "prompt.txt",
        "components": [
            {"kind": "model", "name": "tuned", "files": ["model.gguf"], "supplier": "us",
             "responsibility": {"party": "us", "document": "duty.pdf", "rests_on": "base"}},
            {"kind": "model", "name": "base", "supplier": "HF", "release": "1", "responsibility": {"party": "HF"}},
            {"kind": "dataset", "name": "corpus", "files": ["a.jsonl", "b.jsonl"], "responsibility": {"party": "us"}},
        ],
        "tools": [{"name": "note", "effect": "reversible_write"}],
        "guard": {"canaries": ["XK-1"]},
    }  # fmt: skip
    (home / "system.yaml").write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return home


def take(world, folder, **changed):
    file = read_system(folder / "system.yaml").model_copy(update=changed)
    return world.intake.take(file, actor=world.who("engineer"), folder=folder)


def live(world, system_id, kind):
    return [each for each in world.parts.of(system_id).components if each.kind == kind and each.retired_at is None]


def test_a_file_becomes_a_system_with_observed_parts_and_a_closed_chain(world, folder):
    taken = take(world, folder)
    assert (taken.created, taken.system.status, taken.system.domain) == (True, "draft", "retail")
    made = world.parts.of(taken.system.id)
    assert made.findings == ()
    (tuned, base) = sorted(live(world, taken.system.id, "model"), key=lambda each: each.name, reverse=True)
    assert (tuned.digest, tuned.observed, base.observed) == (file_digest(folder / "model.gguf"), True, False)
    used = world.registry.in_use(taken.system.id)
    assert used.digests[BoundTo.MODEL_VERSION] == (tuned.digest,), "the base model is the chain, not what runs"
    assert len(used.digests[BoundTo.DATASET_VERSION]) == 2
    assert used.configuration.model == tuned.digest
    assert used.configuration.prompt == file_digest(folder / "prompt.txt")
    documents = {link.party: link.document_sha256 for link in made.links}
    assert documents["HF"] == ""
    assert file_digest(folder / "duty.pdf") in {link.document_sha256 for link in made.links}


def test_the_same_file_again_changes_nothing(world, folder):
    first = take(world, folder)
    before = (
        world.parts.of(first.system.id),
        world.intake.facts(first.system.id),
        world.proof.standings(first.system.id),
    )
    again = take(world, folder)
    assert not again.created
    assert before == (
        world.parts.of(first.system.id),
        world.intake.facts(first.system.id),
        world.proof.standings(first.system.id),
    )


def test_a_changed_file_is_a_new_version_and_the_old_one_is_retired(world, folder):
    system_id = take(world, folder).system.id
    (folder / "model.gguf").write_bytes(b"other weights")
    take(world, folder)
    versions = [each for each in world.parts.of(system_id).components if each.name == "tuned"]
    assert [each.retired_at is not None for each in versions] == [True, False]
    assert world.parts.of(system_id).findings == ()


def test_a_component_that_is_no_longer_named_is_retired(world, folder):
    system_id = take(world, folder).system.id
    file = read_system(folder / "system.yaml")
    take(world, folder, components=file.components[:2])
    assert live(world, system_id, "dataset") == []


def test_the_intake_is_kept_as_evidence_and_a_changed_answer_lapses_it(world, folder):
    system_id = take(world, folder).system.id
    assert world.proof.holds(system_id, "EV-INTAKE")
    before = [each.evidence.id for each in world.proof.standings(system_id)]
    world.intake.answer(system_id, {"scale": "large"}, actor=world.who("engineer"))
    states = {each.evidence.id: each.standing.state.value for each in world.proof.standings(system_id)}
    assert [states.pop(each) for each in before] == ["stale"]
    assert list(states.values()) == ["valid"]


def test_what_a_scan_finds_overrules_an_answer_and_says_so(world):
    system_id = world.registered()
    evidence_id = world.prove(system_id, "EV-CAP")
    world.intake.found(system_id, {"cap_cyber": "medium"}, evidence_id=evidence_id)
    world.intake.answer(system_id, {"cap_cyber": "low"}, actor=world.who("engineer"))
    (fact,) = [each for each in world.intake.facts(system_id) if each.name == "cap_cyber"]
    assert (fact.value, fact.source, fact.overruled, fact.evidence_id) == ("medium", "scan", "low", evidence_id)
    graded = world.grading.grade(system_id, actor=world.who("engineer"))
    assert graded.decision.grade == 3
    assert graded.overruled == ("cap_cyber",)


def test_a_later_scan_takes_the_place_of_an_earlier_one(world):
    system_id = world.registered()
    for value in ("high", "low"):
        world.intake.found(system_id, {"cap_cyber": value}, evidence_id=world.prove(system_id, "EV-CAP"))
    (fact,) = [each for each in world.intake.facts(system_id) if each.name == "cap_cyber"]
    assert (fact.value, fact.overruled) == ("low", None)


def test_a_scan_names_evidence_of_this_system(world):
    system_id, other = world.registered("one"), world.registered("two")
    with pytest.raises(NotFound, match="no evidence"):
        world.intake.found(system_id, {"cap_cyber": "low"}, evidence_id=world.prove(other, "EV-CAP"))


def test_the_tool_list_overrules_an_answer_about_tools_until_it_is_shorter(world, folder):
    taken = take(world, folder, facts=world.facts(tools="none"))
    assert [(fact.name, fact.value, fact.overruled) for fact in taken.overruled] == [
        ("tools", "reversible_write", "none")
    ]
    assert take(world, folder, facts=world.facts(tools="none"), tools=()).overruled == ()


def test_missing_facts_leave_nothing_half_registered(world, folder):
    few = world.facts()
    del few["autonomy"]
    with pytest.raises(InputError, match="autonomy"):
        take(world, folder, facts=few)
    assert "staff" not in {system.name for system in world.registry.systems()}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"prompt": "../secret.txt"}, "manage:file-outside"),
        ({"prompt": "/etc/passwd"}, "manage:file-outside"),
        ({"prompt": "none.txt"}, "manage:file-missing"),
        ({"owner": "nobody"}, "manage:owner-unknown"),
    ],
)
def test_a_wrong_reference_is_one_clear_error(world, folder, change, code):
    with pytest.raises(InputError) as refused:
        take(world, folder, **change)
    assert refused.value.code == code
    assert refused.value.field


def test_a_link_out_of_the_folder_is_not_followed(world, folder, tmp_path):
    (tmp_path / "secret").write_text("s")
    (folder / "prompt.txt").unlink()
    (folder / "prompt.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match="outside the folder"):
        take(world, folder)


def test_files_cannot_be_named_without_a_folder(world, folder):
    file = read_system(folder / "system.yaml")
    with pytest.raises(InputError, match="Give a digest instead"):
        world.intake.take(file, actor=world.who("engineer"))


def test_an_unknown_component_below_is_named(world, folder):
    text = (folder / "system.yaml").read_text().replace("rests_on: base", "rests_on: bass")
    (folder / "system.yaml").write_text(text)
    with pytest.raises(InputError, match="names bass"):
        take(world, folder)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("purpose: Helps staff.", "purpose: [1]", "purpose"),
        ("domain: retail", "domaine: retail", "domaine"),
        ("purpose: Helps staff.", "purpos: x", "purpos"),
    ],
)
def test_a_wrong_file_names_line_and_field(folder, old, new, said):
    path = folder / "system.yaml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=r"system\.yaml, line \d+") as refused:
        read_system(path)
    assert said in str(refused.value)


def test_an_engineer_does_not_take_over_the_system_of_another(world, folder):
    take(world, folder)
    world.add("stranger", "engineer")
    with pytest.raises(Refused, match=r"system\.edit"):
        world.intake.take(read_system(folder / "system.yaml"), actor=world.who("stranger"), folder=folder)


def test_a_system_stays_in_its_domain(world, folder):
    take(world, folder)
    with pytest.raises(InputError, match="registered in the domain retail"):
        take(world, folder, domain="wholesale")


def test_the_form_asks_every_fact_in_both_languages(world):
    questions = world.intake.form()
    assert [fact.id for fact in questions] == list(world.desk.rules.facts)
    assert all(fact.question.zh and fact.question.en for fact in questions)


def test_a_name_is_used_once(world):
    world.registry.register("one", purpose="p", actor=world.who("engineer"))
    with pytest.raises(Conflict, match="taken"):
        world.registry.register("one", purpose="p", actor=world.who("engineer"))
