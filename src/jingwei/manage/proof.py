"""Proof: evidence as it comes in, checked and kept, and how each piece stands now."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property, lru_cache
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Text, cast, or_, select

from jingwei.catalog import EvidenceType
from jingwei.core.errors import Conflict, InputError, NotFound, Refused, Tampered
from jingwei.core.evidence import Artefact, Binding, BoundTo, Draft, Evidence, Outcome, Source, seal
from jingwei.core.identity import Actor
from jingwei.core.signing import Verifier
from jingwei.core.store.tables import CheckRunRow, EvidenceRow
from jingwei.core.target import Target, TargetKind
from jingwei.core.text import Both, text
from jingwei.manage import rows
from jingwei.manage.desk import Desk
from jingwei.manage.overrides import decided
from jingwei.manage.rights import demand, demand_over
from jingwei.manage.shelf import shelf
from jingwei.manage.standing import Standing, State, bound_draft, standing
from jingwei.manage.use import in_use

_LONGEST_TEXT = 20_000
_RUNNABLE = frozenset({"running", "finished"})
_MOST_REMEMBERED = 8192
_LONGEST_REMEMBERED = 16 * 1024
"""Characters of a body: longer ones are read and verified anew each time, so that memory stays bounded."""


class Kept(BaseModel):
    """One piece of evidence with how it stands now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    evidence: Evidence
    standing: Standing


class Header(NamedTuple):
    """What a list tells of one piece of evidence, from its row alone; nothing of it is verified."""

    id: str
    type: str
    system_id: str | None
    outcome: str
    source: str
    finished_at: datetime


