"""Tokenizers: a rule that puts other words in changes what the model reads or says without touching a weight."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from jingwei.core.finding import Severity
from jingwei.deploy.artifacts.instructions import harm, orders, prose
from jingwei.deploy.artifacts.json_objects import objects
from jingwei.deploy.artifacts.notes import Notes

_PARTS = ("normalizer", "pre_tokenizer", "decoder", "post_processor")
_LETTERS = re.compile(r"[^\W\d_]{2,}|[\u3400-\u9fff]")
_CLASSES = re.compile(r"\\[pP]\{[^}]*\}|\\[xuU][0-9a-fA-F{}]+|\\[A-Za-z]|\[[^\]]*\]|\(\?[a-zA-Z:!<=]+")
_TAGS = re.compile(r"[\U000e0000-\U000e007f\u202a-\u202e\u2066-\u2069]")
_WORD = re.compile(r"[ \u2581\u0120]?(?!madeupword)[a-z]{4,}|[\u3400-\u9fff]{2,}")
"""An ordinary word: marked as special it is dropped from what the model says."""
_PLAIN = re.compile(r"[ \u2581\u0120]?[A-Za-z]{3,}|[\u3400-\u9fff]+")
"""A word: put around every text it would be said in the user's name."""
_FEW = 4
_ENOUGH = 30
_MOST_MERGES = 2_000_000


def scan_tokenizer(value: Mapping[str, Any], path: str, notes: Notes) -> None:
    """Examine a `tokenizer.json`."""
    for part in _PARTS:
        for node in objects(value.get(part)):
            _rule(node, path, notes)
    vocabulary = _vocabulary(value.get("model"))
    added = [entry for entry in value.get("added_tokens") or [] if isinstance(entry, dict)]
    _added(added, vocabulary, path, notes)
    _template(value.get("post_processor"), {**vocabulary, **_ids(added)}, path, notes)
    model = value.get("model")
    if isinstance(model, dict):
        _vocabulary_holds(model.get("vocab"), path, notes)
        _merges(model.get("merges"), vocabulary, path, notes)


def scan_added_tokens(value: Mapping[str, Any], path: str, notes: Notes) -> None:
    """Examine the added and special tokens of `tokenizer_config.json` and its kin."""
    decoder = value.get("added_tokens_decoder")
    if isinstance(decoder, dict):
        entries = [{**entry, "id": key} for key, entry in decoder.items() if isinstance(entry, dict)]
        _added(entries, {}, path, notes)
    for name, token in value.items():
        tokens = token if isinstance(token, list) else [token]
        for each in tokens if name.endswith(("_token", "_tokens")) else ():
            content = each.get("content") if isinstance(each, dict) else each
            if isinstance(content, str):
                _content(content, path, notes)


def _rule(node: Mapping[str, Any], path: str, notes: Notes) -> None:
    kind, content, pattern = node.get("type"), node.get("content"), node.get("pattern")
    if kind == "Prepend" and isinstance(node.get("prepend"), str) and _LETTERS.search(node["prepend"]):
        notes.find("config.tokenizer-rewrite", path, name=f"→ {node['prepend']}")
    if kind == "Strip" and isinstance(content, str) and _LETTERS.search(content):
        notes.find("config.tokenizer-rewrite", path, name=f"{content} →")
    if kind != "Replace" or not isinstance(pattern, dict) or not isinstance(content, str):
        return
    source = " ".join(str(one) for one in pattern.values())
    words = _LETTERS.search(_CLASSES.sub(" ", source) if "Regex" in pattern else source)
    if source != content and (_LETTERS.search(content) or (words and not content.strip("▁ "))):
        notes.find("config.tokenizer-rewrite", path, name=f"{source} → {content}")


def _vocabulary(model: object) -> dict[str, int]:
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(vocabulary, dict):
        return {token: number for token, number in vocabulary.items() if isinstance(number, int)}
    if isinstance(vocabulary, list):
        return {str(entry[0]): number for number, entry in enumerate(vocabulary) if isinstance(entry, list) and entry}
    return {}


def _ids(added: list[dict[str, Any]]) -> dict[str, int]:
    return {str(entry.get("content")): entry["id"] for entry in added if isinstance(entry.get("id"), int)}


