"""Floor 5: every service, composed once, and what needs more than one room: the loop, runs, the relay."""

from jingwei.platform.campaigning import Campaigning
from jingwei.platform.evaluations import Through
from jingwei.platform.events import Compared, Count, Events, Hits, Narrowed, Session
from jingwei.platform.execution import Execution
from jingwei.platform.find_suites import FindSuite, find_classes
from jingwei.platform.impact import Impact
from jingwei.platform.lane import Wanted, wanted_runs
from jingwei.platform.ledger import Entry, LedgerBook
from jingwei.platform.lexicon_drafts import Planned
from jingwei.platform.lexicons import Blame, Difference, LexiconState
from jingwei.platform.platform import Platform
from jingwei.platform.policy_change import PolicyChange
from jingwei.platform.recording import recorded_texts
from jingwei.platform.replay import Trial, TrialRow
from jingwei.platform.reviews import Agreement, Decided, OpenAttempt
from jingwei.platform.runs import CheckRun, Runs
from jingwei.platform.shadow import Proposed
from jingwei.platform.supply import Hit, ScanProof
from jingwei.platform.word_file import topic_titles
from jingwei.platform.word_index import WordEntry
from jingwei.platform.work import Work

__all__ = [
    "Agreement",
    "Blame",
    "Campaigning",
    "CheckRun",
    "Compared",
    "Count",
    "Decided",
    "Difference",
    "Entry",
    "Events",
    "Execution",
    "FindSuite",
    "Hit",
    "Hits",
    "Impact",
    "LedgerBook",
    "LexiconState",
    "Narrowed",
    "OpenAttempt",
    "Planned",
    "Platform",
    "PolicyChange",
    "Proposed",
    "Runs",
    "ScanProof",
    "Session",
    "Through",
    "Trial",
    "TrialRow",
    "Wanted",
    "WordEntry",
    "Work",
    "find_classes",
    "recorded_texts",
    "topic_titles",
    "wanted_runs",
]
