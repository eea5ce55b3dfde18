"""Shell text as simple commands, without a shell: enough to see what is started and with which flags."""

import re
import shlex
from collections.abc import Iterator

from jingwei.deploy.config.workload import Command

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_SEPARATORS = frozenset({";", "&&", "||", "|", "&", "(", ")", ";;", "|&", "\n", "{", "}"})
_BEFORE = frozenset({
    "sudo", "exec", "nohup", "time", "nice", "tini", "dumb-init", "gosu", "setsid", "stdbuf", "doas", "command", "env",
    "then", "do", "else", "if", "while", "!", "catchsegv", "numactl", "su-exec", "--",
})  # fmt: skip
_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "ksh"})
_RUNNERS = frozenset({"uv", "poetry", "pipenv", "conda", "mamba", "micromamba", "hatch", "pdm"})
_VARIABLE = r"\$(?:\{(\w+)(?::?-([^}$]*))?\}|(\w+))"
_LONGEST = 20_000
_MOST = 2_000
_DEEPEST = 4


def commands(text: str, *, line: int = 1, depth: int = 0) -> Iterator[Command]:
    """Give the simple commands of a shell text, each with its line."""
    count = 0
    for number, logical in _logical(text):
        for words in _simple(logical):
            for command in _unwrapped(words, line + number, depth):
                count += 1
                if count > _MOST:
                    return
                yield command


def command(words: list[str], *, line: int) -> Iterator[Command]:
    """Give the commands of an argument list, as containers start them."""
    yield from _unwrapped([str(each) for each in words], line, 0)


def expanded(each: Command, variables: dict[str, str]) -> Command:
    """Return a command with the variables put in that a script set before; what is not known stays as it is."""
    environment = tuple((name, _put_in(value, variables)) for name, value in each.environment)
    words = [_put_in(word, variables) if "$" in word else word for word in each.words]
    whole = [word.split() if re.fullmatch(_VARIABLE, before) else [word]
             for before, word in zip(each.words, words, strict=True)]  # fmt: skip
    return each._replace(words=tuple(word for part in whole for word in part) or each.words, environment=environment)


def _put_in(word: str, variables: dict[str, str]) -> str:
    return re.sub(_VARIABLE, lambda match: variables.get(match[1] or match[3], match[2] or match[0]), word)[:_LONGEST]


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """Give lines with their continuations joined, each with the number of its first line from 0; no comments."""
    held, first = "", 0
    for number, raw in enumerate(text.splitlines()):
        stripped = raw.strip()
        if not held and stripped.startswith("#"):
            continue
        first = first if held else number
        held += raw[:-1].rstrip() + " " if raw.rstrip().endswith("\\") and raw.endswith("\\") else raw
        if raw.endswith("\\") and len(held) < _LONGEST:
            continue
        if held.strip():
            yield first, held[:_LONGEST]
        held = ""
    if held.strip():
        yield first, held[:_LONGEST]


def _simple(line: str) -> Iterator[list[str]]:
    """Cut one line at what separates commands."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|()")
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    try:
        for word in lexer:
            if word in _SEPARATORS:
                if words:
                    yield words
                words = []
            elif word.startswith("#"):
                break
            else:
                words.append(word)
    except ValueError:  # a quotation that does not end: what was read until there counts
        pass
    if words:
        yield words


def _unwrapped(words: list[str], line: int, depth: int) -> Iterator[Command]:
    """Look through what only starts another program."""
    environment: list[tuple[str, str]] = []
    words = list(words)
    while words:
        first = words[0].rpartition("/")[2]
        if _ASSIGNMENT.match(words[0]):
            name, _, value = words.pop(0).partition("=")
            environment.append((name, value))
        elif first in _BEFORE:
            words.pop(0)
            while words and words[0].startswith("-") and len(words) > 1:
                words.pop(0)
        elif first in {"export", "declare", "setenv", "set"} and len(words) > 1:
            environment += [(n, v) for n, _, v in (each.partition("=") for each in words[1:] if "=" in each)]
            words = ["export"]
            break
        elif first in _RUNNERS and "run" in words[:3]:
            words = words[words.index("run") + 1 :]
            while words and words[0].startswith("-"):
                words.pop(0)
        else:
            break
    yield from _started(words, line, tuple(environment), depth)


def _started(words: list[str], line: int, environment: tuple[tuple[str, str], ...], depth: int) -> Iterator[Command]:
    program = words[0].rpartition("/")[2] if words else ""
    if program in _SHELLS and depth < _DEEPEST:
        flag = next((place for place, each in enumerate(words) if each.startswith("-") and "c" in each), None)
        if flag is not None and flag + 1 < len(words):
            if environment:
                yield Command(("export",), line, environment)
            for each in commands(words[flag + 1], line=0, depth=depth + 1):
                yield each._replace(line=line)
            return
    if re.fullmatch(r"python[\d.]*|py", program):
        module = next((place for place, each in enumerate(words) if each == "-m"), None)
        if module is not None and module + 1 < len(words):
            words = [words[module + 1], *words[module + 2 :]]
    if words or environment:
        yield Command(tuple(words) or ("export",), line, environment)