class Proof:
    """Keeps evidence. What a check must produce, nobody can enter by hand."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.session

    def bound(self, draft: Draft, *, system_id: str) -> Draft:
        """Complete a check's draft with what the check could not know: the System or release it belongs to.

        The one who runs the check calls this before sealing, with the System as it was when the run began.
        """
        return bound_draft(draft, kind=self.desk.catalog.evidence_type(draft.type),
                           in_use=in_use(self.desk, system_id))  # fmt: skip

    def add(self, evidence: Evidence) -> str:
        """Keep sealed evidence that a check run produced, and return its id.

        Raises:
            Tampered: the signature does not hold.
            Refused: its type is one that people enter, or no run of that check produced it.
            InputError: it is not bound to what its type is bound to.
        """
        evidence = Evidence.model_validate(evidence.model_dump())  # a copy would carry the digest of its original
        evidence.verify(self.desk.signer.verifier)
        kind = self.desk.catalog.evidence_type(evidence.type)
        if kind.kind != "auto" or evidence.source.kind != "auto" or evidence.source.actor_id:
            raise Refused("manage:evidence-wrong-kind", field="source", type=evidence.type)
        if kind.checks and evidence.source.name not in kind.checks:
            raise Refused("manage:evidence-other-check", field="source.name", title=kind.title,
                          check=evidence.source.name, checks=", ".join(kind.checks))  # fmt: skip
        self._demand_run(evidence)
        return self._keep(evidence, kind)

    def enter(self, system_id: str | None, type_id: str, *, actor: Actor, statement: str, passed: bool = True,
              artefacts: Sequence[Artefact] = (), started_at: datetime | None = None) -> Evidence:  # fmt: skip
        """Enter a record or a document as a person, for what is in use now.

        Args:
            system_id: the System, or None for evidence about the whole organisation.
            type_id: an evidence type of kind record or document.
            actor: who states it.
            statement: what was looked at and concluded.
            passed: False where the conclusion is bad.
            artefacts: files already in the blob store; a document needs at least one.
            started_at: when the work began; now, where it is not told.

        Raises:
            Refused: the type is automatic, or the actor may not.
            InputError: the statement is empty or a document is missing.
        """
        kind = self.desk.catalog.evidence_type(type_id)
        if kind.kind == "auto":
            raise Refused("manage:evidence-by-hand", field="type", title=kind.title)
        self._demand_may_enter(system_id, kind, actor)
        if not statement.strip() or len(statement) > _LONGEST_TEXT:
            raise InputError("manage:statement-length", field="statement", longest=_LONGEST_TEXT)
        if kind.kind == "document" and not artefacts:
            raise InputError("manage:document-missing", field="artefacts", title=kind.title)
        says = text("manage:entered", title=kind.title, statement=statement.strip())
        return self.record(type_id, system_id=system_id, actor_id=actor.id, producer=kind.producer, summary=says,
                           outcome=Outcome.PASS if passed else Outcome.FAIL, artefacts=artefacts,
                           started_at=started_at)  # fmt: skip

    def record(self, type_id: str, *, system_id: str | None, actor_id: str, producer: str, outcome: Outcome,
               summary: Both, artefacts: Sequence[Artefact] = (), started_at: datetime | None = None,
               ) -> Evidence:  # fmt: skip
        """Seal and keep what one of our own services concluded; for those services, not for faces."""
        kind = self.desk.catalog.evidence_type(type_id)
        now = self.desk.clock()
        draft = Draft(type=type_id, outcome=outcome, summary=summary, artefacts=tuple(artefacts),
                      bindings=self._present(system_id, kind))  # fmt: skip
        target = Target(kind=TargetKind.SYSTEM, locator=system_id or "organisation")
        source = Source(kind=kind.kind, name=producer, actor_id="" if kind.kind == "auto" else actor_id)
        evidence = seal(draft, system_id=system_id, target=target, source=source, started_at=started_at or now,
                        finished_at=now, signer=self.desk.signer)  # fmt: skip
        if self.session.get(EvidenceRow, evidence.id) is None:  # the same statement in the same instant is one
            self._keep(evidence, kind)
        return evidence

    def evidence(self, evidence_id: str) -> Evidence:
        """Return one piece of evidence, its id and signature verified.

        Raises:
            NotFound: there is none.
            Tampered: what is stored is not what was signed.
        """
        body = self.session.scalar(select(_BODY).where(EvidenceRow.id == evidence_id))
        if body is None:
            raise NotFound("manage:evidence-unknown", field="evidence", evidence=evidence_id)
        return self._read(evidence_id, body)

    def all_of(self, system_id: str) -> list[Evidence]:
        """Return the evidence of a System and of the organisation, newest first, each verified."""
        kept = shelf(self.session)
        if kept is not None:
            shelved = [self._read(row.id, row.body) for key in (system_id, None) for row in kept.evidence.get(key, ())]
            return sorted(shelved, key=lambda each: each.finished_at, reverse=True)
        found = self.session.execute(
            select(EvidenceRow.id, _BODY)
            .where(or_(EvidenceRow.system_id == system_id, EvidenceRow.system_id.is_(None)))
            .order_by(EvidenceRow.finished_at.desc(), EvidenceRow.id)
        )
        return [self._read(evidence_id, body) for evidence_id, body in found]

    def headers(self) -> list[Header]:
        """List all evidence, newest first, without reading it."""
        row = EvidenceRow
        columns = (row.id, row.type, row.system_id, row.outcome, row.source_name, row.finished_at)
        found = self.session.execute(select(*columns).order_by(row.finished_at.desc(), row.id))
        return [Header(*each) for each in found]

    def types(self) -> frozenset[str]:
        """Return the evidence types of which there is any evidence, whatever it is worth."""
        return frozenset(self.session.scalars(select(EvidenceRow.type).distinct()))

    def standings(self, system_id: str) -> list[Kept]:
        """Return all evidence of a System with how each piece stands now, newest first."""
        used, grade, now = in_use(self.desk, system_id), decided(self.desk, system_id).decision.grade, self.desk.clock()
        kinds = self.desk.catalog.evidence_types
        return [Kept(evidence=each, standing=standing(each, kind=kinds[each.type], now=now, in_use=used, grade=grade))
                for each in self.all_of(system_id) if each.type in kinds]  # fmt: skip

    def holds(self, system_id: str, type_id: str) -> bool:
        """Tell whether a System has valid evidence of a type."""
        kind, used, now = self.desk.catalog.evidence_type(type_id), in_use(self.desk, system_id), self.desk.clock()
        found = self.session.execute(
            select(EvidenceRow.id, _BODY).where(EvidenceRow.system_id == system_id, EvidenceRow.type == type_id)
        )
        judged = (standing(self._read(each, body), kind=kind, now=now, in_use=used, grade=1)
                  for each, body in found)  # fmt: skip
        return any(each.state is State.VALID for each in judged)

    def _demand_run(self, evidence: Evidence) -> None:
        run = self.session.get(CheckRunRow, evidence.source.run_id) if evidence.source.run_id else None
        if run is None or run.status not in _RUNNABLE:
            raise Refused("manage:evidence-no-run", field="source.run_id", type=evidence.type)
        if run.check_id != evidence.source.name or run.system_id != evidence.system_id:
            raise Refused("manage:evidence-other-run", field="source.run_id", type=evidence.type)

    def _demand_may_enter(self, system_id: str | None, kind: EvidenceType, actor: Actor) -> None:
        if (kind.bound_to is BoundTo.ORG) != (system_id is None):
            raise InputError("manage:evidence-scope", field="system", title=kind.title)
        if system_id is None:
            demand(actor, "evidence.enter", domain="*")
        else:
            demand_over(actor, "evidence.enter", rows.system_row(self.session, system_id))

    def _present(self, system_id: str | None, kind: EvidenceType) -> tuple[Binding, ...]:
        """Bind to what is in use now: a person states something about the present."""
        if system_id is None:
            return (Binding(to=BoundTo.ORG, digest="org", observed=True),)
        used = in_use(self.desk, system_id)
        digests = used.digests.get(kind.bound_to, ())
        if not digests:
            raise InputError("manage:nothing-to-bind", field="type", title=kind.title,
                             part=text(f"manage:bound-{kind.bound_to.value}"))  # fmt: skip
        observed = kind.bound_to in used.observed
        return tuple(Binding(to=kind.bound_to, digest=each, observed=observed) for each in digests)

    def _keep(self, evidence: Evidence, kind: EvidenceType) -> str:
        if not any(each.to is kind.bound_to for each in evidence.bindings):
            raise InputError("manage:evidence-unbound", field="bindings", type=evidence.type,
                             part=text(f"manage:bound-{kind.bound_to.value}"))  # fmt: skip
        parts = evidence.configuration
        if kind.bound_to is BoundTo.CONFIGURATION and parts is not None and any(
            each.digest != parts.digest or (each.observed and not parts.fully_observed)
            for each in evidence.bindings if each.to is BoundTo.CONFIGURATION
        ):  # fmt: skip
            raise InputError("manage:evidence-configuration", field="configuration", type=evidence.type)
        if evidence.system_id is not None:
            rows.system_row(self.session, evidence.system_id)
        if evidence.finished_at > self.desk.clock():
            raise InputError("manage:evidence-future", field="finished_at", type=evidence.type)
        if self.session.get(EvidenceRow, evidence.id) is not None:
            raise Conflict("manage:evidence-known", field="evidence", evidence=evidence.id)
        self.session.add(EvidenceRow(
            id=evidence.id, created_at=self.desk.clock(), type=evidence.type, system_id=evidence.system_id,
            outcome=evidence.outcome.value, source_kind=evidence.source.kind, source_name=evidence.source.name,
            run_id=evidence.source.run_id, finished_at=evidence.finished_at, body=evidence.model_dump(mode="json"),
        ))  # fmt: skip
        self.session.flush()
        return evidence.id

    def _read(self, evidence_id: str, body: str) -> Evidence:
        read = _remembered if len(body) <= _LONGEST_REMEMBERED else _verify
        return read(evidence_id, body, self._verifier)

    @cached_property
    def _verifier(self) -> Verifier:
        return self.desk.signer.verifier


_BODY = cast(EvidenceRow.body, Text)
"""The body as stored, letter by letter."""


def _verify(evidence_id: str, body: str, verifier: Verifier) -> Evidence:
    """Read stored evidence and check its id and its signature."""
    try:
        evidence = Evidence.model_validate_json(body)
    except ValidationError as error:
        raise Tampered("manage:evidence-changed", evidence=evidence_id) from error
    if evidence.id != evidence_id:
        raise Tampered("manage:evidence-changed", evidence=evidence_id)
    evidence.verify(verifier)
    vars(evidence).pop("content", None)  # made for the hash and as large again: not worth remembering
    return evidence


_remembered = lru_cache(_MOST_REMEMBERED)(_verify)
"""The same, once a process for the same id, letters and key: a changed row has other letters, and is verified."""
