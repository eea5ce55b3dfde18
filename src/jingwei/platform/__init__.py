"""Floor 5: every service, composed once, and what needs more than one room: the loop, runs, the relay."""

from jingwei.platform.events import Count, Events
from jingwei.platform.execution import Execution
from jingwei.platform.lane import Wanted, wanted_runs
from jingwei.platform.ledger import Entry, LedgerBook
from jingwei.platform.platform import Platform
from jingwei.platform.runs import CheckRun, Runs
from jingwei.platform.work import Work

__all__ = [
    "CheckRun",
    "Count",
    "Entry",
    "Events",
    "Execution",
    "LedgerBook",
    "Platform",
    "Runs",
    "Wanted",
    "Work",
    "wanted_runs",
]
