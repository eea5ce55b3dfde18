"""Make the banks of prompts that suites ask: `python benchmarks/evaluate/make_banks.py [--check]`.

They come from what people wrote:

    banks/topics-*.yaml       what requests are about, one topic a line, `Chinese | English`, by class of risk or hazard
    banks/frames.yaml         how a request is put; `content` and `refused` share no wording
    banks/public.yaml         prompts of public sets whose licence allows it, by class as we read them
    banks/scary-*.yaml        harmless requests that sound dangerous, by kind
    banks/aspects.yaml        questions that must be answered, by aspect
    banks/useful.yaml, leaks.yaml

Every row is one of those lines, or a topic in a frame: nothing is drawn by chance, and the same files give the same
banks byte for byte. What says nearly the same as an earlier row of its category, what is too long or in the wrong
script, and what holds anything like personal data is left out; the table that is printed says how much. `--check`
writes nothing and fails where a bank differs; `--sample N` prints N rows to read; `--agree` prints, for each category,
how many rows the guard's model of intent reads as a request for harm, to find rows worth a look. It decides nothing.
"""

import argparse
import json
import random
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from jingwei.detect.pattern_detector import pii
from jingwei.develop.evaluate.asked import asked

HERE = Path(__file__).parent / "banks"
SUITES = Path(__file__).parents[2] / "src/jingwei/develop/evaluate/suites"
NEAR = 0.85
"""Share of common three-letter pieces from which two rows of one category say the same."""
LONGEST = {"zh": 90, "en": 240}
LICENCES = {"jade": "MIT", "jailbench": "MIT"}
TIMES = {"content": 4, "refused": 2, "hazards": 3}
"""Frames that each topic is put in."""
STEPS = {"act": 3, "claim": 2, "demand": 2}
"""From one frame of a topic to the next, so that no two topics in a row are put alike."""

Row = dict[str, object]


class Topic(NamedTuple):
    """One thing that is asked for, in both languages."""

    form: str
    zh: str
    en: str
    tags: tuple[str, ...] = ()


def main() -> int:
    """Make, check or show the banks."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--check", action="store_true", help="fail where a bank is not what the files give")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="print N rows of each bank to read")
    parser.add_argument("--agree", action="store_true", help="print what the guard's model of intent makes of the rows")
    options = parser.parse_args()
    differing = []
    for name, (rows, dropped) in made().items():
        content = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
        path = SUITES / f"{name}.jsonl"
        if not path.is_file() or path.read_text(encoding="utf-8") != content:
            differing.append(name)
            if not options.check:
                path.write_text(content, encoding="utf-8")
        print(told(name, rows, dropped, size=len(content.encode())))
        for row in random.Random(20261123).sample(rows, min(options.sample, len(rows))):
            print("   ", row["id"], "|", row.get("zh", ""), "|", row.get("en", ""))
        if options.agree:
            print("   ", agreement(rows))
    if options.check and differing:
        print("differs:", ", ".join(differing), file=sys.stderr)
        return 1
    return 0


def told(name: str, rows: Sequence[Row], dropped: Counter[str], *, size: int) -> str:
    """Say what a bank holds."""
    languages = {each: sum(bool(row.get(each)) for row in rows) for each in ("zh", "en")}
    sources = Counter(str(row.get("source", "own")).partition("/")[0] for row in rows)
    return (f"{name:18} {len(rows):5} rows  zh {languages['zh']:5}  en {languages['en']:5}  {size / 1024:6.0f} kB  "
            f"{dict(sources)}  left out {dict(dropped)}")  # fmt: skip


def agreement(rows: Sequence[Row]) -> str:
    """Say how many rows of each category and language the guard's model of intent reads as a request for harm."""
    harmful: dict[tuple[str, str], list[bool]] = {}
    for row in rows:
        for language in ("zh", "en"):
            if said := row.get(language):
                harmful.setdefault((str(row["category"]), language), []).append(asked(str(said)).harm >= 0.5)
    return "  ".join(f"{name}/{language} {sum(found)}/{len(found)}" for (name, language), found in harmful.items())


def made() -> dict[str, tuple[list[Row], Counter[str]]]:
    """Return every bank with what was left out of it."""
    classes = [name for part in ("a1", "a2") for name in read(f"topics-{part}")]
    every = classes + [name for part in ("a3", "a4", "a5") for name in read(f"topics-{part}")]
    banks: dict[str, Iterable[Row]] = {
        "content-31": (row for name in every for row in (*framed(name, "content"), *public(name))),
        "should-refuse": (row for name in classes for row in framed(name, "refused")),
        "ailuminate-12": (row for name in read("topics-ailuminate") for row in framed(name, "hazards")),
        "should-not-refuse": (*paired("aspects"), *single("scary")),
        "usefulness": paired("useful"),
        "privacy-leak": leaks(),
    }
    taken: set[str] = set()
    return {name: checked(name, rows, taken) for name, rows in banks.items()}


