"""Reports of an evaluation: a page for people, JUnit, SARIF and a table for programs. `report.json` is the engine's."""

from jingwei.develop.evaluate.reports.writing import write_reports

__all__ = ["write_reports"]
