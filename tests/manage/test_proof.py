"""Proof: what a piece of evidence is worth, who may enter it, and what it is bound to."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei.catalog import EvidenceType
from jingwei.core.configuration import Configuration
from jingwei.core.errors import InputError, NotFound, Refused
from jingwei.core.evidence import Binding, BoundTo, Draft, Outcome, Source, seal
from jingwei.core.signing import Signer
from jingwei.core.target import Target, TargetKind
from jingwei.core.text import Both
from jingwei.manage import InUse, State, standing
from jingwei.manage.standing import bound_draft

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SIGNER = Signer.generate()
SAYS = Both(zh="测试", en="test")
PARTS = Configuration(model="m", prompt="p", tools="t", policy="y", gateway="1")
ALL = ("gateway", "model", "policy", "prompt", "tools")


def kind(to: BoundTo = BoundTo.CONFIGURATION, days: int = 90) -> EvidenceType:
    return EvidenceType(id="EV-X", title=SAYS, kind="auto", producer="x", validity_days=days, bound_to=to)


def used(parts: Configuration = PARTS, **digests: tuple[str, ...]) -> InUse:
    named = {BoundTo(name): values for name, values in digests.items()}
    return InUse(digests={BoundTo.CONFIGURATION: (parts.digest,), **named}, observed=frozenset(), configuration=parts)


def evidence(outcome: Outcome = Outcome.PASS, *, observed: bool = True, to: BoundTo = BoundTo.CONFIGURATION,
             digest: str = PARTS.digest):  # fmt: skip
    draft = Draft(type="EV-X", outcome=outcome, summary=SAYS, configuration=PARTS,
                  bindings=(Binding(to=to, digest=digest, observed=observed),))  # fmt: skip
    return seal(draft, system_id="s", target=Target(kind=TargetKind.SYSTEM, locator="s"), signer=SIGNER,
                source=Source(kind="auto", name="x"), started_at=NOW, finished_at=NOW)  # fmt: skip


def state(piece, *, grade: int = 2, now: datetime = NOW, in_use: InUse | None = None, of: EvidenceType | None = None):
    return standing(piece, kind=of or kind(), now=now, in_use=in_use or used(), grade=grade)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [(Outcome.PASS, State.VALID), (Outcome.FAIL, State.FAILED), (Outcome.INCOMPLETE, State.INCOMPLETE)],
)
def test_an_outcome_is_worth_what_it_says(outcome, expected):
    assert state(evidence(outcome)).state is expected


@pytest.mark.parametrize(("later", "expected"), [(timedelta(days=90, seconds=-1), State.VALID),
                                                 (timedelta(days=90), State.EXPIRED)])  # fmt: skip
def test_evidence_expires_at_its_very_moment(later, expected):
    assert state(evidence(), now=NOW + later).state is expected


def test_a_validity_of_zero_never_ends_by_time():
    found = state(evidence(), of=kind(days=0), now=NOW + timedelta(days=10_000))
    assert (found.state, found.expires_at) == (State.VALID, None)


@pytest.mark.parametrize("part", ["model", "prompt", "tools", "policy", "gateway"])
def test_any_changed_part_of_the_configuration_makes_it_stale_and_is_named(part):
    found = state(evidence(), in_use=used(PARTS.model_copy(update={part: "new"})))
    assert found.state is State.STALE
    assert [(each.part, each.after) for each in found.changes] == [(part, "new")]


@pytest.mark.parametrize(("grade", "expected"), [(3, State.VALID), (4, State.UNOBSERVED), (5, State.UNOBSERVED)])
def test_a_declared_digest_counts_up_to_grade_three(grade, expected):
    assert state(evidence(observed=False), grade=grade).state is expected


def test_evidence_for_one_of_several_in_use_covers_that_one():
    found = state(evidence(to=BoundTo.DATASET_VERSION, digest="one"), of=kind(BoundTo.DATASET_VERSION),
                  in_use=used(dataset_version=("one", "two")))  # fmt: skip
    assert (found.state, found.covers) == (State.VALID, ("one",))


@given(st.integers(0, 400), st.integers(1, 5), st.sampled_from(list(Outcome)), st.booleans(), st.booleans())
def test_only_a_pass_that_is_fresh_and_bound_to_what_is_in_use_is_valid(days, grade, outcome, observed, same):
    parts = PARTS if same else PARTS.model_copy(update={"model": "other"})
    found = state(evidence(outcome, observed=observed), grade=grade, now=NOW + timedelta(days=days), in_use=used(parts))
    right = outcome is Outcome.PASS and days < 90 and same and (observed or grade < 4)
    assert (found.state is State.VALID) is right


@pytest.mark.parametrize(
    ("to", "digests", "filled"),
    [
        (BoundTo.SYSTEM, ("x",), ("x", True)),
        (BoundTo.DEPLOYMENT, ("x",), ("x", False)),
        (BoundTo.MODEL_VERSION, ("x",), ("x", False)),
        (BoundTo.MODEL_VERSION, ("x", "y"), None),
        (BoundTo.DATASET_VERSION, ("x",), None),
    ],
)
def test_a_draft_is_completed_only_with_what_a_check_could_not_know(to, digests, filled):
    in_use = used(**{to.value: digests}).model_copy(update={"observed": frozenset({BoundTo.SYSTEM})})
    draft = bound_draft(Draft(type="EV-X", outcome=Outcome.PASS, summary=SAYS), kind=kind(to), in_use=in_use)
    assert [(each.digest, each.observed) for each in draft.bindings] == ([filled] if filled else [])


def test_a_configuration_that_a_check_saw_becomes_its_binding():
    draft = Draft(
        type="EV-X", outcome=Outcome.PASS, summary=SAYS, configuration=PARTS.model_copy(update={"observed": ALL})
    )
    (binding,) = bound_draft(draft, kind=kind(), in_use=used()).bindings
    assert (binding.digest, binding.observed) == (PARTS.digest, True)


def test_a_draft_that_is_bound_already_stays_as_it_is():
    draft = Draft(type="EV-X", outcome=Outcome.PASS, summary=SAYS,
                  bindings=(Binding(to=BoundTo.SYSTEM, digest="seen", observed=True),))  # fmt: skip
    assert bound_draft(draft, kind=kind(BoundTo.SYSTEM), in_use=used(system=("x",))) is draft


def test_a_person_enters_a_record_for_what_is_in_use_now(world):
    system_id = world.registered()
    made = world.proof.enter(system_id, "EV-RISK", actor=world.who("security"), statement="Seven risks, all treated.")
    assert made.source.actor_id == world.people["security"]
    assert world.proof.evidence(made.id) == made
    assert "Seven risks" in made.summary.en
    assert world.proof.holds(system_id, "EV-RISK")
    world.registry.edit(system_id, purpose="Something else.", actor=world.who("engineer"))
    assert not world.proof.holds(system_id, "EV-RISK")


def test_a_bad_conclusion_is_entered_as_a_failure(world):
    made = world.proof.enter(world.registered(), "EV-RISK", actor=world.who("security"), statement="No.", passed=False)
    assert made.outcome is Outcome.FAIL


def test_evidence_about_the_organisation_counts_for_every_system(world):
    system_id = world.registered()
    training = world.proof.enter(None, "EV-TRAIN", actor=world.who("legal"), statement="All trained.")
    assert training.id in {each.evidence.id for each in world.proof.standings(system_id)}


@pytest.mark.parametrize(
    ("type_id", "own", "statement", "error", "said"),
    [
        ("EV-RISK", True, " ", InputError, "1 to"),
        ("EV-RISK", True, "x" * 20_001, InputError, "1 to"),
        ("EV-RESP-DOC", True, "See file.", InputError, "needs at least one file"),
        ("EV-RISK", False, "Fine.", InputError, "wrong scope"),
        ("EV-TRAIN", True, "Fine.", InputError, "wrong scope"),
        ("EV-REDTEAM", True, "Fine.", Refused, "cannot be entered by hand"),
        ("EV-NONE", True, "Fine.", NotFound, "EV-NONE"),
    ],
)
def test_what_cannot_be_entered_is_refused_with_the_mend(world, type_id, own, statement, error, said):
    system_id = world.registered() if own else None
    with pytest.raises(error, match=said):
        world.proof.enter(system_id, type_id, actor=world.who("security"), statement=statement)


def test_an_auditor_reads_and_enters_nothing(world):
    system_id = world.registered()
    auditor = world.add("auditor", "auditor")
    with pytest.raises(Refused) as refused:
        world.proof.enter(system_id, "EV-RISK", actor=auditor, statement="Fine.")
    assert refused.value.code == "manage:not-allowed"
