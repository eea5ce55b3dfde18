"""Policy files: what may be written, what is refused and how, and that a signature is one."""

import pytest

from jingwei.core.canonical import digest
from jingwei.core.errors import InputError, Tampered
from jingwei.core.policy import Category, Decision
from jingwei.core.signing import Signer
from jingwei.deploy.guard import Guard, compile_policy
from jingwei.deploy.guard.policy_file import default_policy, read_policy, signed, verify


@pytest.fixture
def written(tmp_path):
    def write(text, name="policy.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def rule_of(policy, category):
    return next(rule for rule in policy.rules if rule.category is category and not rule.when)


def test_an_empty_edit_is_the_base(written):
    assert read_policy(written("version: 1")).digest == default_policy().digest
    graded = read_policy(written("base: grade-3"))
    assert graded.rules == compile_policy("default", 3, {}).rules


def test_words_are_strings_or_carry_a_topic_and_may_lie_in_a_file(written, tmp_path):
    (tmp_path / "more.csv").write_text("word,topic\n蓝鲸工程,projects\n", encoding="utf-8")
    (tmp_path / "more.txt").write_text("# ours\n红鹤行动\n", encoding="utf-8")
    for name, word in (("more.csv", "蓝鲸工程"), ("more.txt", "红鹤行动")):
        path = written(f"words: [飞鸟计划, {{word: blue heron, topic: projects}}]\nwords_file: {name}")
        assert read_policy(path).words == tuple(sorted(["飞鸟计划", "blue heron", word]))
    assert Guard.load(path).check("请介绍红鹤行动").action is Decision.BLOCK


@pytest.mark.parametrize(
    ("content", "topics"),
    [
        ("word,topic\n蓝鲸工程,a1-b\n红鹤行动,projects\n白鹭,\n", {"蓝鲸工程": "a1-b", "红鹤行动": "projects"}),
        ("类别,词语\na1-b,蓝鲸工程\n", {"蓝鲸工程": "a1-b"}),
        ("蓝鲸工程,a1-b\n红鹤行动,12\n白鹭,seen in June\n", {"蓝鲸工程": "a1-b"}),
        ("word\n蓝鲸工程\n", {}),
    ],
)
def test_the_topics_of_a_word_list_are_kept(written, tmp_path, content, topics):
    (tmp_path / "more.csv").write_text(content, encoding="utf-8")
    assert read_policy(written("words_file: more.csv")).word_topics == topics


def test_a_verdict_names_the_topic_of_a_word(written, tmp_path):
    (tmp_path / "more.csv").write_text("word,class\n蓝鲸工程,a1-b\n红鹤行动,projects\n", encoding="utf-8")
    guard = Guard.load(written("words_file: more.csv\nwords: [{word: 飞鸟计划, topic: a2-a}, 白鹭行动]"))
    assert guard.check("请介绍蓝鲸工程").rule_ids == ("keyword.a1-b",)
    assert guard.check("请介绍红鹤行动").rule_ids == ("keyword.own.projects",)
    assert guard.check("请介绍飞鸟计划").rule_ids == ("keyword.a2-a",)
    assert guard.check("请介绍白鹭行动").rule_ids == ("keyword.own",)


@pytest.mark.parametrize("text", ["words: [{word: 飞鸟, topic: Not An Id}]", "words_file: bad.csv"])
def test_a_topic_that_is_none_is_told(written, tmp_path, text):
    (tmp_path / "bad.csv").write_text("word,topic\n蓝鲸,Not An Id\n", encoding="utf-8")
    with pytest.raises(InputError, match="is not an id"):
        read_policy(written(text))


def test_a_policy_without_topics_keeps_the_digest_that_it_had(written):
    policy = read_policy(written("words: [飞鸟计划]"))
    before = policy.model_dump(mode="json")
    del before["word_topics"]
    assert policy.digest == digest(before)
    assert read_policy(written("words: [{word: 飞鸟计划, topic: a1-b}]")).digest != policy.digest


def test_rules_may_be_written_by_category_and_change_only_what_they_name(written):
    policy = read_policy(written("rules: {pii: {inbound: block}, harm: safe_answer}"))
    before = default_policy()
    assert rule_of(policy, Category.PII).inbound is Decision.BLOCK
    assert rule_of(policy, Category.PII).threshold == rule_of(before, Category.PII).threshold
    assert rule_of(policy, Category.HARM).inbound is Decision.SAFE_ANSWER


def test_a_rule_with_a_condition_stands_beside_the_one_without(written):
    policy = read_policy(written("rules: [{category: pii, when: length > 500, inbound: block}]"))
    assert rule_of(policy, Category.PII).inbound is Decision.LABEL
    assert "length > 500" in [rule.when for rule in policy.rules]


def test_the_answer_out_of_scope_says_what_the_system_is_for(written):
    policy = read_policy(written("scope: {about: {zh: 解答人事制度问题, en: questions on staff rules}}"))
    assert "解答人事制度问题" in policy.safe_answers[Category.TOPIC].zh


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rulez: []", "rulez"),
        ("base: grade-9", "base"),
        ("rules: {pii: {inbound: explode}}", "inbound"),
        ("rules: {weather: {inbound: block}}", "rules.weather"),
        ("rules: {pii: {threshold: 7}}", "threshold"),
        ("rules: [{category: pii, when: colour == 'red'}]", "colour"),
        ("tools: [{name: pay, arguments: 'amount <'}]", "tools:"),
        ("expert_rules: [{id: a, title: {zh: a, en: a}, must: 'answer <'}]", "expert_rules:"),
        ("expert_rules: [{id: a, title: {zh: a, en: a}, must: 'numbers.x < 3', numbers: {x: load}}]", "load"),
        ("words_file: nowhere.txt", "words_file"),
        ("version: [1", ""),
        ("a: &x [1]\nb: *x", ""),
        ("", ""),
    ],
)
def test_what_is_wrong_is_named_with_its_line(written, text, told):
    with pytest.raises(InputError) as error:
        Guard.load(written(text))
    assert told in str(error.value)
    assert error.value.message.zh != error.value.message.en


