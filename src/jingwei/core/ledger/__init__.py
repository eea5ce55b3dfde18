"""The ledger: an append-only, chained, signed and anchored account of every state change."""

from jingwei.core.ledger.anchor import last_anchor
from jingwei.core.ledger.export import export, verify_export
from jingwei.core.ledger.model import Checkpoint, Fault, Mark, Report
from jingwei.core.ledger.sealing import Sealer, demand_not_cut_back, seal_pending
from jingwei.core.ledger.verification import verify

__all__ = [
    "Checkpoint",
    "Fault",
    "Mark",
    "Report",
    "Sealer",
    "demand_not_cut_back",
    "export",
    "last_anchor",
    "seal_pending",
    "verify",
    "verify_export",
]
