"""The texts that `train_injection.py` learns from, calibrates by and reports on; kept apart by source and by half.

A row is (text, label, source, role, part, planted): role is `user` or `document`; part is `train`, `dev` (calibration)
or `test` (looked at once, for the report); `planted` is the span of the instruction in a document, or None. The split
of every set follows one rule: the even half trains, the odd half is the test.
"""

import random
from pathlib import Path

from injection_documents import Documents
from injection_meta import Meta
from injection_rows import LANGUAGES, Row, language, part
from injection_spoken import Spoken
from injection_written import Written

__all__ = ["Row", "Rows", "language"]

SEED = 20260101
READ = (
    "attacks",
    "ordinary",
    "scary",
    "passages",
    "pages",
    "own_direct",
    "own_documents",
    "planted",
    "written",
    "meta",
)


class Rows(Spoken, Documents):
    """Reads the sets of one folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.rows = []
        self.chance = random.Random(SEED)
        self.calm = {"en": [], "zh": []}
        self.questions = {"en": [], "zh": []}

    def add(self, texts, source, *, label, role="user", where=None):
        """Add texts; without a part each goes to training or dev by its own digest."""
        for each in texts:
            text = (each or "").strip()
            if len(text) > 3:
                self.rows.append(Row(text, label, source, role, where or part(text)))

    def split(self, texts, source, *, label, role="user"):
        """Add the even half for training, the odd half for the test."""
        self.add(texts[::2], source, label=label, role=role)
        self.add(texts[1::2], source, label=label, role=role, where="test")

    def read(self):
        """Read every set, and drop from training what is a test row too."""
        for name in READ:
            getattr(self, name)()
        held = {row.text for row in self.rows if row.part == "test"}
        return [row for row in self.rows if row.part == "test" or row.text not in held]

    def written(self):
        """Read what was written one by one."""
        written = Written(part, SEED)
        for tongue in LANGUAGES:
            for text, label, source, where in written.messages(tongue):
                self.add([text], source, label=label, where=where)
            for text, source, where in written.documents(tongue):
                self.add([text], source, label=0, role="document", where=where)
            for text, source, where, span in written.attacks(tongue):
                self.rows.append(Row(text, 1, source, "document", where, span))

    def meta(self):
        """Read talk about instructions, and documents with one in them."""
        meta = Meta(part, SEED, Written(part, SEED).within)
        for tongue in LANGUAGES:
            for text, label, source, where in meta.messages(tongue):
                self.add([text], source, label=label, where=where)
            for text, source, where in meta.papers(tongue):
                self.add([text], source, label=0, role="document", where=where)
            for text, source, where, span in meta.planted(tongue):
                self.rows.append(Row(text, 1, source, "document", where, span))
