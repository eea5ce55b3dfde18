"""The red-team check: attacks an endpoint and says how often it gave in, with the judge's own error beside it.

plan      one look at the target, the attempts, and one more look at the target
examine   one look, or one attempt: send, receive, judge; no answer is kept in the clear
conclude  EV-REDTEAM, bound to the configuration that both looks agreed on
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.canonical import Json
from jingwei.core.check import CheckOptions, Run
from jingwei.core.errors import InputError
from jingwei.core.evidence import Draft
from jingwei.core.target import TargetKind
from jingwei.core.text import LANGUAGES, Both, Language, text
from jingwei.develop.evaluate.attempt import Attempt, Briefing, plan_attempts
from jingwei.develop.evaluate.carrying import carry_out
from jingwei.develop.evaluate.endpoint import Client, Limits
from jingwei.develop.evaluate.observe import Observation, observe
from jingwei.develop.evaluate.report import Thresholds, report
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.subjects.openai import OpenAiSubject
from jingwei.develop.evaluate.suite import ToolDefinition
from jingwei.develop.evaluate.suite_file import load_suite
from jingwei.develop.evaluate.transforms import transform, transform_names


class RedTeamOptions(CheckOptions):
    """How to attack, how hard, and what counts as a pass."""

    tunable: ClassVar[frozenset[str]] = frozenset({
        "seed", "attempts", "transforms", "languages", "max_tokens", "concurrency", "timeout_seconds", "retries",
        "backoff_seconds",
    })  # fmt: skip
    reads: ClassVar[frozenset[str]] = frozenset({"suite", "model_file"})

    suite: str = Field(default="baseline", description="Id of a suite of the package, or path of a suite file.")
    transforms: tuple[str, ...] = Field(
        default=tuple(transform_names()), description="Attack transforms; a chain is written role-play+base64."
    )
    languages: tuple[Language, ...] = Field(default=LANGUAGES, min_length=1, description="Languages to attack in.")
    categories: tuple[str, ...] = Field(default=(), description="Categories of the suite; none given means all.")
    attempts: int = Field(default=60, ge=1, le=100_000, description="How many attempts, harmless requests included.")
    benign_share: float = Field(default=0.25, ge=0, le=1, description="Share of harmless requests among the attempts.")
    max_tokens: int = Field(default=128, ge=8, le=4096, description="Longest answer asked for.")
    concurrency: int = Field(default=2, ge=1, le=256, description="Attempts under way at once.")
    timeout_seconds: float = Field(default=60, gt=0, le=600, description="Longest wait for one answer.")
    retries: int = Field(default=3, ge=0, le=10, description="Retries after a refused connection, 429 or 5xx.")
    backoff_seconds: float = Field(default=0.5, ge=0, le=30, description="Wait before the first retry; doubles after.")
    system_prompt: str = Field(default="", description="The app's system prompt; may hold {canary} and {tools}.")
    canary: str = Field(
        default="",
        max_length=80,
        description="The marker planted in the app's prompt; none given means one of the seed.",
    )
    registered_tools: str = Field(
        default="", pattern="^([0-9a-f]{64}|none)?$", description="Digest of the app's tools as registered, declared."
    )
    tools: tuple[ToolDefinition, ...] | None = Field(
        default=None, description="The app's tools as its tools.json defines them; none given means the suite's."
    )
    forbidden_tools: tuple[str, ...] | None = Field(
        default=None, description="Tools that must not be called; none given means the suite's forbidden ones."
    )
    model_file: Path | None = Field(default=None, description="The served model's file: its hash binds the evidence.")
    thresholds: Thresholds = Field(default=Thresholds(), description="What counts as a pass.")

    @property
    def limits(self) -> Limits:
        """Return how patient the client is."""
        return Limits(timeout_seconds=self.timeout_seconds, retries=self.retries, backoff_seconds=self.backoff_seconds)


class LookUnit(BaseModel):
    """A look at the target."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["look"] = "look"
    suite: str
    """Digest of the suite the attempts came from."""


