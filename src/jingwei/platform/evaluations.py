"""Evaluations of a System: what its evidence says of each suite, and a run of suites that somebody chose."""

from collections.abc import Sequence
from typing import Literal

from jingwei.core.canonical import Json
from jingwei.core.errors import InputError
from jingwei.core.identity import Actor
from jingwei.core.settings import Settings
from jingwei.develop.evaluate.drafts import EVIDENCE_TYPES
from jingwei.develop.evaluate.evaluated import Evaluated, evaluated, is_evaluation
from jingwei.develop.evaluate.levels import EVIDENCE_TYPE as LEVELS
from jingwei.develop.evaluate.suite_file import SuiteCard, suite_card, suite_names
from jingwei.manage import Desk, Proof
from jingwei.platform.lane import way_in
from jingwei.platform.runs import CheckRun, Runs

Through = Literal["gateway", "model"]
CHECK = "evaluate"


class Evaluations:
    """Reads evaluations back from evidence, and asks for new ones."""

    def __init__(self, desk: Desk, *, settings: Settings) -> None:
        self.desk = desk
        self.settings = settings

    def of(self, system_id: str) -> list[Evaluated]:
        """List what each piece of a System's evaluation evidence says, newest first."""
        found = Proof(self.desk).all_of(system_id)
        return [evaluated(each) for each in found if is_evaluation(each.type)]

    def suites(self) -> list[SuiteCard]:
        """List the suites that can be chosen: those of the package whose evidence the check gives."""
        cards = [suite_card(name) for name in suite_names()]
        return [each for each in cards if each.evidence_type in EVIDENCE_TYPES]

    def ask(self, system_id: str, *, suites: Sequence[str], through: Through, actor: Actor,
            limit: int | None = None) -> CheckRun:  # fmt: skip
        """Record a run of suites on a System; the caller hands it to the jobs.

        Args:
            system_id: the System.
            suites: ids of suites.
            through: its gateway, or its model with no guard before it.
            actor: who asks.
            limit: largest number of attempts of each suite; all, where none is given.

        Raises:
            InputError: no suite was chosen, one is unknown, or the System has no such way in.
            Refused: the actor may not.
        """
        known = {each.id for each in self.suites()}
        if not suites or not known.issuperset(suites):
            raise InputError("platform:evaluation-suites", field="suites", known=", ".join(sorted(known)))
        if limit is not None and limit < 1:
            raise InputError("platform:evaluation-limit", field="limit")
        url = f"http://{self.settings.host}:{self.settings.gateway_port}"
        levels = any(each.id in suites and each.evidence_type == LEVELS for each in self.suites())
        found = way_in(self.desk, system_id, gateway_url=url, guarded=through == "gateway", levels=levels)
        if found is None:
            raise InputError(f"platform:evaluation-no-{through}", field="through")
        target, options = found
        chosen: dict[str, Json] = {**options, "suites": list(dict.fromkeys(suites))}
        if limit is not None:
            chosen["limit"] = limit
        runs = Runs(self.desk, settings=self.settings)
        return runs.ask(CHECK, system_id=system_id, target=target, actor=actor, options=chosen)
