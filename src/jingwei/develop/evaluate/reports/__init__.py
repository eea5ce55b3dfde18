"""Reports of an evaluation: a page for people, JUnit, SARIF and a table for programs. `report.json` is the engine's."""

from jingwei.develop.evaluate.reports.choosing import choice_page
from jingwei.develop.evaluate.reports.comparison import comparison_page
from jingwei.develop.evaluate.reports.writing import whole_page, write_queue, write_reports, write_text

__all__ = ["choice_page", "comparison_page", "whole_page", "write_queue", "write_reports", "write_text"]
