"""Checks: the programs that examine a target and return evidence.

Everything technical in Jingwei is a Check, ours and anyone's, registered under the entry-point group
`jingwei.checks`. A check works in three moves, so that one generic runner gives all of them progress, resumption
after a crash and cancellation:

    plan      → the units of work, as JSON (one file, sixty attempts, ten thousand rows in blocks)
    examine   → one unit's result, as JSON; run again after a crash, so it must be safe to repeat
    conclude  → all results to one or more evidence drafts

A check never stores, signs or decides: the runner seals its drafts (`core.evidence.seal`).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, SecretStr

from jingwei.core.canonical import Json
from jingwei.core.clock import Clock, utc_now
from jingwei.core.evidence import Artefact, Draft, Evidence, Source, seal
from jingwei.core.signing import Signer
from jingwei.core.target import Target, TargetKind
from jingwei.core.text import Both


class CheckOptions(BaseModel):
    """What a run of a check can be told; each check has its own subclass with described fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tunable: ClassVar[frozenset[str]] = frozenset({"seed"})
    """Options that whoever asks for a run may set without changing what its result is worth to a gate. A run with any
    other option than the platform's own tells something, but proves nothing: its evidence is never a pass."""
    reads: ClassVar[frozenset[str]] = frozenset()
    """Options that name files; asked for through a platform, they must be files of the System."""

    seed: int = 20260101
    """Seed of every random choice: the same seed gives the same run."""


class Keep(Protocol):
    """Stores an artefact's bytes and returns its record."""

    def __call__(self, name: str, media_type: str, content: bytes) -> Artefact:
        """Keep one artefact."""
        ...


class SignRequest(Protocol):
    """Proves the caller of one request (`core.proof.Prover` is the one there is)."""

    def __call__(self, body: bytes, *, method: str = "POST", path: str = "/v1/chat/completions") -> dict[str, str]:
        """Return the headers that go with a request; method and path as sent, without the query."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one check: what it looks at, how, and the hands it is given."""

    id: str
    target: Target
    options: Any
    """The check's own options model (each check narrows it)."""
    keep: Keep
    clock: Clock = utc_now
    secret: SecretStr | None = None
    """API key or assessment token for an endpoint; never stored with the run."""
    bare_secret: SecretStr | None = None
    """Key of the System's own model, for a run through the gateway that asks the model without it as well."""
    sign_request: SignRequest | None = None
    """For a run through the gateway: gives the headers that prove the caller, for one request."""
    system_id: str | None = None
    facts: dict[str, str] = field(default_factory=dict)
    """The System's facts, for checks whose demands depend on them."""


class Check(Protocol):
    """The contract of a check. `id`, `version` and `evidence_types` end up in the evidence."""

    id: ClassVar[str]
    """Stable, lower-case with dashes: `model-scan`."""
    version: ClassVar[str]
    title: ClassVar[Both]
    about: ClassVar[Both]
    """One sentence: what it looks for and how."""
    evidence_types: ClassVar[tuple[str, ...]]
    target_kinds: ClassVar[tuple[TargetKind, ...]]
    options: ClassVar[type[CheckOptions]]

    def plan(self, run: Run) -> Sequence[Json]:
        """Return the units of work.

        Raises:
            InputError: the target is not one this check can read.
            Unavailable: the target cannot be reached.
        """
        ...

    async def examine(self, run: Run, unit: Json) -> Json:
        """Examine one unit; safe to repeat.

        Raises:
            Unavailable: the target went away; the run stops and can be resumed.
        """
        ...

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:
        """Turn all results, in the order of the units, into evidence drafts."""
        ...

    def concurrency(self, run: Run) -> int:
        """Return how many units may be examined at once."""
        ...


Progress = Callable[[int, int], None]
"""Told (done, total) after each unit."""


def seal_all(check: Check, run: Run, drafts: Sequence[Draft], *, started_at: Any, signer: Signer) -> list[Evidence]:
    """Seal a run's drafts with the check as their source. `started_at` is the aware moment the run began."""
    source = Source(kind="auto", name=check.id, version=check.version, run_id=run.id)
    finished_at = run.clock()
    return [
        seal(draft, system_id=run.system_id, target=run.target, source=source, started_at=started_at,
             finished_at=finished_at, signer=signer)
        for draft in drafts
    ]  # fmt: skip


async def examine_all(check: Check, run: Run, units: Sequence[Json], *, done: dict[int, Json],
                      each: Callable[[int, Json], None]) -> list[Json]:  # fmt: skip
    """Examine every unit that is not done yet, at most `concurrency` at once, and return all results in order.

    Args:
        check: the check.
        run: its run.
        units: what to examine.
        done: results of an earlier, interrupted run, by unit number; not examined again.
        each: told the number and result of each unit as it finishes (progress, journal).
    """
    results = dict(done)
    gate = asyncio.Semaphore(check.concurrency(run))

    async def one(number: int) -> None:
        async with gate:
            results[number] = await check.examine(run, units[number])
        each(number, results[number])

    async with asyncio.TaskGroup() as group:
        for number in range(len(units)):
            if number not in results:
                group.create_task(one(number))
    return [results[number] for number in range(len(units))]


def local_path(target: Target) -> Path:
    """Return the path of a FILE target."""
    return Path(target.locator).expanduser()
