"""Judge the held-out rows with the shipped harm model and rules; ROC points by source and language.

    python benchmarks/guard/harm_report.py DATA_FOLDER docs/reference/harm-roc.json

For after everything is chosen: nothing may be tuned to what this prints.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from harm_rows import GuardSources, is_chinese

from jingwei.detect import fold, harm, intent

LEVELS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
ASSISTANT = {"gptfuzz-answers-harmful", "gptfuzz-answers-refused", "jade-answers-unsafe", "jade-answers-safe",
             "xstest-completions", "halueval-answers"}  # fmt: skip


def report(folder, place):
    """Judge the held-out rows with what is shipped, model and rules; write ROC points by source and language."""
    rows = [row for row in GuardSources(folder).read() if row.role == "test" and row.source not in OTHERS]
    groups = {}
    for row in rows:
        groups.setdefault((row.source, "zh" if is_chinese(row.text) else "en"), []).append(row)
    points = []
    print(f"{'source':30}{'':4}{'':8}{'n':>6}{'model 0.5':>11}{'model 0.7':>11}{'with rules 0.7':>16}")
    for (source, language), mine in sorted(groups.items()):
        if len(mine) < 5:
            continue
        role = "assistant" if source in ASSISTANT else "user"
        scores, both = [], []
        for row in mine:
            folded = fold(row.text, role=role)
            score = intent.judge(folded).probability
            scores.append(score)
            both.append(max([score, *(hit.score for hit in harm.rules(folded))]))
        bad = bool(mine[0].harm)
        point = {"source": source, "language": language, "harmful": bad, "role": role, "rows": len(mine),
                 "above": {str(level): round(float(np.mean(np.array(scores) >= level)), 4) for level in LEVELS},
                 "above_0.7_with_rules": round(float(np.mean(np.array(both) >= 0.7)), 4)}  # fmt: skip
        points.append(point)
        print(f"{source:30}{language:4}{'harmful' if bad else 'benign':8}{len(mine):6}{point['above']['0.5']:11.1%}"
              f"{point['above']['0.7']:11.1%}{point['above_0.7_with_rules']:16.1%}", flush=True)  # fmt: skip
    place.write_text(json.dumps(points, indent=1) + "\n", encoding="utf-8")


OTHERS = {"bipia-code", "bipia-text", "cyberseceval-injection-half", "garak-extraction-half", "gptfuzz-templates"}
"""Held-out rows about injection: another model's."""


def main():
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("folder", type=Path)
    words.add_argument("file", type=Path)
    given = words.parse_args()
    report(given.folder, given.file)


if __name__ == "__main__":
    sys.exit(main())
