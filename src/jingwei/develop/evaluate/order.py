"""An order: everything one evaluation was asked for, and the evaluation itself from its first byte to its report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never
from urllib.parse import urlsplit

from pydantic import SecretStr

from jingwei.core.errors import InputError
from jingwei.develop.evaluate.endpoint import Client
from jingwei.develop.evaluate.engine import Examination, Moment, Party, Terms
from jingwei.develop.evaluate.evaluation import Evaluation
from jingwei.develop.evaluate.keeping import Results
from jingwei.develop.evaluate.levels import levelled
from jingwei.develop.evaluate.planning import Plan, Scope, suites_of
from jingwei.develop.evaluate.subjects.opening import Target, briefing_of, open_party
from jingwei.develop.evaluate.suite import Suite
from jingwei.develop.evaluate.target_file import ApiTarget, AppTarget, FunctionTarget, McpTarget

_PORTS = {"http": 80, "https": 443}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - a name to compare, nothing is bound


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody who takes part, and where a description of them lies."""

    target: Target
    key: SecretStr | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What one evaluation was asked for."""

    scope: Scope
    subject: Asked
    out: Path
    terms: Terms = field(default_factory=Terms)
    judge: Asked | None = None
    """An outside judge."""
    attacker: Asked | None = None
    """A model that writes attacks."""
    mitigated: Asked | None = None
    """The subject with its safeguards; for levels of capability."""
    self_judge: bool = False
    """Whether the subject may be its own judge."""
    fresh: bool = False


class Evaluating:
    """One order being worked off: `run` it in an event loop, then `conclude`, whether it came to its end or not."""

    def __init__(self, order: Order) -> None:
        """Read the suites and plan the attempts.

        Raises:
            NotFound: a suite, a transform or a strategy is unknown.
            InputError: a suite is wrong, nothing is left to ask, the subject would judge itself, or the target
                after mitigation is of no use.
        """
        self._order = order
        if order.judge and not order.self_judge and _who(order.judge.target) == _who(order.subject.target):
            raise InputError("develop.evaluate:judge-is-target", field="judge")
        suites = suites_of(order.scope)
        _demand_mitigated_fits(order, suites)
        self._plan = Plan(
            order.scope, [briefing_of(each, order.subject.target, seed=order.scope.seed) for each in suites]
        )
        self.examination: Examination | None = None
        """There once the target was reached."""

    @property
    def total(self) -> int:
        """Count the attempts."""
        return len(self._plan.ids)

    async def run(self, tell: Callable[[Moment], None] = lambda _: None) -> None:
        """Ask what is not asked yet.

        Raises:
            InputError: the subject would judge itself: a name that was not given turned out to be the other's.
            Unavailable: the target or the judge cannot be reached when the run begins, or the folder not be written.
        """
        order = self._order
        others = {"judge": order.judge, "attacker": order.attacker, "mitigated": order.mitigated}
        parties: dict[str, Party] = {}
        async with Client() as client:
            try:
                for role, asked in {"subject": order.subject, **others}.items():
                    if asked:
                        parties[role] = await self._open(asked, client)
                self._demand_another_judge(parties)
                self.examination = Examination(
                    self._plan,
                    parties["subject"],
                    folder=order.out,
                    terms=order.terms,
                    judge=parties.get("judge"),
                    attacker=parties.get("attacker"),
                    mitigated=parties.get("mitigated"),
                    fresh=order.fresh,
                )
                await self.examination.run(tell)
            finally:
                for party in parties.values():
                    await party.subject.close()

    def conclude(self) -> tuple[Evaluation, Results]:
        """Measure and report what was kept.

        Raises:
            InputError: the run never reached its target.
            Unavailable: the folder cannot be written.
        """
        if self.examination is None:
            raise InputError("develop.evaluate:not-begun", field="target")
        return self.examination.conclude()

    def _demand_another_judge(self, parties: Mapping[str, Party]) -> None:
        """Refuse the subject as its own judge by the models' names as the endpoints tell them."""
        order, judge = self._order, parties.get("judge")
        if order.judge is None or judge is None or order.self_judge:
            return
        if _who(order.judge.target, judge.card.model) == _who(order.subject.target, parties["subject"].card.model):
            raise InputError("develop.evaluate:judge-is-target", field="judge")

    async def _open(self, asked: Asked, client: Client) -> Party:
        return await open_party(asked.target, client, key=asked.key, seed=self._order.scope.seed, folder=asked.folder)


def _demand_mitigated_fits(order: Order, suites: Sequence[Suite]) -> None:
    if order.mitigated is None:
        return
    if not any(levelled(each) for each in suites):
        raise InputError("develop.evaluate:mitigated-nothing", field="mitigated",
                         names=", ".join(each.id for each in suites))  # fmt: skip
    if _who(order.mitigated.target) == _who(order.subject.target):
        raise InputError("develop.evaluate:mitigated-same", field="mitigated")


def _who(target: Target, model: str = "") -> tuple[object, ...]:
    """Return what is the same for two descriptions of the same model, app or agent at the same place.

    Args:
        target: the description.
        model: the name that the endpoint told, where the description has none.
    """
    match target:
        case ApiTarget():
            return target.file_sha256 or _place(target.url), (target.model or model).casefold()
        case AppTarget():
            return _place(target.url), target.send.path
        case McpTarget():
            return _place(target.url) if target.url else target.command, target.tool
        case FunctionTarget():
            return (target.function,)
        case _:
            assert_never(target)


def _place(url: str) -> tuple[str, int, str]:
    """Return host, port and path as they are reached, however they are written."""
    parts = urlsplit(url)
    host = (parts.hostname or "").casefold().rstrip(".")
    port = parts.port or _PORTS.get(parts.scheme, 0)
    return "localhost" if host in _LOOPBACK else host, port, parts.path.rstrip("/")
