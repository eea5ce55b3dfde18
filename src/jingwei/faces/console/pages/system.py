"""One System: its grade and why, what is proven, who answers for it, what happened; and what one may do to it."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import RedirectResponse

from jingwei.core.errors import JingweiError
from jingwei.core.evidence import Evidence
from jingwei.core.text import Both, text
from jingwei.faces.console import figures
from jingwei.faces.console.caller import Asking, Caller, Posted
from jingwei.faces.console.pages.access import keys_of, tokens_of
from jingwei.faces.console.pages.board import judged
from jingwei.faces.console.pages.history import history_of
from jingwei.faces.console.pages.missing import missing_runs
from jingwei.faces.console.pages.systems import account_names
from jingwei.faces.console.views.parts import Label, Link
from jingwei.faces.console.views.system import (
    Counterfactual,
    FactLine,
    Fired,
    GradeCard,
    Part,
    Rate,
    Release,
    Required,
    SystemView,
)  # fmt: skip
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import Component, FiredRule, GateVerdict, Item, ResponsibilityLink, State, Stop, System, may
from jingwei.platform import Work

router = APIRouter()
RATE = "attack_success_rate"
RED_TEAM = "redteam"
_MOST_CHANGES = 8
_RIGHTS = {"answer": "fact.answer", "check": "run.start", "enter": "evidence.enter", "attach": "policy.attach",
           "request": "gate.request", "edit": "system.edit", "key": "key.make", "revoke": "token.revoke",
           "suspend": "system.suspend", "retire": "system.retire"}  # fmt: skip


def system_view(system_id: str, caller: Asking) -> SystemView:
    """Read everything about one System."""
    with caller.reading() as work:
        system = work.registry.system(system_id)
        names = account_names(work)
        evidence = work.proof.all_of(system_id)
        verdict, problem = judged(work, system_id)
        parts, gaps = _parts(work, system_id)
        may_do = allowed(caller, system)
        return SystemView(
            id=system.id, name=system.name, purpose=system.purpose, domain=system.domain,
            owner=names.get(system.owner_id, "—"), status=system.status, upstream=system.upstream_url,
            grade=_grade(work, system_id), required=required(verdict, system_id, evidence),
            rates=tuple(_rates(evidence)), parts=parts, gaps=gaps, facts=tuple(_facts(work, system_id)),
            history=history_of(work, caller, system, evidence, names), release=_release(work, system_id),
            policy_digest=_policy(work, system_id),
            may=may_do, problem=problem, missing=_missing(work, caller, system_id) if "check" in may_do else 0,
            keys=keys_of(work, system_id, caller), tokens=tokens_of(work, system_id, caller),
            due=tuple(each.says for each in work.reassess.due_for(system)) if system.status == "live" else (),
            risks=tuple(work.finds.risks(system_id)),
        )  # fmt: skip


def _missing(work: Work, caller: Caller, system_id: str) -> int:
    try:
        return len(missing_runs(caller, work, system_id))
    except JingweiError:
        return 0  # facts are missing; the page says so above


def _policy(work: Work, system_id: str) -> str:
    return next((each.digest for each in work.policies.history(system_id) if each.retired_at is None), "")


def allowed(caller: Caller, system: System) -> frozenset[str]:
    """Return what this person may do to a System, for showing or hiding buttons; services decide again."""
    owns = caller.actor.id in {system.owner_id, system.registered_by}
    held = {name for name, right in _RIGHTS.items() if may(caller.actor, right, domain=system.domain, owns=owns)}
    if system.status != "live":
        held.discard("suspend")
    return frozenset(held if system.status != "retired" else ())


def required(verdict: GateVerdict | None, system_id: str, evidence: list[Evidence]) -> tuple[Required, ...]:
    """Return the lane's evidence, what is open first, each with what mends it."""
    by_id = {each.id: each for each in evidence}
    items = sorted(verdict.items if verdict else (), key=lambda item: item.state is State.VALID)
    return tuple(_required(item, system_id, by_id) for item in items)


def _required(item: Item, system_id: str, by_id: Mapping[str, Evidence]) -> Required:
    newest = item.evidence_ids[-1] if item.evidence_ids else ""
    found = by_id.get(newest)
    return Required(
        type=item.type, name=item.title, standing=item.state.value, why=item.mend or "", evidence_id=newest,
        at=found.finished_at if found else None, expires_at=item.expires_at, kind=item.kind,
        action=_action(item, system_id),
    )  # fmt: skip


def _action(item: Item, system_id: str) -> Link | None:
    if item.kind != "auto":
        return Link(name=text(f"{PACKAGE}:gate.enter"), url=f"/systems/{system_id}/evidence?type={item.type}")
    if item.checks:
        return Link(name=text(f"{PACKAGE}:gate.run"), url=f"/jobs/new?system={system_id}&check={item.checks[0]}")
    return None


