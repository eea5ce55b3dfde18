"""Peers' opinion of injection: one JSON text a line in, {peer: [score, seconds]} out.

Run by injection.py with the peers' own interpreter.
"""

import json
import sys
import time


def peers():
    """Give a score function for each peer that is installed."""
    try:
        import forcefield
    except ImportError:
        pass
    else:
        guard = forcefield.Guard()
        yield "forcefield", lambda text: injection_risk(guard.scan(text))
    try:
        from prompt_shield import PromptScanner
    except ImportError:
        pass
    else:
        scanner = PromptScanner()
        yield "ai-injection-guard", lambda text: float(scanner.scan(text).risk_score)
    try:
        import clawguard_core
    except ImportError:
        pass
    else:
        yield "clawguard-core", lambda text: float(clawguard_core.scan_text(text).risk_score)


def injection_risk(found):
    threats = [threat.severity for threat in found.threats if threat.category.value != "pii"]
    return float(max(threats, default=0.0))


def main():
    engines = list(peers())
    for line in sys.stdin:
        text = json.loads(line)
        answer = {}
        for name, score in engines:
            began = time.process_time()
            value = score(text)
            answer[name] = [value, time.process_time() - began]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
