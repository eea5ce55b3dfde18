"""The people's queue: what the judge left open goes to a person, with some that it decided, so that both compare.

The queue does not show what the judge said. Decisions lie in the run's folder, one line each, and change no verdict:
the report tells how they fell and how far people and the judge agree.
"""

import csv
import fcntl
import io
import os
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from jingwei.core.clock import Clock, utc_now
from jingwei.core.errors import InputError
from jingwei.core.folder import file_trouble_said
from jingwei.core.interval import Rate, wilson
from jingwei.core.text import texts
from jingwei.develop.evaluate.agreement import Confusion, confusion, kappa
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.verdict import State

REVIEWS = "reviews.jsonl"
COLUMNS = ("id", "language", "category", "asked", "answer", "decision", "note")
Word = Literal["unsafe", "safe", "unsure"]
_WORDS: tuple[Word, ...] = ("unsafe", "safe", "unsure")
_BLOCK = 64 * 1024
_FILE_BYTES = 64 * 1024 * 1024
_DECIDED = {State.ATTACK_SUCCEEDED: "unsafe", State.RESISTED: "safe"}


class Decision(BaseModel):
    """What one person decided about one attempt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """Of the attempt."""
    person: str
    decision: Word
    at: AwareDatetime
    note: str = ""


class Reviewed(NamedTuple):
    """How people decided, beside the judge."""

    people: int
    decisions: int
    against: Confusion
    """The judge's word, against the people's as the truth; what it left open is counted apart."""
    agreement: float
    """Cohen's kappa of the judge and the people, over what both decided."""
    open_unsafe: int
    """Of those the judge left open, how many people call unsafe, and how many they decided."""
    open_decided: int
    disputed: int
    """Attempts on which people disagree; they count nowhere else."""

    @property
    def same(self) -> Rate:
        """Return the share on which judge and people agree."""
        told = self.against
        return wilson(
            told.true_positive + told.true_negative,
            told.true_positive + told.true_negative + told.false_positive + told.false_negative,
        )


def queue_of(results: Iterable[Result], *, sample: int = 40, seed: int = 0) -> list[Result]:
    """Return what people should look at: all that is open, and a sample of what was decided, mixed."""
    open_: list[Result] = []
    decided: list[Result] = []
    for each in results:
        if each.verdict.state is State.UNDETERMINED:
            open_.append(each)
        elif each.verdict.state in _DECIDED and each.verdict.score is not None:
            decided.append(each)
    draw = random.Random(seed)  # noqa: S311 - a reproducible sample, not a secret
    queue = open_ + draw.sample(decided, min(sample, len(decided)))
    draw.shuffle(queue)
    return queue


def read_decisions(path: Path, *, person: str, known: Iterable[str], clock: Clock = utc_now) -> list[Decision]:
    """Read a queue that a person has filled in; lines without a decision are left for later.

    Raises:
        InputError: it is no such table, or a line names an attempt or a decision that does not exist.
    """
    if path.stat().st_size > _FILE_BYTES:
        raise InputError("develop.evaluate:log-too-large", field="decisions", file=path.name, limit=_FILE_BYTES)
    try:
        table = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
        lines = list(table)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError("develop.evaluate:review-unreadable", field="decisions", file=path.name) from error
    if not {"id", "decision"} <= set(table.fieldnames or ()):
        raise InputError("develop.evaluate:review-unreadable", field="decisions", file=path.name)
    ids, now = frozenset(known), clock()
    found = []
    for number, line in enumerate(lines, start=2):
        if (line["decision"] or "").strip():
            found.append(_decision(line, person, ids, number=number, now=now))
    return found


def _decision(line: Mapping[str, str | None], person: str, ids: frozenset[str], *, number: int,
              now: datetime) -> Decision:  # fmt: skip
    given = (line["decision"] or "").strip().lower()
    word = next((each for each in _WORDS if given in _spellings(each)), None)
    if word is None:
        raise InputError("develop.evaluate:review-word", field=f"decisions:{number}", line=number, given=given[:40])
    if line["id"] not in ids:
        raise InputError("develop.evaluate:review-attempt", field=f"decisions:{number}", line=number,
                         id=(line["id"] or "")[:40])  # fmt: skip
    return Decision(id=line["id"], person=person, decision=word, at=now, note=(line.get("note") or "")[:500])


def _spellings(word: Word) -> set[str]:
    both = texts("develop.evaluate")[f"review-{word}"]
    return {word, both.zh, both.en.lower()}


def keep_decisions(folder: Path, decisions: Sequence[Decision]) -> Path:
    """Append decisions to a run's folder; a later one of the same person about the same attempt counts instead.

    A last line that a killed process left torn is cut off first.

    Raises:
        Unavailable: the disk is full, or the folder cannot be written; what was there before stays.
    """
    path = folder / REVIEWS
    lines = b"".join(f"{each.model_dump_json()}\n".encode() for each in decisions)
    with file_trouble_said(str(path)), path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = _whole(file)
        os.ftruncate(file.fileno(), end)
        try:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            os.ftruncate(file.fileno(), end)
            raise
    return path


def _whole(file: BinaryIO) -> int:
    """Return where the last whole line ends."""
    at = file.seek(0, os.SEEK_END)
    while at:
        start = max(0, at - _BLOCK)
        file.seek(start)
        last = file.read(at - start).rfind(b"\n")
        if last >= 0:
            return start + last + 1
        at = start
    return 0


def decisions_of(folder: Path) -> list[Decision]:
    """Return the decisions that lie in a run's folder; none where nobody reviewed it. A torn last line was none.

    Raises:
        InputError: the file is damaged.
    """
    path = folder / REVIEWS
    if not path.is_file():
        return []
    latest: dict[tuple[str, str], Decision] = {}
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                break
            try:
                one = Decision.model_validate_json(line)
            except ValidationError as error:
                raise InputError(
                    "develop.evaluate:run-unreadable", field="runs", file=str(path), line=number
                ) from error
            latest[one.id, one.person] = one
    return list(latest.values())


def reviewed(results: Iterable[Result], decisions: Sequence[Decision]) -> Reviewed | None:
    """Hold the judge's words against the people's; None where nobody decided anything."""
    words: dict[str, set[str]] = {}
    for one in decisions:
        if one.decision != "unsure":
            words.setdefault(one.id, set()).add(one.decision)
    agreed = {name: next(iter(said)) for name, said in words.items() if len(said) == 1}
    pairs: list[tuple[bool | None, bool]] = []
    for each in results:
        if each.id in agreed and each.verdict.state in {*_DECIDED, State.UNDETERMINED}:
            ours = _DECIDED.get(each.verdict.state)
            pairs.append((None if ours is None else ours == "unsafe", agreed[each.id] == "unsafe"))
    if not pairs:
        return None
    both = [(ours, theirs) for ours, theirs in pairs if ours is not None]
    return Reviewed(
        people=len({one.person for one in decisions}),
        decisions=len(decisions),
        against=confusion(pairs),
        agreement=kappa([ours for ours, _ in both], [theirs for _, theirs in both]),
        open_unsafe=sum(theirs for ours, theirs in pairs if ours is None),
        open_decided=len(pairs) - len(both),
        disputed=len(words) - len(agreed),
    )
