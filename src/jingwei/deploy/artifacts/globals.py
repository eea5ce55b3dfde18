"""Who may be named: the standing of a global that a pickle (or a model's JSON) asks for.

The lists are data, in `globals.yaml`. The verdict never looks at what is installed here: the same name has the
same standing on every machine.
"""

import re
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from enum import IntEnum, StrEnum
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from jingwei.core.finding import Severity
from jingwei.core.package_data import package_data

_CLASS_LIKE = re.compile(r"_*[A-Z][A-Za-z0-9_]*")
_REBUILD = re.compile(r"__pyx_unpickle_\w+")
"""Cython's own: it makes an object of a class and sets its attributes."""
_RESTORES = re.compile(
    r"(^|[._])(re)?(construct|build|store|create|make|new|load_from_state|unpickle|unreduce|from)", re.IGNORECASE
)
_ERROR = re.compile(r"[A-Z]\w*(Error|Exception|Warning|Iteration|Interrupt|Exit|ExceptionGroup)")
_METHOD = re.compile(r"(str|unicode|bytes|bytearray|int|float|complex|list|tuple|dict|set|frozenset)\.[a-z][a-z_]*")
"""A method of plain data, named without calling it."""
_UNUSUAL = re.compile(r"(^|\.)_*(tests?|testing|conftest|setup|cli)(\.|$)")


class Standing(StrEnum):
    """What is known about a name."""

    ALLOWED = "allowed"
    NAMED_ONLY = "named-only"
    """Harmless to name, not to be called."""
    UNKNOWN_CLASS = "unknown-class"
    """On no list, of a package that others have installed too."""
    UNKNOWN_FUNCTION = "unknown-function"
    OWN_CLASS = "own-class"
    """Of a package that nobody but the publisher is known to have: there is nothing in it to misuse elsewhere."""
    OWN_FUNCTION = "own-function"
    STANDARD = "standard"
    """In the standard library, on no list."""
    DANGEROUS_CALL = "dangerous-call"
    """Harmless to name or to hold, dangerous to call."""
    DANGEROUS = "dangerous"


class Use(IntEnum):
    """How a pickle uses a name; the order of definition is the order of badness."""

    NAMED = 0
    BUILT = 1
    """An object is made without its constructor: `cls.__new__(cls)`, then its attributes."""
    FILLED = 2
    """Called with numbers and plain data alone, as members of enumerations are."""
    CALLED = 3


class _Lists(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=lambda name: name.replace("_", "-"))

    dangerous_modules: frozenset[str]
    dangerous_names: dict[str, frozenset[str]]
    dangerous_calls: dict[str, frozenset[str]]
    allowed_names: dict[str, frozenset[str]]
    class_trees: frozenset[str]
    referenced_trees: frozenset[str]
    standard_modules: frozenset[str]
    pure_modules: frozenset[str]
    known_packages: frozenset[str]


@lru_cache(maxsize=1)
def _lists() -> _Lists:
    return _Lists.model_validate(package_data(__package__, "globals.yaml"))


def modern(module: str, name: str) -> tuple[str, str]:
    """Translate a Python 2 name as the unpickler does."""
    if (module, name) in NAME_MAPPING:
        module, name = NAME_MAPPING[module, name]
    return IMPORT_MAPPING.get(module, module), name


def _under(module: str, trees: frozenset[str]) -> bool:
    parts = module.split(".")
    return any(".".join(parts[:count]) in trees for count in range(1, len(parts) + 1))


def _dangerous(module: str, name: str) -> bool:
    lists = _lists()
    if name in lists.dangerous_names.get(module, ()):
        return True
    if name in lists.allowed_names.get(module, ()):
        return False
    return _under(f"{module}.{name}", lists.dangerous_modules)


def _reaches_danger(module: str, name: str) -> bool:
    """Tell whether an attribute path passes through a dangerous module or name: `pathlib` + `os.system`."""
    parts = name.split(".")
    if _dangerous(module, name) or _dangerous(module, parts[0]):
        return True
    if len(parts) > 1 and any(part.startswith("__") and part.endswith("__") for part in parts):
        return True
    parts = [part.lstrip("_") or part for part in parts]
    inner = (".".join(parts[at:]) for at in range(len(parts)) if len(parts) > 1)
    return any(_dangerous(*path.rpartition(".")[::2]) for path in inner if "." in path)


