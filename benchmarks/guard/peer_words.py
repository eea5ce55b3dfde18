"""One peer's own keyword filter, run by its own interpreter: texts in, found or not (or microseconds a text) out."""

import json
import sys
import time
from statistics import median


def llm_guard(words):
    from llm_guard.input_scanners.ban_substrings import BanSubstrings, MatchType

    scanner = BanSubstrings(words, match_type=MatchType.STR)
    return lambda text: not scanner.scan(text)[1]


def litellm(words):
    from litellm.proxy.guardrails.guardrail_hooks.litellm_content_filter.content_filter import ContentFilterGuardrail
    from litellm.types.guardrails import BlockedWord, ContentFilterAction

    guard = ContentFilterGuardrail(
        "words", blocked_words=[BlockedWord(keyword=w, action=ContentFilterAction.BLOCK) for w in words]
    )

    return lambda text: guard._check_blocked_words(text) is not None  # noqa: SLF001 - the peer's word filter alone


def presidio(words):
    from presidio_analyzer import PatternRecognizer

    recognizer = PatternRecognizer(supported_entity="WORD", deny_list=words)
    return lambda text: bool(recognizer.analyze(text, ["WORD"]))


given = json.loads(sys.stdin.read())
found = {"llm-guard": llm_guard, "litellm": litellm, "presidio": presidio}[given["peer"]](given["words"])
if given.get("time"):
    spent = []
    for text in given["texts"]:
        start = time.thread_time_ns()
        found(text)
        spent.append((time.thread_time_ns() - start) / 1000)
    print(json.dumps({"microseconds": median(spent)}))
else:
    print(json.dumps([found(text) for text in given["texts"]]))
