"""What the shipped injection detector finds, by source and language, rules and model apart."""

import json
from collections import defaultdict
from math import sqrt

from injection_rows import language

from jingwei.core.policy import Category
from jingwei.detect import Bundle, fold

WEIGHED = 0.7
LEVELS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def report(rows, place=None):
    """Judge rows by source and language, rules and model apart; write the points of each curve if a place is given."""
    bundle = Bundle.build()
    only = frozenset([Category.INJECTION])
    groups, points = defaultdict(list), []
    for row in rows:
        groups[row.role, row.source, language(row.text), row.label].append(row)
    print(f"{'role':9}{'source':24}{'':4}{'n':>5} {'found at 0.7 (95 %)':>26}{'rules':>8}{'model':>8}")
    for (role, source, tongue, label), mine in sorted(groups.items()):
        if len(mine) < 5:
            continue
        found = [judged(bundle, row, only) for row in mine]
        both, rules, model = (sum(each[place] >= WEIGHED for each in found) for place in range(3))
        points.append(
            {
                "source": source,
                "language": tongue,
                "attack": bool(label),
                "role": role,
                "rows": len(mine),
                "above": {str(at): round(sum(each[0] >= at for each in found) / len(mine), 4) for at in LEVELS},
            }
        )
        print(
            f"{role:9}{source:24}{tongue:4}{len(mine):5} {share(both, len(mine)):>26}{rules / len(mine):8.1%}"
            f"{model / len(mine):8.1%}  {'attack' if label else 'benign'}",
            flush=True,
        )
    if place:
        place.write_text(json.dumps(points, indent=1) + "\n", encoding="utf-8")


def judged(bundle, row, only):
    hits = bundle.scan(fold(row.text, role=row.role), only)
    rules = max((hit.score for hit in hits if not hit.rule_id.endswith(".model")), default=0.0)
    model = max((hit.score for hit in hits if hit.rule_id.endswith(".model")), default=0.0)
    return max(rules, model), rules, model


def share(found, count):
    """Return a share with its Wilson interval."""
    z, p = 1.96, found / count
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    half = z * sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return f"{p:6.1%} ({max(0.0, middle - half):5.1%}-{min(1.0, middle + half):6.1%})"
