"""Presidio on the texts it is given: one JSON line in, one out. Run by personal.py with Presidio's own interpreter."""

import json
import sys
import time

from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import PhoneRecognizer, SpacyRecognizer


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
    nlp = Blank()
    registry = RecognizerRegistry(supported_languages=["en", "zh"])
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=nlp)
    shipped = [each for each in registry.recognizers if not isinstance(each, SpacyRecognizer | PhoneRecognizer)]
    registry.recognizers = shipped
    for each in shipped:  # the same for Chinese, for which Presidio ships nothing of its own
        if each.supported_language == "en" and type(each).__module__.startswith("presidio_analyzer.predefined"):
            try:
                registry.add_recognizer(type(each)(supported_language="zh"))
            except TypeError:
                continue
    for language in ("en", "zh"):
        registry.add_recognizer(PhoneRecognizer(supported_language=language, supported_regions=("US", "GB", "CN")))
    engine = AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=["en", "zh"])
    for line in sys.stdin:
        asked = json.loads(line)
        began = time.process_time_ns()
        found = engine.analyze(asked["text"], language=asked["language"])
        spent = (time.process_time_ns() - began) / 1000
        spans = [[each.start, each.end, each.entity_type] for each in found]
        print(json.dumps({"spans": spans, "microseconds": spent}), flush=True)


if __name__ == "__main__":
    main()
