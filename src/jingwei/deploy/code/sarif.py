"""What other tools told in SARIF 2.1.0, read in as findings of ours."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from jingwei.core.errors import InputError
from jingwei.core.finding import Severity
from jingwei.deploy.code.rule import found
from jingwei.deploy.scanned import Seen, plain

_LARGEST = 64 * 1024**2
_MOST = 50_000
_LEVELS = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "note": Severity.LOW, "none": Severity.INFO}


def read_sarif(path: Path) -> list[Seen]:
    """Return the results of a SARIF file.

    Raises:
        InputError: it is none.
    """
    try:
        with path.open("rb") as stream:
            told = json.loads(stream.read(_LARGEST))  # a longer one is cut, and then no JSON
        runs = told["runs"]
        return [each for run in runs for each in _run(run)][:_MOST]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError("deploy.code:bad-sarif", field="sarif", path=plain(path)) from error


def _run(run: dict[str, Any]) -> Iterator[Seen]:  # Any: another tool's JSON
    tool = run.get("tool", {}).get("driver", {})
    rules = {str(rule.get("id")): rule for rule in tool.get("rules", [])}
    for result in run.get("results", []):
        rule = str(result.get("ruleId", ""))
        level = result.get("level") or rules.get(rule, {}).get("defaultConfiguration", {}).get("level", "warning")
        places = result.get("locations") or [{}]
        where = places[0].get("physicalLocation", {})
        address = str(where.get("artifactLocation", {}).get("uri", ""))
        region = where.get("region", {})
        line = region.get("startLine", 0)
        snippet = str(region.get("snippet", {}).get("text", "")).strip().partition("\n")[0]
        name = unquote(urlsplit(address).path).removeprefix("./")
        title = plain(f"{tool.get('name', 'SARIF')}: {rule}")
        yield found("code.told", _LEVELS.get(str(level), Severity.MEDIUM), path=plain(name),
                    line=line if isinstance(line, int) and line > 0 else 0, evidence=snippet, name=title,
                    call=plain(result.get("message", {}).get("text", "")))  # fmt: skip
