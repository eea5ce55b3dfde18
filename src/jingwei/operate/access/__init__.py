"""Need to know: a knowledge base that answers each asker only from the paragraphs that this person may see."""

from jingwei.operate.access.acl import EVERYONE, Acl, Asker
from jingwei.operate.access.check import KnowledgeAccess
from jingwei.operate.access.folder import load_folder
from jingwei.operate.access.knowledge import Document, KnowledgeBase, Passage
from jingwei.operate.access.oversharing import OversharingScan, Shared, scan_folder
from jingwei.operate.access.probe import ProbeResult, probe
from jingwei.operate.access.screen import Leak, leaks

__all__ = [
    "EVERYONE",
    "Acl",
    "Asker",
    "Document",
    "KnowledgeAccess",
    "KnowledgeBase",
    "Leak",
    "OversharingScan",
    "Passage",
    "ProbeResult",
    "Shared",
    "leaks",
    "load_folder",
    "probe",
    "scan_folder",
]
