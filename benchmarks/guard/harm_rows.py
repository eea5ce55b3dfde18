"""The texts of `train_harm.py`: the public sets of `harm_data.py`, and our own grammars with their classes of risk."""

import itertools
import random
import re
import sys
from hashlib import sha256
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
from harm_data import PHRASES, Sources, alternate, filled, is_chinese, leaves, read_csv, read_json, read_lines

HERE = Path(__file__).parent
CHOICE = re.compile(r"\(([^()]*)\)")
SEED = 20261122
MOST = {"harm": (40, 26), "contrast": (40, 45)}
"""Texts of one `do` and of one `say` pattern."""
POLITE = {
    "en": ["please {}", "{} Thanks!", "Hi, {}", "Hello! {}", "quick question: {}", "{} Be brief.", "{} (in detail)",
           "I wonder, {}", "ok so {}", "{} Answer in one paragraph."],
    "zh": ["请问{}", "{}谢谢！", "你好，{}", "麻烦问一下，{}", "{}请简短回答。",
           "{}越详细越好。", "急！{}", "我想请教一下，{}",
           "{}在线等", "嗯，{}"],
}  # fmt: skip


def spelled(pattern):
    """Give every sentence of a pattern."""
    parts = CHOICE.split(pattern)
    choices = [part.split("|") if place % 2 else [part] for place, part in enumerate(parts)]
    return [re.sub(r"\s+", " ", "".join(each)).strip() for each in itertools.product(*choices)]


def shortened(pattern):
    """Leave out the last choice, which says what makes matters worse; None where too little would be left."""
    short = re.sub(r"\s*\([^()]*\)$", "", pattern)
    unclear = pattern.startswith(("(buy", "(carry", "(enter", "(get", "\u628a", "(\u8d2d\u4e70"))
    return None if unclear or short == pattern or short.count("(") < 2 else short


def part_of(pattern):
    """Send a whole pattern to dev or to training: two of its sentences are nearly the same."""
    return "dev" if sha256(pattern.encode()).digest()[0] < 26 else "train"


def typo(text, chance):
    """Swap, drop or double a letter; in Chinese drop or swap a character."""
    if len(text) < 8:
        return text
    for _ in range(chance.randint(1, 2)):
        at = chance.randrange(1, len(text) - 2)
        kind = chance.randrange(3)
        if kind == 0:
            text = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        elif kind == 1 and not is_chinese(text):
            text = text[:at] + text[at + 1 :]
        else:
            text = text[:at] + text[at] + text[at:]
    return text


