"""Measure how often what each transform makes of a request can be read; writes `transforms-validity.yaml`.

    python benchmarks/evaluate/validity.py [--texts FILE] [--out FILE]

The requests are those of the first suite and of the jailbreak suite, hostile and harmless; `--texts` takes a file of
your own instead, one request a line, `zh` or `en` and a tab before it.
"""

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import yaml

from jingwei.core.text import LANGUAGES, Language
from jingwei.develop.evaluate import load_suite, rewrite, transform_names
from jingwei.develop.evaluate.validity import readable

SUITES = ("baseline", "jailbreak")
SEEDS = range(3)
LIMIT = 0.95
NOTE = """\
# Results that can be read again, by transform and language: [read, of]. Made by benchmarks/evaluate/validity.py.
"""


def requests() -> dict[Language, list[str]]:
    """Return the requests of the suites, each once."""
    cases = [case for name in SUITES for case in load_suite(name).cases()]
    return {each: list(dict.fromkeys(case.prompt for case in cases if case.language == each)) for each in LANGUAGES}


def read_requests(path: Path) -> dict[Language, list[str]]:
    """Read requests from a file."""
    found: dict[Language, list[str]] = {each: [] for each in LANGUAGES}
    for line in path.read_text(encoding="utf-8").splitlines():
        language, _, said = line.partition("\t")
        if language in found and said:
            found[language].append(said)  # type: ignore[index]  # a key of it
    return found


def chains() -> Iterator[str]:
    """Give each transform, and each chain that a suite names."""
    named = {chain for name in SUITES for chain in load_suite(name).transforms}
    yield from dict.fromkeys((*transform_names(), *sorted(named)))


def measure(chain: str, language: Language, texts: list[str]) -> tuple[int, int]:
    """Rewrite each text with each seed and count those that can be read."""
    read = of = 0
    for seed in SEEDS:
        for text in texts:
            said = rewrite(chain, text, language=language, seed=seed)
            if said is not None:
                of += 1
                read += readable(chain, text, said, language=language)
    return read, of


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    texts = read_requests(given.texts) if given.texts else requests()
    rates: dict[str, dict[str, list[int]]] = {}
    for chain in chains():
        for language in LANGUAGES:
            read, of = measure(chain, language, texts[language])
            if of:
                rates.setdefault(chain, {})[language] = [read, of]
                mark = "" if read / of >= LIMIT else "   below the limit"
                print(f"{chain:28} {language} {read:5}/{of:<5} {read / of:7.1%}{mark}")
    counted = ", ".join(f"{len(texts[each])} {each}" for each in LANGUAGES)
    table = {
        "measured_on": datetime.now(UTC).date(),
        "command": "python benchmarks/evaluate/validity.py",
        "requests": f"{counted} requests of the suites {' and '.join(SUITES)}, {len(SEEDS)} seeds"
        if not given.texts
        else f"{counted} requests of a file, {len(SEEDS)} seeds",
        "limit": LIMIT,
        "rates": rates,
    }
    out = given.out or Path(str(files("jingwei.develop.evaluate").joinpath("transforms-validity.yaml")))
    out.write_text(
        NOTE + yaml.safe_dump(table, allow_unicode=True, sort_keys=False, default_flow_style=None, width=120)
    )


if __name__ == "__main__":
    main()
