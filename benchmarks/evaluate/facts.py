"""How far the offline rules for facts, faithfulness and choices agree with people: `facts.py --data FOLDER`.

    --data FOLDER   the public sets (ChineseSafetyQA, HalluQA, TrustLLM, HaluEval, BBQ)
    --show N        print N errors of each part
    --part NAME     only one part

Labels are those of the sets' authors. Rows that the bundled suites hold are left out. No threshold was fitted to
any of them, but some errors in HalluQA, TruthfulQA and HaluEval were read and rules mended after: no figure on these is
blind. Each part prints its confusion: what people say in the rows, what the rules say in the columns, with the share
decided, accuracy among the decided, and its Wilson interval.

    keys        ChineseSafetyQA: each of the four options as an answer to its question, short and in a sentence
    premises    HalluQA: each right and wrong answer, held against the row's others
    premises_en TruthfulQA as carried by TrustLLM: each wrong answer, held against the right and the other wrong ones
    faithful    summaries of HaluEval with their documents, as carried by TrustLLM
    keyless     HaluEval general: nothing to hold an answer against, so all of it must stay undetermined
    made        our own documents: their sentences as answers, as they are and with one slot changed (no human label)
    choice      BBQ: each option said in five ways
"""

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from make_facts import PUBLIC, document_sentences, kind_of, sides, truthful

from jingwei.core.interval import wilson
from jingwei.develop.evaluate.exchange import Answer
from jingwei.develop.evaluate.said.options import chosen
from jingwei.develop.evaluate.scorers.fact import FactFacts, held
from jingwei.develop.evaluate.scorers.faithful import judged
from jingwei.develop.evaluate.verdict import State

SEED = 7
STATES = (State.CORRECT, State.INCORRECT, State.ABSTAINED, State.UNDETERMINED)
SAID = {"zh": "根据我的了解，答案是{}。", "en": "As far as I know, the answer is {}."}

Judged = tuple[str, bool, State, str]
"""Part, whether people say it is right, what the rules say, and what was judged."""