def checked(bank: str, rows: Iterable[Row], taken: set[str]) -> tuple[list[Row], Counter[str]]:
    """Number the rows of a bank and leave out those that must not be in it."""
    kept: list[Row] = []
    dropped: Counter[str] = Counter()
    seen: dict[str, list[frozenset[str]]] = {}
    counts: Counter[str] = Counter()
    for row in rows:
        reason = fault(row, seen.setdefault(str(row["category"]), []), taken, personal=bank == "privacy-leak")
        if reason:
            dropped[reason] += 1
            continue
        counts[str(row["category"])] += 1
        kept.append({"category": row["category"], "id": f"{bank}.{row['category']}.{counts[str(row['category'])]:03}"}
                    | {key: value for key, value in row.items() if key != "category" and value})  # fmt: skip
    return kept, dropped


def fault(row: Row, seen: list[frozenset[str]], taken: set[str], *, personal: bool) -> str:
    """Name what is wrong with a row, or take it in and return an empty string."""
    texts = {each: str(row[each]) for each in ("zh", "en") if row.get(each)}
    for language, said in texts.items():
        if len(said) > LONGEST[language]:
            return "long"
        ideographs = sum("\u4e00" <= each <= "\u9fff" for each in said)
        if (ideographs == 0) if language == "zh" else ideographs:
            return "script"
        if not personal and pii().scan(said):
            return "personal"
    plain = [solid(said) for said in texts.values()]
    if any(each in taken for each in plain):
        return "twice"
    pieces = shingles(plain[0])
    if any(len(pieces & other) / len(pieces | other) >= NEAR for other in seen):
        return "near"
    taken.update(plain)
    seen.append(pieces)
    return ""


def solid(said: str) -> str:
    """Return a text's letters alone."""
    return re.sub(r"\W+", "", unicodedata.normalize("NFKC", said).lower())


def shingles(said: str) -> frozenset[str]:
    """Return the pieces of three letters."""
    return frozenset(said[at : at + 3] for at in range(max(1, len(said) - 2)))


def framed(category: str, use: str) -> Iterator[Row]:
    """Put each topic of a class into its turn of frames."""
    frames = read("frames")["refused" if use == "refused" else "content"]
    for number, topic in enumerate(topics(category)):
        choices = pairs(frames[topic.form])
        for turn in range(TIMES[use]):
            zh, en = choices[(number + (use == "hazards") + turn * STEPS[topic.form]) % len(choices)][:2]
            yield {"category": category, "zh": put(zh, topic.zh), "en": put(en, topic.en), "tags": topic.tags}


def put(frame: str, topic: str) -> str:
    """Put a topic into a frame, where the frame's `{D}` begins a sentence."""
    return frame.replace("{D}", topic[:1].upper() + topic[1:]).replace("{a}", topic).replace("{c}", topic) \
        .replace("{d}", topic)  # fmt: skip


def topics(category: str) -> Iterator[Topic]:
    """Give the topics of a class."""
    for path in sorted(HERE.glob("topics-*.yaml")):
        for form, lines in read(path.stem).get(category, {}).items():
            for zh, en, *tags in pairs(lines):
                yield Topic(form, zh, en, tuple(tags[0].split()) if tags else ())


def public(category: str) -> Iterator[Row]:
    """Give the public prompts of a class."""
    for source, name, zh in pairs(read("public")["rows"]):
        if name == category:
            yield {"category": category, "zh": zh, "source": source, "licence": LICENCES[source.partition("/")[0]]}


def paired(name: str) -> Iterator[Row]:
    """Give the questions of a file that has both languages side by side."""
    for category, lines in read(name).items():
        for zh, en in pairs(lines):
            yield {"category": category_of(name, category), "zh": zh, "en": en}


def single(name: str) -> Iterator[Row]:
    """Give the requests of the two files that are written in one language each."""
    for language in ("zh", "en"):
        for category, lines in read(f"{name}-{language}").items():
            for line in lines.splitlines():
                yield {"category": category_of(name, category), language: line}


def category_of(name: str, category: str) -> str:
    """Return the id of a category in the bank that several files share."""
    return f"{name}-{category}" if name in {"aspects", "scary"} else category


def leaks() -> Iterator[Row]:
    """Give the requests for what must not come out, with what would prove that it did."""
    known = read("leaks")
    for category, lines in known["plain"].items():
        facts = {"personal": True} if category in known["personal"] else {}
        for zh, en in pairs(lines):
            yield {"category": category, "zh": zh, "en": en, "facts": facts}
    record = known["records"]
    for number, (zh, en) in enumerate(pairs(known["others"])):
        whose = record[number % len(record)]
        yield {"category": "other-user", "zh": zh.replace("{who}", whose["zh"]),
               "en": en.replace("{who}", whose["en"]), "facts": {"secrets": whose["secrets"]}}  # fmt: skip


def read(name: str) -> dict[str, dict]:  # type: ignore[type-arg]  # as deep as each file is
    """Read one of the files beside this script."""
    found: dict[str, dict] = yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8"))  # type: ignore[type-arg]
    return found


def pairs(lines: object) -> list[list[str]]:
    """Split lines at their bars."""
    return [[part.strip() for part in line.split("|")] for line in str(lines).splitlines() if line.strip()]


if __name__ == "__main__":
    sys.exit(main())
