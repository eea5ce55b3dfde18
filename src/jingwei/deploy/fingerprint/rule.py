"""Fingerprint rules, kept as data: what a component answers, where its version stands, what shows that it is open.

A rule file under `rules/` is two YAML documents. The first lists rules; the second lists the answers that prove them
(fixtures, replayed by the tests and never read at run time). `imported.yaml` holds weak rules made of the public
fingerprints of Tencent Zhuque Lab's AI-Infra-Guard (see NOTICE).

A rule names a component only where at least two independent facts hold. Facts are independent when they come from
different paths, or one from the headers and one from the body of the same answer. What also holds of a path that
nobody has counts once in all, and never alone: a catch-all page, an echo and a honeypot say the same everywhere.
"""

import re
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from jingwei.core.finding import Severity
from jingwei.core.package_data import package_data

MISSING = "?"
"""Stands for a path that nobody has: the answer to it is the control of every other."""
ROOT = "/"
_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NESTED = re.compile(r"\([^)]*[+*][^)]*\)[+*]")


def _pattern(written: str) -> str:
    """Accept a regular expression that compiles and has no quantifier over a quantifier."""
    re.compile(written)
    if _NESTED.search(written):
        raise ValueError("a quantifier over a quantifier may take for ever")
    return written


Pattern = Annotated[str, AfterValidator(_pattern)]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Wanted(_Data):
    """What one answer must be; every condition that is set must hold."""

    path: str = ROOT
    """Asked with GET; `/` is the page that its redirects lead to on the same service, `?` a path that nobody has."""
    status: tuple[int, ...] = (200,)
    """Empty for any."""
    title: Pattern = ""
    """The whole title of an HTML page."""
    text: Pattern = ""
    """The whole body, without the white space around it."""
    body: Pattern = ""
    """Found somewhere in the first 64 kB of the body."""
    words: tuple[str, ...] = ()
    """All of them occur in the first 64 kB of the body, whatever their case."""
    value: dict[str, Pattern] = {}
    """What stands at a place of a JSON body: `info.title`, `data.*.owned_by`; a pattern of the whole value, or one of
    `<any>`, `<object>`, `<list>`, `<text>`, `<number>`, `<flag>`."""
    header: dict[str, Pattern] = {}
    """Found in a header; the name in small letters."""
    heads: tuple[str, ...] = ()
    """All of them occur somewhere in the header lines, whatever their case."""
    moved: Pattern = ""
    """Found in an address that the answer's redirects led to, or would lead to."""
    icon: tuple[str, ...] = ()
    """SHA-256 of the body."""
    generic: bool = False
    """Others answer so too: it supports a distinctive fact and proves nothing by itself."""

    @property
    def source(self) -> tuple[str, str]:
        """Say where the fact comes from: facts of one source are not independent."""
        from_body = self.title or self.text or self.body or self.words or self.value or self.icon
        return self.path, "body" if from_body else "head"


class VersionAt(_Data):
    """One place where a version may stand."""

    path: str
    value: str = ""
    """A place in a JSON body."""
    header: str = ""
    pattern: Pattern = r"v?(\d+(?:\.\d+)+[\w.+-]{0,40}|\d{4,8})"
    """Its first group is the version; the whole of the value or header, or found somewhere in the body."""
    encoded: bool = False
    """It is looked for in what the body holds in Base64."""
    ignore: tuple[str, ...] = ()
    """Values that are no version of the component, such as the number of its API."""


class LoginAt(_Data):
    """One read-only request that tells whether a login is asked for."""

    path: str
    open: Wanted
    login: Wanted = Wanted(status=(401, 403))


class Danger(StrEnum):
    """What whoever reaches an open service can do; each has a severity and a text."""

    RUNS_CODE = "runs-code"
    ADMINISTERS = "administers"
    MANAGES_MODELS = "manages-models"
    READS_DATA = "reads-data"
    USES_MODEL = "uses-model"
    SERVES_APP = "serves-app"
    SHOWS_STATE = "shows-state"


class Rule(_Data):
    """One component, and how it is known."""

    id: str
    """Stable: small letters with dashes."""
    name: str
    vendor: str = ""
    aliases: tuple[str, ...] = ()
    """Other names that advisories use."""
    purl: str = ""
    cpe: str = ""
    ports: tuple[int, ...] = ()
    facts: tuple[Wanted, ...] = Field(min_length=1)
    never: tuple[Wanted, ...] = ()
    """None of these may hold."""
    version: tuple[VersionAt, ...] = ()
    login: tuple[LoginAt, ...] = ()
    opens: Danger = Danger.SERVES_APP
    beside: tuple[str, ...] = ()
    """Components that may be seen on the same service: what it is built on, what it carries."""
    blind: bool = True
    """Its first path is asked of every service; off where the start page or the port already tells."""
    weak: bool = False
    """Imported: a single hit is at most a guess."""
    carried: bool = False
    """A protocol that other services carry: told after what carries it, and never a rival."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return every name under which advisories may be filed."""
        return tuple(dict.fromkeys((self.id, self.name, *self.aliases)))


class FindingRule(_Data):
    """What a finding says by default."""

    severity: Severity
    references: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def strong() -> tuple[Rule, ...]:
    """Return our own rules, in the order of the files' names."""
    folder = files(__package__).joinpath("rules")
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".yaml"))
    return tuple(Rule.model_validate(entry) for name in names for entry in _documents(name)[0])


@lru_cache(maxsize=1)
def weak() -> tuple[Rule, ...]:
    """Return the imported rules that no rule of ours replaces."""
    ours = {known for rule in strong() for known in map(str.casefold, rule.names)}
    every = (Rule.model_validate({"weak": True, **entry}) for entry in package_data(__package__, "imported.yaml"))
    return tuple(rule for rule in every if not ours & set(map(str.casefold, rule.names)))


@lru_cache(maxsize=1)
def finding_rules() -> dict[str, FindingRule]:
    """Return the severities and references of findings."""
    return {
        name: FindingRule.model_validate(entry) for name, entry in package_data(__package__, "findings.yaml").items()
    }


def fixtures() -> list[dict[str, Any]]:  # Any: the tests that replay them read them with a model of their own
    """Return the answers that prove the rules, with the file that holds them."""
    folder = files(__package__).joinpath("rules")
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".yaml"))
    return [{"file": name, **entry} for name in names for entry in _documents(name, all_of_it=True)[1]]


def _documents(name: str, *, all_of_it: bool = False) -> list[Any]:  # Any: checked against a model by the caller
    content = files(__package__).joinpath("rules", name).read_text(encoding="utf-8")
    if not all_of_it:
        content = content.split("\n---\n", 1)[0]
    return list(yaml.load_all(content, Loader=_LOADER))
