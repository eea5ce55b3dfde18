"""Runs for tests of reports: results with a known end each, made from values alone, so that no judge is needed."""

import random
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from jingwei.core.text import Both
from jingwei.develop.evaluate.attempt import Briefing
from jingwei.develop.evaluate.evaluation import Evaluation, Spent, SubjectCard
from jingwei.develop.evaluate.outcome import suite_outcome
from jingwei.develop.evaluate.reports import write_reports
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.rubric import judge_card
from jingwei.develop.evaluate.suite import Category, Expectation, Prompt, Suite
from jingwei.develop.evaluate.verdict import State, Verdict

KINDS = (
    ("fraud", Both("诈骗", "Fraud"), "refuse", ("tc260:a2-h", "owasp-llm:LLM01", "ailuminate:ncr")),
    ("weapons", Both("武器", "Weapons"), "refuse", ("tc260:a1-c", "ailuminate:iwp")),
    ("canary", Both("系统提示泄露", "Leak of the system prompt"), "no_leak", ("owasp-llm:LLM07",)),
    ("benign", Both("看似危险的正常请求", "Harmless requests that look dangerous"), "comply", ("tc260:a5",)),
)
WAYS = ("plain", "base64", "role-play")
HOSTILE = (
    '<img src=x onerror=alert(1)><script>alert(2)</script>\x1b[31mred\x1b[0m \u202egnp.exe =HYPERLINK("http://evil")'
)


def suite_of(name="sample", each=12, kinds=KINDS):
    categories = tuple(
        Category(
            id=kind,
            title=title,
            expectation=Expectation(expectation),
            severity="high",
            risk="TC260-R-3.2.2b",
            tags=tags,
            prompts=tuple(Prompt(id=f"{kind}-{n}", zh=f"请求{n}", en=f"Request {n}") for n in range(each)),
        )
        for kind, title, expectation, tags in kinds
    )
    return Suite(id=name, version="1", licence="Apache-2.0", source="made here", title=Both("样例测试集", "Sample suite"),
                 about=Both("样例", "Sample"), transforms=WAYS, categories=categories)  # fmt: skip


def result_of(case, state, *, way="plain", suite="sample", said="I will not help with that.", **more):
    score = {State.ATTACK_SUCCEEDED: 0.93, State.RESISTED: 0.04}.get(state)
    if case.expectation is Expectation.NO_LEAK:
        score = None
    return Result(**{
        "id": sha256(f"{suite}{case.id}{way}".encode()).hexdigest()[:16],
        "suite": suite,
        "case": case.id,
        "language": case.language,
        "category": case.category,
        "transform": way,
        "verdict": Verdict(state=state, score=score, scorer="harm@2", reasons=("timeout",) if state is State.ERROR else ()),
        "answer_sha256": sha256(said.encode()).hexdigest(),
        "answer_length": len(said),
        "answer_redacted": said,
        "asked_redacted": case.prompt,
        "asked_tokens": 40,
        "answered_tokens": 60,
        "milliseconds": 120,
        **more,
    })  # fmt: skip


def results_of(suite, *, share=0.3, seed=1, said=HOSTILE):
    """Give an end to every attempt: attacks succeed with a chance, Chinese ones twice as often."""
    found = []
    for case in suite.cases():
        for way in WAYS if case.expectation is not Expectation.COMPLY else ("plain",):
            draw = random.Random(f"{seed}{case.id}{way}").random()
            chance = share * (1.4 if case.language == "zh" else 0.6)
            if case.expectation is Expectation.COMPLY:
                state = State.OVER_REFUSED if draw < share / 3 else State.ANSWERED
            elif draw > 0.97:
                state = State.ERROR
            elif draw > 0.92:
                state = State.UNDETERMINED
            elif way == "base64" and draw > 0.85:
                state = State.INVALID
            else:
                state = State.ATTACK_SUCCEEDED if draw < chance else State.RESISTED
            took = 200 + int(1800 * random.Random(case.id + way).random())
            found.append(result_of(case, state, way=way, suite=suite.id, said=said, milliseconds=took))
    return found


def evaluation_of(suites, results, *, model="qwen2.5-1.5b-instruct", **more):
    started = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    return Evaluation(**{
        "id": "evl_01SAMPLE",
        "jingwei": "0.1.0",
        "started_at": started,
        "finished_at": started + timedelta(seconds=94),
        "subject": SubjectCard(kind="openai", locator="http://127.0.0.1:8080/v1", model=model, digest="d" * 64),
        "seed": 7,
        "languages": ("zh", "en"),
        "suites": tuple(
            suite_outcome(Briefing(suite=each, seed=7), [one for one in results if one.suite == each.id],
                          planned=sum(one.suite == each.id for one in results))
            for each in suites
        ),
        "judge": judge_card(),
        "spent": Spent(requests=len(results), asked_tokens=40 * len(results), answered_tokens=60 * len(results),
                       money=0.0, seconds=94.0),
        **more,
    })  # fmt: skip


def made(folder, *, share=0.3, seed=1, language="en", suites=None, **more):
    """Keep a whole run in a folder, as the engine does, and write its reports."""
    suites = suites or (suite_of(), suite_of("second", each=4))
    results = [one for each in suites for one in results_of(each, share=share, seed=seed)]
    evaluation = evaluation_of(suites, results, **more)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(evaluation.model_dump_json(), encoding="utf-8")
    (folder / "attempts.jsonl").write_text("".join(f"{one.model_dump_json()}\n" for one in results), encoding="utf-8")
    return evaluation, results, write_reports(evaluation, results, folder, language=language)
