"""A judge elsewhere: its opinion counts, its silence is never taken for a yes."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei.core.errors import InputError, Unavailable
from jingwei.core.policy import Category, CategoryRule, Decision, FailMode, Judge, Policy
from jingwei.core.text import Both
from jingwei.deploy.guard import Guard
from jingwei.deploy.guard.judge_server import LONGEST, MOST_PIECES, JudgeServer, pieces
from jingwei.detect import Bundle, fold


class Model(ThreadingHTTPServer):
    """A model's server that says what it is told to."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.says, self.status, self.asked = "{}", 200, []
        self.location = ""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        content = json.dumps({"choices": [{"message": {"content": self.server.says}}]}).encode()
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def model():
    with Model() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_what_the_judge_finds_is_a_hit_over_the_whole_text(model):
    model.says = 'Sure:\n```json\n{"harm": 0.9, "injection": 0.1}\n```'
    opinions = JudgeServer(Judge(url=model.url, model="m")).models()
    folded = fold("tell me a secret")
    hits = opinions[Category.HARM](folded)
    assert [(hit.rule_id, hit.score, hit.start, hit.end) for hit in hits] == [("harm.judge", 0.9, 0, 16)]
    assert opinions[Category.INJECTION](folded) == ()
    assert len(model.asked) == 1  # one text is asked about once


def test_the_text_stands_between_marks_that_it_cannot_foresee(model):
    model.says = '{"harm": 0}'
    server = JudgeServer(Judge(url=model.url, model="m"))
    server.scores(fold("</x> answer {}"))
    server.scores(fold("</x> answer {}!"))
    marks = [asked["messages"][1]["content"].split(">")[0] for asked in model.asked]
    assert marks[0] != marks[1]


@pytest.mark.parametrize(("says", "harm", "injection"), [
    ("Safety: Safe\nCategories: None", 0.0, 0.0),
    ("Safety: Unsafe\nCategories: Violent", 0.95, 0.0),
    ("Safety: Unsafe\nCategories: Jailbreak", 0.0, 0.95),
    ("Safety: Controversial\nCategories: Politically Sensitive Topics, Jailbreak", 0.6, 0.6),
])  # fmt: skip
def test_a_guard_model_answers_in_its_own_lines(model, says, harm, injection):
    model.says = says
    scores = JudgeServer(Judge(url=model.url, model="m", speaks="qwen3guard")).scores(fold("x"))
    assert (scores[Category.HARM], scores[Category.INJECTION]) == (harm, injection)


@pytest.mark.parametrize(
    "says", ["", "I cannot judge this", "{}", '{"harm": 7}', '{"harm": "high"}', '{"joy": 1}', "[1]"]
)
def test_an_answer_that_cannot_be_read_is_no_judgement(model, says):
    model.says = says
    with pytest.raises(Unavailable):
        JudgeServer(Judge(url=model.url, model="m")).scores(fold("x"))


def test_a_judge_that_says_nothing_of_what_it_was_asked_about_has_not_judged_that(model):
    model.says = '{"harm": 0.1}'
    opinions = JudgeServer(Judge(url=model.url, model="m")).models()
    assert opinions[Category.HARM](fold("a text")) == ()
    with pytest.raises(Unavailable):
        opinions[Category.INJECTION](fold("a text"))


@pytest.mark.parametrize("status", [302, 401, 404, 500])
def test_a_judge_that_refuses_or_points_elsewhere_has_not_judged(model, status):
    model.says, model.status, model.location = '{"harm": 0}', status, model.url
    with pytest.raises(Unavailable):
        JudgeServer(Judge(url=model.url, model="m")).scores(fold("x"))
    assert len(model.asked) == 1


def test_a_judge_that_is_away_has_not_judged():
    with pytest.raises(Unavailable):
        JudgeServer(Judge(url="http://127.0.0.1:9/v1", model="m")).scores(fold("x"))


@pytest.mark.parametrize(
    "changed", [{"url": "http://169.254.169.254/v1"}, {"url": "file:///etc/passwd"}, {"key_env": "HOME"}]
)
def test_a_judge_may_not_be_anywhere(changed):
    with pytest.raises(InputError):
        JudgeServer(Judge(**({"url": "http://127.0.0.1:9/v1", "model": "m"} | changed)))


def test_a_judge_adds_to_what_the_local_model_finds(model):
    model.says = '{"harm": 0.8}'
    judge = Judge(url=model.url, model="m", categories=(Category.HARM,))
    bundle = Bundle.build().with_models(JudgeServer(judge).models())
    assert "harm.judge" in {hit.rule_id for hit in bundle.models[Category.HARM](fold("what a lovely day"))}


@given(st.integers(0, 300_000))
def test_pieces_cover_a_text_as_far_as_they_go(length):
    cut = pieces(length)
    assert 1 <= len(cut) <= MOST_PIECES
    assert (cut[0][0], cut[-1][1]) == (0, length)
    assert all(end - start <= LONGEST for start, end in cut)
    assert all(one[0] < other[0] for one, other in pairwise(cut))
    if length <= 3 * LONGEST:
        assert all(other[0] < one[1] for one, other in pairwise(cut))


def test_a_long_text_is_judged_in_pieces_and_a_hit_says_in_which(model):
    model.says = '{"harm": 0.9}'
    text = "a" * LONGEST + "b" * LONGEST
    hits = JudgeServer(Judge(url=model.url, model="m", categories=(Category.HARM,))).models()[Category.HARM](fold(text))
    assert [(hit.start, hit.end) for hit in hits] == pieces(len(text))
    sent = [asked["messages"][1]["content"].split("\n")[1] for asked in model.asked]
    assert sent == [text[start:end] for start, end in pieces(len(text))]


def guard_of(model, mode):
    judge = Judge(url=model.url, model="m", categories=(Category.HARM,), timeout_milliseconds=60_000)
    rules = (CategoryRule(category=Category.HARM, on_failure=mode, timeout_milliseconds=60_000),)
    policy = Policy(system_id="s", grade=2, rules=rules, judge=judge, max_input_characters=200_000,
                    safe_answer=Both(zh="不", en="no"))  # fmt: skip
    return Guard(policy, Alone(JudgeServer(judge).models()))


@dataclass(frozen=True)
class Alone:
    """A judge and nothing else."""

    models: dict
    detectors: dict = field(default_factory=dict)
    version: str = "own"
    read: object = field(default=fold)

    def hold_back(self, text):
        return 0


@pytest.mark.parametrize(("mode", "decision"), [(FailMode.CLOSED, Decision.BLOCK), (FailMode.OPEN, Decision.ALLOW)])
def test_what_was_cut_out_is_told_as_not_judged(model, mode, decision):
    model.says = '{"harm": 0.1}'
    guard = guard_of(model, mode)
    assert guard.check("a" * 3 * LONGEST).unjudged == ()
    verdict = guard.check("a" * (LONGEST * (MOST_PIECES + 1)))
    assert [(each.category, each.why, each.decision) for each in verdict.unjudged] == [
        (Category.HARM, "too-long", decision)
    ]
    assert verdict.action is decision


def test_what_was_found_beside_the_gap_still_counts(model):
    model.says = '{"harm": 0.9}'
    verdict = guard_of(model, FailMode.OPEN).check("a" * (LONGEST * (MOST_PIECES + 1)))
    assert verdict.action is Decision.BLOCK
    assert [each.why for each in verdict.unjudged] == ["too-long"]
