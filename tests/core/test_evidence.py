from datetime import UTC, datetime

import pytest

from jingwei.core.configuration import Configuration
from jingwei.core.errors import Tampered
from jingwei.core.evidence import Draft, Evidence, Outcome, Source, seal
from jingwei.core.target import Target, TargetKind
from jingwei.core.text import Both

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DRAFT = Draft(
    type="EV-REDTEAM",
    outcome=Outcome.PASS,
    summary=Both(zh="通过", en="passed"),
    configuration=Configuration(model="m"),
)


def sealed(signer, draft=DRAFT) -> Evidence:
    return seal(
        draft, system_id="sys_1", target=Target(kind=TargetKind.FILE, locator="model.gguf"),
        source=Source(kind="auto", name="redteam", version="1", run_id="run_1"), started_at=NOW, finished_at=NOW, signer=signer,
    )  # fmt: skip


def test_evidence_is_named_by_its_content_and_signed(signer):
    evidence = sealed(signer)
    evidence.verify(signer.verifier)
    again = Evidence.model_validate_json(evidence.model_dump_json())
    assert again.id == evidence.id
    again.verify(signer.verifier)


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": Outcome.FAIL},
        {"system_id": "sys_2"},
        {"examined": 2},
        {"configuration": None},
        {"finished_at": datetime(2027, 1, 1, tzinfo=UTC)},
    ],
)
def test_changed_evidence_has_another_name_and_no_signature(signer, change):
    evidence = sealed(signer)
    changed = Evidence.model_validate({**evidence.model_dump(), **change})
    assert changed.id != evidence.id
    with pytest.raises(Tampered):
        changed.verify(signer.verifier)


def test_an_examination_with_gaps_is_never_a_pass(signer):
    gaps = (Both(zh="加密的文件", en="an encrypted file"),)
    with pytest.raises(Tampered):
        sealed(signer, DRAFT.model_copy(update={"skipped": gaps}))
    sealed(signer, DRAFT.model_copy(update={"skipped": gaps, "outcome": Outcome.INCOMPLETE}))


def test_a_configuration_is_the_same_whoever_observed_it():
    parts = {"model": "a", "prompt": "b", "tools": "c", "policy": "d", "gateway": "e"}
    seen = Configuration(**parts, observed=("gateway", "model", "policy", "prompt", "tools"))
    told = Configuration(**parts)
    assert seen.digest == told.digest
    assert seen.fully_observed
    assert not told.fully_observed
    for name in parts:
        assert Configuration(**(parts | {name: "other"})).digest != told.digest
