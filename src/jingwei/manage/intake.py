"""Intake: a System's facts and parts as typed answers, from `system.yaml`, from a form, or from the API."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select

from jingwei.catalog import Fact
from jingwei.core.canonical import digest, file_digest
from jingwei.core.errors import InputError, NotFound
from jingwei.core.evidence import Outcome
from jingwei.core.identity import Actor
from jingwei.core.ids import new_id
from jingwei.core.store.tables import AccountRow, EvidenceRow, FactRow, SystemRow
from jingwei.core.text import text
from jingwei.manage import rows
from jingwei.manage.desk import Desk
from jingwei.manage.facts import HeldFact, checked, partly_checked, plain
from jingwei.manage.lifecycle import demand_not_retired
from jingwei.manage.model import Component, System
from jingwei.manage.parts import Parts
from jingwei.manage.proof import Proof
from jingwei.manage.registry import Registry
from jingwei.manage.rights import demand_over
from jingwei.manage.system_file import ALL_KINDS, ComponentEntry, ResponsibilityEntry, SystemFile, inside

_EVIDENCE_TYPE = "EV-INTAKE"
_PRODUCER = "intake"


class Taken(BaseModel):
    """What an intake led to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: System
    created: bool
    facts: tuple[HeldFact, ...]

    @property
    def overruled(self) -> tuple[HeldFact, ...]:
        """Return the facts whose answers were overruled by what was found."""
        return tuple(fact for fact in self.facts if fact.overruled is not None)


