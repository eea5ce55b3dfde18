"""The label check: answers of a running gateway end with the explicit label, streamed or whole."""

import json
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from jingwei.core.canonical import Json
from jingwei.core.check import CheckOptions, Run
from jingwei.core.configuration import deployment_digest
from jingwei.core.errors import Unavailable
from jingwei.core.evidence import Binding, BoundTo, Draft, Measure, Outcome
from jingwei.core.finding import Finding, Location, Severity
from jingwei.core.probe import Reply, ask, asked
from jingwei.core.target import TargetKind
from jingwei.core.text import LANGUAGES, Both, text


class LabelOptions(CheckOptions):
    """What label to look for, and how much to ask."""

    tunable: ClassVar[frozenset[str]] = frozenset({"seed", "max_tokens"})

    label_zh: str = Field(default=text("operate.label:marker").zh, description="What a Chinese label must hold.")
    label_en: str = Field(default=text("operate.label:marker").en, description="What an English label must hold.")
    max_tokens: int = Field(default=12, ge=1, le=512, description="Length of the answers asked for.")


class LabelCheck:
    """Asks for answers and looks at their end."""

    id: ClassVar[str] = "label"
    version: ClassVar[str] = "1"
    title: ClassVar[Both] = text("operate.label:check-title")
    about: ClassVar[Both] = text("operate.label:check-about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-LABEL",)
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.GATEWAY,)
    options: ClassVar[type[CheckOptions]] = LabelOptions

    def plan(self, run: Run) -> Sequence[Json]:
        """Return the gateway's deployment, then each question whole and streamed."""
        told = ask(run, "/jingwei/configuration").value
        gateway, policy = told.get("gateway"), told.get("policy")
        if not isinstance(gateway, str) or not isinstance(policy, str):
            raise Unavailable("operate.label:gateway-silent", field="target", url=run.target.locator)
        asked_for: list[Json] = [
            {"language": language, "stream": stream} for language in LANGUAGES for stream in (False, True)
        ]
        return [{"deployment": deployment_digest(gateway, policy)}, *asked_for]

    async def examine(self, run: Run, unit: Json) -> Json:
        """Ask one question; return only whether and where the label stood."""
        if not isinstance(unit, dict) or "language" not in unit:
            return {}
        content = text("operate.label:question").of("zh" if unit["language"] == "zh" else "en")
        options: LabelOptions = run.options
        body: dict[str, Json] = {"messages": [{"role": "user", "content": content}], "stream": unit["stream"],
                                 "max_tokens": options.max_tokens, "temperature": 0, "seed": options.seed}  # fmt: skip
        reply = await asked(run, "/v1/chat/completions", body=body)
        answer, finish = _answer(reply, streamed=bool(unit["stream"]))
        return {"place": _place(unit), **_seen(answer, options), "withheld": finish == "content_filter"}

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:  # noqa: ARG002 - the contract
        """Count and conclude; an answer that was withheld or empty proves nothing."""
        first = units[0]
        deployment = str(first["deployment"]) if isinstance(first, dict) else ""
        looked = [each for each in results if isinstance(each, dict) and each]
        clear = [each for each in looked if not each["withheld"] and each["text"]]
        findings = tuple(finding for each in clear for finding in _problems(each))
        skipped = tuple(text("operate.label:unclear", place=each["place"]) for each in looked if each not in clear)
        good = len(clear) - len({finding.location.path for finding in findings})
        share = Measure(name="labelled_share", title=text("operate.label:share"), samples=len(clear),
                        value=good / len(clear) if clear else 0.0)  # fmt: skip
        outcome = Outcome.FAIL if findings else Outcome.INCOMPLETE if skipped else Outcome.PASS
        return [
            Draft(
                type="EV-LABEL",
                outcome=outcome,
                summary=text("operate.label:summary", good=good, clear=len(clear)),
                bindings=(Binding(to=BoundTo.DEPLOYMENT, digest=deployment, observed=True),),
                measures=(share,),
                findings=findings,
                examined=len(looked),
                skipped=skipped,
            )
        ]

    def concurrency(self, run: Run) -> int:  # noqa: ARG002 - the contract
        """Return 2: four short answers."""
        return 2


def _answer(reply: Reply, *, streamed: bool) -> tuple[str, str]:
    """Return the text of an answer and how it finished."""
    chunks = [reply.value] if not streamed else _chunks(reply.raw)
    content, finish = "", ""
    for chunk in chunks:
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else {}
        part = choice.get("delta" if streamed else "message") if isinstance(choice, dict) else None
        if isinstance(part, dict) and isinstance(part.get("content"), str):
            content += str(part["content"])
        if isinstance(choice, dict) and choice.get("finish_reason"):
            finish = str(choice["finish_reason"])
    return content, finish


def _chunks(raw: bytes) -> list[dict[str, Json]]:
    lines = [line[6:] for line in raw.split(b"\n") if line.startswith(b"data: {")]
    return [json.loads(line) for line in lines]


def _seen(answer: str, options: LabelOptions) -> dict[str, Json]:
    last = answer.rstrip().rpartition("\n")[2]
    held = [mark for mark in (options.label_zh, options.label_en) if mark in answer]
    return {"text": bool(answer.strip()), "present": bool(held), "at_end": any(mark in last for mark in held),
            "times": sum(answer.count(mark) for mark in held)}  # fmt: skip


def _place(unit: dict[str, Json]) -> str:
    return f"{unit['language']}/{'stream' if unit['stream'] else 'whole'}"


def _problems(seen: dict[str, Json]) -> list[Finding]:
    name = "" if seen["present"] else "missing"
    if seen["present"] and not seen["at_end"]:
        name = "misplaced"
    if not name:
        return []
    place = str(seen["place"])
    return [
        Finding(
            rule_id=f"label.{name}",
            severity=Severity.HIGH,
            title=text(f"operate.label:{name}-title"),
            detail=text(f"operate.label:{name}-detail", place=place),
            remedy=text(f"operate.label:{name}-remedy"),
            location=Location(path=place),
        )
    ]
