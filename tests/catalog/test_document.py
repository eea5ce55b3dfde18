"""The bounded YAML reader: what it reads, and what it refuses before it costs anything."""

import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from jingwei.catalog import read_yaml, validated
from jingwei.core.errors import InputError
from jingwei.core.text import Both

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)
REFUSED = {
    "a YAML bomb": (BOMB, "catalog:yaml-anchor", 1),
    "an anchor alone": ("a: 1\nb: &x 2\n", "catalog:yaml-anchor", 2),
    "an alias alone": ("a: *x\n", "catalog:yaml-anchor", 1),
    "a merge key": ("a: &x {b: 1}\nc:\n  <<: *x\n", "catalog:yaml-anchor", 1),
    "a Python object": ("a: 1\nb: !!python/object/apply:os.system ['true']\n", "catalog:yaml-tag", 2),
    "a local tag": ("a: !Ref x\n", "catalog:yaml-tag", 1),
    "a plain tag": ("a: !!str 1\n", "catalog:yaml-tag", 1),
    "a duplicate key": ("a: 1\nb:\n  c: 1\n  c: 2\n", "catalog:yaml-duplicate-key", 4),
    "a number as key": ("a:\n  1: x\n", "catalog:yaml-key-not-text", 2),
    "a truth value as key": ("true: x\n", "catalog:yaml-key-not-text", 1),
    "an empty key": ("? \n: x\n", "catalog:yaml-key-not-text", 1),
    "a list as key": ("a: 1\n? [1, 2]\n: x\n", "catalog:yaml-key-not-text", 2),
    "flow nesting": ("a: " + "[" * 30 + "]" * 30, "catalog:yaml-too-deep", 1),
    "block nesting": ("".join("  " * n + "a:\n" for n in range(30)), "catalog:yaml-too-deep", 21),
    "a hundred thousand brackets": ("[" * 100_000, "catalog:yaml-too-deep", 1),
    "two documents": ("a: 1\n---\nb: 2\n", "catalog:yaml-many-documents", 2),
    "an open quote": ("a: 1\nb: 'x\n", "catalog:yaml-syntax", 3),
    "a tab": ("a:\n\tb: 1\n", "catalog:yaml-syntax", 2),
    "a colon too many": ("a: b: c\n", "catalog:yaml-syntax", 1),
}


@pytest.mark.parametrize(("source", "code", "line"), REFUSED.values(), ids=REFUSED)
def test_what_a_data_file_has_no_need_of_is_refused_fast_with_its_line(source, code, line):
    began = time.perf_counter()
    with pytest.raises(InputError) as refused:
        read_yaml(source, name="system.yaml")
    assert time.perf_counter() - began < 0.2
    error = refused.value
    assert error.code == code
    assert error.values["line"] == line
    for language in ("zh", "en"):
        assert "system.yaml" in error.message.of(language)
        assert str(line) in error.message.of(language)
    assert error.message.zh != error.message.en


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"a: \xff\xfe", "catalog:yaml-not-utf8"),
        (b"a: \x00", "catalog:yaml-character"),
        ("a: \ud800", "catalog:yaml-not-utf8"),
        (b"#" * 2_000_000, "catalog:yaml-too-big"),
    ],
)
def test_what_is_not_plain_text_of_a_sane_size_is_refused(raw, code):
    with pytest.raises(InputError) as refused:
        read_yaml(raw, name="system.yaml")
    assert refused.value.code == code
    assert "system.yaml" in refused.value.message.zh


def test_a_file_of_two_megabytes_is_refused_without_being_read_whole(tmp_path):
    path = tmp_path / "big.yaml"
    path.write_bytes(b"a: 1\n" * 400_000)
    began = time.perf_counter()
    with pytest.raises(InputError, match=r"big\.yaml is larger than 1000000 bytes"):
        read_yaml(path)
    assert time.perf_counter() - began < 0.2
    path.write_bytes(b"a: 1\n")
    with pytest.raises(InputError, match="larger than 3 bytes"):
        read_yaml(path, max_bytes=3)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(InputError) as refused:
            read_yaml(path)
        assert path.name in refused.value.message.zh


def test_a_long_file_is_read_in_time_that_grows_with_its_length():
    began = time.process_time()
    assert len(read_yaml("- x\n" * 25_000).data) == 25_000
    assert time.process_time() - began < 1


def test_scalars_follow_yaml_1_2_and_keep_what_people_wrote():
    source = (
        "a: yes\nb: no\nc: on\nd: 2026-01-01\ne: true\nf: ~\ng: 3\nh: -2.5\ni: '3'\nj: 0x1f\nk: 1e400\nl: 010\nm:\n"
    )
    assert read_yaml(source).data == {
        "a": "yes", "b": "no", "c": "on", "d": "2026-01-01", "e": True, "f": None, "g": 3, "h": -2.5, "i": "3",
        "j": "0x1f", "k": "1e400", "l": 10, "m": None,
    }  # fmt: skip
    assert read_yaml("n: " + "9" * 5000).data == {"n": "9" * 5000}
    assert read_yaml("").data is None
    assert read_yaml("\ufeffa: 1".encode()).data == {"a": 1}


