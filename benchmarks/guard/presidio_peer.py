"""Presidio on the texts it is given: one JSON line in, one out. Run by personal.py with Presidio's own interpreter."""

import json
import sys
import time

from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    EmailRecognizer,
    IbanRecognizer,
    InAadhaarRecognizer,
    IpRecognizer,
    PhoneRecognizer,
    UsSsnRecognizer,
)


class Blank(SpacyNlpEngine):
    """spaCy without a model: Presidio's patterns and checksums only."""

    def __init__(self):
        import spacy

        super().__init__(models=[{"lang_code": each, "model_name": each} for each in ("en", "zh")],
                         ner_model_configuration=NerModelConfiguration())  # fmt: skip
        self.nlp = {each: spacy.blank(each) for each in ("en", "zh")}

    def load(self):
        """Nothing to load."""


def main():
    registry = RecognizerRegistry(supported_languages=["en", "zh"])
    for language in ("en", "zh"):
        for recognizer in (CreditCardRecognizer, EmailRecognizer, IbanRecognizer, InAadhaarRecognizer, IpRecognizer,
                           UsSsnRecognizer):  # fmt: skip
            registry.add_recognizer(recognizer(supported_language=language))
        registry.add_recognizer(PhoneRecognizer(supported_language=language, supported_regions=("US", "GB", "CN")))
    engine = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["en", "zh"])
    for line in sys.stdin:
        asked = json.loads(line)
        began = time.process_time_ns()
        found = engine.analyze(asked["text"], language=asked["language"])
        spent = (time.process_time_ns() - began) / 1000
        spans = [[each.start, each.end, each.entity_type] for each in found]
        print(json.dumps({"spans": spans, "microseconds": spent}), flush=True)


if __name__ == "__main__":
    main()
