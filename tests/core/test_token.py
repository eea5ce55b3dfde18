from datetime import UTC, datetime, timedelta

import pytest

from jingwei.core.errors import Tampered
from jingwei.core.signing import Signer, encode
from jingwei.core.token import AssessmentToken, ReleaseToken, issue, read

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
COMMON = {
    "id": "tok_1",
    "system_id": "sys_1",
    "policy_digest": "p",
    "issued_at": NOW,
    "expires_at": NOW + timedelta(days=90),
}
RELEASE = ReleaseToken(**COMMON, configuration_digest="c", evidence_digest="e", decision_id="d")
ASSESSMENT = AssessmentToken(**COMMON, run_id="run_1", caller_key="k")


@pytest.mark.parametrize("token", [RELEASE, ASSESSMENT])
def test_a_token_is_read_as_it_was_issued(signer, token):
    assert read(issue(token, signer), signer.verifier) == token


def test_a_token_fits_a_header(signer):
    assert issue(RELEASE, signer).isascii()
    assert " " not in issue(RELEASE, signer)


def test_an_assessment_token_cannot_pass_for_a_release(signer):
    payload, key_id, value = issue(ASSESSMENT, signer).split(".")
    forged = encode(RELEASE.model_dump_json().encode())
    with pytest.raises(Tampered):
        read(f"{forged}.{key_id}.{value}", signer.verifier)
    assert read(f"{payload}.{key_id}.{value}", signer.verifier).kind == "assessment"


def test_every_changed_character_is_noticed(signer):
    written = issue(RELEASE, signer)
    for at in range(0, len(written), 7):
        other = "A" if written[at] != "A" else "B"
        with pytest.raises(Tampered):
            read(written[:at] + other + written[at + 1 :], signer.verifier)


@pytest.mark.parametrize("written", ["", "...", "a.b.c", "x" * 10_000, "令牌", "e30.0.0"])
def test_what_is_no_token_is_refused(signer, written):
    with pytest.raises(Tampered):
        read(written, signer.verifier)


def test_a_token_of_another_platform_is_refused(signer):
    with pytest.raises(Tampered):
        read(issue(RELEASE, Signer.generate()), signer.verifier)
