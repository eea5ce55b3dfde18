import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from jingwei.core.canonical import canonical, digest, file_digest, named_once

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text()
    | st.floats(-(2.0**53) + 1, 2.0**53 - 1),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"b": 1, "a": 2}, b'{"a":2,"b":1}'),
        ([1.0, 0.1, 1e21, -0.0, 1e-7], b"[1,0.1,1e+21,0,1e-7]"),
        ("€\n\x0f", '"€\\n\\u000f"'.encode()),
        # Keys go by UTF-16 units, so the emoji (a surrogate pair) comes before U+FB33.
        (
            {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7},
            '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}'.encode(),
        ),
    ],
)
def test_values_are_written_as_the_standard_says(value, written):
    assert canonical(value) == written


@given(VALUES)
def test_writing_what_was_read_changes_nothing(value):
    once = canonical(value)
    assert canonical(json.loads(once)) == once
    assert digest(json.loads(once)) == digest(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53 + 1, {1: 2}, {"a": object()}])
def test_what_json_cannot_say_exactly_is_refused(value):
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical(value)


def test_a_files_digest_is_that_of_its_bytes(home):
    path = home / "x"
    path.write_bytes(b"abc")
    assert file_digest(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(FileNotFoundError):
        file_digest(home / "none")


@pytest.mark.parametrize("written", ['{"a": 1, "a": 1}', '[{"b": {"a": 1, "\\u0061": 2}}]'])
def test_a_name_given_twice_is_refused(written):
    with pytest.raises(ValueError, match=r"^$"):
        json.loads(written, object_pairs_hook=named_once)
    assert json.loads('{"a": {"a": 1}}', object_pairs_hook=named_once) == {"a": {"a": 1}}
