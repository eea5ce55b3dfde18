"""The tally: what was found, as counts and places, never as text."""

from collections.abc import Iterable, Sequence

from pydantic import BaseModel

from jingwei.core.policy import Category
from jingwei.detect import Hit

MOST_PLACES = 5
"""First places kept for each rule."""


class Place(BaseModel):
    """Where a rule fired."""

    path: str
    row: int


class RuleCount(BaseModel):
    """What one rule found at or above the threshold."""

    category: Category
    severity: str
    rows: int = 0
    places: list[Place] = []


class Tally(BaseModel):
    """Counts over some rows; tallies of blocks add up to that of the dataset."""

    rows: int = 0
    unread: int = 0
    """Rows that are malformed, too long, or not UTF-8."""
    unread_places: list[Place] = []
    by_category: dict[Category, int] = {}
    """Rows with a hit at or above the threshold."""
    by_rule: dict[str, RuleCount] = {}
    """The same by rule: what is measured and what is reported begin at one threshold."""

    def add_row(self, place: Place, hits: Sequence[Hit], *, threshold: float) -> None:
        """Count one row; what scores below the threshold counts nowhere."""
        self.rows += 1
        counted = [hit for hit in hits if hit.score >= threshold]
        for category in {hit.category for hit in counted}:
            self.by_category[category] = self.by_category.get(category, 0) + 1
        for rule_id, hit in {hit.rule_id: hit for hit in sorted(counted, key=lambda hit: hit.score)}.items():
            count = self.by_rule.setdefault(rule_id, RuleCount(category=hit.category, severity=hit.severity))
            count.rows += 1
            if len(count.places) < MOST_PLACES:
                count.places.append(place)

    def add_unread(self, place: Place) -> None:
        """Count one row that could not be read."""
        self.unread += 1
        if len(self.unread_places) < MOST_PLACES:
            self.unread_places.append(place)

    def share(self, category: Category) -> float:
        """Return the share of read rows with a hit of a category."""
        return self.by_category.get(category, 0) / self.rows if self.rows else 0.0


def together(tallies: Iterable[Tally]) -> Tally:
    """Add tallies up, in order."""
    total = Tally()
    for tally in tallies:
        total.rows += tally.rows
        total.unread += tally.unread
        total.unread_places = (total.unread_places + tally.unread_places)[:MOST_PLACES]
        for category, count in tally.by_category.items():
            total.by_category[category] = total.by_category.get(category, 0) + count
        for rule_id, found in tally.by_rule.items():
            known = total.by_rule.setdefault(rule_id, RuleCount(category=found.category, severity=found.severity))
            known.rows += found.rows
            known.places = (known.places + found.places)[:MOST_PLACES]
    return total
