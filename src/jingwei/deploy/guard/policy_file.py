"""Policy files: what a person edits, over a base that is shipped or that a grade demands.

    base: grade-3
    version: 4
    rules: {pii: {inbound: block}}
    words: [飞鸟计划, {word: blue heron, topic: projects}]

Where a grade is named, the result is held against what that grade demands, and refused where it is weaker. A file may
be signed: a `policy.yaml.sig` beside it, made with the organisation's key over the bytes of the file.
"""

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from jingwei.catalog import Document, read_yaml, validated
from jingwei.core.errors import InputError, Tampered
from jingwei.core.policy import (
    Category,
    CategoryRule,
    Decision,
    ExpertRule,
    FailMode,
    Judge,
    Limits,
    LocalClassifier,
    Policy,
    Scope,
    ToolRule,
    ToolServer,
)
from jingwei.core.signing import Signature, Signer, Verifier
from jingwei.core.text import Both, text
from jingwei.deploy.guard.answers import shipped_answers
from jingwei.deploy.guard.compile import Enforced, compile_policy, weaker_points
from jingwei.deploy.guard.conditions import Rules
from jingwei.deploy.guard.expert import Experts
from jingwei.deploy.guard.tools import Toolbox
from jingwei.deploy.guard.words_file import demand_topic, read_words

Base = Literal["default", "grade-1", "grade-2", "grade-3", "grade-4", "grade-5"]
_DEFAULT_GRADE = 2
_SIGNATURE_BYTES = 4096
_RENAMED = frozenset({"base", "version", "facts", "rules", "words", "words_file", "grade", "system_id"})


class RuleChange(BaseModel):
    """What a file changes about a category; what it leaves out stays as in the base."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inbound: Decision | None = None
    outbound: Decision | None = None
    threshold: float | None = Field(default=None, ge=0, le=1)
    on_failure: FailMode | None = None
    timeout_milliseconds: int | None = Field(default=None, gt=0)
    when: str = Field(default="", max_length=2_000)
    """With a condition it is a rule of its own, beside the one of the base."""


class RuleEdit(RuleChange):
    """The same with the category named."""

    category: Category


class Word(BaseModel):
    """A keyword with the topic that it is filed under."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    word: str = Field(min_length=1, max_length=200)
    topic: str = Field(default="", max_length=64)


def _written_as(given: object) -> str:
    return "map" if isinstance(given, dict | RuleChange) else "other"


Change = Annotated[Annotated[RuleChange, Tag("map")] | Annotated[Decision, Tag("other")], Discriminator(_written_as)]
"""A change, or only what to do with what comes in."""
Edits = Annotated[
    Annotated[dict[Category, Change], Tag("map")] | Annotated[tuple[RuleEdit, ...], Tag("other")],
    Discriminator(_written_as),
]
"""Rules by category, `{pii: {inbound: block}}`, or in a list."""


class PolicyFile(BaseModel):
    """A policy as a person writes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: Base = "default"
    version: int = Field(default=1, ge=1)
    """Counted up by whoever edits it."""
    system_id: str = Field(default="", max_length=200)
    grade: int | None = Field(default=None, ge=1, le=5)
    """Holds the policy to what this grade demands, whatever its base."""
    facts: dict[str, str] = {}
    """Facts of the System that raise what its grade demands, as in the intake."""
    rules: Edits = ()
    words: tuple[str | Word, ...] = Field(default=(), max_length=100_000)
    words_file: str = Field(default="", max_length=500)
    """More keywords, one a line or in the first column, with a column of topics or without; relative to this file."""
    allowed_words: tuple[str, ...] | None = Field(default=None, max_length=100_000)
    canaries: tuple[str, ...] | None = None
    tools: tuple[ToolRule, ...] | None = None
    tool_rules: str | None = Field(default=None, max_length=4_000_000)
    mcp_servers: tuple[ToolServer, ...] | None = None
    on_disagreement: Decision | None = None
    lexicons: tuple[str, ...] | None = None
    scope: Scope | None = None
    expert_rules: tuple[ExpertRule, ...] | None = None
    judge: Judge | None = None
    classifiers: tuple[LocalClassifier, ...] | None = None
    streaming: Literal["lagged", "held", "end"] | None = None
    restore_personal_data: bool | None = None
    limits: Limits | None = None
    record_share: float | None = Field(default=None, ge=0, le=1)
    watch_idle_seconds: int | None = Field(default=None, gt=0)
    approval_seconds: int | None = Field(default=None, gt=0)
    explicit_label: Both | None = None
    max_input_characters: int | None = Field(default=None, gt=0)
    safe_answer: Both | None = None
    safe_answers: dict[Category, Both] | None = None
    manual_fallback: Both | None = None

    @property
    def edits(self) -> tuple[RuleEdit, ...]:
        """Return what is changed about the rules, however it is written."""
        if isinstance(self.rules, tuple):
            return self.rules
        return tuple(
            RuleEdit(category=category, inbound=change) if isinstance(change, Decision)
            else RuleEdit(category=category, **change.model_dump()) for category, change in self.rules.items()
        )  # fmt: skip

    @property
    def held_to(self) -> int | None:
        """Return the grade whose demands it may not fall below; None for a policy of nobody's grade."""
        named = None if self.base == "default" else int(self.base.removeprefix("grade-"))
        return max((each for each in (named, self.grade) if each is not None), default=None)


