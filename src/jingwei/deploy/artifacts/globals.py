"""Who may be named: the standing of a global that a pickle (or a model's JSON) asks for.

The lists are data, in `globals.yaml`. The verdict never looks at what is installed here: the same name has the
same standing on every machine.
"""

import re
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from enum import StrEnum
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from jingwei.core.finding import Severity
from jingwei.core.package_data import package_data

_CLASS_LIKE = re.compile(r"_*[A-Z][A-Za-z0-9_]*")
_UNUSUAL = re.compile(r"(^|\.)_*(tests?|testing|conftest|setup|cli)(\.|$)")


class Standing(StrEnum):
    """What is known about a name."""

    ALLOWED = "allowed"
    NAMED_ONLY = "named-only"
    """Harmless to name, not to be called."""
    UNKNOWN_CLASS = "unknown-class"
    UNKNOWN_FUNCTION = "unknown-function"
    STANDARD = "standard"
    """In the standard library, on no list."""
    DANGEROUS = "dangerous"


class _Lists(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=lambda name: name.replace("_", "-"))

    dangerous_modules: frozenset[str]
    dangerous_names: dict[str, frozenset[str]]
    allowed_names: dict[str, frozenset[str]]
    class_trees: frozenset[str]
    referenced_trees: frozenset[str]
    standard_modules: frozenset[str]


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
    if any(part.startswith("__") and part.endswith("__") for part in parts[:-1]):
        return True
    inner = (".".join(parts[at:]) for at in range(len(parts)) if len(parts) > 1)
    return any(_dangerous(*path.rpartition(".")[::2]) for path in inner if "." in path)


@lru_cache(maxsize=4096)
def standing(module: str, name: str) -> Standing:
    """Judge a global by its module and (perhaps dotted) name."""
    module, name = modern(module, name)
    lists = _lists()
    class_like = all(_CLASS_LIKE.fullmatch(part) for part in name.split("."))
    usual = not _UNUSUAL.search(module)
    found = Standing.UNKNOWN_CLASS if class_like and usual else Standing.UNKNOWN_FUNCTION
    if _reaches_danger(module, name):
        found = Standing.DANGEROUS
    elif name in lists.allowed_names.get(module, ()) or (usual and class_like and _under(module, lists.class_trees)):
        found = Standing.ALLOWED
    elif usual and "." not in name and _under(module, lists.referenced_trees):
        found = Standing.NAMED_ONLY
    elif module.partition(".")[0] in lists.standard_modules:
        found = Standing.STANDARD
    return found


def verdict(module: str, name: str, *, called: bool) -> tuple[str, Severity] | None:
    """Return the rule and severity for naming (or calling) a global, or none where it is fine."""
    match standing(module, name):
        case Standing.ALLOWED:
            return None
        case Standing.NAMED_ONLY:
            return ("pickle.library-function", Severity.MEDIUM) if called else None
        case Standing.DANGEROUS:
            return "pickle.dangerous-global", Severity.CRITICAL if called else Severity.HIGH
        case Standing.STANDARD:
            return "pickle.unlisted-standard", Severity.HIGH if called else Severity.MEDIUM
        case Standing.UNKNOWN_FUNCTION:
            return "pickle.unknown-function", Severity.HIGH if called else Severity.MEDIUM
        case Standing.UNKNOWN_CLASS:
            return "pickle.unknown-class", Severity.MEDIUM if called else Severity.LOW
