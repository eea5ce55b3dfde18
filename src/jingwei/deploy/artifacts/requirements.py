"""Lists of packages that come with a model: where they are taken from, and names made to be mistaken for others."""

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict

from jingwei.core.finding import Severity
from jingwei.core.package_data import package_data
from jingwei.deploy.artifacts.notes import Notes

_OPTION = re.compile(
    r"^[\s\-\"']*(--extra-index-url|--index-url|-i|--find-links|-f|--trusted-host|-r|index-url|extra-index-url|index_url"
    r"|find-links|trusted-host)[\s=:\"']+([^\s\"']+)",
    re.MULTILINE,
)
_DIRECT = re.compile(
    r"^[\s\-\"']*(?:-e\s+)?(?:([\w.-]+)(?:\[[^\]]*\])?\s*@\s*)?((?:git|hg|svn|bzr)\+\S+|(?:https?|ftp|file)://\S+)",
    re.MULTILINE,
)
_NAME = re.compile(r"^[\s\-\"']*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(?:[=<>!~;@,#].*|[\"'],?\s*)?$", re.MULTILINE)
_PRIVATE = re.compile(
    r"^(localhost|127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)|\.(local|corp|internal|lan|intranet|localdomain)$|^[\w-]+$"
)
_MOST = 5000
_SHORTEST, _LONG = 4, 8


class _Packages(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    known: frozenset[str]
    near: frozenset[str]
    indexes: frozenset[str]
    owners: frozenset[str]
    home: re.Pattern[str]


@lru_cache(maxsize=1)
def _packages() -> _Packages:
    return _Packages.model_validate(package_data(__package__, "packages.yaml"))


def known_package() -> frozenset[str]:
    """Return the names under which well-known packages are imported, where those are their own names."""
    return frozenset(
        name
        for name in _packages().known
        if name.isidentifier() and name not in {"datasets", "evaluate", "app", "whisper"}
    )


def scan_requirements(text: str, path: str, notes: Notes) -> None:
    """Examine a requirements file, or another list of packages that is read line by line."""
    lines = re.sub(r"(^|\s)#[^\n]*", "", text)
    for found in _OPTION.finditer(lines):
        severity = _source(found[1], found[2])
        if severity:
            notes.find("config.foreign-index", path, found.start(), severity=severity, name=f"{found[1]} {found[2]}")
    for found in _DIRECT.finditer(lines):
        severity = _direct(found[2])
        if severity:
            notes.find("config.foreign-index", path, found.start(), severity=severity, name=found[2])
    for number, found in enumerate(_NAME.finditer(lines)):
        if number >= _MOST:
            break
        real = imitated(found[1])
        if real:
            notes.find("config.imitated-package", path, found.start(1), name=found[1], real=real)


def _source(option: str, value: str) -> Severity | None:
    """Weigh where packages come from."""
    if option == "-r":
        return Severity.HIGH if "://" in value else None
    if "trusted-host" in option:
        return Severity.MEDIUM
    address = _address(value)
    if not address.scheme:
        return None
    if _trusted(address.hostname or ""):
        return None
    private = _PRIVATE.search(address.hostname or "") is not None or address.scheme == "file"
    return Severity.MEDIUM if private else Severity.HIGH


def _address(value: str) -> SplitResult:
    """Read an address; of one that is none, only that it is not trusted is known."""
    try:
        return urlsplit(value)
    except ValueError:
        return SplitResult("unreadable", "", "", "", "")


def _trusted(host: str) -> bool:
    parts = host.split(".")
    listed = any(".".join(parts[at:]) in _packages().indexes for at in range(len(parts)))
    return listed or _packages().home.search(host) is not None


def _direct(value: str) -> Severity | None:
    """Weigh a package that is named by its address."""
    scheme, _, rest = value.partition("+")
    address = _address(rest if rest and not scheme.startswith("http") else value)
    owner = address.path.strip("/").partition("/")[0]
    if _trusted(address.hostname or "") or (
        address.hostname in {"github.com", "raw.githubusercontent.com"} and owner in _packages().owners
    ):
        return None
    if address.hostname in {
        "github.com",
        "gitlab.com",
        "gitee.com",
        "bitbucket.org",
        "huggingface.co",
        "modelscope.cn",
    }:
        return Severity.LOW if address.scheme != "http" else Severity.MEDIUM
    return Severity.HIGH


@lru_cache(maxsize=4096)
def imitated(name: str) -> str:
    """Return the known package that a name seems made to be mistaken for, or nothing."""
    name = re.sub(r"[-_.]+", "-", name).lower()
    lists = _packages()
    if len(name) < _SHORTEST or name in lists.known or name in lists.near:
        return ""
    swapped = next((real for real in _respelt(name) if real in lists.known), "")
    if swapped:
        return swapped
    for real in lists.known:
        most = 0 if len(real) <= _SHORTEST else 1 if len(real) < _LONG else 2
        if most and abs(len(real) - len(name)) <= most and name[0] == real[0] and _distance(name, real) <= most:
            return real
    return ""


def _respelt(name: str) -> Iterator[str]:
    """Other spellings that look alike: digits for letters, a doubled letter, a separator more or less."""
    yield name.replace("0", "o").replace("1", "l")
    yield name.replace("1", "i").replace("5", "s").replace("3", "e")
    yield name.replace("rn", "m").replace("vv", "w")
    yield re.sub(r"(.)\1", r"\1", name)


def _distance(one: str, other: str) -> int:
    """Count the letters to add, drop, change or swap."""
    before, last = list[int](), list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        now = [i]
        for j, b in enumerate(other, 1):
            cost = min(last[j] + 1, now[j - 1] + 1, last[j - 1] + (a != b))
            if before and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            now.append(cost)
        before, last = last, now
    return last[-1]
