"""A judge elsewhere: its opinion counts, its silence is never taken for a yes."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jingwei.core.errors import InputError, Unavailable
from jingwei.core.policy import Category, Judge
from jingwei.deploy.guard.judge_server import JudgeServer
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