@lru_cache(maxsize=1)
def default_policy() -> Policy:
    """Return the policy that serves where nobody wrote one."""
    document = read_yaml(files("jingwei.deploy.guard").joinpath("default.yaml").read_bytes(), name="default.yaml")
    written = validated(PolicyFile, document)
    return _edited(written, compile_policy("default", _DEFAULT_GRADE, {}), listed={})


def read_policy(path: Path, *, trusted: Verifier | None = None) -> Policy:
    """Read a policy file.

    Args:
        path: the file.
        trusted: the key that must have signed it.

    Raises:
        InputError: it is missing or wrong; the message names the file, the line, the field and the mend.
        Tampered: it carries no signature of that key, or was changed since.
    """
    document = read_yaml(path)
    if trusted is not None:
        _verify(path, document, trusted)
    written = validated(PolicyFile, document)
    listed = read_words(path.parent / written.words_file) if written.words_file else {}
    try:
        policy = _edited(written, _base(written), listed=listed)
        Rules.of(policy.rules), Toolbox(policy), Experts(policy)
    except InputError as error:
        if not error.field:
            raise
        spot = tuple(part for part in error.field.split("[")[0].split(".") if part)
        raise document.error(spot, error.message) from error
    except ValidationError as error:  # two fields that do not go together
        raise document.error((), text("deploy.guard:policy-inconsistent", why=str(error.errors()[0]["msg"]))) from error
    _demand(written, policy, document)
    return policy


def signed(path: Path, signer: Signer) -> Path:
    """Sign a policy file; return where the signature lies."""
    document = read_yaml(path)
    place = _beside(path)
    place.write_text(signer.sign({"policy": document.digest}).model_dump_json(), encoding="utf-8")
    return place


def verify(path: Path, trusted: Verifier) -> str:
    """Check the signature of a policy file; return the SHA-256 of the file.

    Raises:
        Tampered: it carries no signature of that key, or was changed since.
    """
    document = read_yaml(path)
    _verify(path, document, trusted)
    return document.digest


def _verify(path: Path, document: Document, trusted: Verifier) -> None:
    try:
        with _beside(path).open("rb") as file:
            signature = Signature.model_validate_json(file.read(_SIGNATURE_BYTES))
    except (OSError, ValidationError) as error:
        raise Tampered("deploy.guard:policy-unsigned", field=path.name, file=path.name) from error
    trusted.verify({"policy": document.digest}, signature)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.sig")


def _base(written: PolicyFile) -> Policy:
    if written.base == "default" and written.grade is None:
        return default_policy()
    return compile_policy(written.system_id or "default", written.held_to or _DEFAULT_GRADE, written.facts)


def _edited(written: PolicyFile, base: Policy, *, listed: Mapping[str, str]) -> Policy:
    changes: dict[str, object] = {
        name: value
        for name in PolicyFile.model_fields
        if name not in _RENAMED and (value := getattr(written, name)) is not None
    }
    named = {each.word: each.topic for each in written.words if isinstance(each, Word)}
    for topic in named.values():
        demand_topic(topic, field="words")
    own = {**listed, **dict.fromkeys((each for each in written.words if isinstance(each, str)), ""), **named}
    changes["words"] = tuple(sorted({*base.words, *own}))
    changes["word_topics"] = base.word_topics | {word: topic for word, topic in sorted(own.items()) if topic}
    changes["rules"] = _rules(written, base)
    changes["safe_answers"] = _answers(written, base)
    if written.system_id:
        changes["system_id"] = written.system_id
    return Policy.model_validate({name: getattr(base, name) for name in Policy.model_fields} | changes)


def _rules(written: PolicyFile, base: Policy) -> tuple[CategoryRule, ...]:
    rules = list(base.rules)
    for edit in written.edits:
        changed = edit.model_dump(exclude_none=True)
        place = next((place for place, rule in enumerate(rules)
                      if rule.category is edit.category and rule.when == edit.when), None)  # fmt: skip
        if place is not None:
            rules[place] = CategoryRule.model_validate({**rules[place].model_dump(), **changed})
            continue
        kin = next((rule for rule in rules if rule.category is edit.category), None)
        above = kin.model_dump(exclude={"inbound", "outbound"}) if kin else {}
        quiet = {"inbound": Decision.ALLOW, "outbound": Decision.ALLOW}
        rules.append(CategoryRule.model_validate({**above, **quiet, **changed}))
    return tuple(rules)


def _answers(written: PolicyFile, base: Policy) -> dict[Category, Both]:
    """Answers by category: the file's, then the base's; a System's scope is named where it has one."""
    scoped = {Category.TOPIC: shipped_answers(written.scope.about)[Category.TOPIC]} if written.scope else {}
    return {**base.safe_answers, **scoped, **(written.safe_answers or {})}


def _demand(written: PolicyFile, policy: Policy, document: Document) -> None:
    grade = written.held_to
    if grade is None:
        return
    demanded = Enforced.of(compile_policy("demanded", grade, written.facts, tools=policy.tools))
    weaker = weaker_points(Enforced.of(policy), demanded)
    if weaker:
        spot = ("rules",) if any(not point.startswith(("tools.", "label", "max_")) for point in weaker) else ()
        raise document.error(spot, text("deploy.guard:policy-weaker", grade=grade, points=", ".join(weaker)))
