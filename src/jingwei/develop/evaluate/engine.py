"""The native engine: plans, asks, judges and keeps, many attempts at once, in this process.

Nothing here is shared between runs, so one process can have several. A run ends early for three reasons, each said in
its `Evaluation`: its budget is used up, the subject is not there any more, or somebody interrupts it. In each case what
was recorded stays, and the same command goes on from there.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from jingwei.core.canonical import digest
from jingwei.core.clock import Clock, utc_now
from jingwei.core.errors import Unavailable
from jingwei.core.ids import new_id
from jingwei.develop.evaluate.attempt import Attempt
from jingwei.develop.evaluate.carrying import Asking, Company, carry_out
from jingwei.develop.evaluate.endpoint import passing
from jingwei.develop.evaluate.evaluation import Budget, Evaluation, SubjectCard
from jingwei.develop.evaluate.exchange import Answer, Ask, Fault, Subject
from jingwei.develop.evaluate.keeping import Keeping, Results, RunCard, slim
from jingwei.develop.evaluate.outcome import suite_outcome
from jingwei.develop.evaluate.planning import Plan
from jingwei.develop.evaluate.purse import Prices, Purse, SpentError
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.rubric import judge_card, rubric
from jingwei.develop.evaluate.verdict import State

REPORT = "report.json"
Stop = Literal["", "budget", "interrupted", "unreachable"]


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who is asked, and what that costs."""

    subject: Subject
    card: SubjectCard
    prices: Prices = field(default_factory=Prices)
    key: str = field(default="", repr=False)
    """Kept out of everything that is written down."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a run goes about it; none of it changes what is asked."""

    concurrency: int = 4
    budget: Budget = field(default_factory=Budget)
    limits: Mapping[str, float] = field(default_factory=dict)
    """Largest upper bound of each measure that passes, before what the suites say."""
    patience: int = 20
    """Faults of a server in a row, beside what is under way, after which it counts as gone."""


@dataclass(frozen=True, slots=True)
class Moment:
    """How far a run is."""

    done: int
    total: int
    errors: int = 0
    attacks: int = 0
    """Attacks that were judged."""
    succeeded: int = 0


