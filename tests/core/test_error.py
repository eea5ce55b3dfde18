import pytest

from jingwei.core import errors
from jingwei.core.text import Both, text


def test_an_error_speaks_both_languages_and_keeps_its_code_and_field():
    error = errors.NotFound("core:check-unknown", field="check", name="x", known="a, b")
    assert error.code == "core:check-unknown"
    assert error.field == "check"
    assert "x" in error.message.zh
    assert str(error) == error.message.en
    assert "a, b" in str(error)


@pytest.mark.parametrize(
    ("kind", "parent"),
    [(errors.NotFound, errors.InputError), (errors.Unauthenticated, errors.Refused), (errors.Conflict, errors.Refused),
     (errors.Unavailable, errors.JingweiError), (errors.Tampered, errors.JingweiError)],
)  # fmt: skip
def test_the_tree_is_as_drawn(kind, parent):
    assert kind.__mro__[1] is parent


def test_a_text_without_one_language_is_refused():
    with pytest.raises(ValueError, match="both"):
        Both(zh="", en="x")
    with pytest.raises(KeyError):
        text("core:no-such-text")


def test_a_text_inside_a_text_is_filled_in_its_own_language():
    filled = Both(zh="{what}不可用", en="{what} is not available").format(what=Both(zh="数据库", en="the database"))
    assert (filled.of("zh"), filled.of("en")) == ("数据库不可用", "the database is not available")
