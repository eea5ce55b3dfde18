"""Hold the static code rules against labelled and unlabelled code, beside bandit: recall, finds, CPU.

    python benchmarks/evaluate/code_safety.py --labelled FOLDER [--corpus NAME=LANGUAGE:FOLDER ...] [--bandit PATH]
    python benchmarks/evaluate/code_safety.py --stubs

`--labelled` is a folder with CyberSecEval's autocomplete and instruct files (MIT): real code in which its own analyser
marked one line as insecure. The rules were written without them. A row counts as found where some rule finds something
within two lines of the marked one, and as found by kind where that has the label's kind of weakness as well. Rows of
languages that are not in the grid (C#, Rust) are counted as left out. `--corpus` counts finds in code of well-known
libraries, whose authors hold it to be right: an upper bound of false alarms, by language. `--bandit` runs that peer on
the same Python. CPU time is of the process (of bandit: of its process, start included, and again without its start).
`--stubs` scores every prompt of the suite that asks for code as if a model always gave the weak code of the bank, and
as if it always gave the safe code: Secure@k must be 0 and 1, and the time is that of the scorer.
"""

import argparse
import ast
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from jingwei.core.interval import wilson
from jingwei.develop.evaluate.attempt import Attempt
from jingwei.develop.evaluate.code.weaknesses import weaknesses
from jingwei.develop.evaluate.exchange import Answer, Ask, Exchange, Message, Transcript
from jingwei.develop.evaluate.scorers import Scene, scorer
from jingwei.develop.evaluate.suite_file import load_suite

LANGUAGES = {"c": "c", "cpp": "c", "java": "java", "javascript": "javascript", "php": "php", "python": "python"}
ENDINGS = {"c": (".c", ".cpp", ".cc"), "javascript": (".js",), "python": (".py",), "php": (".php",), "sql": (".sql",),
           "bash": (".sh",), "html": (".html",), "java": (".java",), "go": (".go",)}  # fmt: skip
KINDS = (
    {"20", "22", "23", "73"},
    {"77", "78", "88"},
    {"94", "95", "1336"},
    {"119", "120", "121", "122", "125", "242", "676", "680", "787", "805", "806", "190", "131", "170", "193"},
    {"326", "327", "328", "329", "916", "1204", "1240", "759", "780"},
    {"330", "335", "337", "338"},
    {"259", "321", "798", "256", "312", "522", "547"},
    {"295", "297", "319", "599"},
    {"732", "276", "560", "250"},
    {"377", "379"},
    {"79", "80", "116"},
    {"345", "346", "347", "942", "352"},
    {"614", "1004"},
    {"200", "209", "489"},
    {"416", "415", "401"},
    {"185", "1333", "400"},
)
NEAR = 2
LONGEST = 400


class Row(NamedTuple):
    """One piece of code with its label."""

    language: str
    code: str
    line: int
    cwe: str


class Found(NamedTuple):
    """One find of some tool."""

    line: int
    cwe: str


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--labelled", type=Path)
    parser.add_argument("--corpus", action="append", default=[])
    parser.add_argument("--bandit", type=Path)
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--stubs", action="store_true")
    wanted = parser.parse_args()
    if wanted.stubs:
        asyncio.run(_stubs())
    if wanted.labelled:
        _labelled(wanted.labelled, wanted.bandit)
    for each in wanted.corpus:
        name, _, rest = each.partition("=")
        language, _, folder = rest.partition(":")
        _corpus(name, language, Path(folder), wanted.files, wanted.bandit if language == "python" else None)
    return 0


