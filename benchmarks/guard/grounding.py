"""Does the grounding detector tell supported claims from invented and contradicted ones? And what does it cost?

    python benchmarks/guard/grounding.py [DATA_FOLDER]

The sentences were written for Jingwei and used while the detector was made. With the data folder, halueval's
adversarial news summaries (by way of TrustLLM, MIT) are measured too: fluent, false, and made of the document's own
words. No cheap reader of words can tell those, and the figure says so.
"""

import json
import sys
import time
from pathlib import Path
from statistics import median

import yaml

from jingwei.detect.grounding import Support, claims


def main():
    cases = yaml.safe_load((Path(__file__).parent / "data/grounding.yaml").read_text(encoding="utf-8"))["cases"]
    spent = []
    for kind in ("supported", "contradicted", "absent"):
        found = []
        for case in cases:
            for text in case[kind]:
                began = time.thread_time()
                found += [claim.support for claim in claims(text + "。", [case["passage"]])]
                spent.append(time.thread_time() - began)
        unsupported = sum(each is not Support.SUPPORTED for each in found)
        rightly = sum(each == kind for each in found) / len(found)
        print(f"{kind:13} n={len(found):3} flagged {unsupported / len(found):.2f}, named rightly {rightly:.2f}")
    print(f"CPU a claim with its passage: median {median(spent) * 1000:.1f} ms")
    if len(sys.argv) > 1:
        rows = json.loads((Path(sys.argv[1]) / "trustllm/truthfulness__hallucination.json").read_text(encoding="utf-8"))
        true, false = [], []
        for row in rows:
            if row["source"] == "halu_summ":
                document, _, rest = row["prompt"].split("#Document#:")[-1].partition("#Summary#:")
                judged = claims(rest.split("#Your Judgement#")[0], [document])
                worst = max((claim.score for claim in judged if claim.support is not Support.SUPPORTED), default=0.0)
                (true if row["answer"] == "Yes" else false).append(worst)
        area = sum((bad > good) + (bad == good) / 2 for bad in false for good in true) / len(true) / len(false)
        print(f"adversarial summaries: area under the curve {area:.2f} (n={len(true)}+{len(false)}; 0.5 is chance)")


if __name__ == "__main__":
    main()
