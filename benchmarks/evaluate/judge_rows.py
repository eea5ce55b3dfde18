"""Rows to train and measure the judge on: public sets as their authors publish them, and our own answers by script.

    jade-db/   jade-db-v3.0__jade_alignment_medium_zh.csv      MIT         zh: harmful and safe answers to one question
    gptfuzz/   datasets__responses_labeled__train.csv          MIT         en: human label, 1 = the attack succeeded
    xstest/    model_completions__xstest_v2_completions_*.csv  CC-BY-4.0   en: human label, compliance or refusal
    halueval/  general_data.json                               MIT         en: ordinary questions and answers
    halluqa-zh/HalluQA.json                                    Apache-2.0  zh: ordinary questions and answers

Our own: judge_topics.yaml × judge_frames.yaml composed by a fixed seed, and judge_written.yaml, one by one. Of our own
topics and frames every third is set apart; a composed row of the part `held` uses none that training has seen.
"""

import csv
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import yaml

HERE = Path(__file__).parent
SEED = 20261123
MOST_ALIKE = 6
"""Answers of one set that begin alike and are trained on."""


class Row(NamedTuple):
    """One answer and what is known of it."""

    source: str
    group: str
    """Rows of one group are never on both sides of a split."""
    language: str
    question: str
    answer: str
    unsafe: bool | None
    """None where it is not known."""
    refused: str | None
    """full, partial, none; `some` for full or partial; None where it is not known."""
    part: str = "train"
    """`held` is never trained on; `again` begins as an earlier row does: measured, not trained on."""
    style: str = ""


def load(data: Path) -> list[Row]:
    """Read every set and compose our own."""
    return [*jade(data), *gptfuzz(data), *xstest(data), *halueval(data), *halluqa(data), *written(), *composed(data)]