class GuardSources(Sources):
    """Adds our own requests, contrasts, and a few more sets."""

    def __init__(self, folder):
        super().__init__(folder)
        self.classes = {}
        self.origins = {}

    def scary(self):
        """Read what `harm_data` reads, more sets, and our own wordings."""
        super().scary()
        self.more()
        chance = random.Random(SEED)
        contrasts = yaml.safe_load((HERE / "harm_contrasts.yaml").read_text(encoding="utf-8"))
        frames = contrasts.pop("frames")
        requests = yaml.safe_load((HERE / "harm_requests.yaml").read_text(encoding="utf-8"))
        for name, languages in requests.items():
            self.authored(languages, frames, chance, kind="harm", name=name)
        for name, languages in contrasts.items():
            self.authored(languages, frames, chance, kind="contrast", name=name)
        self.written()

    def written(self):
        """Read our own requests that were written one by one."""
        found = yaml.safe_load((HERE / "harm_written.yaml").read_text(encoding="utf-8"))
        for kind, groups in found.items():
            harm = int(kind == "harm")
            for name, languages in groups.items():
                texts = [text for lines in languages.values() for text in lines.splitlines()]
                if harm:
                    self.classes.update(dict.fromkeys(texts, name))
                self.add(texts, "own-written" if harm else f"own-{name}", harm=harm, injection=0)

    def authored(self, languages, frames, chance, *, kind, name):
        """Spell one group of our own patterns."""
        harm = int(kind == "harm")
        source = "own-harm" if harm else f"own-{name}"
        for language, forms in languages.items():
            for form, patterns in forms.items():
                for pattern in patterns:
                    texts = spelled(pattern)
                    chance.shuffle(texts)
                    texts = texts[: MOST[kind][form == "say"]]
                    if harm and form == "do" and (short := shortened(pattern)):
                        more = spelled(short)
                        texts += chance.sample(more, min(14, len(more)))
                    if form == "do":
                        times = 1 if harm else 2
                        texts = [framed(text, chance.choice(frames[language])) for text in texts for _ in range(times)]
                    texts = [varied(text, language, chance) for text in texts]
                    if harm:
                        self.classes.update(dict.fromkeys(texts, name))
                    self.add(texts, source, harm=harm, injection=0, role=part_of(pattern), weight=1.0)
                    if not harm:
                        self.questions[language] += texts[::3]

    def more(self):
        """Read sets that `harm_data` does not."""
        at = self.folder
        rows = read_json(at / "trustllm/fairness__stereotype_query_test.json")
        self.add([row["prompt"] for row in rows], "trustllm-stereotype", harm=1, injection=0)
        for kind in ("sexual", "misinformation"):
            found = yaml.safe_load((at / f"pyrit-seeds/local/airt/{kind}.prompt").read_text(encoding="utf-8"))
            self.add([seed["value"] for seed in found["seeds"]], "pyrit-seeds", harm=1, injection=0)
        for name in ("golden_advfactuality", "sycophancy"):
            rows = read_json(at / f"trustllm/truthfulness__{name}.json")
            self.add([row["prompt"] for row in rows], "trustllm-truthfulness", harm=0, injection=0, weight=0.5)
        rows = read_json(at / "cyberseceval/CybersecurityBenchmarks__datasets__instruct__instruct-v2.json")
        first, second = alternate(sorted({row["test_case_prompt"] for row in rows}))
        self.add(first[:500], "cyberseceval-instruct", harm=0, injection=0, weight=0.5)
        self.add(second[:500], "cyberseceval-instruct-half", harm=0, injection=0, role="test")
        rows = read_csv(at / "foresight-safety-bench/Industrial-safety__industrial.csv")
        self.add([row["Goal"] for row in rows], "foresight-industrial", harm=1, role="test")
        rows = read_lines(at / "bbq/data__Religion.jsonl")
        texts = sorted({f"{row['context']} {row['question']}" for row in rows})
        first, second = alternate(texts)
        self.add(first[:150], "bbq", harm=0, injection=0, weight=0.5)
        self.add(second[:150], "bbq-half", harm=0, injection=0, role="test")
        for name in ("catqa_english", "catqa_chinese"):
            found = read_json(at / f"catqa-harmfulqa/harmful_questions__{name}.json")
            for group, inner in found.items():
                for kind, value in inner.items() if isinstance(inner, dict) else [("", inner)]:
                    label = CATQA.get(kind.rstrip(":"), CATQA.get(group))
                    self.classes.update(dict.fromkeys((each.strip() for each in leaves(value)), label))
        for name in ("v1.0__jade_benchmark_en", "v1.0__jade_benchmark_zh", "v2.0__jade_benchmark_easy_zh",
                     "v2.0__jade_benchmark_medium_zh"):  # fmt: skip
            for row in read_csv(at / f"jade-db/jade-db-{name}.csv"):
                label = next((value for key, value in JADE.items() if key in row["违规子类"]), None)
                self.classes[row["问题"].strip()] = label

    def augment(self):
        """Put requests, harmful and ordinary, into wrappers, hostile and innocent; each remembers whence it came."""
        chance = random.Random(SEED)
        self.fragments(chance)
        self.documents(chance)
        unfit = {"fragments", "documents", "chinese-safetyqa"}
        plain = [row for row in self.rows if row.role == "train" and len(row.text) < 250 and row.harm is not None
                 and row.injection == 0 and row.source not in unfit]  # fmt: skip
        calm = [
            row
            for row in plain
            if not row.harm and row.source in {"halueval", "cvalues", "halluqa-zh", "own-ordinary", "own-everyday"}
        ]
        for language in ("en", "zh"):
            chinese = language == "zh"
            around = [row.text for row in calm if is_chinese(row.text) == chinese]
            for harm in (1, 0):
                picked = [row for row in plain if row.harm == harm and is_chinese(row.text) == chinese]
                for row in chance.choices(picked, k=700):
                    before, after = (chance.sample(around, chance.randint(0, 4)) for _ in range(2))
                    text = (" " if language == "en" else "").join(
                        ended(each, language) for each in [*before, row.text, *after]
                    )
                    self.origins[text] = row.source
                    self.add([text], f"buried-{language}", harm=harm, injection=0, weight=0.6)
            mine = [row for row in plain if is_chinese(row.text) == (language == "zh")]
            short = [each for each in self.templates[language] if len(each) < 1500]
            for times, wrappers, hostile in ((900, short, 1), (1300, PHRASES["wrappers"][language], 0)):
                for harm in (1, 0):
                    for row in chance.choices([row for row in mine if row.harm == harm], k=times):
                        text = filled(chance.choice(wrappers), row.text).strip()
                        self.origins[text] = row.source
                        self.add([text], f"augmented-{language}", harm=None if hostile and not harm else harm,
                                 injection=hostile, weight=0.6)  # fmt: skip


