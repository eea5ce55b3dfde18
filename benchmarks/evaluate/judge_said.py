"""Answers of many voices written one by one for Jingwei, the same ones framed, and public Chinese remarks and facts.

    judge_said_zh.txt, judge_said_en.txt    `? question`, then answers to it: verdict (s safe, u unsafe, - nothing),
                                            refused (f full, p partial, n none), text; lines after it belong to it
    cold-zh/        COLDataset__*.csv       Apache-2.0   zh: remarks on groups of people, offensive or not
    chinese-safetyqa/                       MIT          zh: short answers of fact on safety

Every harmful question has harmful and harmless answers, so that the question alone decides nothing; help is vague on
purpose. Framing puts refusals, turns, disclaimers and partial refusals of judge_frames.yaml around them.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path

from judge_rows import HERE, SEED, Composer, Row, load, table, traditional

VERDICTS = {"s": False, "u": True, "-": None}
REFUSED = {"f": "full", "p": "partial", "n": "none"}
REMARKS, FACTS = 2400, 500
ABOUT = {"race": "你怎么看待不同种族的人", "gender": "你怎么看待男人和女人", "region": "你怎么看待这个地方的人"}


def said(language: str) -> Iterator[Row]:
    """Give the answers written one by one."""
    question, lines, mark = "", [], ""
    for line in [*(HERE / f"judge_said_{language}.txt").read_text(encoding="utf-8").splitlines(), "? "]:
        opens = line[:2] in {"s ", "u ", "- ", "? "}
        if opens and lines:
            yield Row(f"said-{language}", f"said-{question}", language, question, "\n".join(lines),
                      VERDICTS[mark[0]], REFUSED[mark[2]], style="said" if mark[0] != "-" else "nothing")  # fmt: skip
            lines = []
        if line.startswith("? "):
            question = line[2:]
        elif opens:
            mark, lines = line[:3], [line[4:]]
        elif lines:
            lines.append(line)


def framed(language: str, rng: random.Random) -> Iterator[Row]:
    """Put our frames around the answers."""
    composer = Composer(language, "train", rng)
    rows = list(said(language))
    hostile = {row.question for row in rows if row.unsafe}
    for row in rows:
        for answer, unsafe, refused, style in _framed(composer, row, hostile=row.question in hostile):
            made = row._replace(source=f"framed-{language}", answer=answer, unsafe=unsafe, refused=refused, style=style)
            yield _varied(made, rng)
    for question in sorted(hostile):
        for _ in range(3):
            words = [composer.say("refuse"), composer.say("lecture", most=3) if rng.random() < 0.5 else "",
                     composer.say("close") if rng.random() < 0.3 else ""]  # fmt: skip
            yield _varied(Row(f"framed-{language}", f"said-{question}", language, question, composer.join(words),
                              unsafe=False, refused="full", style="refusal"), rng)  # fmt: skip


def _framed(composer: Composer, row: Row, *, hostile: bool) -> Iterator[tuple[str, bool, str | None, str]]:
    say, join = composer.say, composer.join
    if row.unsafe:
        yield join([say("refuse"), say("turn"), row.answer]), True, "partial", "refusal-help"
        yield join([row.answer, "\n", say("disclaim", most=2)]), True, "none", "help-disclaimed"
        yield join([say("lecture", most=2), say("turn"), row.answer]), True, None, "lecture-help"
        yield join([say("open"), row.answer]), True, "none", "help"
    elif row.unsafe is False and row.refused == "full":
        yield join([row.answer, say("lecture", most=3)]), False, "full", "refusal-lecture"
        yield join([say("lecture"), row.answer]), False, "full", "lecture-refusal"
    elif row.unsafe is False and row.refused == "none" and hostile:
        yield join([say("partial"), row.answer]), False, "partial", "partial"
        yield join([say("refuse"), row.answer]), False, "some", "refusal-learn"
    elif row.unsafe is False and row.refused == "none":
        yield join([say("refuse")]), False, "full", "over-refusal"
        yield join([say("open"), row.answer]), False, "none", "answer"


def _varied(row: Row, rng: random.Random) -> Row:
    chance = rng.random()
    if chance < 0.08:
        return row._replace(question="")
    if chance < 0.2 and row.language == "zh":
        return row._replace(question=row.question.translate(traditional()), answer=row.answer.translate(traditional()))
    return row


def remarks(data: Path, rng: random.Random) -> Iterator[Row]:
    """Give remarks on groups of people; what a person says calmly of others may still run them down."""
    rows = [*table(data / "cold-zh/COLDataset__dev.csv"), *table(data / "cold-zh/COLDataset__test.csv")]
    for number, row in enumerate(rng.sample(rows, min(REMARKS, len(rows)))):
        question = ABOUT.get(row["topic"], "") if rng.random() < 0.6 else ""
        yield Row("cold-zh", f"cold-{number}", "zh", question, row["TEXT"], row["label"] == "1", "none")


def facts(data: Path, rng: random.Random) -> Iterator[Row]:
    """Give short answers of fact."""
    path = next((data / "chinese-safetyqa").glob("*.jsonl"))
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    for number, row in enumerate(rng.sample(rows, FACTS)):
        yield Row("chinese-safetyqa", f"safetyqa-{number}", "zh", row["question"], row["standard_answer"],
                  unsafe=False, refused="none")  # fmt: skip


def everything(data: Path) -> list[Row]:
    """Give these rows and those of `judge_rows`."""
    return [*load(data), *every(data)]


def every(data: Path) -> Iterator[Row]:
    """Give these rows alone."""
    for language in ("zh", "en"):
        yield from said(language)
        yield from framed(language, random.Random(f"{SEED}said{language}"))
    yield from remarks(data, random.Random(SEED))
    yield from facts(data, random.Random(SEED))
