"""Every table of the state database, in one place.

`governed` tables are what the ledger answers for: each insert, update and delete of such a row writes its ledger entry
in the same transaction (see `unit.py`). A column marked `personal` holds a person's data or a secret: it is left out of
the row's digest, so that it can be erased without breaking the ledger, and never enters an entry.
"""

from jingwei.core.store.tables.campaign import (
    CampaignFindRow,
    CampaignRow,
    CampaignTargetRow,
    CampaignTryRow,
)
from jingwei.core.store.tables.guard import (
    ApprovalRow,
    CandidateRow,
    CandidateSignatureRow,
    EventRow,
    KeyTermsRow,
    LexiconChangeRow,
    WatchRow,
)
from jingwei.core.store.tables.ledger import (
    CheckpointRow,
    EntryRow,
    SealRow,
)
from jingwei.core.store.tables.loop import (
    AccountRow,
    ApiKeyRow,
    CheckRunRow,
    ComponentRow,
    EvidenceRow,
    FactRow,
    GradeRow,
    OverrideRow,
    PolicyRow,
    ReleaseRequestRow,
    ResponsibilityRow,
    RoleGrantRow,
    RunProgressRow,
    SessionRow,
    SignatureRow,
    SignInFailureRow,
    SystemRow,
    TokenRow,
)
from jingwei.core.store.tables.review import ReviewRow
from jingwei.core.store.tables.schema import (
    Base,
    EventBase,
    Governed,
    Moment,
)

__all__ = [
    "AccountRow",
    "ApiKeyRow",
    "ApprovalRow",
    "Base",
    "CampaignFindRow",
    "CampaignRow",
    "CampaignTargetRow",
    "CampaignTryRow",
    "CandidateRow",
    "CandidateSignatureRow",
    "CheckRunRow",
    "CheckpointRow",
    "ComponentRow",
    "EntryRow",
    "EventBase",
    "EventRow",
    "EvidenceRow",
    "FactRow",
    "Governed",
    "GradeRow",
    "KeyTermsRow",
    "LexiconChangeRow",
    "Moment",
    "OverrideRow",
    "PolicyRow",
    "ReleaseRequestRow",
    "ResponsibilityRow",
    "ReviewRow",
    "RoleGrantRow",
    "RunProgressRow",
    "SealRow",
    "SessionRow",
    "SignInFailureRow",
    "SignatureRow",
    "SystemRow",
    "TokenRow",
    "WatchRow",
]
