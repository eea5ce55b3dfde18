"""What the checks `redteam` and `evaluate` share: how a target is asked and looked at, and an attempt carried out.

plan      one look at the target, the attempts, and one more look at the target
examine   one look, or one attempt: send, receive, judge; no answer is kept in the clear
conclude  drafts, bound to the configuration that both looks agreed on
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr

from jingwei.core.canonical import Json
from jingwei.core.check import CheckOptions, Run, SignRequest
from jingwei.core.errors import InputError
from jingwei.core.target import TargetKind
from jingwei.core.text import LANGUAGES, Language
from jingwei.develop.evaluate.attempt import Attempt, Briefing
from jingwei.develop.evaluate.carrying import Asking, Company, carry_out
from jingwei.develop.evaluate.endpoint import Client, Limits
from jingwei.develop.evaluate.observe import Observation, observe
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.subjects import OpenAiSubject
from jingwei.develop.evaluate.suite import Suite, ToolDefinition
from jingwei.develop.evaluate.transforms import transform


class SubjectOptions(CheckOptions):
    """How the target is asked, and what it was told."""

    languages: tuple[Language, ...] = Field(default=LANGUAGES, min_length=1, description="Languages to attack in.")
    categories: tuple[str, ...] = Field(default=(), description="Categories of the suite; none given means all.")
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

    @property
    def limits(self) -> Limits:
        """Return how patient the client is."""
        return Limits(timeout_seconds=self.timeout_seconds, retries=self.retries, backoff_seconds=self.backoff_seconds)


class LookUnit(BaseModel):
    """A look at the target."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["look"] = "look"
    suite: str
    """Digest of the suites the attempts came from."""


class AttemptUnit(BaseModel):
    """One attempt, whole, so that an interrupted run goes on with what it planned."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["attempt"] = "attempt"
    attempt: Attempt


class Examining(ABC):
    """The part of both checks that asks."""

    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.ENDPOINT, TargetKind.GATEWAY)

    def __init__(self) -> None:
        self._client = Client()
        self._asked: tuple[Run, OpenAiSubject] | None = None

    @abstractmethod
    def suites(self, run: Run) -> Sequence[Suite]:
        """Return the suites of a run.

        Raises:
            NotFound: there is no such suite.
            InputError: a suite is wrong.
        """

    async def examine(self, run: Run, unit: Json) -> Json:
        """Look at the target, or make one attempt and judge it.

        Raises:
            Unavailable: the endpoint cannot be reached, or does not accept the key.
        """
        options, subject = subject_options(run), self._subject(run)
        suites = self.suites(run)
        if isinstance(unit, dict) and unit.get("kind") == "look":
            seen = await observe(subject, run, briefing_of(run, suites[0]), model_file=options.model_file)
            return seen.model_dump(mode="json")
        attempt = AttemptUnit.model_validate(unit).attempt
        suite = next((each for each in suites if each.id == attempt.suite), suites[0])
        ask, company = self.asking(run, suite, subject)
        keys = (each.get_secret_value() for each in (run.secret, run.bare_secret) if each)
        company = replace(company, hidden=tuple(key for key in keys if key))
        return (await carry_out(attempt, ask, briefing_of(run, suite), company=company)).model_dump(mode="json")

    def asking(self, run: Run, suite: Suite, subject: OpenAiSubject) -> tuple[Asking, Company]:
        """Return who is asked in a suite, and who takes part beside it."""
        del self, run, suite
        return subject.ask, Company()

    def concurrency(self, run: Run) -> int:
        """Return how many attempts may be under way at once."""
        return subject_options(run).concurrency

    def _subject(self, run: Run) -> OpenAiSubject:
        """Return the target as it is asked, one for all attempts of a run: it finds out a model's name once.

        A gateway's address is its root, an endpoint's ends in its API's prefix.
        """
        if self._asked is not None and self._asked[0] is run:
            return self._asked[1]
        root = run.target.locator.rstrip("/")
        url = f"{root}/v1" if run.target.kind is TargetKind.GATEWAY else root
        subject = self.subject_at(run, url, model=run.target.name, key=run.secret, sign=run.sign_request)
        self._asked = run, subject
        return subject

    def subject_at(self, run: Run, url: str, *, model: str, key: SecretStr | None,
                   sign: SignRequest | None = None) -> OpenAiSubject:  # fmt: skip
        """Return an endpoint as a run asks it."""
        options = subject_options(run)
        parameters: dict[str, JsonValue] = {"max_tokens": options.max_tokens, "temperature": 0, "seed": options.seed}
        return OpenAiSubject(self._client, url, model=model, key=key, parameters=parameters, sign=sign,
                             limits=options.limits)  # fmt: skip


def subject_options(run: Run) -> SubjectOptions:
    """Return a run's options, as far as both checks have them."""
    options: SubjectOptions = run.options
    return options


def briefing_of(run: Run, suite: Suite) -> Briefing:
    """Return what the target is told in a suite."""
    options = subject_options(run)
    forbidden = options.forbidden_tools
    if forbidden is None:
        forbidden = tuple(tool.name for tool in suite.tools if tool.forbidden)
    return Briefing(suite=suite, seed=options.seed, template=options.system_prompt, definitions=options.tools,
                    forbidden=forbidden, planted=options.canary, registered_tools=options.registered_tools)  # fmt: skip


def demand_readable(run: Run, suites: Sequence[Suite], *, transforms: Sequence[str]) -> None:
    """Refuse a run whose target, transforms or categories cannot be right.

    Raises:
        InputError: one of them is wrong.
    """
    demand_url(run.target.locator, field="target")
    for chain in transforms:
        for name in chain.split("+"):
            transform(name)
    known = [category.id for suite in suites for category in suite.categories]
    for category in subject_options(run).categories:
        if category not in known:
            raise InputError("develop.evaluate:category-unknown", field="categories", name=category,
                             known=", ".join(known))  # fmt: skip


def demand_url(url: str, *, field: str) -> None:
    """Refuse what is no address of an endpoint, or holds a key.

    Raises:
        InputError: it is one of these.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InputError("develop.evaluate:url-wrong", field=field, url=url)
    if parts.username or parts.password:
        raise InputError("develop.evaluate:url-key", field=field, host=parts.hostname)


def units_of(attempts: Sequence[Attempt], *, suites: str) -> list[Json]:
    """Return the units of a run: a look, the attempts, a look.

    Raises:
        InputError: there is no attempt at all.
    """
    if not attempts:
        raise InputError("develop.evaluate:nothing-to-try", field="transforms")
    look = LookUnit(suite=suites)
    return [unit.model_dump(mode="json") for unit in [look, *(AttemptUnit(attempt=each) for each in attempts), look]]


def seen_and_made(results: Sequence[Json]) -> tuple[list[Observation], list[Result]]:
    """Read a run's results: the two looks, and what came of each attempt."""
    looks = [Observation.model_validate(result) for result in (results[0], results[-1])]
    return looks, [Result.model_validate(result) for result in results[1:-1]]
