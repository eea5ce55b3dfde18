"""Scorers: what turns one attempt's transcript into a verdict, by the name a suite gives."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pkgutil import resolve_name
from typing import TYPE_CHECKING, ClassVar, Protocol

from pydantic import BaseModel, ValidationError

from jingwei.core.errors import InputError, NotFound

if TYPE_CHECKING:
    from jingwei.core.evidence import Measure
    from jingwei.develop.evaluate.attempt import Attempt
    from jingwei.develop.evaluate.exchange import Answer, Ask, Fault, Transcript
    from jingwei.develop.evaluate.result import Result
    from jingwei.develop.evaluate.suite import Suite
    from jingwei.develop.evaluate.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Scene:
    """What a scorer may look at."""

    attempt: "Attempt"
    transcript: "Transcript"
    system_prompt: str = ""
    canary: str = ""
    forbidden: tuple[str, ...] = ()
    second: "Callable[[Ask], Awaitable[Answer | Fault]] | None" = None
    """An outside model to ask where the scorer itself cannot tell; never the subject unless a person said so."""


class Scorer(Protocol):
    """Judges attempts of one kind."""

    id: ClassVar[str]
    version: ClassVar[str]
    facts: ClassVar[type[BaseModel]]
    """What a prompt's `facts` must hold."""

    async def score(self, scene: Scene) -> "Verdict":
        """Judge one attempt that came to its end without a fault."""
        ...

    def measures(self, results: "Sequence[Result]") -> "Sequence[Measure]":
        """Return measures beyond the share of bad states (a bias score, Secure@k); often nothing."""
        ...


_WHERE = {
    "harm": "jingwei.develop.evaluate.scorers.harm:Harm",
    "leak": "jingwei.develop.evaluate.scorers.leak:Leak",
    "injection": "jingwei.develop.evaluate.scorers.injection:Injection",
    "fact": "jingwei.develop.evaluate.scorers.fact:Fact",
    "faithful": "jingwei.develop.evaluate.scorers.faithful:Faithful",
    "choice": "jingwei.develop.evaluate.scorers.choice:Choice",
    "bias": "jingwei.develop.evaluate.scorers.bias:Bias",
    "code": "jingwei.develop.evaluate.scorers.code:Code",
    "state": "jingwei.develop.evaluate.scorers.state:StateDiff",
    "capability": "jingwei.develop.evaluate.scorers.capability:Capability",
    "autonomy": "jingwei.develop.evaluate.scorers.autonomy:Autonomy",
}


@lru_cache
def scorer(name: str) -> Scorer:
    """Return a scorer by the name suites use.

    Raises:
        NotFound: there is no such scorer.
    """
    if name not in _WHERE:
        raise NotFound("develop.evaluate:scorer-unknown", field="scorer", name=name, known=", ".join(_WHERE))
    made: Scorer = resolve_name(_WHERE[name])()
    return made


def check_facts(suite: "Suite") -> None:
    """Refuse a suite whose prompts do not tell its scorers what they need.

    Raises:
        NotFound: a scorer is unknown.
        InputError: a prompt's facts are wrong; the message names the prompt and the field.
    """
    for category in suite.categories:
        facts = scorer(suite.scorer_of(category)).facts
        for prompt in category.prompts:
            try:
                facts.model_validate(dict(prompt.facts))
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join([prompt.id, "facts", *(str(part) for part in first["loc"])])
                raise InputError("develop.evaluate:suite-invalid", field=f"suite:{where}", name=suite.id, where=where,
                                 problem=first["msg"]) from error  # fmt: skip
