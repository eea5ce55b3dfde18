"""Compile and check the rules of a pack: every name, every literal, every lane, with the line where one is wrong."""

from collections.abc import Iterator, Mapping, Sequence

from jingwei.catalog.document import Document, Spot
from jingwei.catalog.entry import Entry
from jingwei.catalog.grading import CAPABILITY_PREFIX, MATRIX_FACT, Fact, GradingFile, GradingRules, RuleLine
from jingwei.core.errors import InputError
from jingwei.core.rules import Rule, compile_rule
from jingwei.core.text import text

Literals = Mapping[str, tuple[str | int, ...]]
"""A name that rules may read → the values it can have."""

_SCENARIO_LEVELS = (1, 2, 3, 4)
_GRADES = (1, 2, 3, 4, 5)


def compiled_rule(source: str, known: Literals, document: Document, spot: Spot) -> Rule:
    """Compile one rule whose literals must be values that its names can have.

    Raises:
        InputError: the rule is refused, or compares a name with a value that the name never takes.
    """
    try:
        rule = compile_rule(source, frozenset(known))
    except InputError as error:
        raise document.error(spot, error.message) from error
    for name, literal in sorted(rule.compared, key=str):
        if literal not in known[name]:
            values = ", ".join(str(value) for value in known[name])
            raise document.error(spot, text("catalog:problem-grading-value", name=name, value=literal, known=values))
    return rule


def fact_literals(facts: Mapping[str, Fact]) -> dict[str, tuple[str | int, ...]]:
    """Return the values of each fact."""
    return {name: fact.value_ids for name, fact in facts.items()}


def check_once(spot: Spot, ids: Sequence[str], document: Document) -> None:
    """Refuse a list of entries in which two have the same id.

    Raises:
        InputError: names the second of them.
    """
    for number, each in enumerate(ids):
        if each in ids[:number]:
            raise document.error((*spot, number, "id"), text("catalog:problem-id-twice", id=each))


def compiled_grading(file: GradingFile, document: Document) -> GradingRules:
    """Check and compile a rule pack.

    Raises:
        InputError: names the line of the first thing that is wrong.
    """
    check_once(("grading", "facts"), [fact.id for fact in file.facts], document)
    for number, fact in enumerate(file.facts):
        check_once(("grading", "facts", number, "values"), fact.value_ids, document)
    facts = {fact.id: fact for fact in file.facts}
    if MATRIX_FACT not in facts:
        raise document.error(("grading", "facts"), text("catalog:problem-grading-fact", name=MATRIX_FACT))
    rows = facts[MATRIX_FACT].value_ids
    if set(file.matrix) != set(rows):
        raise document.error(("grading", "matrix"), text("catalog:problem-grading-levels", known=", ".join(rows)))
    _check_rising(file, rows, document)
    _check_lanes(file, document)
    compiled = {}
    for spot, rule_id, source, known in _sources(file, facts):
        if rule_id in compiled:
            raise document.error((*spot, "id"), text("catalog:problem-id-twice", id=rule_id))
        compiled[rule_id] = compiled_rule(source, known, document, (*spot, "when"))
    return GradingRules(file=file, digest=document.digest, compiled=compiled, facts=facts)


def _sources(file: GradingFile, facts: Mapping[str, Fact]) -> Iterator[tuple[Spot, str, str, Literals]]:
    """Yield every rule with its place, and the names that are decided by the time it is asked."""
    capabilities = [fact.value_ids for name, fact in facts.items() if name.startswith(CAPABILITY_PREFIX)]
    at_intake: Literals = fact_literals(facts) | {
        "caps": tuple(dict.fromkeys(value for ids in capabilities for value in ids))
    }
    after_scenario = {**at_intake, "S": _SCENARIO_LEVELS}
    after_grade = {**after_scenario, "grade": _GRADES}
    sections: tuple[tuple[str, tuple[RuleLine, ...], Literals], ...] = (
        ("scenario", file.scenario, at_intake),
        ("uplifts", file.uplifts, after_scenario),
        ("floors", file.floors, after_scenario),
        ("gates", file.gates, after_grade),
        ("add_by_fact", file.add_by_fact, at_intake),
    )
    for section, lines, known in sections:
        for number, line in enumerate(lines):
            yield ("grading", section, number), line.id, line.when, known


def _check_rising(file: GradingFile, rows: tuple[str, ...], document: Document) -> None:
    """Refuse a matrix in which more autonomy or a graver scenario lowers the grade."""
    above: tuple[int, ...] = (0, 0, 0, 0)
    for row in rows:
        grades = file.matrix[row]
        left = (0, *grades[:-1])
        for place, grade in enumerate(grades):
            if grade < above[place] or grade < left[place]:
                raise document.error(("grading", "matrix", row, place), text("catalog:problem-grading-falls"))
        above = grades


def _check_lanes(file: GradingFile, document: Document) -> None:
    if tuple(lane.grade for lane in file.lanes) != _GRADES:
        raise document.error(("grading", "lanes"), text("catalog:problem-grading-lanes"))
    for number, lane in enumerate(file.lanes):
        spot: Spot = ("grading", "lanes", number)
        _check_named((*spot, "approvers", "roles"), lane.approvers.roles, file.roles, document, kind="role")
        _check_named((*spot, "conditions"), lane.conditions, file.conditions, document, kind="condition")
        if lane.approvers.minimum > len(lane.approvers.roles):
            problem = text("catalog:problem-lane-approvers", minimum=lane.approvers.minimum,
                           count=len(lane.approvers.roles))  # fmt: skip
            raise document.error((*spot, "approvers", "minimum"), problem)


def _check_named(
    spot: Spot, ids: tuple[str, ...], defined: tuple[Entry, ...], document: Document, *, kind: str
) -> None:
    known = {entry.id for entry in defined}
    for number, each in enumerate(ids):
        if each not in known:
            problem = text("catalog:problem-reference", kind=text(f"catalog:kind-{kind}"), id=each)
            raise document.error((*spot, number), problem)