def _grade(work: Work, system_id: str) -> GradeCard | None:
    found = work.grading.newest(system_id)
    if found is None:
        return None
    decision, facts = found.decision, work.desk.rules.facts

    def value(name: str, answer: str) -> Label:
        return next((each.label for each in facts[name].values if each.id == answer), answer)

    changes = tuple(
        Counterfactual(fact=facts[each.fact].label, before=value(each.fact, each.present),
                       after=value(each.fact, each.changed), grade=each.grade,
                       stops=_stops(each.stops_added, each.stops_lifted))
        for each in found.counterfactuals[:_MOST_CHANGES]
    )  # fmt: skip
    return GradeCard(
        grade=decision.grade, computed=decision.computed_grade, lane=decision.lane.name,
        signers=decision.approver_roles, valid_days=decision.lane.valid_days,
        fired=tuple(_fired(rule) for rule in decision.fired if rule.kind != "evidence"),
        stops=tuple(_stop(stop) for stop in decision.stops), counterfactuals=changes,
        rules_digest=decision.rules_digest, at=found.at,
        override_reason=found.override.reason if found.override else "",
    )  # fmt: skip


def _stops(added: tuple[str, ...], lifted: tuple[str, ...]) -> Label:
    if not added and not lifted:
        return ""
    return text(f"{PACKAGE}:system.grade.{'adds' if added else 'lifts'}", stops=", ".join(added or lifted))


def _fired(rule: FiredRule) -> Fired:
    return Fired(rule_id=rule.id, why=rule.why, effect=text(f"{PACKAGE}:fired.{rule.kind}", value=rule.value))


def _stop(stop: Stop) -> Fired:
    return Fired(rule_id=stop.id, why=stop.why, effect=text(f"{PACKAGE}:stop.{stop.effect.value}"))


def _rates(evidence: list[Evidence]) -> Iterator[Rate]:
    """Return the newest red-team result without a guard and the newest one through it."""
    for guarded in (False, True):
        runs = [each for each in evidence if _measure(each) and _is_guarded(each) is guarded]
        if runs:
            newest = max(runs, key=lambda each: each.finished_at)
            measure = next(measure for measure in newest.measures if measure.name == RATE)
            yield Rate(guarded=guarded, value=measure.value, samples=measure.samples or newest.examined,
                       low=measure.value if measure.low is None else measure.low,
                       high=measure.value if measure.high is None else measure.high,
                       evidence_id=newest.id, at=newest.finished_at)  # fmt: skip


def _measure(evidence: Evidence) -> bool:
    """Tell whether it is the red team's: suites of their own attack with other prompts, and compare with themselves."""
    return evidence.source.name == RED_TEAM and any(measure.name == RATE for measure in evidence.measures)


def _is_guarded(evidence: Evidence) -> bool:
    return evidence.configuration is not None and evidence.configuration.policy != "none"


def _parts(work: Work, system_id: str) -> tuple[tuple[Part, ...], tuple[Both, ...]]:
    made = work.parts.of(system_id)
    links = {link.component_id: link for link in made.links}  # the link named last counts
    parts = tuple(_part(each, links.get(each.id)) for each in made.components if each.retired_at is None)
    return parts, tuple(finding.title for finding in made.findings)


def _part(component: Component, link: ResponsibilityLink | None) -> Part:
    return Part(
        id=component.id, kind=component.kind, name=component.name, release=component.release, digest=component.digest,
        observed=component.observed, party=link.party if link else "",
        rests_on=(link.rests_on_id,) if link and link.rests_on_id else (),
    )  # fmt: skip


def _facts(work: Work, system_id: str) -> Iterator[FactLine]:
    known = work.desk.rules.facts
    held = {fact.name: fact for fact in work.intake.facts(system_id)}
    for name, fact in known.items():
        if name in held:
            found = held[name]
            label: Label = next((value.label for value in fact.values if value.id == found.value), found.value)
            yield FactLine(
                title=fact.label, value=label, from_scan=found.source == "scan", evidence_id=found.evidence_id
            )


def _release(work: Work, system_id: str) -> Release | None:
    token = next((each for each in work.tokens.tokens(system_id) if each.kind == "release"), None)
    if token is None:
        return None
    return Release(
        token_id=token.id, issued_at=token.issued_at, expires_at=token.expires_at, revoked_at=token.revoked_at
    )


@router.get("/systems/{system_id}")
def system(caller: Asking, view: Annotated[SystemView, Depends(system_view)]) -> Response:
    """Show one System."""
    return caller.page.render("system.html", view=view, figures=figures.of_system(view, caller.wording))


@router.post("/systems/{system_id}/suspend")
def suspend(system_id: str, caller: Asking, sent: Posted) -> Response:
    """Stop a live System."""
    with caller.work("system.suspend") as work:
        work.tokens.suspend(system_id, actor=caller.actor, reason=sent["reason"])
    return RedirectResponse(f"/systems/{system_id}", 303)


@router.post("/systems/{system_id}/retire")
def retire(system_id: str, caller: Asking, sent: Posted) -> Response:
    """Retire a System for good."""
    with caller.work("system.retire") as work:
        work.tokens.retire(system_id, actor=caller.actor, reason=sent["reason"])
    return RedirectResponse(f"/systems/{system_id}", 303)
