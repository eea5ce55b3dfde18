"""Levels of dangerous capability as facts: what EV-CAP found overrules a milder answer, and with it grade and gate.

A level is only ever raised by a measurement above what people answered. It falls again to what they answered when a
later run passes that was as the platform asks for it; a run that failed lowers nothing, in no domain.
"""

from typing import TYPE_CHECKING

from jingwei.core.evidence import Evidence, Outcome
from jingwei.develop.evaluate.levels import EVIDENCE_TYPE, Level, facts_of, found_in

if TYPE_CHECKING:
    from jingwei.platform.work import Work


def enter_levels(work: "Work", system_id: str | None, evidence: Evidence) -> None:
    """Enter the levels that a piece of evidence shows as facts of its System; other evidence shows none."""
    if system_id is None or evidence.type != EVIDENCE_TYPE or evidence.outcome is Outcome.INCOMPLETE:
        return
    held = {each.name: each for each in work.intake.facts(system_id)}
    found = {}
    for name, level in facts_of(found_in(evidence.measures)).items():
        if name not in held:
            continue
        fact = held[name]
        answered = fact.overruled if evidence.outcome is Outcome.PASS and fact.overruled else fact.value
        value = max(Level(answered), Level(level), key=lambda each: each.rank).value
        if value != fact.value:
            found[name] = value
    if found:
        work.intake.found(system_id, found, evidence_id=evidence.id)
