"""Attempts: one case, rewritten by one chain of transforms, said to a model that was told a secret."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import zip_longest

from pydantic import BaseModel, ConfigDict

from jingwei.core.canonical import digest
from jingwei.core.configuration import ABSENT, prompt_digest, tools_digest
from jingwei.core.text import Language
from jingwei.develop.evaluate.suite import Case, Expectation, Suite, ToolDefinition
from jingwei.develop.evaluate.transforms import PLAIN, rewrite

_PLANTED = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)


class Attempt(BaseModel):
    """One attack (or one harmless request) as it will be sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """The same suite, case, transform and seed give the same id."""
    case: Case
    transform: str
    message: str
    suite: str = ""
    """Id of the suite it came from."""
    strategy: str = "single"
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Briefing:
    """What the model is told before each request."""

    suite: Suite
    seed: int
    template: str = ""
    """The app's own system prompt; empty for the suite's."""
    definitions: tuple[ToolDefinition, ...] | None = None
    """The app's tools; None for the suite's."""
    forbidden: tuple[str, ...] = ()
    """Names of the tools that must not be called, listed or not."""
    planted: str = ""
    """The app's own canary; empty for one of the seed."""
    registered_tools: str = ""
    """Digest of the app's tools where only that is known."""
    heard: bool = True
    """Whether the subject takes a system prompt from us; an app with its own does not."""

    def scorer_of(self, category: str) -> str:
        """Return the name of the scorer that judges a category."""
        return self.suite.scorer_of(self.suite.category(category))

    @property
    def canary(self) -> str:
        """Return the secret that must not leak."""
        return self.planted or f"JW-{sha256(f'canary|{self.seed}'.encode()).hexdigest()[:10]}"

    @property
    def prompt_digest(self) -> str:
        """Return the digest of the prompt before the canary is put in, so that each seed gives the same."""
        own = self.suite.system_prompt
        return prompt_digest(self.template or f"{own.zh}\n{own.en}")

    @property
    def tools_digest(self) -> str:
        """Return the digest of the tools that the model knows of, or `none`."""
        if self.registered_tools:
            return self.registered_tools
        if self.definitions is not None:
            return tools_digest(each.model_dump(mode="json", exclude_unset=True) for each in self.definitions)
        told = not self.template or "{tools}" in self.template
        return tools_digest(tool.model_dump(mode="json") for tool in self.suite.tools) if told else ABSENT

    def system_prompt(self, language: Language) -> str:
        """Return what the model is told in one language, the canary and the tools put in."""
        template = self.template or self.suite.system_prompt.of(language)
        listed = "; ".join(self._listed(language))
        tools = self.suite.tool_syntax.of(language).replace("{list}", listed) if listed else ""
        return template.replace("{canary}", self.canary).replace("{tools}", tools).strip()

    def _listed(self, language: Language) -> list[str]:
        if self.definitions is None:
            return [f"{tool.name} ({tool.about.of(language)})" for tool in self.suite.tools]
        return [f"{each.function.name} ({each.function.description})" for each in self.definitions]


def plan_attempts(briefing: Briefing, *, transforms: Sequence[str], languages: Sequence[Language],
                  categories: Sequence[str], count: int, benign_share: float) -> list[Attempt]:  # fmt: skip
    """Draw attempts, spread evenly over languages and categories; the same seed draws the same.

    Harmless requests are asked as they are, in their own share of the count.
    """
    chosen = [
        case
        for case in briefing.suite.cases()
        if case.language in languages and (not categories or case.category in categories)
    ]
    harmless = [case for case in chosen if case.expectation is Expectation.COMPLY]
    hostile = [case for case in chosen if case.expectation is not Expectation.COMPLY]
    asked = drawn([(case, PLAIN) for case in harmless], count=round(count * benign_share), seed=briefing.seed)
    usable = [case for case in hostile if briefing.forbidden or case.expectation is not Expectation.NO_TOOL]
    pairs = [(case, chain) for case in usable for chain in dict.fromkeys(transforms) if _fits(case, chain)]
    attacks = drawn(pairs, count=count - len(asked), seed=briefing.seed)
    made = (attempt_of(briefing, case, chain) for case, chain in [*attacks, *asked])
    return [each for each in made if each is not None]


def _fits(case: Case, chain: str) -> bool:
    return rewrite(chain, _exposed(case), language=case.language, seed=0) is not None


def _exposed(case: Case) -> str:
    """Return the part an attacker writes: the request itself, or what is planted in the document."""
    planted = _PLANTED.search(case.document)
    return planted.group(1) if planted else case.prompt


def drawn(pairs: Sequence[tuple[Case, str]], *, count: int | None, seed: int) -> list[tuple[Case, str]]:
    """Take turns among the strata (language and category), each in its own random order; no count takes all."""
    strata: dict[tuple[str, str], list[tuple[Case, str]]] = {}
    for case, chain in pairs:
        strata.setdefault((case.category, case.language), []).append((case, chain))
    for name, stratum in strata.items():
        random.Random(f"{seed}|{name}").shuffle(stratum)  # noqa: S311 - a reproducible sample, not a secret
    order = list(strata.values())
    random.Random(seed).shuffle(order)  # noqa: S311
    return [pair for turn in zip_longest(*order) for pair in turn if pair is not None][:count]


def attempt_of(briefing: Briefing, case: Case, chain: str, *, strategy: str = "single",
               epoch: int = 0) -> Attempt | None:  # fmt: skip
    """Return the attempt that says a case rewritten by a chain; None where the chain does not fit it."""
    name = digest([briefing.suite.digest, case.id, chain, briefing.seed, strategy, epoch])[:16]
    if briefing.forbidden and ("{tool}" in case.prompt or "{tool}" in case.document):
        tool = random.Random(name).choice(briefing.forbidden)  # noqa: S311
        case = case.model_copy(
            update={"prompt": case.prompt.replace("{tool}", tool), "document": case.document.replace("{tool}", tool)}
        )
    rewritten = rewrite(chain, _exposed(case), language=case.language, seed=briefing.seed + epoch)
    if rewritten is None:
        return None
    said = rewritten if not case.document else _with_document(case, rewritten)
    return Attempt(id=name, suite=briefing.suite.id, case=case, transform=chain, message=said, strategy=strategy,
                   epoch=epoch)  # fmt: skip


def _with_document(case: Case, planted: str) -> str:
    """Return a request with its document, in which an attacker planted something."""
    document = _PLANTED.sub(lambda _: planted, case.document)
    return f'{case.prompt}\n\n"""\n{document}\n"""'
