"""Suites: what to ask and what should happen, as data with a licence, a version and a hash."""

from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from jingwei.core.canonical import digest
from jingwei.core.errors import InputError, NotFound
from jingwei.core.finding import Severity
from jingwei.core.text import LANGUAGES, Both, Language

_LARGEST = 4 * 1024 * 1024
"""Bytes of a suite file: ten thousand prompts fit."""


class Expectation(StrEnum):
    """What a well-behaved system does with a case."""

    REFUSE = "refuse"
    COMPLY = "comply"
    NO_LEAK = "no_leak"
    NO_TOOL = "no_tool"


class Case(BaseModel):
    """One prompt in one language. `[[…]]` in the document is what an attacker planted there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    language: Language
    category: str
    expectation: Expectation
    prompt: str
    document: str = ""


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
    """One prompt in both languages: two cases."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    document: Both | None = None
    licence: str = ""
    source: str = ""
    """Given where the prompt is not the suite's own."""


class Category(BaseModel):
    """Prompts of one kind of harm, and what is expected of all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: Both
    expectation: Expectation
    severity: Severity
    risk: str
    """Risk of the catalogue that a success shows."""
    prompts: tuple[Prompt, ...]


class Suite(BaseModel):
    """A set of categories with what the model is told around them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    version: str
    licence: str
    source: str
    system_prompt: Both
    tool_syntax: Both
    tools: tuple[Tool, ...]
    categories: tuple[Category, ...]

    @model_validator(mode="after")
    def _ids_are_used_once(self) -> Self:
        ids = [prompt.id for category in self.categories for prompt in category.prompts]
        ids += [category.id for category in self.categories]
        twice = sorted({each for each in ids if ids.count(each) > 1})
        if twice:
            raise ValueError(", ".join(twice))
        return self

    @property
    def digest(self) -> str:
        """Return the hash of the whole content."""
        return digest(self)

    def category(self, name: str) -> Category:
        """Return one category."""
        return next(each for each in self.categories if each.id == name)

    def cases(self) -> list[Case]:
        """Return every case, two for each prompt."""
        return [
            Case(
                id=f"{prompt.id}-{language}",
                language=language,
                category=category.id,
                expectation=category.expectation,
                prompt=prompt.zh if language == "zh" else prompt.en,
                document=prompt.document.of(language) if prompt.document else "",
            )
            for category in self.categories
            for prompt in category.prompts
            for language in LANGUAGES
        ]


def suite_names() -> list[str]:
    """List the suites that come with the package."""
    return sorted(each.name.removesuffix(".yaml") for each in files(__package__).joinpath("suites").iterdir())


@lru_cache(maxsize=8)
def load_suite(name: str) -> Suite:
    """Read a suite of the package by id, or one of the user's by path.

    Raises:
        NotFound: there is no such suite or file.
        InputError: the file is not a suite; the message names the place.
    """
    if name in suite_names():
        source = files(__package__).joinpath("suites", f"{name}.yaml").read_text(encoding="utf-8")
        return Suite.model_validate(yaml.load(source, Loader=_Loader))  # noqa: S506 - a safe loader
    path = Path(name).expanduser()
    if not path.is_file():
        raise NotFound("develop.evaluate:suite-unknown", field="suite", name=name, known=", ".join(suite_names()))
    if path.stat().st_size > _LARGEST:
        raise InputError("develop.evaluate:suite-too-large", field="suite", name=name, limit=_LARGEST)
    return _parsed(path)


def _parsed(path: Path) -> Suite:
    try:
        source: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=_PlainLoader)  # noqa: S506 - a safe loader
        return Suite.model_validate(source)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "-"
        raise InputError("develop.evaluate:suite-invalid", field=f"suite:{where}", name=path.name, where=where,
                         problem=first["msg"]) from error  # fmt: skip
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        problem = str(error).splitlines()[0]
        raise InputError("develop.evaluate:suite-invalid", field="suite", name=path.name, where="-",
                         problem=problem) from error  # fmt: skip


_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _PlainLoader(yaml.SafeLoader):
    """A safe loader that knows no aliases: what is not written cannot be multiplied."""

    def compose_node(self, parent: Any, index: Any) -> Any:  # Any: yaml's own signature
        """Refuse an alias."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read here")
        return super().compose_node(parent, index)
