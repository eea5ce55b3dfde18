import multiprocessing
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei.core.errors import Tampered
from jingwei.core.signing import Signature, Signer, decode, encode


def test_a_signature_holds_for_its_value_alone(signer):
    signature = signer.sign({"a": 1, "b": [2, "三"]})
    signer.verifier.verify({"b": [2, "三"], "a": 1}, signature)
    for value in ({"a": 1, "b": [2, "四"]}, {"a": 1}, None, {"a": "1", "b": [2, "三"]}):
        with pytest.raises(Tampered):
            signer.verifier.verify(value, signature)


def test_another_key_or_a_broken_signature_is_refused(signer):
    signature = signer.sign("x")
    with pytest.raises(Tampered) as caught:
        Signer.generate().verifier.verify("x", signature)
    assert caught.value.code == "core:signature-other-key"
    for value in ("", "AAAA", "!!", signature.value[:-4] + "AAAA", "é"):
        with pytest.raises(Tampered):
            signer.verifier.verify("x", Signature(key_id=signature.key_id, value=value))


@given(st.binary(max_size=100))
def test_bytes_come_back_from_their_written_form(raw):
    assert decode(encode(raw)) == raw
    assert "=" not in encode(raw)


def test_a_key_file_is_made_once_and_only_its_owner_may_read_it(home):
    path = home / "keys" / "platform"
    first = Signer.at(path)
    assert Signer.at(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.slow
def test_processes_that_start_together_end_with_one_key(home):
    with multiprocessing.get_context("spawn").Pool(6) as pool:
        keys = pool.map(Signer.at, [home / "key"] * 12)
    assert len({key.private for key in keys}) == 1


def test_a_private_key_is_not_the_public_one(signer):
    assert signer.verifier.public != signer.private
    assert len(signer.verifier.key_id) == 16
