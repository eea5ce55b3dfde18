import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jingwei.core.errors import InputError
from jingwei.core.rules import MAX_CHARACTERS, Compared, compile_rule

FACTS = {"autonomy": "L3", "tools": "irreversible", "S": 3, "caps": ("low", "high"), "ready": True, "share": 0.25}
NAMES = frozenset(FACTS)

ATTACKS = [
    "__import__('os').system('true')",
    "open('/etc/passwd')",
    "eval('1')",
    "autonomy.__class__",
    "autonomy.__class__.__mro__[1].__subclasses__()",
    "().__class__",
    "caps[0]",
    "caps[0:1]",
    "(lambda: 1)()",
    "lambda: 1",
    "[x for x in caps]",
    "{x for x in caps}",
    "{x: 1 for x in caps}",
    "(x for x in caps)",
    "(y := 1)",
    "1 if ready else 2",
    "f'{autonomy}'",
    "f'{__import__(\"os\")}'",
    "b'bytes' == b'bytes'",
    "None",
    "...",
    "1j == 1j",
    "S ** S ** S",
    "'a' * 1000000000",
    "S + 1 == 4",
    "S % 2 == 0",
    "S << 100000",
    "~S",
    "+S == 3",
    "-S == 3",
    "not -ready",
    "autonomy is 'L3'",
    "autonomy is not 'L3'",
    "[1, 2] == [1, 2]",
    "{1: 2}",
    "{1, 2}",
    "await ready",
    "(yield)",
    "*caps,",
    "print('x')",
    "globals",
    "__builtins__",
    "ready; ready",
    "import os",
    "ready\nimport os",
    "del ready",
    "x = 1",
    "",
    "   ",
    "ready and",
    "\x00",
    "ready # \x00",
    "'" + "a" * 500 + "'",
    "(" * 100 + "1" + ",)" * 100,
    "not " * 100 + "ready",
    " and ".join(["S"] * 120),
    "'\ud800' == autonomy",
]


@pytest.mark.parametrize("source", ATTACKS, ids=range(len(ATTACKS)))
def test_what_rules_do_not_allow_is_refused_with_the_field_it_stands_in(source):
    with pytest.raises(InputError) as refused:
        compile_rule(source, NAMES, where="gates.3.when")
    assert refused.value.field == "gates.3.when"
    assert refused.value.message.zh != refused.value.message.en


def test_an_unknown_name_is_named_with_those_that_exist():
    with pytest.raises(InputError) as refused:
        compile_rule("autonmy == 'L1'", NAMES)
    assert "autonmy" in refused.value.message.en
    assert "autonomy" in refused.value.message.zh


def test_texts_are_not_put_in_alphabetical_order():
    with pytest.raises(InputError, match="List the values"):
        compile_rule("autonomy >= 'L3'", NAMES)
    with pytest.raises(InputError, match="cannot be compared"):
        compile_rule("autonomy >= tools", NAMES).holds(FACTS)


def test_a_missing_fact_and_unlike_values_are_explained():
    rule = compile_rule("S >= 2 and ready", NAMES)
    with pytest.raises(InputError) as missing:
        rule.holds({"S": 2})
    assert missing.value.field == "ready"
    with pytest.raises(InputError, match="cannot be compared"):
        compile_rule("ready in S", NAMES).holds(FACTS)


def test_a_rule_says_which_names_it_reads_and_which_literals_it_expects():
    rule = compile_rule("autonomy in ('L3', 'L4') and 'high' in caps and not S < 2", NAMES)
    assert rule.names == {"autonomy", "caps", "S"}
    assert rule.compared == {
        Compared("autonomy", "L3"),
        Compared("autonomy", "L4"),
        Compared("caps", "high"),
        Compared("S", 2),
    }


def test_two_rules_of_one_source_are_equal():
    assert compile_rule("ready", NAMES) == compile_rule("ready", NAMES)


literals = st.one_of(
    st.sampled_from(["'L1'", "'L3'", "'high'", "'irreversible'", "True", "False"]),
    st.integers(-9, 9).map(str),
    st.floats(-9, 9).map(repr),
)
atoms = st.one_of(literals, st.sampled_from(sorted(NAMES)))
tuples = st.lists(atoms, max_size=3).map(lambda parts: "(" + "".join(f"{part}, " for part in parts) + ")")
comparisons = st.builds(
    lambda first, rest: first + "".join(f" {operation} {side}" for operation, side in rest),
    atoms,
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), atoms),
            st.tuples(st.sampled_from(["in", "not in", "==", "!="]), tuples | st.just("caps")),
        ),
        min_size=1,
        max_size=2,
    ),
)
expressions = st.recursive(
    atoms | comparisons,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {} or {})".format, inner, inner, inner),
        st.builds("(not {})".format, inner),
        st.builds("(({}) == ({}))".format, inner, inner),
    ),
    max_leaves=8,
)


@settings(max_examples=120, deadline=None)
@given(expressions)
def test_allowed_rules_mean_what_python_means(source):
    try:
        rule = compile_rule(source, NAMES)
    except InputError as error:
        assert error.code in {"core:rule-too-long", "core:rule-too-deep", "core:rule-text-ordered"}  # noqa: PT017
        return
    compiled = compile(source, "rule", "eval", flags=0)
    try:
        expected = bool(eval(compiled, {"__builtins__": {}}, dict(FACTS)))
    except TypeError:
        expected = None
    try:
        found = rule.holds(FACTS)
    except InputError as error:
        assert error.code == "core:rule-values-unlike"  # noqa: PT017
        assert expected is None or any(mark in source for mark in "<>")
        return
    assert found is expected


@settings(max_examples=120, deadline=None)
@given(st.text(max_size=80) | st.lists(st.sampled_from([*"()[]{}.,:'=<>!*+-% ", "autonomy", "S", "in", "not", "and", "or", "if", "for", "lambda", "'L3'", "1"]), max_size=25).map(" ".join))  # fmt: skip
def test_any_text_is_a_rule_or_an_input_error_and_holds_only_allowed_syntax(source):
    allowed = (ast.Expression, ast.BoolOp, ast.UnaryOp, ast.Compare, ast.Constant, ast.Name, ast.Tuple, ast.And, ast.Or,
               ast.Not, ast.USub, ast.cmpop, ast.expr_context)  # fmt: skip
    try:
        compile_rule(source, NAMES)
    except InputError:
        return
    assert all(isinstance(node, allowed) for node in ast.walk(ast.parse(source.strip(), mode="eval")))


def test_a_rule_of_the_greatest_length_compiles():
    source = ("ready or " * 60)[: MAX_CHARACTERS - 5].rsplit(" or ", 1)[0]
    assert compile_rule(source, NAMES).holds(FACTS)


def test_a_dotted_name_is_one_fact_and_never_an_attribute():
    rule = compile_rule("to.country == 'CN' and amount <= 100", None)
    assert rule.names == {"to.country", "amount"}
    assert rule.holds({"to.country": "CN", "amount": 5})
    assert not rule.holds({"to.country": "US", "amount": 5})
    with pytest.raises(InputError):
        rule.holds({"to": {"country": "CN"}, "amount": 5})
    with pytest.raises(InputError):
        compile_rule("amount.__class__ == 1", frozenset({"amount"}))
    with pytest.raises(InputError):
        compile_rule("(1).real == 1", None)
