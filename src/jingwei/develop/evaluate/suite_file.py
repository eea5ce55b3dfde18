"""Reading suites: a manifest in YAML, its larger banks of prompts in JSON lines beside it.

`prompts_file: NAME` in a manifest names a file in the same folder; each of its lines is a prompt with the id of its
`category`. The content of both is what a suite's digest covers.
"""

import json
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from jingwei.core.errors import InputError, NotFound
from jingwei.core.text import Both
from jingwei.develop.evaluate.suite import Suite

_LARGEST = 16 * 1024 * 1024
"""Bytes of a suite file: forty thousand prompts fit."""
_BANK = "prompts_file"


def suite_names() -> list[str]:
    """List the suites that come with the package."""
    return sorted(each.name.removesuffix(".yaml") for each in _packaged().iterdir() if each.name.endswith(".yaml"))


class SuiteCard(NamedTuple):
    """What a list says of a suite."""

    id: str
    title: Both
    about: Both
    evidence_type: str


@lru_cache
def suite_card(name: str) -> SuiteCard:
    """Return what a suite of the package is, without reading its prompts."""
    source: Any = yaml.load(_packaged().joinpath(f"{name}.yaml").read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader
    kind = source.get("evidence_type", Suite.model_fields["evidence_type"].default)
    return SuiteCard(name, Both(**source["title"]), Both(**source["about"]), kind)


def load_suite(name: str) -> Suite:
    """Read a suite of the package by id, or one of the user's by path; a file that changed is read again.

    Raises:
        NotFound: there is no such suite or file.
        InputError: the file is not a suite; the message names the place.
    """
    if name in _names():
        return _of_package(name)
    path = Path(name).expanduser()
    if not path.is_file():
        raise NotFound("develop.evaluate:suite-unknown", field="suite", name=name, known=", ".join(suite_names()))
    return _parsed(path)


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(suite_names())


def _packaged() -> Traversable:
    return files(__package__).joinpath("suites")


@lru_cache(maxsize=64)
def _of_package(name: str) -> Suite:
    source: Any = yaml.load(_packaged().joinpath(f"{name}.yaml").read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader
    return Suite.model_validate(_with_bank(source, _packaged()))


def _parsed(path: Path) -> Suite:
    try:
        stamp = _stamp(path)
        source = _manifest(path, stamp)
        bank = str(source[_BANK]) if isinstance(source, dict) and _BANK in source else ""
        return _of_file(path, stamp, _stamp(path.parent / bank) if bank else ())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "-"
        raise InputError("develop.evaluate:suite-invalid", field=f"suite:{where}", name=path.name, where=where,
                         problem=first["msg"]) from error  # fmt: skip
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        problem = str(error).splitlines()[0]
        raise InputError("develop.evaluate:suite-invalid", field="suite", name=path.name, where="-",
                         problem=problem) from error  # fmt: skip


@lru_cache(maxsize=8)
def _manifest(path: Path, _stamped: tuple[int, ...]) -> Any:  # Any: YAML, which the suite's model looks at
    _bounded(path)
    return yaml.load(path.read_text(encoding="utf-8"), Loader=PlainLoader)  # noqa: S506 - a safe loader


@lru_cache(maxsize=32)
def _of_file(path: Path, stamped: tuple[int, ...], _of_bank: tuple[int, ...]) -> Suite:
    return Suite.model_validate(_with_bank(_manifest(path, stamped), path.parent))


def _stamp(path: Path) -> tuple[int, ...]:
    """Return what tells one state of a file from another; nothing of one that is not there."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _with_bank(source: Any, folder: Traversable) -> Any:
    """Put the prompts of a bank into their categories; anything but a mapping is left for the model to refuse."""
    if not isinstance(source, dict) or _BANK not in source:
        return source
    name = str(source[_BANK])
    if "/" in name or "\\" in name or name.startswith("."):
        raise InputError("develop.evaluate:suite-invalid", field=f"suite:{_BANK}", name=name, where=_BANK,
                         problem="../")  # fmt: skip
    bank = folder.joinpath(name)
    if not bank.is_file():
        raise NotFound("develop.evaluate:bank-unknown", field=f"suite:{_BANK}", name=name)
    if isinstance(bank, Path):
        _bounded(bank)
    by_category: dict[str, list[Any]] = {}
    for number, line in enumerate(bank.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            by_category.setdefault(row.pop("category"), []).append(row)
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
            raise InputError("develop.evaluate:suite-invalid", field=f"suite:{_BANK}", name=name, where=str(number),
                             problem=type(error).__name__) from error  # fmt: skip
    rest, given = {key: value for key, value in source.items() if key != _BANK}, source.get("categories")
    if not isinstance(given, list) or not all(_holds_prompts(each) for each in given):
        return rest
    categories = [
        each | {"prompts": [*each.get("prompts", ()), *by_category.pop(str(each.get("id")), ())]} for each in given
    ]
    if by_category:
        raise InputError("develop.evaluate:suite-invalid", field=f"suite:{_BANK}", name=name, where="category",
                         problem=", ".join(sorted(map(str, by_category))))  # fmt: skip
    return rest | {"categories": categories}


def _holds_prompts(category: Any) -> bool:  # Any: YAML
    return isinstance(category, dict) and isinstance(category.get("prompts", []), list)


def _bounded(path: Path) -> None:
    if path.stat().st_size > _LARGEST:
        raise InputError("develop.evaluate:suite-too-large", field="suite", name=path.name, limit=_LARGEST)


_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class PlainLoader(yaml.SafeLoader):
    """A safe loader that knows no aliases: what is not written cannot be multiplied."""

    def compose_node(self, parent: Any, index: Any) -> Any:  # Any: yaml's own signature
        """Refuse an alias."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read here")
        return super().compose_node(parent, index)
