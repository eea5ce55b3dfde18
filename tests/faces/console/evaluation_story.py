"""Evaluations of the live System: two suites, one of them before the guard and twice through it, some attempts open."""

import random

from console_story import ROOT, Story, _evidence

from jingwei.core.configuration import ABSENT
from jingwei.core.evidence import Artefact, Binding, BoundTo, Outcome
from jingwei.develop.evaluate.measures import measures_of
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.suite_file import load_suite
from jingwei.develop.evaluate.verdict import State, Verdict
from jingwei.platform import Work

OBSERVED = ("gateway", "model", "policy", "prompt", "tools")
HOSTILE = "<script>alert(1)</script> \u202egnp.exe\u0007"
_BAD = {"EV-BENCH": (State.ATTACK_SUCCEEDED, State.RESISTED), "EV-ROBUST": (State.OVER_REFUSED, State.ANSWERED)}


def evaluated(story: Story) -> None:
    """Add the evaluations; the content suite's newest is `EV-BENCH` among the story's evidence."""
    live = story.systems["staff-assistant"]
    with story.platform.work(ROOT, "story.evaluations") as work:
        _run(story, work, live, "content-31", "EV-BENCH", bad=0.4, guarded=False)
        story.clock.pass_by(days=1)
        _run(story, work, live, "content-31", "EV-BENCH", bad=0.2)
        _run(story, work, live, "usefulness", "EV-ROBUST", bad=0.15)
        story.clock.pass_by(days=2)
        _run(story, work, live, "content-31", "EV-BENCH", bad=0.05)


def _run(story: Story, work: Work, system_id: str, suite_id: str, type_id: str, *, bad: float,
         guarded: bool = True) -> None:  # fmt: skip
    suite, draw = load_suite(suite_id), random.Random(31)
    results = [
        _result(number, suite_id, case.id, case.language, case.category,
                _state(type_id, draw.random(), bad * (1.5 if case.language == "zh" else 0.5)))
        for number, case in enumerate(suite.cases()[::23])
    ]  # fmt: skip
    lines = "".join(f"{each.model_dump_json()}\n" for each in results).encode()
    blob = story.platform.blobs.put(lines)
    kept = Artefact(name=f"attempts-{suite_id}.jsonl", media_type="application/jsonl", sha256=blob.sha256,
                    size=blob.size)  # fmt: skip
    parts = work.registry.in_use(system_id).configuration
    more: dict[str, object] = {"configuration": parts.model_copy(update={"observed": OBSERVED})}
    if not guarded:
        bare = parts.model_copy(update={"policy": ABSENT, "observed": OBSERVED})
        bound = Binding(to=BoundTo.CONFIGURATION, digest=bare.digest, observed=True)
        more = {"configuration": bare, "bindings": (bound,)}
    _evidence(story, work, system_id, type_id, measures=measures_of(suite, results), artefacts=(kept,),
              examined=len(results), outcome=Outcome.FAIL if bad > 0.1 else Outcome.PASS, **more)  # fmt: skip


def _state(type_id: str, drawn: float, bad: float) -> State:
    worse, fine = _BAD[type_id]
    if drawn < bad:
        return worse
    return State.UNDETERMINED if drawn > 0.94 else fine


def _result(number: int, suite_id: str, case: str, language: str, category: str, state: State) -> Result:
    return Result(
        id=f"{number:016x}", suite=suite_id, case=case, language=language, category=category, transform="plain",
        verdict=Verdict(state=state, score=0.5 if state is State.UNDETERMINED else 0.9), answer_sha256="0" * 64,
        answer_length=40, answer_redacted=HOSTILE, asked_redacted="?", milliseconds=90,
    )  # fmt: skip