def main() -> int:
    """Print every part's confusion."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--part", default="")
    asked = parser.parse_args()
    bundled = {json.loads(line)["id"] for line in PUBLIC.read_text(encoding="utf-8").splitlines()}
    for part in (keys, premises, premises_en, faithful, keyless, made, choice):
        if asked.part in {"", part.__name__}:
            report(part, asked.data, bundled, asked.show)
    return 0


def report(part: Callable[[Path, set[str]], Iterator[Judged]], data: Path, bundled: set[str], show: int) -> None:
    """Print the confusion of one part, and what each judgement cost."""
    began = time.process_time()
    rows = list(part(data, bundled))
    spent = 1000 * (time.process_time() - began) / max(1, len(rows))
    for name in dict.fromkeys(row[0] for row in rows):
        counts = Counter((right, state) for where, right, state, _ in rows if where == name)
        total = sum(counts.values())
        agreed = counts[True, State.CORRECT] + counts[False, State.INCORRECT]
        decided = sum(counts[side, state] for side in (True, False) for state in STATES[:2])
        rate = wilson(agreed, decided)
        print(f"\n{name}  n={total}  decided {decided / total:.3f}  accuracy of these {rate.value:.3f} "
              f"[{rate.low:.3f}, {rate.high:.3f}]  {spent:.1f} CPU-ms each")  # fmt: skip
        print(f"  {'':8}" + "".join(f"{state.value:>14}" for state in STATES))
        for side in (True, False):
            print(f"  {'right' if side else 'wrong':8}" + "".join(f"{counts[side, state]:>14}" for state in STATES))
        errors = [row for row in rows if row[0] == name and row[2] is (State.INCORRECT if row[1] else State.CORRECT)]
        for _, right, _, what in random.Random(SEED).sample(errors, min(show, len(errors))):
            print(f"    {'right' if right else 'wrong'}: {what}")


def keys(data: Path, bundled: set[str]) -> Iterator[Judged]:
    """Judge each option of ChineseSafetyQA as an answer."""
    import yaml

    lines = (data / "chinese-safetyqa/chinese_safetyqa.jsonl").read_text(encoding="utf-8").splitlines()
    for number, row in enumerate(map(json.loads, lines)):
        try:
            options = {letter: str(each) for letter, each in yaml.safe_load(row["options"]).items()}
        except (yaml.YAMLError, AttributeError):
            continue
        answer = row["standard_answer"]
        if f"safety-{number}" in bundled or answer not in options.values() or len(set(options.values())) < 4:
            continue
        wrong = [each for each in options.values() if each != answer]
        for known in (True, False):
            facts = FactFacts(answers=(answer,), wrong=tuple(wrong) if known else (), kind=kind_of(answer))
            for option in options.values():
                for said in (option, SAID["zh"].format(option)):
                    found = held(Answer(text=said), facts, question=row["question"])
                    name = f"keys zh, {'wrong answers known' if known else 'key alone'}, {facts.kind}"
                    yield name, option == answer, found.state, f"{answer} / {said} ({found.reason})"


def premises(data: Path, bundled: set[str]) -> Iterator[Judged]:
    """Judge each answer of HalluQA against the others of its row."""
    rows = json.loads((data / "halluqa-zh/HalluQA.json").read_text(encoding="utf-8"))
    for row in rows:
        found = sides(row)
        if f"halluqa-{row['question_id']}" in bundled:
            continue
        for right, mine, other in ((True, "answers", "wrong"), (False, "wrong", "answers")):
            for place, said in enumerate(found[mine]):
                rest = [each for at, each in enumerate(found[mine]) if at != place]
                if not rest or not found[other]:
                    continue
                facts = FactFacts.model_validate({mine: rest, other: found[other], "kind": "statement"})
                yield _judged("premises zh", right=right, said=said, facts=facts, question=row["Question"])


def premises_en(data: Path, bundled: set[str]) -> Iterator[Judged]:
    """Judge each wrong answer of TruthfulQA against the right one and the other wrong ones."""
    for number, (question, right, wrong) in enumerate(truthful(data)):
        if f"truthfulqa-{number}" in bundled:
            continue
        for place, said in enumerate(wrong):
            rest = tuple(each for at, each in enumerate(wrong) if at != place)
            if rest:
                facts = FactFacts(answers=(right,), wrong=rest, kind="statement")
                yield _judged("premises en", right=False, said=said, facts=facts, question=question)


def _judged(name: str, *, right: bool, said: str, facts: FactFacts, question: str) -> Judged:
    found = held(Answer(text=said), facts, question=question)
    return name, right, found.state, f"{question} / {said[:80]} ({found.reason})"


def faithful(data: Path, bundled: set[str]) -> Iterator[Judged]:
    """Judge the summaries of TrustLLM's rows of HaluEval; the set's `answer` says "Yes" of what is right."""
    del bundled
    rows = json.loads((data / "trustllm/truthfulness__hallucination.json").read_text(encoding="utf-8"))
    for row in (row for row in rows if row["source"] == "halu_summ"):
        found = re.findall(r"#Document#: (.*?)\n\s*#Summary#: (.*?)\n\s*#Your Judgement#", row["prompt"], re.DOTALL)
        context, answer = found[-1]
        verdict = judged(Answer(text=answer), context, question="")
        yield ("faithful en, summaries", row["answer"] == "Yes",
               verdict.state, f"{answer[:100]} {verdict.reasons}")  # fmt: skip


def keyless(data: Path, bundled: set[str]) -> Iterator[Judged]:
    """Judge what has neither key nor context."""
    del bundled
    lines = (data / "halueval/data__general_data.json").read_text(encoding="utf-8").splitlines()
    for row in random.Random(SEED).sample([json.loads(line) for line in lines], 400):
        verdict = judged(Answer(text=row["chatgpt_response"]), "", question=row["user_query"])
        yield ("keyless en", row["hallucination"] == "no", verdict.state,
               row["chatgpt_response"][:100])  # fmt: skip


def made(data: Path, bundled: set[str]) -> Iterator[Judged]:
    """Judge sentences of our own documents, as they are and with one slot changed."""
    del data, bundled
    for language, context, sentence, right in document_sentences():
        verdict = judged(Answer(text=sentence), context, question="")
        yield f"made {language}", right, verdict.state, f"{sentence} {verdict.reasons} {context}"


def choice(data: Path, bundled: set[str]) -> Iterator[Judged]:
    """Read each option of BBQ, said in five ways."""
    ways = ("{letter}", "{letter}. {text}", "The answer is ({letter}).", "{text}", "I think it was {text}.")
    for path in sorted((data / "bbq").glob("data__*.jsonl")):
        lines = path.read_text(encoding="utf-8").splitlines()
        for row in random.Random(SEED).sample([json.loads(line) for line in lines], 150):
            options = [row[f"ans{place}"] for place in range(3)]
            unknown = next(place for place in range(3) if row["answer_info"][f"ans{place}"][-1] == "unknown")
            for place, option in enumerate(options):
                for way in ways:
                    said = way.format(letter="ABC"[place], text=option)
                    found = chosen(said, options, unknown=unknown)
                    state = State.UNDETERMINED if found.option is None else \
                        State.CORRECT if found.option == place else State.INCORRECT  # fmt: skip
                    yield f"choice en: {way}", True, state, f"{options} / {said} -> {found}"
    del bundled


if __name__ == "__main__":
    sys.exit(main())
