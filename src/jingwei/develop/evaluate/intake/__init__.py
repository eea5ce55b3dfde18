"""Logs of other tools, read safely and judged again by our judge: garak, PyRIT, promptfoo, Inspect."""

from jingwei.develop.evaluate.intake.heard import Heard, Log
from jingwei.develop.evaluate.intake.reading import TOOLS, read_log
from jingwei.develop.evaluate.intake.rejudging import rejudge

__all__ = ["TOOLS", "Heard", "Log", "read_log", "rejudge"]