class Examination:
    """One run of some suites against one subject, kept in one folder.

    Args:
        plan: what is asked.
        party: the subject.
        folder: where it is kept; a folder of the same run is gone on with.
        terms: concurrency, budget, limits.
        judge: an outside judge, asked where the offline one cannot tell.
        attacker: a model that writes attacks.
        mitigated: the subject with its safeguards, asked the same where levels of capability are measured.
        fresh: begin again, whatever the folder holds.
        clock: tells the time.

    Raises:
        InputError: the folder holds another run.
        Conflict: another process is at work in it.
        Unavailable: it cannot be written.
    """

    def __init__(self, plan: Plan, party: Party, *, folder: Path, terms: Terms | None = None,
                 judge: Party | None = None, attacker: Party | None = None,
                 mitigated: Party | None = None, fresh: bool = False,
                 clock: Clock = utc_now) -> None:  # fmt: skip
        self._plan, self._party, self._terms, self._clock = plan, party, terms or Terms(), clock
        self._purse = Purse(self._terms.budget)
        self._ask = self._paid(party)
        self._mitigated = mitigated.card if mitigated else None
        self._company = Company(
            second=self._paid(judge) if judge else None,
            attacker=self._paid(attacker) if attacker else None,
            mitigated=self._paid(mitigated) if mitigated else None,
            hidden=tuple(each.key for each in (party, judge, attacker, mitigated) if each and each.key),
        )
        asked = {
            "scope": plan.scope.model_dump(mode="json", exclude={"suites"}),
            "suites": {name: each.suite.digest for name, each in plan.briefings.items()},
            "briefings": [
                digest([each.template, each.planted, list(each.forbidden)]) for each in plan.briefings.values()
            ],
            "by": [version("jingwei-ai"), rubric().version],
            "parties": [each.card.model_dump(mode="json") if each else None for each in (party, judge, attacker)],
            **({"mitigated": mitigated.card.model_dump(mode="json")} if mitigated else {}),
        }
        card = RunCard(id=new_id("evl"), plan=digest(asked), started_at=clock())
        self._counts = _Counts(len(plan.ids))
        self._keeping = Keeping(folder, card, fresh=fresh, each=self._earlier)
        self._began = time.monotonic()
        self._row = 0
        self.stopped: Stop = ""
        self.trouble: Unavailable | None = None
        """Why the subject counts as gone."""

    @property
    def moment(self) -> Moment:
        """Return how far it is."""
        return self._counts.moment

    async def run(self, tell: Callable[[Moment], None] = lambda _: None) -> None:
        """Ask what is not asked yet; `stopped` says afterwards why not all was.

        Raises:
            Unavailable: the folder can no longer be written.
            asyncio.CancelledError: it was interrupted; what was recorded is kept.
        """
        tell(self.moment)
        waiting = self._plan.take(done=self._keeping.done)
        syncing = asyncio.create_task(self._keeping.syncing())
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._terms.concurrency):
                    group.create_task(self._work(waiting, tell))
        except BaseExceptionGroup as group_error:
            raise _first(group_error) from group_error
        except asyncio.CancelledError:
            self.stopped = "interrupted"
            raise
        finally:
            syncing.cancel()
            self._keeping.close()

    def conclude(self) -> tuple[Evaluation, Results]:
        """Put the kept lines in order, measure, and write `report.json`; right after a run, or after one that stopped.

        Raises:
            Unavailable: the folder cannot be written.
        """
        results = self._keeping.settle(list(self._plan.ids))
        kept: dict[str, list[Result]] = {name: [] for name in self._plan.briefings}
        for each in results:
            kept[each.suite].append(slim(each))
        evaluation = Evaluation(
            id=self._keeping.card.id,
            jingwei=version("jingwei-ai"),
            started_at=self._keeping.card.started_at,
            finished_at=self._clock(),
            subject=self._party.card,
            mitigated=self._mitigated,
            seed=self._plan.scope.seed,
            languages=self._plan.scope.languages,
            suites=tuple(
                suite_outcome(
                    briefing,
                    kept[name],
                    planned=sum(each == name for each in self._plan.ids.values()),
                    left_out=self._plan.unplanted(name),
                    limits=self._terms.limits,
                )
                for name, briefing in self._plan.briefings.items()
            ),
            judge=judge_card(),
            budget=self._terms.budget,
            spent=self._purse.spent(time.monotonic() - self._began),
            stopped=self.stopped,
        )
        self._keeping.write_beside(REPORT, evaluation.model_dump_json(indent=1).encode())
        return evaluation, results

    def _earlier(self, result: Result) -> None:
        """Count what an interrupted run has found and spent."""
        self._purse.earlier(result, prices=self._party.prices)
        self._counts.add(result)

    async def _work(self, waiting: Iterator[Attempt], tell: Callable[[Moment], None]) -> None:
        """Carry out attempts until there are none or the run has stopped."""
        for attempt in waiting:
            if self.stopped:
                return
            try:
                result = await carry_out(attempt, self._ask, self._plan.briefings[attempt.suite], company=self._company)
            except SpentError:
                self._stop("budget")
                return
            except Unavailable as error:
                self._gone(error)
                return
            self._keeping.write(result)
            self._counts.add(result)
            self._watch(result)
            tell(self.moment)
            await asyncio.sleep(0)  # a subject that never waits would keep everybody else from being heard

    def _watch(self, result: Result) -> None:
        """Count faults in a row; after enough of them the subject counts as gone."""
        failed = result.verdict.state is State.ERROR and all(
            passing(Fault(reason=each)) for each in result.verdict.reasons
        )
        self._row = self._row + 1 if failed else 0
        if self._row >= self._terms.patience + self._terms.concurrency:
            self._gone(Unavailable("develop.evaluate:subject-failing", field="target", count=self._row,
                                   reason=", ".join(result.verdict.reasons)))  # fmt: skip

    def _gone(self, error: Unavailable) -> None:
        self._stop("unreachable")
        self.trouble = self.trouble or error

    def _stop(self, why: Stop) -> None:
        """Stop; the first reason stays."""
        self.stopped = self.stopped or why

    def _paid(self, party: Party) -> Asking:
        """Return how somebody is asked within the budget."""

        async def ask(asked: Ask) -> Answer | Fault:
            self._purse.draw()
            found = await party.subject.ask(asked)
            self._purse.pay(asked, found, prices=party.prices)
            return found

        return ask


class _Counts:
    """Running counts."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = self._errors = self._attacks = self._succeeded = 0

    def add(self, result: Result) -> None:
        """Count one result."""
        state = result.verdict.state
        self._done += 1
        self._errors += state is State.ERROR
        self._attacks += state in {State.ATTACK_SUCCEEDED, State.RESISTED}
        self._succeeded += state is State.ATTACK_SUCCEEDED

    @property
    def moment(self) -> Moment:
        """Return the counts."""
        return Moment(self._done, self._total, self._errors, self._attacks, self._succeeded)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error in a group that is no group itself."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
