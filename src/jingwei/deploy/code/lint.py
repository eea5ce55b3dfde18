"""bandit beside our own audit: its generic findings, without what is noise in AI programs and what we say ourselves."""

import logging
import warnings
from collections.abc import Iterable
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from jingwei.core.finding import Severity
from jingwei.core.package_data import package_data
from jingwei.deploy.code.rule import found
from jingwei.deploy.scanned import Seen


class Taken(BaseModel):
    """One of bandit's tests that is taken over."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    severity: Severity
    same: tuple[str, ...]


@lru_cache(maxsize=1)
def taken() -> dict[str, Taken]:
    """Return the tests that are taken over, by bandit's id."""
    return {name: Taken.model_validate(entry) for name, entry in package_data(__package__, "bandit.yaml").items()}


def available() -> bool:
    """Tell whether bandit is installed."""
    return find_spec("bandit") is not None


def lint(paths: Iterable[tuple[Path, str]]) -> dict[str, list[Seen]]:
    """Run bandit over files and return its findings by the name each file goes by."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # bandit's plug-in loader warns of its own call
        configuration, managing = import_module("bandit.core.config"), import_module("bandit.core.manager")

    logging.getLogger("bandit").setLevel(logging.CRITICAL)
    named = {str(path): name for path, name in paths}
    manager = managing.BanditManager(
        configuration.BanditConfig(), "file", quiet=True, profile={"include": sorted(taken())}
    )
    manager.files_list = sorted(named)
    manager.run_tests()
    told: dict[str, list[Seen]] = {}
    for issue in manager.get_issue_list():
        entry, name = taken().get(issue.test_id), named.get(issue.fname)
        if entry is not None and name is not None:
            line = issue.get_code(max_lines=1, tabbed=False).strip().lstrip("0123456789").strip()
            told.setdefault(name, []).append(
                found("code.lint", entry.severity, path=name, line=issue.lineno, evidence=line,
                      name=f"{issue.test_id} {issue.test}", call=str(issue.text)[:200])
            )  # fmt: skip
    return told


def merged(ours: list[Seen], theirs: list[Seen]) -> list[Seen]:
    """Return our findings and those of bandit's that say something else of their line."""
    said = {(each.location.line, each.rule_id) for each in ours}
    extra = []
    for each in theirs:
        test = each.title.en.partition(": ")[2].partition(" ")[0]
        same = taken()[test].same
        if not any((each.location.line, rule) in said for rule in same):
            extra.append(each)
    return [*ours, *extra]