@lru_cache(maxsize=4096)
def standing(module: str, name: str) -> Standing:
    """Judge a global by its module and (perhaps dotted) name."""
    module, name = modern(module, name)
    lists = _lists()
    class_like = all(_CLASS_LIKE.fullmatch(part) for part in name.split("."))
    usual = not _UNUSUAL.search(module)
    if module == "builtins" and _METHOD.fullmatch(name):
        return Standing.DANGEROUS_CALL
    if name in lists.dangerous_calls.get(module, ()):
        return Standing.DANGEROUS_CALL
    if _reaches_danger(module, name):
        return Standing.DANGEROUS
    return _listed(module, name, class_like=class_like, usual=usual) or _unlisted(
        module, class_like=class_like and usual
    )


def _listed(module: str, name: str, *, class_like: bool, usual: bool) -> Standing | None:
    lists = _lists()
    by_kind = _REBUILD.fullmatch(name) or (module == "builtins" and _ERROR.fullmatch(name))
    if by_kind or name in lists.allowed_names.get(module, ()):
        return Standing.ALLOWED
    if usual and class_like and _under(module, lists.class_trees):
        return Standing.ALLOWED
    return Standing.NAMED_ONLY if usual and "." not in name and _under(module, lists.referenced_trees) else None


def _unlisted(module: str, *, class_like: bool) -> Standing:
    package = module.partition(".")[0]
    if package in _lists().standard_modules:
        return Standing.STANDARD
    if package in _lists().known_packages:
        return Standing.UNKNOWN_CLASS if class_like else Standing.UNKNOWN_FUNCTION
    return Standing.OWN_CLASS if class_like else Standing.OWN_FUNCTION


def verdict(module: str, name: str, use: Use) -> tuple[str, Severity] | None:
    """Return the rule and severity for a global and how it is used, or none where it is fine."""
    found = standing(module, name)
    if found is Standing.STANDARD and use is Use.NAMED and modern(module, name)[0] in _lists().pure_modules:
        return None
    if found is Standing.STANDARD and all(_CLASS_LIKE.fullmatch(part) for part in name.split(".")) and use < Use.CALLED:
        return "pickle.unlisted-standard", Severity.MEDIUM if use is Use.FILLED else Severity.LOW
    rule, severities = _VERDICTS[found]
    if found in {Standing.OWN_FUNCTION, Standing.NAMED_ONLY} and use >= Use.FILLED and _RESTORES.search(name):
        return rule, Severity.MEDIUM
    severity = severities[use]
    return (rule, severity) if severity is not None else None


_LOW, _MEDIUM, _HIGH, _WORST = Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL
_VERDICTS: dict[Standing, tuple[str, tuple[Severity | None, ...]]] = {
    Standing.ALLOWED: ("", (None, None, None, None)),
    Standing.NAMED_ONLY: ("pickle.library-function", (None, None, _HIGH, _HIGH)),
    Standing.UNKNOWN_CLASS: ("pickle.unknown-class", (_LOW, _LOW, _LOW, _MEDIUM)),
    Standing.UNKNOWN_FUNCTION: ("pickle.unknown-function", (_LOW, _LOW, _HIGH, _HIGH)),
    Standing.OWN_CLASS: ("pickle.unknown-class", (_LOW, _LOW, _LOW, _LOW)),
    Standing.OWN_FUNCTION: ("pickle.unknown-function", (_LOW, _LOW, _HIGH, _HIGH)),
    Standing.STANDARD: ("pickle.unlisted-standard", (_MEDIUM, _MEDIUM, _HIGH, _HIGH)),
    Standing.DANGEROUS_CALL: ("pickle.dangerous-global", (None, _HIGH, _HIGH, _WORST)),
    Standing.DANGEROUS: ("pickle.dangerous-global", (_HIGH, _WORST, _WORST, _WORST)),
}
"""What each standing is worth when named, built, filled and called; what is built is a class, whatever its name."""