def _labelled(folder: Path, bandit: Path | None) -> None:
    rows, left = _rows(folder)
    print(f"labelled rows {len(rows)}, left out {dict(left)}")
    began = time.process_time()
    found = [[Found(each.line, each.cwe) for each in weaknesses(row.code, row.language)] for row in rows]
    spent = time.process_time() - began
    print(f"ours: {1000 * spent / len(rows):.2f} CPU-ms a row")
    _recall("ours", rows, found)
    if bandit:
        python = [n for n, row in enumerate(rows) if row.language == "python"]
        some = [rows[n] for n in python]
        began = time.process_time()
        for row in some:
            weaknesses(row.code, "python")
        own = time.process_time() - began
        theirs, cpu, start = _bandit(bandit, [row.code for row in some])
        _recall("ours on Python", some, [found[n] for n in python])
        _recall("bandit", some, theirs)
        whole = [n for n, row in enumerate(some) if _parses(row.code)]
        print(f"rows that are whole Python, which alone bandit reads: {len(whole)}")
        _recall("ours, whole", [some[n] for n in whole], [found[python[n]] for n in whole])
        _recall("bandit, whole", [some[n] for n in whole], [theirs[n] for n in whole])
        print(f"CPU on {len(some)} rows of Python: ours {own:.2f} s, bandit {cpu:.2f} s ({cpu - start:.2f} without its "
              f"start); ratio {cpu / own:.1f} ({(cpu - start) / own:.1f})")  # fmt: skip


async def _stubs() -> None:
    topics = yaml.safe_load((Path(__file__).parent / "banks/code/topics.yaml").read_text(encoding="utf-8"))
    known = {(language, each["cwe"]): each for language, some in topics.items() for each in some}
    cases = [each for each in load_suite("code-safety").cases() if each.facts["kind"] == "code"]
    for stub in ("weak", "safe"):
        states: dict[str, Counter[str]] = defaultdict(Counter)
        began = time.process_time()
        for case in cases:
            language = str(case.facts["language"])
            said = f"```{language}\n{known[language, str(case.facts['cwe'])][stub]}```"
            ask = Ask(messages=(Message(role="user", content=case.prompt),))
            attempt = Attempt(id="a", case=case, transform="plain", message=case.prompt)
            transcript = Transcript(exchanges=(Exchange(ask=ask, answer=Answer(text=said)),))
            verdict = await scorer("code").score(Scene(attempt=attempt, transcript=transcript))
            states[case.language][verdict.state.value] += 1
        spent = time.process_time() - began
        print(f"{stub}: {dict(states)}; {1000 * spent / len(cases):.2f} CPU-ms an answer")


def _rows(folder: Path) -> tuple[list[Row], Counter[str]]:
    found: dict[tuple[str, str], Row] = {}
    left: Counter[str] = Counter()
    for file in sorted([*folder.glob("*autocomplete.json"), *folder.glob("*instruct*.json")]):
        for each in json.loads(file.read_text(encoding="utf-8")):
            language = LANGUAGES.get(each["language"])
            lines = each["origin_code"].splitlines()
            place = next((n for n, line in enumerate(lines, 1) if each["line_text"].strip() in line), 0)
            if language is None:
                left[each["language"]] += 1
            elif not place:
                left["line not in code"] += 1
            elif (each["origin_code"], each["cwe_identifier"]) in found:
                left["twice"] += 1
            else:
                key = (each["origin_code"], each["cwe_identifier"])
                found[key] = Row(language, each["origin_code"], place, each["cwe_identifier"])
    return list(found.values()), left


def _recall(name: str, rows: Sequence[Row], found: Sequence[Sequence[Found]]) -> None:
    parts: dict[str, list[tuple[bool, bool, bool]]] = defaultdict(list)
    for row, finds in zip(rows, found, strict=True):
        near = [each for each in finds if abs(each.line - row.line) <= NEAR]
        right = any(_alike(each.cwe, row.cwe) for each in near)
        hit = (bool(finds), bool(near), right)
        for part in ("all", row.language, row.cwe):
            parts[part].append(hit)
    for part, hits in sorted(parts.items(), key=lambda each: (each[0] != "all", each[0].startswith("CWE"), each[0])):
        if len(hits) >= 10:
            rates = [wilson(sum(hit[place] for hit in hits), len(hits)) for place in range(3)]
            shown = "  ".join(f"{rate.value:6.1%}" for rate in rates)
            print(f"  {name:15} {part:12} n={len(hits):5}  anything, at the line, its kind: {shown} "
                  f"[{rates[1].low:.1%}, {rates[1].high:.1%}]")  # fmt: skip


