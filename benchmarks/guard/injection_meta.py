"""The texts of `data/injection_meta.yaml` as rows: talk about instructions and attacks, and instructions in documents.

A text or frame is wholly in training or wholly in dev; what a frame quotes comes from attacks of the same part. One
text in three is dev, so that a false alarm about such talk can be measured before anything is shipped.
"""

import random
from pathlib import Path

import yaml

DATA = Path(__file__).parent / "data"
SPACE = {"en": " ", "zh": ""}
QUOTED = 10
"""Attacks that each frame quotes in training; in dev half as many."""
LONGEST = 120
"""Characters of an attack that is quoted or wrapped."""
CARRIERS = 4
"""Further carriers that an instruction is planted in."""
BARE = 0.3
"""Share of pasted papers that also come with nothing said."""
OPEN, CLOSE = "[[", "]]"


def load(name):
    return yaml.safe_load((DATA / f"{name}.yaml").read_text(encoding="utf-8"))


class Meta:
    """Fills the frames; `part(text)` tells where a quoted attack belongs, `within` plants a text in a carrier."""

    def __init__(self, part, seed, within):
        self.part, self.within = part, within
        self.chance = random.Random(seed)
        self.kept = load("injection_meta")
        self.attacks = load("injection_said")["attacks"]

    def messages(self, tongue):
        """Give what people say: text, label, source, part."""
        for text, where in self.parts("said", tongue):
            yield text, 0, "own-meta", where
        for text, where in self.filled("framed", tongue):
            yield text, 0, "own-quoting", where
        for text, where in self.joined("openers", "asks", tongue, SPACE[tongue]):
            yield text, 0, "own-quoting", where
        for text, where in self.pasted(tongue):
            yield text, 0, "own-pasted", where
        for text, where in self.filled("wraps", tongue):
            yield text, 1, "own-wraps", where
        for head, where in self.parts("wrap_heads", tongue):
            for attack in self.some(tongue, where, QUOTED):
                yield f"{head}{SPACE[tongue]}{attack}", 1, "own-wraps", where

    def papers(self, tongue):
        """Give documents that talk of instructions or order people about, and carriers with nothing in them."""
        for text, where in self.parts("papers", tongue):
            yield text, "own-papers", where
        for text, where in self.filled("papers_framed", tongue):
            yield text, "own-papers-quoting", where
        for text, where in self.joined("reports", "closings", tongue, "\n"):
            yield text, "own-papers-quoting", where
        for text, where in self.parts("planted", tongue):
            before, _, after = self.pieces(text)
            yield before + after, "own-papers", where

    def planted(self, tongue):
        """Give documents with an instruction in them: text, source, part, span."""
        for text, where in self.parts("planted", tongue):
            before, inside, after = self.pieces(text)
            yield before + inside + after, "own-inserted", where, (len(before), len(before) + len(inside))
            for _ in range(CARRIERS):
                document, span = self.within(inside, where, tongue)
                yield document, "own-inserted", where, span

    def filled(self, name, tongue):
        """Put attacks into the frames of one kind."""
        for frame, where in self.parts(name, tongue):
            for attack in self.some(tongue, where, QUOTED):
                yield frame.replace("{x}", attack), where

    def pasted(self, tongue):
        """Give papers that somebody pastes to have something done with them, and some with nothing said."""
        kept = [*self.parts("papers", tongue), *self.filled("papers_framed", tongue)]
        for text, where in kept:
            chores = [chore for chore, place in self.parts("chores", tongue) if place == where]
            yield f"{self.chance.choice(chores)}\n\n{text}", where
            if self.chance.random() < BARE:
                yield text, where

    def joined(self, name, further, tongue, joint):
        """Put attacks into openings, and say something about them."""
        for frame, where in self.parts(name, tongue):
            after = [text for text, place in self.parts(further, tongue) if place == where]
            for attack in self.some(tongue, where, QUOTED):
                yield frame.replace("{x}", attack) + joint + self.chance.choice(after), where

    def some(self, tongue, where, count):
        """Choose attacks of one part."""
        short = [each for each in self.attacks[tongue] if len(each) <= LONGEST and self.part(each) == where]
        return self.chance.sample(short, min(count if where == "train" else count // 2, len(short)))

    def parts(self, name, tongue):
        """Give the texts of one kind, each with the part that it belongs to: every third is dev."""
        for place, text in enumerate(self.kept[name][tongue]):
            yield text, "dev" if place % 3 == 2 else "train"

    @staticmethod
    def pieces(text):
        """Return what stands before, in and after the marks."""
        before, _, rest = text.partition(OPEN)
        inside, _, after = rest.partition(CLOSE)
        return before, inside, after