def table(path: Path, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    csv.field_size_limit(10**9)
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        return list(csv.DictReader(file))


def jade(data: Path) -> Iterator[Row]:
    """Give the pairs of JADE; the safe ones nearly all refuse."""
    for row in table(data / "jade-db/jade-db-v3.0__jade_alignment_medium_zh.csv", "gb18030"):
        group = f"jade-{row['ID']}"
        yield Row("jade-db", group, "zh", row["问题"], row["违规回答"], unsafe=True, refused=None)
        yield Row("jade-db", group, "zh", row["问题"], row["安全有用回答"], unsafe=False, refused="some")


def gptfuzz(data: Path) -> Iterator[Row]:
    """Give the labelled answers to jailbreaks; who resisted may still have said something else than no."""
    asked = {row["index"]: row["text"] for row in table(data / "gptfuzz/datasets__questions__question_list.csv")}
    begun: Counter[tuple[str, bool]] = Counter()
    for row in table(data / "gptfuzz/datasets__responses_labeled__train.csv"):
        bad = row["label"] == "1"
        begins = (re.sub(r"\W+", " ", row["Response"])[:80], bad)
        begun[begins] += 1
        part = "train" if begun[begins] <= MOST_ALIKE else "again"
        yield Row(
            "gptfuzz", f"gptfuzz-{row['question']}", "en", asked[row["question"]], row["Response"], bad, None, part
        )


def xstest(data: Path) -> Iterator[Row]:
    """Give the completions by model; a harmless question's answer is safe whatever it says."""
    for path in sorted(data.glob("xstest/model_completions__*.csv")):
        model = path.stem.rsplit("_", 1)[1]
        for row in table(path):
            refused = {"1": "none", "2": "full", "3": "partial"}[row["final_label"][0]]
            hostile = row["type"].startswith("contrast")
            unsafe = False if refused == "full" or not hostile else True if refused == "none" else None
            yield Row(f"xstest-{model}", f"xstest-{row['id']}", "en", row["prompt"], row["completion"], unsafe, refused,
                      style="contrast" if hostile else "harmless")  # fmt: skip


def halueval(data: Path) -> Iterator[Row]:
    """Give ordinary answers in English; those that speak of what an AI cannot do are left out, nobody labelled them."""
    path = next((data / "halueval").glob("*general*.json*"))
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    for number, row in enumerate(random.Random(SEED).sample(rows, 700)):
        answer = row["chatgpt_response"]
        if not any(each in answer.lower() for each in ("sorry", "as an ai", "cannot", "can't", "unable", "not able")):
            yield Row("halueval", f"halueval-{number}", "en", row["user_query"], answer, unsafe=False,
                      refused="none")  # fmt: skip


def halluqa(data: Path) -> Iterator[Row]:
    """Give ordinary answers in Chinese."""
    for row in json.loads((data / "halluqa-zh/HalluQA.json").read_text(encoding="utf-8")):
        answer = row["Best Answer1"]
        yield Row("halluqa-zh", f"halluqa-{row['question_id']}", "zh", row["Question"], answer, unsafe=False,
                  refused="none")  # fmt: skip


def written() -> Iterator[Row]:
    """Give the answers written one by one; every third question is held."""
    known = yaml.safe_load((HERE / "judge_written.yaml").read_text(encoding="utf-8"))
    for language, rows in known.items():
        order = list(dict.fromkeys(row["q"] for row in rows))
        for row in rows:
            part = "held" if order.index(row["q"]) % 3 == 2 else "train"
            unsafe = None if row["v"] == "undetermined" else row["v"] == "unsafe"
            yield Row(f"written-{language}", f"written-{row['q']}", language, row["q"], row["a"], unsafe, row["r"],
                      part, "one-by-one" if unsafe is not None else "nothing")  # fmt: skip


@lru_cache
def traditional() -> dict[int, str]:
    text = files("jingwei.detect").joinpath("readings", "traditional.txt").read_text(encoding="utf-8")
    return {ord(pair[1]): pair[0] for pair in reversed(text.split()) if len(pair) == 2}


class Composer:
    """Puts one part's frames around one part's topics."""

    def __init__(self, language: str, part: str, rng: random.Random) -> None:
        frames = yaml.safe_load((HERE / "judge_frames.yaml").read_text(encoding="utf-8"))
        topics = yaml.safe_load((HERE / "judge_topics.yaml").read_text(encoding="utf-8"))
        self.language, self.part, self.rng = language, part, rng
        other = "en" if language == "zh" else "zh"
        self.frames = {kind: self._of(lines[language]) for kind, lines in frames.items()}
        self.foreign = self._of(frames["refuse"][other])
        self.topics = self._of(topics["harmful"])
        self.benign = self._of(topics["benign"])

    def _of(self, lines: list) -> list:
        return [each for at, each in enumerate(lines) if (at % 3 == 2) == (self.part == "held")]

    def say(self, kind: str, topic: dict | None = None, *, most: int = 1, least: int = 1) -> str:
        """Draw some lines of a kind."""
        count = min(self.rng.randint(least, most), len(self.frames[kind]))
        offer = topic[self.language]["offer"] if topic and "offer" in topic[self.language] else ""
        drawn = [each.replace("{offer}", offer) for each in self.rng.sample(self.frames[kind], count)]
        return self.join(drawn)

    def join(self, parts: list[str]) -> str:
        """Join sentences as a text of the language does."""
        gap = "" if self.language == "zh" else " "
        return gap.join(part for part in parts if part)

    def listed(self, steps: list[str]) -> str:
        """Give steps in one of the shapes in which models list them."""
        zh = self.language == "zh"
        end = "。" if zh else ""
        shape = self.rng.choice(["numbers", "dashes", "prose", "prose", "words", "bold"])
        if shape == "numbers":
            return "\n" + "\n".join(f"{at}. {step}{end}" for at, step in enumerate(steps, 1))
        if shape == "dashes":
            return "\n" + "\n".join(f"- {step}{end}" for step in steps)
        if shape == "bold":
            name = "步骤" if zh else "Step "
            return "\n\n" + "\n\n".join(f"**{name}{at}**{'：' if zh else ': '}{step}{end}"
                                        for at, step in enumerate(steps, 1))  # fmt: skip
        if shape == "words" and zh:
            return "".join(f"第{'一二三四五六七八'[at]}步，{step}。" for at, step in enumerate(steps))
        return ("。".join(steps) + "。") if zh else " ".join(steps)

    def some(self, steps: list[str], least: int) -> list[str]:
        """Draw some steps in their order."""
        count = self.rng.randint(min(least, len(steps)), len(steps))
        start = self.rng.randint(0, len(steps) - count)
        return steps[start : start + count]

    def answers(self, topic: dict) -> Iterator[tuple[str, str, bool | None, str | None]]:
        """Give (style, answer, unsafe, refused) for one harmful topic."""
        own, rng = topic[self.language], self.rng
        refuse, lecture, close = (lambda: self.say("refuse", topic)), (lambda: self.say("lecture", most=4)), \
            (lambda: self.say("close", topic))  # fmt: skip
        learn = lambda: self.listed(self.some(own["learn"], 2)) if rng.random() < 0.3 else self.join(own["learn"])  # noqa: E731
        steps = lambda least=3: self.listed(self.some(own["help"], least))  # noqa: E731
        yield "refusal", refuse(), False, "full"
        yield "refusal-close", self.join([refuse(), close()]), False, "full"
        yield "refusal-lecture", self.join([refuse(), lecture(), close() if rng.random() < 0.5 else ""]), False, "full"
        yield "lecture-refusal", self.join([lecture(), refuse()]), False, "full"
        yield "lecture", self.say("lecture", most=6, least=2), False, "full"
        yield "foreign-refusal", rng.choice(self.foreign), False, "full"
        yield (
            "partial",
            self.join([self.say("partial"), learn(), close() if rng.random() < 0.4 else ""]),
            False,
            "partial",
        )
        yield "refusal-learn", self.join([refuse(), learn()]), False, "some"
        yield "learn", self.join([own["learn"][0], *self.some(own["learn"][1:], 1)]), False, "none"
        yield "learn-listed", learn(), False, "none"
        yield "help", self.join([self.say("open") if rng.random() < 0.6 else "", steps()]), True, "none"
        yield "help-bare", steps(2), True, "none"
        yield "help-short", self.listed(self.some(own["help"], 1)[:2]), True, "none"
        yield (
            "help-disclaimed",
            self.join([self.say("open"), steps(), "\n\n", self.say("disclaim", most=2)]),
            True,
            "none",
        )
        yield "lecture-help", self.join([self.say("lecture", most=2), self.say("turn"), steps()]), True, None
        yield "refusal-help", self.join([refuse(), self.say("turn"), steps()]), True, "partial"
        yield (
            "refusal-lecture-help",
            self.join([refuse(), lecture(), self.say("turn"), steps(), "\n", self.say("disclaim")]),
            True,
            "partial",
        )
        yield "help-refusal", self.join([steps(), "\n", refuse()]), True, None
        yield "voice-refusal", self.join([self.say("open"), refuse()]), False, "full"
        yield "beside", self.join(rng.choice(self.benign)[self.language]["say"]), False, "none"
        yield "nothing", self.say("unsure"), None, "none"

    def harmless(self, topic: dict) -> Iterator[tuple[str, str, bool | None, str | None]]:
        """Give (style, answer, unsafe, refused) for one harmless topic."""
        own, rng = topic[self.language], self.rng
        yield "answer", self.join(own["say"]), False, "none"
        yield (
            "answer-listed",
            self.join([self.say("open") if rng.random() < 0.5 else "", self.listed(own["say"])]),
            False,
            "none",
        )
        yield "answer-close", self.join([*own["say"], self.frames["close"][0]]), False, "none"
        yield "answer-warned", self.join([*own["say"], self.say("disclaim")]), False, "none"
        yield "over-refusal", self.say("refuse"), False, "full"
        yield "over-refusal-lecture", self.join([self.say("refuse"), self.say("lecture", most=2)]), False, "full"
        yield "over-partial", self.join([self.say("partial"), *own["say"]]), False, "partial"

    def rows(self, rounds: int) -> Iterator[Row]:
        """Give the rows of every topic."""
        for _ in range(rounds):
            for topic in self.topics:
                for style, answer, unsafe, refused in self.answers(topic):
                    yield self._row(topic, style, answer, unsafe=unsafe, refused=refused)
            for topic in self.benign:
                for style, answer, unsafe, refused in self.harmless(topic):
                    yield self._row(topic, style, answer, unsafe=unsafe, refused=refused)

    def _row(self, topic: dict, style: str, answer: str, *, unsafe: bool | None, refused: str | None) -> Row:
        asked = topic[self.language]["ask"]
        question = asked if isinstance(asked, str) else self.rng.choice(asked)
        if self.rng.random() < 0.12 and style not in {"beside", "nothing"}:
            question = ""
        elif self.language == "zh" and self.rng.random() < 0.15:
            question, answer = (each.translate(traditional()) for each in (question, answer))
        return Row(f"composed-{self.language}", f"composed-{topic['id']}", self.language, question, answer, unsafe,
                   refused, self.part, style)  # fmt: skip


def composed(data: Path) -> Iterator[Row]:
    """Compose our own answers, and put our turns and disclaimers around answers of JADE."""
    for language in ("zh", "en"):
        for part, rounds in (("train", 4), ("held", 2)):
            yield from Composer(language, part, random.Random(f"{SEED}{language}{part}")).rows(rounds)
    rng = random.Random(SEED)
    composer = Composer("zh", "train", rng)
    for row in rng.sample([each for each in jade(data) if each.unsafe], 160):
        answer, style = rng.choice([
            (composer.join([composer.say("refuse"), composer.say("turn"), row.answer]), "refusal-help"),
            (composer.join([row.answer, "\n", composer.say("disclaim")]), "help-disclaimed"),
        ])  # fmt: skip
        yield row._replace(source="jade-framed", answer=answer, style=style,
                           refused="partial" if style == "refusal-help" else "none")  # fmt: skip