def _added(entries: list[dict[str, Any]], vocabulary: Mapping[str, int], path: str, notes: Notes) -> None:
    """Added tokens may neither take another token's number nor be sentences."""
    names = {number: token for token, number in vocabulary.items()}
    seen: dict[str, str] = {}
    for entry in entries:
        content, number = entry.get("content"), str(entry.get("id"))
        if not isinstance(content, str):
            continue
        _content(content, path, notes)
        if entry.get("special") is True and _WORD.fullmatch(content):
            notes.find("config.token-speaks", path, name=content)
        other = names.get(entry["id"]) if isinstance(entry.get("id"), int) else None
        if seen.setdefault(number, content) != content:
            notes.find("config.tokenizer-ids", path, name=f"{number}: {seen[number]} / {content}")
        elif other is not None and other != content:
            notes.find("config.tokenizer-ids", path, name=f"{number}: {other} / {content}")
        elif vocabulary.get(content, entry.get("id")) != entry.get("id"):
            notes.find("config.tokenizer-ids", path, name=f"{content}: {vocabulary[content]} / {number}")
    twice = [content for content, count in Counter(str(entry.get("content")) for entry in entries).items() if count > 1]
    if twice:
        notes.find("config.tokenizer-ids", path, name=", ".join(twice[:5]))


def _content(content: str, path: str, notes: Notes) -> None:
    """Judge what a token says."""
    if harm(content) or _TAGS.search(content):
        notes.find("config.token-speaks", path, severity=Severity.HIGH, name=content)
    elif prose(content) and " " in content.strip() and not content.strip().startswith(("<", "[", "{")):
        notes.find("config.token-speaks", path, name=content)


def _template(processor: object, ids: Mapping[str, int], path: str, notes: Notes) -> None:
    """The special tokens that are put around a text must be what they are called."""
    for node in objects(processor):
        special = node.get("special_tokens")
        for name, entry in special.items() if isinstance(special, dict) else ():
            tokens = entry.get("tokens") if isinstance(entry, dict) else None
            numbers = entry.get("ids") if isinstance(entry, dict) else None
            if not isinstance(tokens, list) or not isinstance(numbers, list):
                continue
            for token, number in zip(tokens, numbers, strict=False):
                if ids.get(str(token), number) != number:
                    notes.find("config.tokenizer-ids", path, name=f"{token}: {ids[str(token)]} / {number}")
            if any(_PLAIN.fullmatch(str(token)) or _says(str(token)) for token in tokens):
                notes.find("config.token-speaks", path, severity=Severity.HIGH, name=" ".join(map(str, tokens)))
            elif len(tokens) > 1 and tokens != [name]:
                notes.find("config.token-speaks", path, name=" ".join(str(token) for token in tokens))


def _says(token: str) -> bool:
    """Tell whether a token that is put around every text is several words, or an order between marks."""
    words = " " in token.strip(" \u2581\u0120") or "\u2581" in token.strip(" \u2581")
    return bool(_LETTERS.search(token)) and (
        (words and not token.strip().startswith(("<", "[", "{"))) or bool(orders(token) - {"address"})
    )


def _vocabulary_holds(vocabulary: object, path: str, notes: Notes) -> None:
    """No two tokens may have one number."""
    if isinstance(vocabulary, dict):
        numbers = Counter(number for number in vocabulary.values() if isinstance(number, int))
        doubled = [number for number, count in numbers.items() if count > 1]
        if doubled:
            tokens = [token for token, number in vocabulary.items() if number == doubled[0]]
            notes.find("config.tokenizer-ids", path, name=f"{doubled[0]}: {' / '.join(tokens[:4])}")


def _merges(merges: object, vocabulary: Mapping[str, int], path: str, notes: Notes) -> None:
    """Merges are learnt in the order of their results' numbers; a few out of order were put in by hand."""
    if not isinstance(merges, list) or len(merges) > _MOST_MERGES:
        return
    pairs = list(_pairs(merges))
    twice = [pair for pair, count in Counter(pairs).items() if count > 1]
    results = [vocabulary.get(left + right) for left, right in pairs]
    missing = [pair for pair, result in zip(pairs, results, strict=True) if result is None]
    if twice or 0 < len(missing) <= _FEW:
        notes.find("config.tokenizer-merges", path, name=" + ".join((twice or missing)[0]))
        return
    known = [result for result in results if result is not None]
    odd = [at for at in range(1, len(known)) if known[at] < known[at - 1]]
    if len(known) >= _ENOUGH and 0 < len(odd) <= _FEW:
        notes.find("config.tokenizer-merges", path, name=" + ".join(pairs[odd[0]]))


def _pairs(merges: list[Any]) -> Iterator[tuple[str, str]]:
    for merge in islice(merges, _MOST_MERGES):
        parts = merge.split(" ") if isinstance(merge, str) else merge
        if isinstance(parts, list) and len(parts) == 2:
            yield str(parts[0]), str(parts[1])
