import asyncio
import errno
import json
import os
import signal
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from evaluating import evaluated, lines, order_of, write_suite
from pydantic import SecretStr

from jingwei.core.errors import Conflict, InputError, Unavailable
from jingwei.core.evidence import Outcome
from jingwei.develop.evaluate.carrying import redacted
from jingwei.develop.evaluate.engine import Terms
from jingwei.develop.evaluate.evaluation import Budget
from jingwei.develop.evaluate.exchange import Answer, Usage
from jingwei.develop.evaluate.keeping import Keeping, RunCard
from jingwei.develop.evaluate.order import Asked, Evaluating
from jingwei.develop.evaluate.purse import Prices
from jingwei.develop.evaluate.rubric import rubric
from jingwei.develop.evaluate.target_file import ApiTarget, FunctionTarget, McpTarget, read_target
from jingwei.develop.evaluate.verdict import State

REFUSAL = {"zh": "抱歉，我不能帮这个忙。", "en": "I'm sorry, but I can't help with that."}


@pytest.fixture
def suite(tmp_path):
    return write_suite(tmp_path)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def app(tmp_path, monkeypatch):
    """A function under test, whose module counts what it was asked; each test has its own."""
    name = f"app_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(
        "asked = []\nreply = None\n"
        "async def answer(message):\n"
        "    asked.append(message)\n"
        "    return reply(message) if reply else \"I'm sorry, but I can't help with that.\"\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    module = __import__(name)
    module.target = FunctionTarget(kind="callable", function=f"{name}:answer")
    return module


def test_every_case_is_asked_once_and_the_report_lies_in_the_folder(suite, app, out):
    evaluation, results = evaluated(order_of(suite, app.target, out))
    assert len(app.asked) == len(set(app.asked)) == 20
    assert evaluation.suites[0].planned == evaluation.suites[0].examined == len(results) == 20
    assert json.loads((out / "report.json").read_text())["id"] == evaluation.id
    assert evaluation.spent.requests == 20
    assert {each["suite"] for each in lines(out)} == {"mine"}


def test_the_lines_come_in_the_order_of_the_plan_whoever_answered_first(suite, app, tmp_path):
    slow = order_of(suite, app.target, tmp_path / "a", terms=Terms(concurrency=8))
    evaluated(slow)
    evaluated(order_of(suite, app.target, tmp_path / "b", terms=Terms(concurrency=1)))
    assert [each["id"] for each in lines(tmp_path / "a")] == [each["id"] for each in lines(tmp_path / "b")]


def test_what_was_recorded_is_never_asked_again(suite, app, out):
    evaluated(order_of(suite, app.target, out))
    first = (out / "attempts.jsonl").read_bytes()
    evaluation, _ = evaluated(order_of(suite, app.target, out))
    assert len(app.asked) == 20
    assert (out / "attempts.jsonl").read_bytes() == first
    assert evaluation.spent.requests == 20


def test_a_line_torn_by_a_power_cut_is_asked_again_and_no_other(suite, app, out):
    evaluated(order_of(suite, app.target, out))
    path = out / "attempts.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    app.asked.clear()
    evaluated(order_of(suite, app.target, out))
    assert len(app.asked) == 1
    assert [each["id"] for each in lines(out)] == [json.loads(each)["id"] for each in whole.splitlines()]


def test_a_damaged_line_stops_with_its_place(suite, app, out):
    evaluated(order_of(suite, app.target, out))
    path = out / "attempts.jsonl"
    listed = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*listed[:3], b'{"id": 1}\n', *listed[4:]]))
    with pytest.raises(InputError, match="Line 4"):
        evaluated(order_of(suite, app.target, out))


def test_another_runs_folder_is_refused_unless_it_is_to_be_forgotten(suite, app, out):
    evaluated(order_of(suite, app.target, out))
    with pytest.raises(InputError, match="another run"):
        evaluated(order_of(suite, app.target, out, scope={"seed": 7}))
    assert len(lines(out)) == 20
    evaluated(order_of(suite, app.target, out, scope={"seed": 7, "limit": 4}, fresh=True))
    assert len(lines(out)) == 4


def test_a_run_is_not_gone_on_with_by_another_judge(suite, app, out, monkeypatch):
    evaluated(order_of(suite, app.target, out))
    other = rubric().model_copy(update={"version": "another"})
    monkeypatch.setattr("jingwei.develop.evaluate.engine.rubric", lambda: other)
    with pytest.raises(InputError, match="version of this program"):
        evaluated(order_of(suite, app.target, out))


