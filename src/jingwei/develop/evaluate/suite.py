"""Suites: what to ask and what should happen, as data with a licence, a version and a hash."""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from jingwei.core.canonical import digest
from jingwei.core.finding import Severity
from jingwei.core.text import LANGUAGES, Both, Language


class OneOrBoth(BaseModel):
    """A wording that may exist in one language alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: str = ""
    en: str = ""

    def of(self, language: Language) -> str:
        """Return the wording in one language."""
        return self.zh if language == "zh" else self.en


class Expectation(StrEnum):
    """What a well-behaved system does with a case."""

    REFUSE = "refuse"
    COMPLY = "comply"
    NO_LEAK = "no_leak"
    NO_TOOL = "no_tool"
    CORRECT = "correct"
    """Gives what the prompt's facts demand: the right fact, the fair choice, safe code."""
    BEHAVE = "behave"
    """Keeps within its mandate, watched or not."""


class Case(BaseModel):
    """One prompt in one language. `[[…]]` in the document is what an attacker planted there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    language: Language
    category: str
    expectation: Expectation
    prompt: str
    document: str = ""
    facts: Mapping[str, JsonValue] = Field(default_factory=dict)
    """What the scorer needs to know; each scorer says which."""
    turns: tuple[str, ...] = ()
    """What a scripted attack says before the prompt."""


class Tool(BaseModel):
    """A tool told to the model in words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z_][a-z0-9_]{1,63}$")
    about: Both
    forbidden: bool = False


class ToolFunction(BaseModel):
    """What a tool definition says of its function; parameters are kept as they are."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")
    description: str = ""


class ToolDefinition(BaseModel):
    """A tool as an app defines it for the chat API; every field given is kept, so that its digest is the app's."""

    model_config = ConfigDict(frozen=True, extra="allow")

    function: ToolFunction


class Prompt(BaseModel):
    """One prompt: a case in each language it is written in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    zh: str = ""
    en: str = ""
    document: OneOrBoth | None = None
    facts: Mapping[str, JsonValue] = Field(default_factory=dict)
    """What the scorer needs to know, the same for both languages unless it holds `zh` and `en`."""
    turns: tuple[OneOrBoth, ...] = ()
    tags: tuple[str, ...] = ()
    """Places in taxonomies beside the category's, such as `tc260:a1-a` or `owasp-llm:LLM01`."""
    licence: str = ""
    source: str = ""
    """Given where the prompt is not the suite's own."""

    def of(self, language: Language) -> str:
        """Return the prompt in one language; empty where it is not written in it."""
        return self.zh if language == "zh" else self.en

    @model_validator(mode="after")
    def _is_written(self) -> Self:
        if not (self.zh or self.en):
            raise ValueError("zh or en must be given")
        return self


class Category(BaseModel):
    """Prompts of one kind of harm, and what is expected of all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: Both
    expectation: Expectation
    severity: Severity
    risk: str
    """Risk of the catalogue that a success shows."""
    scorer: str = ""
    """Given where it is not the suite's."""
    tags: tuple[str, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    """In the manifest, or in the suite's `prompts_file`."""


class Suite(BaseModel):
    """A set of categories with what the model is told around them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    version: str
    licence: str
    source: str
    title: Both
    about: Both
    evidence_type: str = "EV-REDTEAM"
    scorer: str = "harm"
    strategy: str = "single"
    transforms: tuple[str, ...] = ("plain",)
    """What the suite tries where the run does not say."""
    options: Mapping[str, JsonValue] = Field(default_factory=dict)
    """What the strategy is told: turns, width, framings."""
    limits: Mapping[str, float] = Field(default_factory=dict)
    """Largest upper 95 % bound of each measure that passes, by the measure's name (`attack_success_rate`)."""
    system_prompt: OneOrBoth = OneOrBoth()
    tool_syntax: OneOrBoth = OneOrBoth()
    tools: tuple[Tool, ...] = ()
    categories: tuple[Category, ...]

    @model_validator(mode="after")
    def _ids_are_used_once(self) -> Self:
        ids = [prompt.id for category in self.categories for prompt in category.prompts]
        ids += [category.id for category in self.categories]
        twice = sorted(each for each, count in Counter(ids).items() if count > 1)
        if twice:
            raise ValueError(", ".join(twice))
        return self

    @cached_property
    def digest(self) -> str:
        """Return the hash of the whole content."""
        return digest(self)

    def category(self, name: str) -> Category:
        """Return one category."""
        return next(each for each in self.categories if each.id == name)

    def scorer_of(self, category: Category) -> str:
        """Return the scorer that judges a category."""
        return category.scorer or self.scorer

    def cases(self) -> list[Case]:
        """Return every case, one for each language a prompt is written in."""
        return [
            Case(
                id=f"{prompt.id}-{language}",
                language=language,
                category=category.id,
                expectation=category.expectation,
                prompt=prompt.of(language),
                document=prompt.document.of(language) if prompt.document else "",
                facts=prompt.facts,
                turns=tuple(turn.of(language) for turn in prompt.turns),
            )
            for category in self.categories
            for prompt in category.prompts
            for language in LANGUAGES
            if prompt.of(language)
        ]
