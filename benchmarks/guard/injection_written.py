"""The texts of `data/injection_said.yaml` and `data/injection_planted.yaml` as rows: written one by one, no frames.

A text is wholly in training or wholly in dev, and a carrier too: what is scored in calibration stands in a carrier that
the head has not seen.
"""

import random
from pathlib import Path

import yaml

DATA = Path(__file__).parent / "data"
HERE = "¦"
"""Where something may be planted."""
TIMES = 6
"""Carriers that each planted text is put into."""
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789abcdefghijkmnpqrstuvwxyz"


def load(name):
    return yaml.safe_load((DATA / f"{name}.yaml").read_text(encoding="utf-8"))


class Written:
    """Puts the texts together; `part` tells where a text belongs."""

    def __init__(self, part, seed):
        self.part = part
        self.chance = random.Random(seed)
        self.said, self.planted = load("injection_said"), load("injection_planted")

    def messages(self, tongue):
        """Give what is said to a model: text, label, source, part."""
        for text in self.said["attacks"][tongue]:
            yield text, 1, "own-said", self.part(text)
        for text in self.said["innocent"][tongue]:
            yield text, 0, "own-harmless", self.part(text)
        for frame in load("personal_carriers")[tongue]:
            for _ in range(6):
                text = frame.replace("{value}", self.code()).replace("{what}", self.chance.choice(WHAT[tongue]))
                yield text.replace("{{", "{").replace("}}", "}"), 0, "own-codes", self.part(frame)

    def code(self):
        """Make up a key, a number or a code."""
        chance = self.chance
        kind = chance.randrange(6)
        some = "".join(chance.choice(LETTERS) for _ in range(chance.randint(12, 40)))
        digits = "".join(chance.choice("0123456789") for _ in range(chance.randint(4, 19)))
        return (
            digits,
            some,
            f"AKIA{some[:16].upper()}",
            f"{chance.choice(['sk-', 'ghp_', 'xoxb-', 'pk_live_', 'AIza'])}{some}",
            "-".join(some[start : start + 4].upper() for start in range(0, 12, 4)),
            f"{chance.choice(['SF', 'GB', 'DE', 'No. ', '#', '+86 '])}{digits}",
        )[kind]

    def documents(self, tongue):
        """Give innocent documents: text, source, part."""
        planted = self.planted
        for carrier in planted["carriers"][tongue]:
            yield carrier.replace(HERE, ""), "own-carriers", self.part(carrier)
        for text in planted["calm"][tongue]:
            where = self.part(text)
            yield text, "own-carriers", where
            for _ in range(4):
                yield self.within(text, where, tongue)[0], "own-carriers", where
        for where, count in (("train", 300), ("dev", 50)):
            lines = [each for each in planted["calm"][tongue] if self.part(each) == where]
            for _ in range(count):
                some = self.chance.sample(lines, self.chance.randint(2, 5))
                yield self.chance.choice(["\n", " ", "\n\n"]).join(some), "own-carriers", where

    def attacks(self, tongue):
        """Give documents with something planted in them: text, source, part, span."""
        for kind, texts in self.planted["planted"][tongue].items():
            source = "own-chores" if kind == "tasks" else "own-planted"
            for text in texts:
                for _ in range(TIMES):
                    yield self.placed(text, source, tongue)
        for text in self.said["attacks"][tongue]:
            yield self.placed(text, "own-planted", tongue)
        other = "zh" if tongue == "en" else "en"
        for text in self.chance.sample(self.planted["planted"][tongue]["addressed"], 30):
            document, span = self.within(text, self.part(text), other)
            yield document, "own-planted", self.part(text), span

    def placed(self, text, source, tongue):
        """Plant a text in a carrier of the same part."""
        where = self.part(text)
        document, span = self.within(text, where, tongue)
        return document, source, where, span

    def within(self, text, where, tongue):
        """Return a carrier with a text at one of its places, and the text's span."""
        chance = self.chance
        carrier = chance.choice([each for each in self.planted["carriers"][tongue] if self.part(each) == where])
        pieces = carrier.split(HERE)
        place = chance.randrange(1, len(pieces))
        before, after = "".join(pieces[:place]), "".join(pieces[place:])
        joint = chance.choice(["", " ", "\n", "\n\n"])
        before, after = before + joint, joint + after
        document = before + text + after
        lead = len(document) - len(document.lstrip())
        return document.strip(), (len(before) - lead, len(before) - lead + len(text))


WHAT = {
    "en": ["key", "token", "phone number", "order number", "account", "card", "serial number", "code", "password"],
    "zh": load("injection_said")["called"],
}