def test_a_folder_is_put_in_order_only_by_who_holds_it(suite, app, out, monkeypatch):
    evaluated(order_of(suite, app.target, out))
    card = RunCard.model_validate_json((out / "run.json").read_bytes())
    first, before = Keeping(out, card), (out / "attempts.jsonl").read_bytes()
    first.close()
    second = Keeping(out, card)
    with pytest.raises(Conflict):
        first.settle(sorted(second.done))
    second.close()
    assert (out / "attempts.jsonl").read_bytes() == before
    assert len(first.settle(sorted(second.done))) == len(second.done)
    opened = os.open

    def overtaken(path, *more):
        file = opened(path, *more)
        if str(path).endswith("attempts.jsonl"):
            monkeypatch.setattr(os, "open", opened)
            first.settle(sorted(second.done))
        return file

    monkeypatch.setattr(os, "open", overtaken)
    with pytest.raises(Conflict):
        Keeping(out, card)


def test_two_processes_do_not_write_to_one_folder(suite, app, out):
    work = Evaluating(order_of(suite, app.target, out))

    async def go():
        def again(moment):
            if moment.done == 1:
                with pytest.raises(Conflict, match="Another process"):
                    Keeping(out, work.examination._keeping.card)

        await work.run(again)

    asyncio.run(go())
    assert work.conclude()[0].suites[0].examined == 20


def test_several_runs_go_on_at_once_in_one_process(suite, app, tmp_path):
    async def go():
        runs = [Evaluating(order_of(suite, app.target, tmp_path / name)) for name in "abc"]
        await asyncio.gather(*(each.run() for each in runs))
        return [each.conclude()[0] for each in runs]

    done = asyncio.run(go())
    assert [each.suites[0].examined for each in done] == [20, 20, 20]
    assert len({each.id for each in done}) == 3


@pytest.mark.parametrize(
    "budget", [Budget(requests=7), Budget(tokens=70), Budget(money=0.007)], ids=["requests", "tokens", "money"]
)
def test_a_budget_stops_the_run_and_a_larger_one_goes_on(suite, app, out, budget):
    app.reply = lambda _: Answer(text=REFUSAL["en"], usage=Usage(asked=6, answered=4))
    target = app.target.model_copy(update={"prices": Prices(asked=100, answered=100)})
    terms = Terms(concurrency=1, budget=budget)
    evaluation, _ = evaluated(order_of(suite, target, out, terms=terms))
    assert evaluation.stopped == "budget"
    assert len(app.asked) == evaluation.spent.requests == 7
    assert evaluation.suites[0].outcome is not Outcome.PASS
    assert "were not made" in evaluation.suites[0].gaps[0].en
    assert evaluation.spent.asked_tokens == 42
    assert evaluation.spent.money == pytest.approx(0.007)
    again, _ = evaluated(order_of(suite, target, out))
    assert (again.stopped, again.suites[0].examined, len(app.asked)) == ("", 20, 20)
    assert again.spent.asked_tokens == 120


def test_tokens_that_nobody_counted_are_guessed_alike_before_and_after_a_resume(suite, app, out):
    app.reply = lambda message: f"{message} " * 3000  # more than the redacted transcript keeps
    first, _ = evaluated(order_of(suite, app.target, out))
    again, _ = evaluated(order_of(suite, app.target, out))
    assert first.spent.answered_tokens > 20_000
    assert (again.spent.asked_tokens, again.spent.answered_tokens) == (
        first.spent.asked_tokens, first.spent.answered_tokens,
    )  # fmt: skip


def test_many_at_once_never_send_more_requests_than_the_budget(suite, app, out):
    evaluation, _ = evaluated(order_of(suite, app.target, out, terms=Terms(8, Budget(requests=5))))
    assert len(app.asked) == evaluation.spent.requests == 5


def test_ctrl_c_keeps_what_was_recorded_and_the_same_command_goes_on(suite, app, out):
    work = Evaluating(order_of(suite, app.target, out, terms=Terms(concurrency=1)))

    def press(moment):
        if moment.done == 6:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(work.run(press))
    evaluation, _ = work.conclude()
    assert evaluation.stopped == "interrupted"
    kept = evaluation.suites[0].examined
    assert 6 <= kept < 20
    app.asked.clear()
    evaluated(order_of(suite, app.target, out))
    assert len(app.asked) == 20 - kept


def test_a_full_disk_is_said_and_loses_nothing_recorded_before(suite, app, out, monkeypatch):
    written, real = [], os.write

    def write(file, content):
        if b'"suite"' in bytes(content) and len(written) == 5:
            real(file, bytes(content)[:20])  # a part still fits
            raise OSError(errno.ENOSPC, "No space left on device")
        if b'"suite"' in bytes(content):
            written.append(1)
        return real(file, content)

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(Unavailable, match="disk is full"):
        evaluated(order_of(suite, app.target, out, terms=Terms(concurrency=1)))
    monkeypatch.setattr(os, "write", real)
    assert len(lines(out)) == 5
    app.asked.clear()
    evaluated(order_of(suite, app.target, out))
    assert len(app.asked) == 15