@pytest.mark.parametrize(
    "text",
    [
        "base: grade-3\nrules: {harm: {inbound: allow}}",
        "base: grade-3\nrules: {injection: {threshold: 0.9}}",
        "base: grade-2\nrules: {pii: {on_failure: open}}",
        "grade: 3\nrules: {secret: {inbound: label}}",
        "base: grade-2\nmax_input_characters: 9000000",
        "base: grade-2\nrules: [{category: emotion, when: \"rule == 'emotion.crisis'\", inbound: allow}]",
    ],
)
def test_a_policy_below_what_its_grade_demands_is_refused(written, text):
    with pytest.raises(InputError, match="grade"):
        read_policy(written(text))


def test_what_a_grade_allows_may_be_edited(written):
    text = "base: grade-3\nrules: {pii: {inbound: block}, harm: {threshold: 0.4}}\nmax_input_characters: 1000"
    policy = read_policy(written(text))
    assert (policy.grade, policy.max_input_characters) == (3, 1000)


def test_a_signed_policy_is_taken_and_a_changed_one_is_not(written):
    signer, path = Signer.generate(), written("words: [飞鸟计划]")
    with pytest.raises(Tampered, match="signature"):
        Guard.load(path, trusted=signer.verifier)
    signed(path, signer)
    assert Guard.load(path, trusted=signer.verifier).policy.words == ("飞鸟计划",)
    assert len(verify(path, signer.verifier)) == 64
    with pytest.raises(Tampered):
        verify(path, Signer.generate().verifier)
    path.write_text("words: []", encoding="utf-8")
    with pytest.raises(Tampered):
        Guard.load(path, trusted=signer.verifier)


def test_a_signature_that_is_none_is_told(written):
    path = written("version: 1")
    path.with_name("policy.yaml.sig").write_text("{}", encoding="utf-8")
    with pytest.raises(Tampered):
        verify(path, Signer.generate().verifier)


def test_word_lists_are_bounded(written, tmp_path):
    path = written("words_file: words.txt")
    (tmp_path / "words.txt").write_text("x" * 500, encoding="utf-8")
    with pytest.raises(InputError, match="200"):
        read_policy(path)
    (tmp_path / "words.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        read_policy(path)
