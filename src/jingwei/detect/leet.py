"""Leet: digits and signs written for letters (h4ck3r). Only inside a token that has letters, too."""

_MARKS = bytes(
    97 if chr(code).isalpha() else 49 if chr(code) in "0123456789@$!" else 32 for code in range(128)
) + bytes([32]) * 128  # fmt: skip
"""`a` a letter, `1` a digit or a sign, a blank anything else."""
_SEEDS = (b"a1a", b"1aa", b"aa1")
_SHORTEST = 4
_LONGEST = 40
_LETTERS = str.maketrans("0123456789@$!", "oizeasgtbgasi")
_OTHER = str.maketrans("0123456789@$!", "olzeasgtbgasl")


def plain(folded: str) -> tuple[str, ...]:
    """Return the text with letters in the place of digits, in each way that differs; empty where there are none."""
    marks = folded.encode("ascii", "replace").translate(_MARKS)
    if not any(seed in marks for seed in _SEEDS):
        return ()
    places = _tokens(marks)
    if not places:
        return ()
    first, second = (_replaced(folded, places, table) for table in (_LETTERS, _OTHER))
    return (first,) if first == second else (first, second)


def _tokens(marks: bytes) -> list[tuple[int, int]]:
    """Return where the tokens are: mostly letters, with a digit or a sign among them."""
    found: list[tuple[int, int]] = []
    done = 0
    while (seed := min((at for each in (b"a1", b"1a") if (at := marks.find(each, done)) >= 0), default=-1)) >= 0:
        start = marks.rfind(b" ", 0, seed) + 1
        done = marks.find(b" ", seed)
        done = len(marks) if done < 0 else done
        token = marks[start:done]
        if token.endswith(b"1") and len(token) > _SHORTEST and token[-2:-1] == b"a" and token.count(b"1") == 1:
            continue  # a letter does not end most words that end in a single digit: gpt4, step1, hello!
        if _SHORTEST <= len(token) <= _LONGEST and token.count(b"a") * 2 >= len(token):
            found.append((start, done))
    return found


def _replaced(folded: str, places: list[tuple[int, int]], table: dict[int, int]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end in places:
        pieces += folded[done:start], folded[start:end].translate(table)
        done = end
    return "".join([*pieces, folded[done:]])