def _parses(code: str) -> bool:
    try:
        compile(code, "row", "exec", flags=ast.PyCF_ONLY_AST)
    except (SyntaxError, ValueError):
        return False
    return True


def _alike(one: str, other: str) -> bool:
    first, second = one.removeprefix("CWE-"), other.removeprefix("CWE-")
    return first == second or any(first in kind and second in kind for kind in KINDS)


def _bandit(path: Path, codes: Sequence[str]) -> tuple[list[list[Found]], float, float]:
    """Run bandit once over all pieces; returns finds, its CPU seconds, and those of its start alone."""
    with tempfile.TemporaryDirectory() as folder:
        for number, code in enumerate(codes):
            Path(folder, f"row{number:05}.py").write_text(code, encoding="utf-8")
        empty = Path(folder, "empty")
        empty.mkdir()
        start = _spent([str(path), "-q", "-r", "-f", "json", str(empty)])[1]
        said, cpu = _spent([str(path), "-q", "-r", "-f", "json", folder])
    found: list[list[Found]] = [[] for _ in codes]
    for each in json.loads(said)["results"]:
        number = int(Path(each["filename"]).stem.removeprefix("row"))
        found[number].append(Found(each["line_number"], f"CWE-{each['issue_cwe'].get('id', 0)}"))
    return found, cpu, start


def _spent(command: Sequence[str]) -> tuple[str, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return said, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _corpus(name: str, language: str, folder: Path, most: int, bandit: Path | None) -> None:
    """Count finds in code that is held to be right."""
    codes = list(_files(folder, language, most))
    lines = sum(code.count("\n") + 1 for code in codes)
    began = time.process_time()
    found = [weaknesses(code, language) for code in codes]
    spent = time.process_time() - began
    rules = Counter(each.rule for finds in found for each in finds)
    flagged = wilson(sum(bool(finds) for finds in found), len(codes))
    print(f"{name} ({language}): {len(codes)} pieces of {lines} lines; finds a thousand lines "
          f"{1000 * rules.total() / max(1, lines):.2f}; pieces with one {flagged.value:.1%} "
          f"[{flagged.low:.1%}, {flagged.high:.1%}]; {1e6 * spent / max(1, lines):.0f} CPU-µs a line; "
          f"most: {dict(rules.most_common(6))}")  # fmt: skip
    if bandit:
        theirs, cpu, start = _bandit(bandit, codes)
        flagged = wilson(sum(bool(finds) for finds in theirs), len(codes))
        share = 1000 * sum(map(len, theirs)) / max(1, lines)
        print(f"  bandit: finds a thousand lines {share:.2f}; pieces with one {flagged.value:.1%}; CPU {cpu:.2f} s "
              f"({cpu - start:.2f} without its start) to ours {spent:.2f} s")  # fmt: skip


def _files(folder: Path, language: str, most: int) -> Iterator[str]:
    """Give pieces of at most so many lines, one of each file, tests left out; evenly spread over the folder."""
    names = sorted(
        os.path.join(place, each)  # noqa: PTH118 - of os.walk
        for place, _, names in os.walk(folder)
        if "test" not in place.lower()
        for each in names
        if each.endswith(ENDINGS[language]) and ".min." not in each and not each.startswith("test")
    )
    for name in names[:: max(1, len(names) // most)][:most]:
        code = Path(name).read_text(encoding="utf-8", errors="replace")
        if 20 < len(code) < 1_000_000 and max(map(len, code.splitlines()), default=0) < 1_000:
            yield "\n".join(code.splitlines()[:LONGEST])


if __name__ == "__main__":
    sys.exit(main())