class Intake:
    """Takes in Systems and their facts."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.session
        self.registry = Registry(desk)
        self.parts = Parts(desk)

    def form(self) -> tuple[Fact, ...]:
        """Return the questions, in order, each with its possible answers from least to most risk."""
        return tuple(self.desk.rules.facts.values())

    def take(self, file: SystemFile, *, actor: Actor, folder: Path | None = None) -> Taken:
        """Register a System and its parts, or bring an existing one of that name up to date.

        Args:
            file: the typed answers.
            actor: who gives them.
            folder: where the files it names lie; none where it came without files.

        Raises:
            InputError: facts are missing or unknown, or a file is not there.
            Refused: the actor may not.
        """
        answers = checked(self.desk.rules, file.facts)
        known = self.session.scalar(select(SystemRow).where(SystemRow.name == file.name))
        system = self._registered(file, actor) if known is None else self._updated(known, file, actor)
        self._take_parts(system.id, file, actor=actor, folder=folder)
        self._answer(system.id, answers, actor)
        self._found_in_parts(system.id, [tool.effect for tool in file.tools])
        self._record(system.id, actor)
        return Taken(system=self.registry.system(system.id), created=known is None, facts=self.facts(system.id))

    def answer(self, system_id: str, answers: Mapping[str, str], *, actor: Actor) -> tuple[HeldFact, ...]:
        """Answer some or all facts; the answers before are superseded, what scans found still overrules.

        Raises:
            InputError: a fact or value is unknown, or facts remain without an answer.
        """
        held = self._answer(system_id, answers, actor)
        self._record(system_id, actor)
        return held

    def found(self, system_id: str, values: Mapping[str, str], *, evidence_id: str) -> tuple[HeldFact, ...]:
        """Enter what a scan found; it overrules answers, and says so.

        Raises:
            InputError: a fact or value is unknown.
            NotFound: there is no such evidence of this System.
        """
        rows.system_row(self.session, system_id)
        partly_checked(self.desk.rules, values)
        evidence = self.session.get(EvidenceRow, evidence_id)
        if evidence is None or evidence.system_id != system_id or evidence.source_kind != "auto":
            raise NotFound("manage:evidence-unknown", field="evidence", evidence=evidence_id)
        self._state(system_id, values, source="scan", evidence_id=evidence_id)
        return rows.facts(self.session, system_id)

    def facts(self, system_id: str) -> tuple[HeldFact, ...]:
        """Return the facts that count now, each with the answer it overruled, if it did."""
        return rows.facts(self.session, system_id)

    def _answer(self, system_id: str, answers: Mapping[str, str], actor: Actor) -> tuple[HeldFact, ...]:
        row = rows.system_row(self.session, system_id)
        demand_over(actor, "fact.answer", row)
        demand_not_retired(row)
        partly_checked(self.desk.rules, answers)
        self._state(system_id, answers, source="answer", actor_id=actor.id)
        held = rows.facts(self.session, system_id)
        checked(self.desk.rules, plain(held))
        return held

    def _registered(self, file: SystemFile, actor: Actor) -> System:
        return self.registry.register(
            file.name, purpose=file.purpose, actor=actor, domain=file.domain, owner_id=self._owner(file.owner),
            upstream_url=file.upstream.url, upstream_model=file.upstream.model, upstream_key_env=file.upstream.key_env,
        )  # fmt: skip

    def _updated(self, known: SystemRow, file: SystemFile, actor: Actor) -> System:
        if known.domain != file.domain:
            raise InputError("manage:domain-fixed", field="domain", name=file.name, domain=known.domain)
        return self.registry.edit(
            known.id, actor=actor, purpose=file.purpose, upstream_url=file.upstream.url,
            upstream_model=file.upstream.model, upstream_key_env=file.upstream.key_env,
        )  # fmt: skip

    def _owner(self, login: str) -> str:
        if not login:
            return ""
        found = self.session.scalar(select(AccountRow.id).where(func.lower(AccountRow.login) == login.lower()))
        if found is None:
            raise InputError("manage:owner-unknown", field="owner", owner=login)
        return found

    def _take_parts(self, system_id: str, file: SystemFile, *, actor: Actor, folder: Path | None) -> None:
        kept: set[str] = set()
        own: list[Component] = []
        by_name: dict[str, list[Component]] = {}
        for number, entry in enumerate(file.components):
            made = self._component(system_id, entry, actor=actor, folder=folder, field=f"components[{number}].files")
            by_name.setdefault(entry.name, []).extend(made)
            kept.update(each.id for each in made)
        if file.prompt:
            path = inside(_folder(folder, "prompt"), file.prompt, field="prompt")
            own.append(self.parts.add(system_id, "prompt", file.prompt, digest=file_digest(path), observed=True,
                                      locator=str(path), actor=actor))  # fmt: skip
        for tool in file.tools:
            own.append(self.parts.add(system_id, "tool", tool.name, digest=digest(tool), observed=True, actor=actor))  # noqa: PERF401 - a change, not a list
        self._retire_others(system_id, kept | {each.id for each in own}, actor)
        for number, entry in enumerate(file.components):
            self._answer_for(by_name[entry.name], entry.responsibility, by_name, actor=actor, folder=folder,
                             field=f"components[{number}].responsibility")  # fmt: skip
        self._answer_for(own, file.responsibility, by_name, actor=actor, folder=folder, field="responsibility")

    def _component(self, system_id: str, entry: ComponentEntry, *, actor: Actor, folder: Path | None, field: str,
                   ) -> list[Component]:  # fmt: skip
        add = partial(self.parts.add, system_id, entry.kind, release=entry.release, supplier=entry.supplier,
                      licence=entry.licence, actor=actor)  # fmt: skip
        if not entry.files:
            told = entry.digest or digest({"kind": entry.kind, "name": entry.name, "release": entry.release,
                                           "supplier": entry.supplier})  # fmt: skip
            return [add(entry.name, digest=told)]
        paths = [inside(_folder(folder, field), name, field=field) for name in entry.files]
        names = [entry.name] if len(paths) == 1 else [f"{entry.name}/{name}" for name in entry.files]
        return [add(name, digest=file_digest(path), observed=True, locator=str(path))
                for name, path in zip(names, paths, strict=True)]  # fmt: skip

    def _retire_others(self, system_id: str, kept: set[str], actor: Actor) -> None:
        for each in self.parts.of(system_id).components:
            if each.retired_at is None and each.id not in kept and each.kind in ALL_KINDS:
                self.parts.retire(each.id, actor=actor)

    def _answer_for(self, components: Sequence[Component], answers: ResponsibilityEntry | None,
                    by_name: Mapping[str, list[Component]], *, actor: Actor, folder: Path | None,
                    field: str) -> None:  # fmt: skip
        if answers is None:
            return
        below = by_name.get(answers.rests_on, []) if answers.rests_on else []
        if answers.rests_on and not below:
            raise InputError("manage:rests-on-unknown", field=f"{field}.rests_on", name=answers.rests_on,
                             known=", ".join(by_name))  # fmt: skip
        document = ""
        if answers.document:
            document = file_digest(inside(_folder(folder, field), answers.document, field=f"{field}.document"))
        for component in components:
            self.parts.answer_for(component.id, answers.party, actor=actor, duty=answers.duty,
                                     contact=answers.contact, document_sha256=document,
                                     rests_on_id=below[0].id if below else None)  # fmt: skip

    def _found_in_parts(self, system_id: str, effects: list[str]) -> None:
        """Let the listed tools overrule a milder answer about tools: the list is what the gateway lets through."""
        fact = self.desk.rules.facts.get("tools")
        if fact is None:
            return
        for row in self._standing(system_id, "scan"):  # what an earlier list said no longer counts
            if row.name == "tools" and not row.evidence_id:
                row.superseded_at = self.desk.clock()
        self.session.flush()
        held = plain(self.facts(system_id)).get("tools", fact.value_ids[0])
        worst = max((each for each in effects if each in fact.value_ids), key=fact.value_ids.index, default=held)
        if fact.value_ids.index(worst) > fact.value_ids.index(held):
            self._state(system_id, {"tools": worst}, source="scan")

    def _state(self, system_id: str, values: Mapping[str, str], *, source: Literal["answer", "scan"],
               actor_id: str = "", evidence_id: str = "") -> None:  # fmt: skip
        now = self.desk.clock()
        standing = self.session.scalars(
            select(FactRow).where(FactRow.system_id == system_id, FactRow.source == source,
                                  FactRow.superseded_at.is_(None))
        )  # fmt: skip
        last = {row.name: row for row in standing}
        for name, value in values.items():
            before = last.get(name)
            if before is not None and before.value == value and before.evidence_id == evidence_id:
                continue
            if before is not None:
                before.superseded_at = now
            self.session.add(FactRow(id=new_id("fct"), created_at=now, system_id=system_id, name=name, value=value,
                                     source=source, actor_id=actor_id, evidence_id=evidence_id))  # fmt: skip
        self.session.flush()

    def _standing(self, system_id: str, source: str) -> Sequence[FactRow]:
        query = select(FactRow).where(FactRow.system_id == system_id, FactRow.superseded_at.is_(None))
        return self.session.scalars(query.where(FactRow.source == source)).all()

    def _record(self, system_id: str, actor: Actor) -> None:
        """Keep the answers as evidence, once for each state of them."""
        proof = Proof(self.desk)
        if not proof.holds(system_id, _EVIDENCE_TYPE):
            held = rows.facts(self.session, system_id)
            overruled = ", ".join(fact.name for fact in held if fact.overruled is not None)
            says = text("manage:intake-overruled", count=len(held), names=overruled) if overruled else text(
                "manage:intake-recorded", count=len(held))  # fmt: skip
            proof.record(_EVIDENCE_TYPE, system_id=system_id, actor_id=actor.id, outcome=Outcome.PASS, summary=says,
                         producer=_PRODUCER)  # fmt: skip


def _folder(folder: Path | None, field: str) -> Path:
    if folder is None:
        raise InputError("manage:files-without-folder", field=field)
    return folder