def test_every_part_knows_its_line():
    document = read_yaml("a:\n  b:\n  - x\n  -\n    c: 1\nd: [1,\n  2]\n")
    assert document.line(("a", "b", 1, "c")) == 5
    assert document.line(("a", "b", 0)) == 3
    assert document.line(("d", 1)) == 7
    assert document.line(("a", "b", 9, "nothing")) == 2
    assert document.line(("nothing",)) == 1


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.from_regex(r"[a-z]{1,6}_", fullmatch=True), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(plain)
def test_what_json_can_say_is_read_as_it_was_written(value):
    assert read_yaml(yaml.safe_dump(value, allow_unicode=True, default_style='"' if isinstance(value, str) else None)).data == value  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode(errors="replace")) | st.lists(st.sampled_from(["- ", "a: ", "{", "}", "[", "]", "\n", "  ", "&x ", "*x", "!t ", "? ", ": ", "'", '"', "|", ">", "#", "---", "..."]), max_size=20).map(lambda parts: "".join(parts).encode()))  # fmt: skip
def test_any_bytes_are_read_or_refused_with_an_input_error(raw):
    try:
        read_yaml(raw)
    except InputError as error:
        assert error.message.zh != error.message.en  # noqa: PT017


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Both
    size: int = Field(default=1, ge=1, le=9)


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    parts: tuple[Inner, ...] = ()
    ready: bool = False


WRONG = {
    "a missing field": ("parts: []\n", "name", 1, "Add it", "请补上"),
    "an unknown field": ("name: x\ncolour: red\n", "colour", 2, "name, parts, ready", "name, parts, ready"),
    "an unknown inner field": (
        "name: x\nparts:\n- title: {zh: 甲, en: a}\n  sise: 2\n",
        "parts[0].sise",
        4,
        "title, size",
        "title, size",
    ),
    "a text for a number": (
        "name: x\nparts:\n- title: {zh: 甲, en: a}\n  size: big\n",
        "parts[0].size",
        4,
        "a whole number",
        "整数",
    ),
    "a number for a text": ("name: 5\n", "name", 1, "a text", "文本"),
    "a number out of range": (
        "name: x\nparts:\n- size: 12\n  title: {zh: 甲, en: a}\n",
        "parts[0].size",
        3,
        "<= 9",
        "<= 9",
    ),
    "a text for a list": ("name: x\nparts: none\n", "parts", 2, "a list", "列表"),
    "a text for a mapping": ("name: x\nparts:\n- title\n", "parts[0]", 3, "a mapping", "映射"),
    "one language": ("name: x\nparts:\n- title: {zh: 甲}\n", "parts[0].title.en", 3, "Add it", "请补上"),
    "an empty language": ("name: x\nparts:\n- title: {zh: 甲, en: ''}\n", "parts[0].title", 3, "zh and en", "zh 和 en"),
    "a third language": (
        "name: x\nparts:\n- title: {zh: 甲, en: a, fr: b}\n",
        "parts[0].title.fr",
        3,
        "zh, en",
        "zh, en",
    ),
    "no truth value": ("name: x\nready: maybe\n", "ready", 2, "true or false", "true 或 false"),
    "a list for the whole": ("- name\n", None, 1, "the whole file", "整个文件"),
    "nothing": ("", None, 1, "a mapping", "映射"),
}


@pytest.mark.parametrize(("source", "field", "line", "mend_en", "mend_zh"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_named_with_file_line_field_and_mend_in_both_languages(source, field, line, mend_en, mend_zh):
    with pytest.raises(InputError) as refused:
        validated(Outer, read_yaml(source, name="system.yaml"))
    error = refused.value
    assert error.field == field
    assert error.message.en.startswith(f"system.yaml, line {line}, {field or 'the whole file'}: ")
    assert error.message.zh.startswith(f"system.yaml 第 {line} 行，{field or '整个文件'}：")
    assert mend_en in error.message.en
    assert mend_zh in error.message.zh


def test_the_first_problem_in_the_file_is_told_with_the_number_of_others():
    with pytest.raises(InputError) as refused:
        validated(Outer, read_yaml("name: x\nready: 7\nparts: x\nmore: 1\n"))
    assert refused.value.field == "ready"
    assert "2 more problems" in refused.value.message.en
    assert "另有 2 处" in refused.value.message.zh


def test_a_long_value_is_not_repeated_whole():
    with pytest.raises(InputError) as refused:
        validated(Outer, read_yaml(f"name: x\nready: {'long' * 500}\n"))
    assert len(refused.value.message.en) < 250
