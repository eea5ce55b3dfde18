"""Weaknesses of AI systems: recorded once, triaged on a clock, exchanged in the forms that others read."""

from jingwei.ecosystem.sharing.forms import FORMS, read_report, write_report
from jingwei.ecosystem.sharing.record import Report, State, Tlp
from jingwei.ecosystem.sharing.triage import duplicates, moved

__all__ = ["FORMS", "Report", "State", "Tlp", "duplicates", "moved", "read_report", "write_report"]
