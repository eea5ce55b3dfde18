"""garak's `*.report.jsonl`: a line for each attempt, each output scored by detectors; 0.5 and above is a hit."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from jingwei.develop.evaluate.intake.heard import Heard, Log, Tree, at, listed, parsed, word
from jingwei.develop.evaluate.intake.lines import lines_of

_HIT = 0.5
_COMPLETE = 2


def is_garak(first: Tree) -> bool:
    """Tell whether a first line is garak's."""
    return isinstance(first, Mapping) and isinstance(first.get("entry_type"), str)


def read_garak(path: Path) -> Log:
    """Read a report; the lines before the first attempt say which version and which model."""
    version = model = ""
    with path.open("rb") as file:
        for number, line in lines_of(file, name=path.name):
            entry = parsed(line, file=path.name, line=number)
            if word(entry, "entry_type") == "attempt":
                break
            version = version or word(entry, "garak_version") or word(entry, "_config.version")
            model = model or word(entry, "plugins.target_name") or word(entry, "plugins.model_name")
    return Log("garak", _heard(path), model=model, version=version)


def _heard(path: Path) -> Iterator[Heard]:
    with path.open("rb") as file:
        for number, line in lines_of(file, name=path.name):
            entry = parsed(line, file=path.name, line=number)
            if word(entry, "entry_type") == "attempt":
                yield from _attempt(entry)


def _attempt(entry: Tree) -> Iterator[Heard]:
    """Give one for each output; a started attempt stands in the report again once it is complete."""
    if at(entry, "status") != _COMPLETE:
        return
    for number, output in enumerate(listed(entry, "outputs")):
        answer = output[:100_000] if isinstance(output, str) else word(output, "text")
        yield Heard(
            id=f"{word(entry, 'uuid')}-{number}",
            group=word(entry, "probe_classname") or "unknown",
            question=_question(at(entry, "prompt")),
            answer=answer,
            theirs=_theirs(at(entry, "detector_results"), number),
            fault="" if output is not None else "no-answer",
        )


def _question(prompt: Tree) -> str:
    """Return the last turn of the prompt: a conversation since 0.12, a message or a text before."""
    if isinstance(prompt, str):
        return prompt[:100_000]
    turns = listed(prompt, "turns")
    return word(turns, -1, "content", "text") if turns else word(prompt, "text")


def _theirs(results: Tree, number: int) -> bool | None:
    """Tell whether any detector called it a hit."""
    if not isinstance(results, Mapping):
        return None
    scores = [listed(each)[number] for each in results.values() if len(listed(each)) > number]
    known = [each for each in scores if isinstance(each, int | float) and not isinstance(each, bool)]
    return any(each >= _HIT for each in known) if known else None