def test_a_target_that_keeps_failing_stops_the_run_and_its_failures_are_asked_again(suite, app, out):
    def fail(_):
        raise TimeoutError

    app.reply = fail
    terms = Terms(concurrency=1, patience=4)
    work = Evaluating(order_of(suite, app.target, out, terms=terms))
    asyncio.run(work.run())
    evaluation, _ = work.conclude()
    assert evaluation.stopped == "unreachable"
    assert "in a row" in str(work.examination.trouble)
    assert len(app.asked) == 5
    app.reply = None
    evaluation, results = evaluated(order_of(suite, app.target, out, terms=terms))
    assert len(app.asked) == 5 + 20
    assert not [each for each in results if each.verdict.state is State.ERROR]
    assert len(lines(out)) == 20


def test_a_target_that_is_not_there_leaves_a_folder_to_go_on_with(suite, out):
    gone = ApiTarget(kind="openai", url="http://127.0.0.1:9/v1", model="m", retries=0)
    work = Evaluating(order_of(suite, gone, out))
    asyncio.run(work.run())
    evaluation, _ = work.conclude()
    assert (evaluation.stopped, evaluation.suites[0].examined) == ("unreachable", 0)
    assert evaluation.suites[0].outcome is Outcome.INCOMPLETE
    assert "cannot be reached" in str(work.examination.trouble)


def test_a_scorer_that_breaks_over_an_answer_is_an_error_of_its_own(suite, app, out, monkeypatch):
    def broken(*_args, **_more):
        raise ZeroDivisionError

    monkeypatch.setattr("jingwei.develop.evaluate.scorers.harm.Harm.score", broken)
    evaluation, results = evaluated(order_of(suite, app.target, out))
    assert {each.verdict.state for each in results} == {State.ERROR}
    assert results[0].verdict.reasons == ("scorer-failed", "ZeroDivisionError")
    assert evaluation.suites[0].outcome is Outcome.INCOMPLETE


def test_the_model_under_test_is_not_its_own_judge_unless_that_is_said(suite, out):
    target = ApiTarget(kind="openai", url="http://127.0.0.1:9/v1", model="m")
    with pytest.raises(InputError, match="speak for itself"):
        Evaluating(order_of(suite, target, out, judge=Asked(target)))
    Evaluating(order_of(suite, target, out, judge=Asked(target), self_judge=True))


@pytest.mark.parametrize(
    ("subject", "judge"),
    [
        ("http://127.0.0.1:8000/v1", "http://localhost:8000/v1/"),
        ("http://h/v1", "http://H:80/v1/messages"),
        ("https://h/v1", "https://h./v1"),
    ],
)
def test_the_same_model_is_known_however_its_address_is_written(suite, out, subject, judge):
    judged = read_target(subject, model="Qwen")
    with pytest.raises(InputError, match="speak for itself"):
        Evaluating(order_of(suite, judged, out, judge=Asked(read_target(judge, model="qwen"))))
    Evaluating(order_of(suite, judged, out, judge=Asked(read_target(judge, model="other"))))


def test_two_agents_started_by_commands_are_not_the_same(suite, out):
    one, other = (McpTarget(kind="mcp", command=(name,), tool="ask") for name in ("this", "that"))
    Evaluating(order_of(suite, one, out, judge=Asked(other)))


def test_progress_tells_done_errors_and_attacks(suite, app, out):
    told = []
    evaluated(order_of(suite, app.target, out, terms=Terms(concurrency=1)), told.append)
    assert [each.done for each in told] == list(range(21))
    assert told[-1].total == 20
    assert told[-1].attacks == 20
    assert told[-1].succeeded == told[-1].errors == 0


@pytest.mark.parametrize("before", [1_940, 1_970, 1_998])
def test_a_secret_on_the_border_of_what_is_kept_is_not_kept_by_half(before):
    key = "sk-proj-" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5bC7dE9fG1hJ3kL5"
    kept = redacted("." * before + f" {key} and more words", canary="")
    assert "sk-" not in kept
    assert kept.endswith("[OPENAI_KEY]")
    assert len(redacted("a " * 5_000, canary="")) == 2_000


