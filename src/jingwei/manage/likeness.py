"""How alike two prompts are, and what a find is worth: pure, and told to those who play.

Two prompts are the same where nothing but letters and figures of their folded forms is compared: case, spaces, signs,
look-alike and invisible characters make no difference. Else the likeness is the Jaccard index of their shingles, runs
of four characters. A find scores the points of its severity times its novelty, which is one less the likeness to the
nearest earlier find; a likeness below a half counts as none.
"""

from jingwei.core.finding import Severity
from jingwei.detect import fold

POINTS = {Severity.INFO: 1, Severity.LOW: 2, Severity.MEDIUM: 5, Severity.HIGH: 10, Severity.CRITICAL: 20}
NEAR = 0.5
"""A likeness from which two prompts are taken for relatives."""
_LENGTH = 4


def bare(prompt: str) -> str:
    """Return the letters and figures of a prompt's folded form."""
    return "".join(character for character in fold(prompt).folded if character.isalnum())


def shingles(text: str) -> frozenset[str]:
    """Return the runs of four characters of a bare text; of a shorter one, itself."""
    return frozenset(text[start : start + _LENGTH] for start in range(max(1, len(text) - _LENGTH + 1)))


def likeness(first: str, second: str) -> float:
    """Return how alike two prompts are, from 0 to 1."""
    one, other = bare(first), bare(second)
    if one == other:
        return 1.0
    if not one or not other:
        return 0.0
    return min(0.99, jaccard(shingles(one), shingles(other)))


def jaccard(here: frozenset[str], there: frozenset[str]) -> float:
    """Return the share of shingles that two texts have in common."""
    return len(here & there) / len(here | there)


def worth(severity: Severity, *, likeness: float) -> int:
    """Return the points of an accepted find."""
    novelty = 1.0 if likeness < NEAR else 1.0 - likeness
    return round(POINTS[severity] * novelty)
