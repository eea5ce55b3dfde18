"""PyRIT's memory: the JSON that `export_conversations` writes, or the SQLite file itself.

Since 1.1 a memory says in tables of their own what an attack was and whom it asked; the talks of its attacker and its
judges lie beside those with the target, and are left out.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from jingwei.core.errors import InputError
from jingwei.develop.evaluate.intake.heard import ENTRIES, Heard, Log, Tree, at, listed, parsed, word

_TEXT_BYTES = 8 * 1024 * 1024
_STEPS = 50_000_000
"""Instructions of SQLite that a query may take."""
_THOUSANDS = 1000
_PIECES = "PromptMemoryEntries"
_SCORES = "ScoreEntries"
_ATTACKS = "AttackResultEntries"
_TALKS = "Conversations"
_TRUE = 0.5


def is_pyrit(tree: Tree) -> bool:
    """Tell whether it is an export of PyRIT's memory."""
    return isinstance(tree, list) and isinstance(at(tree, 0, "conversation_id"), str)


def read_pyrit(tree: Tree) -> Log:
    """Read an export: one piece of a message after another, each with its scores."""
    pieces = [each for each in tree if isinstance(each, Mapping)]
    return Log("pyrit", _heard(pieces), model=_model(pieces))


def read_pyrit_database(path: Path) -> Log:
    """Read a memory kept in SQLite; nothing is written, and views and triggers in it are not run.

    Raises:
        InputError: it is no memory of PyRIT, or damaged.
    """
    database = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1", uri=True)
    try:
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _TEXT_BYTES)
        database.execute("PRAGMA trusted_schema = OFF")
        left = [_STEPS // _THOUSANDS]
        database.set_progress_handler(lambda: _tick(left), _THOUSANDS)
        pieces = _rows(database, _PIECES)
        scores: dict[str, list[Tree]] = defaultdict(list)
        for score in _rows(database, _SCORES, optional=True):
            scores[word(score, "prompt_request_response_id")].append(score)
        attacks, talks = (_rows(database, name, optional=True) for name in (_ATTACKS, _TALKS))
    except sqlite3.Error as error:
        raise InputError("develop.evaluate:log-damaged", field="log", file=path.name, line=1) from error
    finally:
        database.close()
    whole = [{**piece, "scores": scores.get(word(piece, "id"), [])} for piece in _attacked(pieces, attacks)]
    named = (_within(each, "target_identifier", file=path.name) for each in talks)
    model = next((found for each in named if (found := word(each, "model_name"))), "")
    return Log("pyrit", _heard(whole), model=_model(whole) or model, version=word(whole, 0, "pyrit_version"))


def _attacked(pieces: Sequence[Mapping[str, Tree]], attacks: Sequence[Mapping[str, Tree]]) -> list[Mapping[str, Tree]]:
    """Return the pieces of talks with a target, each with the harm it was after; all where no attack is told."""
    kinds: dict[str, Tree] = {}
    for each in attacks:
        kind = _within(each, "targeted_harm_categories", file=_ATTACKS)
        names = [each.get("conversation_id"), *listed(_within(each, "pruned_conversation_ids", file=_ATTACKS))]
        kinds |= {name: kind for name in names if isinstance(name, str)}
    if not kinds:
        return list(pieces)
    return [{**each, "targeted_harm_categories": kinds[name]} for each in pieces
            if (name := word(each, "conversation_id")) in kinds]  # fmt: skip


def _within(row: Mapping[str, Tree], name: str, *, file: str) -> Tree:
    """Return what a column holds as JSON; None where it holds none."""
    held = row.get(name)
    if not isinstance(held, str):
        return None
    try:
        return parsed(held.encode(), file=file)
    except InputError:
        return None


def _tick(left: list[int]) -> int:
    left[0] -= 1
    return int(left[0] < 0)


def _rows(database: sqlite3.Connection, name: str, *, optional: bool = False) -> list[dict[str, Tree]]:
    """Return a table's rows; a view of that name is none."""
    kinds = database.execute("SELECT type FROM sqlite_master WHERE name = ?", (name,)).fetchall()
    if kinds != [("table",)]:
        if optional:
            return []
        raise sqlite3.DatabaseError(name)
    found = database.execute(f"SELECT * FROM {name} LIMIT ?", (ENTRIES,))  # noqa: S608 - the name is one of ours
    columns = [each[0] for each in found.description]
    return [dict(zip(columns, row, strict=True)) for row in found]


def _heard(pieces: Sequence[Tree]) -> Iterator[Heard]:
    """Give each answer with what was asked right before it."""
    talks: dict[str, list[Tree]] = defaultdict(list)
    for piece in pieces:
        talks[word(piece, "conversation_id")].append(piece)
    for name, talk in talks.items():
        asked: Tree = None
        for piece in sorted(talk, key=_sequence):
            role = word(piece, "role")
            if role == "user":
                asked = piece
            elif role == "assistant":
                yield _answered(name, asked, piece)


def _sequence(piece: Tree) -> int:
    found = at(piece, "sequence")
    return found if isinstance(found, int) else 0


def _answered(talk: str, asked: Tree, piece: Tree) -> Heard:
    error = word(piece, "response_error")
    fault = "" if error in {"", "none", "blocked"} else f"pyrit-{error}"
    changed = word(asked, "original_value") != word(asked, "converted_value")
    return Heard(
        id=word(piece, "id") or f"{talk}-{_sequence(piece)}",
        group=_group(piece) or _group(asked) or "conversation",
        question=word(asked, "original_value") or word(asked, "converted_value"),
        answer=word(piece, "converted_value") or word(piece, "original_value"),
        theirs=_theirs(listed(piece, "scores")),
        fault=fault,
        way="converted" if changed and word(asked, "converted_value") else "plain",
    )


def _group(piece: Tree) -> str:
    return word(piece, "targeted_harm_categories", 0) or word(piece, "labels", "harm_category")


def _theirs(scores: Sequence[Tree]) -> bool | None:
    """Return the last score that says yes or no, or a share; a refusal scorer's yes means that it held."""
    found: bool | None = None
    for score in scores:
        value, kind = word(score, "score_value").lower(), word(score, "score_type")
        said: bool | None = None
        if kind == "true_false" and value in {"true", "false"}:
            said = value == "true"
        elif kind == "float_scale":
            said = _share(value)
        if said is None:
            continue
        found = not said if "refusal" in str(at(score, "scorer_class_identifier")).lower() else said
    return found


def _share(value: str) -> bool | None:
    try:
        return float(value) >= _TRUE
    except ValueError:
        return None


def _model(pieces: Sequence[Tree]) -> str:
    for piece in pieces:
        named = word(piece, "prompt_target_identifier", "model_name")
        if named:
            return named
    return ""
