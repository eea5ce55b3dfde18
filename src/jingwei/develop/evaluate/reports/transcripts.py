"""What was said, safely: redacted as it was kept, escaped, invisible characters written out, and folded away."""

from jingwei.develop.evaluate.evaluation import Evaluation
from jingwei.develop.evaluate.reports.charts import Tone, mark
from jingwei.develop.evaluate.reports.figures import Figures
from jingwei.develop.evaluate.reports.markup import Html, join, say, tag, visible
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.verdict import State

_TONES: dict[bool | None, Tone] = {True: "bad", False: "good", None: "warn"}


def transcripts(evaluation: Evaluation, figures: Figures) -> Html | None:
    """Return the transcripts that a person should read first, in one fold for each state."""
    del evaluation
    if not figures.transcripts:
        return None
    by_state: dict[State, list[Result]] = {}
    for each in figures.transcripts:
        by_state.setdefault(each.verdict.state, []).append(each)
    return join(
        tag("p", say("transcripts-about", shown=len(figures.transcripts), total=figures.results), class_="soft"),
        *(_state(state, found, total=figures.states[state]) for state, found in by_state.items()),
    )


def _state(state: State, found: list[Result], *, total: int) -> Html:
    count = str(total) if total == len(found) else f"{len(found)} / {total}"
    name = join(mark(_TONES[state.bad]), " ", say(f"state-{state.value}"), " ", tag("span", count, class_="faint"))
    return tag("details", tag("summary", name), *(_transcript(each) for each in found), class_="card fold")


def _transcript(each: Result) -> Html:
    verdict = each.verdict
    facts = [each.suite, each.case, each.transform, each.strategy if each.strategy != "single" else ""]
    reasons = [tag("code", visible(reason)) for reason in verdict.reasons]
    score = tag("span", say("score", score=f"{verdict.score:.2f}"), class_="tag") if verdict.score is not None else None
    return tag(
        "details",
        tag("summary", tag("span", visible(" · ".join(part for part in facts if part)), class_="mono"), " ", score),
        tag("p", say("asked"), class_="who"),
        tag("pre", visible(each.asked_redacted) or "–"),
        tag("p", say("answered", length=each.answer_length), class_="who"),
        tag("pre", visible(each.answer_redacted) or "–"),
        tag("p", *reasons, " ", tag("span", "sha256 ", each.answer_sha256[:16], " · ", verdict.scorer, class_="faint")),
        class_="said",
    )
