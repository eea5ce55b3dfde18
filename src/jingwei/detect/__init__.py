"""Detect (floor 2): one set of detectors for a corpus in batch, a red-team answer, and a live message."""

from jingwei.detect.bundle import OPINIONS, Bundle, Detector, titles
from jingwei.detect.hit import Hit
from jingwei.detect.normalize import Folded, Role, fold
from jingwei.detect.redact import placeholder, redact

__all__ = ["OPINIONS", "Bundle", "Detector", "Folded", "Hit", "Role", "fold", "placeholder", "redact", "titles"]
