"""What the words of an answer and its question mean: averages of the frozen encoder's vectors of single tokens.

A pass through the whole encoder costs milliseconds, its table of tokens a tenth of that; Chinese and English tokens lie
in one space. Averaged are the beginning, all, and the end of the answer, and the question.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

from jingwei.detect import embedding

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float32]

WIDTH = 4 * embedding.WIDTH
EDGE = 24
"""Tokens of a beginning and of an end."""
_HEAD, _TAIL = 600, 200
"""Characters of an answer that are read, at its two ends."""
_QUESTION = 300


def meant(question: str, answer: str) -> "Numbers":
    """Return the averages of a folded answer and of its folded question, one after the other."""
    import numpy as np  # noqa: PLC0415 - on first need: `jingwei --help` does not

    whole = answer if len(answer) <= _HEAD + _TAIL else f"{answer[:_HEAD]} {answer[-_TAIL:]}"
    rows = embedding.tokens(whole)
    return np.concatenate([rows[:EDGE].mean(axis=0), rows.mean(axis=0), rows[-EDGE:].mean(axis=0),
                           _asked(question[:_QUESTION])])  # fmt: skip


@lru_cache(maxsize=1024)
def _asked(question: str) -> "Numbers":
    import numpy as np  # noqa: PLC0415 - as above

    rows = embedding.tokens(question)
    average: Numbers = rows.mean(axis=0) if question else np.zeros(rows.shape[1], np.float32)
    return average
