"""Floor 3, the weft: people's work of governing — intake, grading, evidence, the gate and its signatures.

The flow: `Intake.take` → `Grading.grade` → checks and people add to `Proof` → `Policies.attach` → `Gate.verdict` →
`Gate.open_request` → `Gate.sign` → `Gate.release` → a release token. Rules are pure functions (`decide`, `judge`,
`standing`, `quorum`); services read, ask the rules, and write, in the unit of work of the `Desk` they are given.
Blue Book 三、五 (management axis).
"""

from jingwei.manage.approvals import ApprovalRecord, Approvals, ApprovalState, HeldCall
from jingwei.manage.campaign_model import (
    LONGEST_PROMPT,
    Campaign,
    CampaignFind,
    CampaignRank,
    CampaignState,
    CampaignTarget,
    CampaignTerms,
    CampaignTry,
    FindState,
    Heard,
    TargetWay,
    TriageDecision,
)
from jingwei.manage.campaign_targets import CampaignTargets
from jingwei.manage.campaign_tries import CampaignTries
from jingwei.manage.campaigns import Campaigns
from jingwei.manage.candidates import SIGNERS, Candidate, Candidates, CandidateSignature
from jingwei.manage.counterfactuals import Counterfactual, counterfactuals
from jingwei.manage.decision import FiredRule, GradeDecision, Stop, decide
from jingwei.manage.desk import Desk
from jingwei.manage.facts import HeldFact, checked
from jingwei.manage.finds import Finds
from jingwei.manage.gates import Gate
from jingwei.manage.grading import Grading
from jingwei.manage.intake import Intake, Taken
from jingwei.manage.lexicons import ORGANISATION, LexiconChanges, LexiconVersion, demand_lexicon
from jingwei.manage.lifecycle import TRANSITIONS, Status
from jingwei.manage.model import (
    AttachedPolicy,
    Component,
    ComponentKind,
    Made,
    Override,
    Reassessment,
    RecordedGrade,
    ReleaseRequest,
    ResponsibilityLink,
    System,
    TokenRecord,
    Vote,
)
from jingwei.manage.monotonicity import Violation, demand_monotone, monotonicity_violations
from jingwei.manage.overrides import Overrides
from jingwei.manage.parts import Parts
from jingwei.manage.policies import Policies
from jingwei.manage.proof import Header, Kept, Proof
from jingwei.manage.reassess import Reassess
from jingwei.manage.registry import Registry
from jingwei.manage.responsibility import responsibility_findings
from jingwei.manage.rights import demand, may, rights
from jingwei.manage.shelf import shelve
from jingwei.manage.standing import Change, InUse, Standing, State, standing
from jingwei.manage.system_file import GuardEntry, SystemFile, read_system
from jingwei.manage.tokens import Servable, Tokens
from jingwei.manage.verdict import Blocker, GateVerdict, Item, judge
from jingwei.manage.watching import Watcher, Watching

__all__ = [
    "LONGEST_PROMPT",
    "ORGANISATION",
    "SIGNERS",
    "TRANSITIONS",
    "ApprovalRecord",
    "ApprovalState",
    "Approvals",
    "AttachedPolicy",
    "Blocker",
    "Campaign",
    "CampaignFind",
    "CampaignRank",
    "CampaignState",
    "CampaignTarget",
    "CampaignTargets",
    "CampaignTerms",
    "CampaignTries",
    "CampaignTry",
    "Campaigns",
    "Candidate",
    "CandidateSignature",
    "Candidates",
    "Change",
    "Component",
    "ComponentKind",
    "Counterfactual",
    "Desk",
    "FindState",
    "Finds",
    "FiredRule",
    "Gate",
    "GateVerdict",
    "GradeDecision",
    "Grading",
    "GuardEntry",
    "Header",
    "Heard",
    "HeldCall",
    "HeldFact",
    "InUse",
    "Intake",
    "Item",
    "Kept",
    "LexiconChanges",
    "LexiconVersion",
    "Made",
    "Override",
    "Overrides",
    "Parts",
    "Policies",
    "Proof",
    "Reassess",
    "Reassessment",
    "RecordedGrade",
    "Registry",
    "ReleaseRequest",
    "ResponsibilityLink",
    "Servable",
    "Standing",
    "State",
    "Status",
    "Stop",
    "System",
    "SystemFile",
    "Taken",
    "TargetWay",
    "TokenRecord",
    "Tokens",
    "TriageDecision",
    "Violation",
    "Vote",
    "Watcher",
    "Watching",
    "checked",
    "counterfactuals",
    "decide",
    "demand",
    "demand_lexicon",
    "demand_monotone",
    "judge",
    "may",
    "monotonicity_violations",
    "read_system",
    "responsibility_findings",
    "rights",
    "shelve",
    "standing",
]
