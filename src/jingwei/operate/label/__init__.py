"""Labels: tell people that a machine made what they read (GB 45438-2025)."""

from jingwei.operate.label.check import LabelCheck
from jingwei.operate.label.explicit import label_suffix, labelled, language_of

__all__ = ["LabelCheck", "label_suffix", "labelled", "language_of"]
