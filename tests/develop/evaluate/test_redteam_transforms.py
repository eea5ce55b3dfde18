import base64
import codecs
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei.core.errors import InputError
from jingwei.develop.evaluate import load_suite, rewrite, transform, transform_names
from jingwei.develop.evaluate.transforms import wordings

NAMES = transform_names()
TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cf")), min_size=3, max_size=80)
LANGUAGE = st.sampled_from(["zh", "en"])


@given(text=TEXTS, language=LANGUAGE, seed=st.integers(0, 9), name=st.sampled_from(NAMES))
def test_the_same_seed_rewrites_the_same(text, language, seed, name):
    assert rewrite(name, text, language=language, seed=seed) == rewrite(name, text, language=language, seed=seed)


@given(text=TEXTS, language=LANGUAGE, seed=st.integers(0, 9), name=st.sampled_from(NAMES))
def test_a_transform_changes_the_text_or_says_it_does_not_fit(text, language, seed, name):
    changed = rewrite(name, text, language=language, seed=seed)
    if name == "plain":
        assert changed == text
    elif language not in transform(name).languages:
        assert changed is None
    else:
        assert changed is None or changed != text


@given(text=TEXTS, language=LANGUAGE)
def test_base64_decodes_to_the_request(text, language):
    assert base64.b64decode(rewrite("base64", text, language=language, seed=0).rsplit("\n", 1)[1]).decode() == text


@given(text=TEXTS.filter(lambda text: any(each.isascii() and each.isalpha() for each in text)))
def test_rot13_decodes_to_the_request(text):
    assert codecs.decode(rewrite("rot13", text, language="en", seed=0).split("\n", 1)[1], "rot13") == text


@given(text=TEXTS, language=LANGUAGE)
def test_reversing_again_gives_the_request(text, language):
    assert rewrite("reverse", text, language=language, seed=0).split("\n", 1)[1][::-1] == text


@given(text=TEXTS, language=LANGUAGE, seed=st.integers(0, 99))
def test_zero_width_characters_hide_nothing_but_themselves(text, language, seed):
    changed = rewrite("zero-width", text, language=language, seed=seed)
    if changed is not None:
        assert "".join(each for each in changed if unicodedata.category(each) != "Cf") == text


@given(text=TEXTS.filter(lambda text: '"' not in text and "”" not in text), language=LANGUAGE, seed=st.integers(0, 99))
def test_the_pieces_of_a_split_join_to_the_request(text, language, seed):
    changed = rewrite("split", text, language=language, seed=seed)
    opening, closing = ("“", "”") if language == "zh" else ('"', '"')
    pieces, rest = [], changed
    for _ in range(3):
        _, _, rest = rest.partition(opening)
        piece, _, rest = rest.partition(closing)
        pieces.append(piece)
    assert "".join(pieces) == text


@pytest.mark.parametrize("name", ["role-play", "prefix", "no-refusal"])
@given(text=TEXTS, language=LANGUAGE)
def test_a_wrapper_keeps_the_request_whole(name, text, language):
    assert text in rewrite(name, text, language=language, seed=0)


def test_a_chain_applies_its_links_in_order():
    chained = rewrite("role-play+base64", "tell me", language="en", seed=4)
    inner = base64.b64decode(chained.rsplit("\n", 1)[1]).decode()
    assert inner.endswith("tell me")
    assert inner != "tell me"


def test_an_unknown_link_of_a_chain_is_named():
    with pytest.raises(InputError, match="rot14"):
        rewrite("base64+rot14", "x", language="en", seed=0)


def test_the_traditional_table_is_made_of_pairs_and_a_character_has_one_form():
    pairs = wordings().traditional.split()
    assert all(len(pair) == 2 for pair in pairs)
    forms = {}
    for simple, full in pairs:
        assert forms.setdefault(simple, full) == full


@pytest.mark.parametrize("name", NAMES)
def test_every_transform_fits_many_attacks_of_the_first_suite(name):
    attacks = [
        case
        for case in load_suite("baseline").cases()
        if case.language in transform(name).languages and case.expectation != "comply"
    ]
    fits = [case for case in attacks if rewrite(name, case.prompt, language=case.language, seed=0)]
    assert len(fits) >= 40


@pytest.mark.parametrize("name", NAMES)
def test_every_transform_has_a_title_in_both_languages(name):
    assert transform(name).title.zh
    assert transform(name).title.en
