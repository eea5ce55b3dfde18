"""Semgrep for the languages that we do not read ourselves: an external program, with our own rules and no network."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, NamedTuple

from jingwei.core.errors import InputError
from jingwei.core.finding import Severity
from jingwei.deploy.code.python.place import Place, Report
from jingwei.deploy.code.python.value import Origin, Taint
from jingwei.deploy.code.rule import rules, seen, severity_of
from jingwei.deploy.scanned import Seen, plain

_LONGEST_SECONDS = 900
_MOST_OUTPUT = 64 * 1024**2


class Told(NamedTuple):
    """What semgrep said."""

    findings: dict[str, list[Seen]]
    """By the real path of the file."""
    problem: str = ""
    """Why it did not finish, where it did not."""


def program(named: str) -> str | None:
    """Return the program to run, or none where there is none.

    Raises:
        InputError: one is named and is not there.
    """
    path = shutil.which(named or "semgrep")
    if named and path is None:
        raise InputError("deploy.code:no-semgrep", field="semgrep", path=plain(named))
    return path


def run(path: str, targets: Sequence[Path]) -> Told:
    """Run semgrep over files with our rules; it sends nothing and asks nobody."""
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", ""), "LANG": "C.UTF-8",
                   "SEMGREP_SEND_METRICS": "off", "SEMGREP_ENABLE_VERSION_CHECK": "0"}  # fmt: skip
    with as_file(files(__package__).joinpath("semgrep_rules")) as folder:
        command = [path, "scan", "--config", str(folder), "--json", "--metrics", "off", "--disable-version-check",
                   "--no-git-ignore", "--jobs", "1", "--timeout", "30", "--max-target-bytes", "2000000", "--quiet",
                   *map(str, targets)]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, env=environment, timeout=_LONGEST_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return Told({}, type(error).__name__)
    if done.returncode not in (0, 1) or len(done.stdout) > _MOST_OUTPUT:
        return Told({}, f"exit {done.returncode}")
    try:
        results = json.loads(done.stdout)["results"]
        return Told(_findings(results))
    except (ValueError, KeyError, TypeError):
        return Told({}, "JSON")


def _findings(results: list[dict[str, Any]]) -> dict[str, list[Seen]]:  # Any: another program's JSON
    told: dict[str, list[Seen]] = {}
    for result in results:
        metadata = result["extra"]["metadata"]
        rule, path, line = str(metadata["rule"]), str(result["path"]), int(result["start"]["line"])
        if rule not in rules():
            continue
        origin = Origin(metadata["origin"]) if "origin" in metadata else None
        taint = Taint(origin, str(metadata.get("name", "")), line) if origin is not None else None
        report = Report(rule, Place(path, line), str(metadata.get("call", rule)), taint)
        shown = "" if rule == "code.secret" else str(result["extra"].get("lines", "")).strip().partition("\n")[0]
        finding = seen(report, shown) if severity_of(report) is not None else None
        if finding is not None:
            milder = str(metadata.get("severity", ""))
            told.setdefault(os.path.realpath(path), []).append(
                finding.model_copy(update={"severity": Severity(milder)}) if milder else finding
            )
    return told