def ended(text, language):
    return text if text[-1] in ".?!。？！" else text + ("。" if language == "zh" else ".")


def framed(text, frame):
    """Put a verb phrase into a frame; at the start of a sentence it is written large."""
    done = frame.format(text)
    return done[0].upper() + done[1:] if frame.startswith("{}") else done


def varied(text, language, chance):
    roll = chance.random()
    if roll < 0.12:
        text = chance.choice(POLITE[language]).format(text)
    elif roll < 0.17:
        text = typo(text, chance)
    elif roll < 0.25:
        text = text.lower().rstrip("?？.")
    return text


CATQA = {
    "Drug": "a1-h-drugs", "Weapon": "a1-h-weapons", "Human Trafficking": "a1-h-crime", "Cybercrime": "a1-h-cyber",
    "Theft and Robbery": "a1-h-crime", "Racial or ethnic hate": "a1-e", "Religious intolerance": "a2-b",
    "Gender-based violence": "a2-e", "Cyberbullying": "a4-c", "Terrorism and extremism": "a1-d",
    "Malware Viruses": "a1-h-cyber", "Self-harm": "a4-a-self", "Assault and battery": "a1-f-violence",
    "Weapon making": "a1-h-weapons", "Financial fraud": "a1-h-fraud", "Intellectual property theft": "a3-a",
    "Market manipulation": "a1-h-fraud", "Employment scams": "a1-h-fraud", "Investment scams": "a1-h-fraud",
    "Fraud/Deception": "a1-h-fraud", "Adult Content": "a1-f-obscenity", "Political misinformation": "a1-g",
    "Privacy Violation Activity": "a4-e-f", "Deepfake creation": "a4-c",
    "Tailored Financial Advice": "a5",
}  # fmt: skip
JADE = {
    "隐私": "a4-e-f", "个人信息": "a4-e-f", "私人信息": "a4-e-f", "非法侵入": "a1-h-cyber", "身心健康": "a4-c",
    "诈骗": "a1-h-fraud", "网络欺诈": "a1-h-fraud", "持有武器": "a1-h-weapons", "伪造": "a1-h-crime",
    "虚假有害": "a1-g",
    "地域": "a2-c-d", "国别": "a2-c-d", "贩卖毒品": "a1-h-drugs", "恐怖主义": "a1-d",
    "走私": "a1-h-crime", "性别": "a2-e", "故意伤害": "a1-f-violence", "偷窃": "a1-h-crime", "民族": "a2-a",
    "肤色": "a2-a", "种族": "a2-a", "淫秽": "a1-f-obscenity", "抢劫": "a1-h-crime", "贪污": "a1-h-crime",
    "贩卖人口": "a1-h-crime", "赌博": "a1-h-gambling", "职业歧视": "a2-f-i",
    "健康歧视": "a2-f-i", "其他方面歧视": "a2-f-i",
    "年龄": "a2-f-i", "服装": "a2-f-i", "信仰": "a2-b",
    "商业道德": "a3-b-e", "商业秘密": "a3-b-e", "名誉": "a4-c", "肖像": "a4-c",
    "国家": "a1-a",
}  # fmt: skip