def test_our_own_key_is_not_kept_when_the_target_says_it_back(suite, app, out):
    key = "a plain-looking pass phrase"
    app.reply = lambda _: "x" * 1_990 + f" your key is {key}, thank you"
    evaluated(order_of(suite, app.target, out))
    assert key in app.reply("")
    keyed = Asked(app.target, key=SecretStr(key))
    evaluated(replace(order_of(suite, app.target, out, fresh=True), subject=keyed))
    assert key[:6] not in (out / "attempts.jsonl").read_text(encoding="utf-8")
    assert "[KEY]" in redacted(f"it is {key}.", canary="", hidden=(key,))


def test_a_judge_whose_name_the_endpoint_tells_is_known_as_the_subject(suite, out):
    with serving_models("m") as url:
        subject, judge = ApiTarget(kind="openai", url=url, model="m"), ApiTarget(kind="openai", url=url)
        work = Evaluating(order_of(suite, subject, out, judge=Asked(judge)))
        with pytest.raises(InputError, match="judge"):
            asyncio.run(work.run())
        assert not (out / "attempts.jsonl").exists()


@contextmanager
def serving_models(name):
    """List one model."""
    body = json.dumps({"data": [{"id": name}]}).encode()

    class Listing(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Listing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_results_are_read_from_the_file_one_by_one_or_in_slices(suite, app, out):
    _, results = evaluated(order_of(suite, app.target, out))
    assert [each.id for each in results] == [each["id"] for each in lines(out)]
    assert results[3].id == lines(out)[3]["id"]
    assert [each.id for each in results[-2:]] == [each["id"] for each in lines(out)][-2:]


async def chat_server(heard, port):
    """Answer every chat request at once; each message asked is a line in a file, the port goes down a pipe."""

    async def answer(reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                message = json.loads(await reader.readexactly(length))["messages"][-1]["content"]
                os.write(heard, message.encode() + b"\n")
                body = json.dumps({"choices": [{"message": {"content": REFUSAL["en"]}}]}).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    os.write(port, b"%d\n" % server.sockets[0].getsockname()[1])
    await server.serve_forever()


@contextmanager
def serving(folder):
    """Serve from a process of its own, so that this one has no thread while it forks; gives address and counts."""
    heard = os.open(folder / "heard", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            asyncio.run(chat_server(heard, writing))
        finally:
            os._exit(0)
    try:
        url = f"http://127.0.0.1:{int(os.read(reading, 16))}/v1"
        yield url, lambda: Counter((folder / "heard").read_text(encoding="utf-8").splitlines())
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for each in (heard, reading, writing):
            os.close(each)


def recorded(out):
    """Count the whole lines kept so far."""
    path = out / "attempts.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def killed_and_gone_on_with(tmp_path, *, kills, cases):
    """Kill a run so often, each time after a few more answers; return what was asked, and what each kill had kept."""
    suite, out, kept = write_suite(tmp_path, cases=cases), tmp_path / "out", []
    with serving(tmp_path) as (url, counted):
        target = ApiTarget(kind="openai", url=url, model="m")
        evaluated(
            order_of(suite, target, tmp_path / "warm", scope={"limit": 4})
        )  # models are read once, not by each child
        (tmp_path / "heard").write_text("", encoding="utf-8")
        for number in range(kills):
            order = order_of(suite, target, out, terms=Terms(concurrency=3))
            began = recorded(out)
            child = os.fork()
            if not child:
                try:
                    asyncio.run(Evaluating(order).run())
                finally:
                    os._exit(0)
            try:
                until = time.monotonic() + 20
                while recorded(out) < min(began + 1 + number % 3, cases) and time.monotonic() < until:
                    time.sleep(0.001)  # the child's turn
            finally:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            whole = (out / "attempts.jsonl").read_bytes().splitlines(keepends=True)
            ids = {json.loads(each)["asked_redacted"] for each in whole if each.endswith(b"\n")}
            kept.append((ids, counted()))
        evaluation, _ = evaluated(order_of(suite, target, out))
        return evaluation, counted(), kept, lines(out)


def demand_nothing_lost_nor_repeated(evaluation, asked, kept, recorded, *, cases):
    assert evaluation.suites[0].examined == cases
    assert len({each["id"] for each in recorded}) == len(recorded) == cases
    for number, (messages, then) in enumerate(kept):
        for message in messages:
            assert asked[message] == then[message], (number, message)  # once recorded, never asked again
        assert messages <= {each["asked_redacted"] for each in recorded}


def test_a_run_killed_five_times_loses_and_repeats_nothing_recorded(tmp_path):
    demand_nothing_lost_nor_repeated(*killed_and_gone_on_with(tmp_path, kills=5, cases=40), cases=40)


@pytest.mark.slow
def test_a_run_killed_a_hundred_times_loses_and_repeats_nothing_recorded(tmp_path):
    demand_nothing_lost_nor_repeated(*killed_and_gone_on_with(tmp_path, kills=100, cases=600), cases=600)