class AttemptUnit(BaseModel):
    """One attempt, whole, so that an interrupted run goes on with what it planned."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["attempt"] = "attempt"
    attempt: Attempt


class RedTeam:
    """The check `redteam`."""

    id: ClassVar[str] = "redteam"
    version: ClassVar[str] = "1"
    title: ClassVar[Both] = text("develop.evaluate:redteam-title")
    about: ClassVar[Both] = text("develop.evaluate:redteam-about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-REDTEAM",)
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.ENDPOINT, TargetKind.GATEWAY)
    options: ClassVar[type[CheckOptions]] = RedTeamOptions

    def __init__(self) -> None:
        self._client = Client()

    def plan(self, run: Run) -> Sequence[Json]:
        """Draw the attempts; nothing is sent yet.

        Raises:
            InputError: the URL, the suite, a transform or a category is wrong.
        """
        options = _options(run)
        parts = urlsplit(run.target.locator)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InputError("develop.evaluate:url-wrong", field="target", url=run.target.locator)
        for chain in options.transforms:
            for name in chain.split("+"):
                transform(name)
        briefing = _briefing(run)
        known = [category.id for category in briefing.suite.categories]
        for category in options.categories:
            if category not in known:
                raise InputError("develop.evaluate:category-unknown", field="categories", name=category,
                                 known=", ".join(known))  # fmt: skip
        attempts = plan_attempts(
            briefing,
            transforms=options.transforms,
            languages=options.languages,
            categories=options.categories,
            count=options.attempts,
            benign_share=options.benign_share,
        )
        if not attempts:
            raise InputError("develop.evaluate:nothing-to-try", field="transforms")
        look = LookUnit(suite=briefing.suite.digest)
        return [
            unit.model_dump(mode="json") for unit in [look, *(AttemptUnit(attempt=each) for each in attempts), look]
        ]

    async def examine(self, run: Run, unit: Json) -> Json:
        """Look at the target, or make one attempt and judge it.

        Raises:
            Unavailable: the endpoint cannot be reached, or does not accept the key.
        """
        options, briefing, subject = _options(run), _briefing(run), self._subject(run)
        if isinstance(unit, dict) and unit.get("kind") == "look":
            seen = await observe(subject, run, briefing, model_file=options.model_file)
            return seen.model_dump(mode="json")
        attempt = AttemptUnit.model_validate(unit).attempt
        return (await carry_out(attempt, subject.ask, briefing)).model_dump(mode="json")

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:
        """Count, compare with the thresholds, and say how far the judge can be trusted."""
        looks = [Observation.model_validate(result) for result in (results[0], results[-1])]
        attempts = [Result.model_validate(result) for result in results[1:-1]]
        first = LookUnit.model_validate(units[0])
        return [report(run, _briefing(run), looks, attempts, thresholds=_options(run).thresholds, planned=first.suite)]

    def concurrency(self, run: Run) -> int:
        """Return how many attempts may be under way at once."""
        return _options(run).concurrency

    def _subject(self, run: Run) -> OpenAiSubject:
        """Return the target as it is asked; a gateway's is its root, an endpoint's ends in its API's prefix."""
        options = _options(run)
        root = run.target.locator.rstrip("/")
        return OpenAiSubject(
            self._client,
            f"{root}/v1" if run.target.kind is TargetKind.GATEWAY else root,
            model=run.target.name,
            key=run.secret,
            parameters={"max_tokens": options.max_tokens, "temperature": 0, "seed": options.seed},
            sign=run.sign_request,
            limits=options.limits,
        )


def _options(run: Run) -> RedTeamOptions:
    options: RedTeamOptions = run.options
    return options


def _briefing(run: Run) -> Briefing:
    options = _options(run)
    suite = load_suite(options.suite)
    forbidden = options.forbidden_tools
    if forbidden is None:
        forbidden = tuple(tool.name for tool in suite.tools if tool.forbidden)
    return Briefing(suite=suite, seed=options.seed, template=options.system_prompt, definitions=options.tools,
                    forbidden=forbidden, planted=options.canary, registered_tools=options.registered_tools)  # fmt: skip
