"""What nobody here can read: a part of a message, such as a PDF, that no detector was given.

It counts as not judged in every category that is judged at all, and each category's fail mode says what follows.
"""

from jingwei.core.policy import Category, Decision, FailMode
from jingwei.deploy.guard.answers import answer_for
from jingwei.deploy.guard.guard import Guard
from jingwei.deploy.guard.verdict import GuardVerdict, Unjudged


def with_unread(guard: Guard, verdict: GuardVerdict) -> GuardVerdict:
    """Return a verdict on texts together with what came beside them and could not be read."""
    known = {gap.category for gap in verdict.unjudged}
    wanted = dict.fromkeys(rule.category for rule in guard.scanned)
    more = tuple(Unjudged(category=category, why="unreadable", decision=_follows(guard, category))
                 for category in wanted if category not in known | {Category.GROUNDING})  # fmt: skip
    decision = max((verdict.decision, *(gap.decision for gap in more)), key=lambda each: each.rank)
    unjudged = (*verdict.unjudged, *more)
    return verdict.model_copy(update={
        "decision": decision, "unjudged": unjudged,
        "rewritten": verdict.rewritten if decision is Decision.REDACT else (),
        "answer": answer_for(guard.policy, decision, verdict.findings, unjudged),
    })  # fmt: skip


def _follows(guard: Guard, category: Category) -> Decision:
    closed = any(each.rule.on_failure is FailMode.CLOSED for each in guard.rules.by_category[category])
    return Decision.BLOCK if closed else Decision.ALLOW
