"""Execution: what a check run does, step by step, in the job process or inline.

Each step reads what it needs from the store by the run's id, so a step can run again in another process after a
crash. Two things live in this process only: the check's prepared `Run`, and, for a run through the gateway, the key
that its assessment token is bound to. A process that goes on with somebody else's run makes a new key and token.
"""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import aiohttp
from pydantic import SecretStr

from jingwei.core.canonical import Json
from jingwei.core.check import Check, Progress, Run, examine_all, seal_all
from jingwei.core.errors import JingweiError, Unavailable
from jingwei.core.evidence import Artefact, Evidence
from jingwei.core.identity import PLATFORM, Actor, roles_of
from jingwei.core.jobs import JobError, JobHandlers
from jingwei.core.plugins import load_check
from jingwei.core.proof import Prover
from jingwei.core.signing import Signer, encode
from jingwei.core.target import Target
from jingwei.platform.alone import unwrapped
from jingwei.platform.asking import options_of
from jingwei.platform.runs import ENDED

if TYPE_CHECKING:
    from jingwei.platform.platform import Platform
    from jingwei.platform.work import Work

CONFIGURATION_PATH = "/jingwei/configuration"
_ADMITTED_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A check with its run, ready to work."""

    check: Check
    run: Run
    started_at: datetime


@dataclass
class Execution:
    """Executes check runs of one platform."""

    platform: "Platform"
    _prepared: dict[str, Prepared] = field(default_factory=dict)

    def run(self, run_id: str, *, progress: Progress | None = None) -> list[Evidence]:
        """Execute a whole run here and now.

        Raises:
            JingweiError: the run failed; its record says so too.
        """
        try:
            return self._run(run_id, progress or (lambda _done, _total: None))
        except JingweiError as error:
            self.failed(run_id, JobError(error.code, error.field, error.message))
            raise
        except BaseException:
            self.failed(run_id, None)
            raise

    def _run(self, run_id: str, progress: Progress) -> list[Evidence]:
        units = self.plan(run_id)
        prepared, finished = self._prepared[run_id], 0
        progress(0, len(units))

        def each(_number: int, _result: Json) -> None:
            nonlocal finished
            finished += 1
            progress(finished, len(units))

        results = asyncio.run(unwrapped(examine_all(prepared.check, prepared.run, units, done={}, each=each)))
        return self.conclude(run_id, units, results)

    def plan(self, run_id: str) -> list[Json]:
        """Step 1: prepare the run, list its units, mark it as running."""
        prepared = self._get(run_id)
        units = list(prepared.check.plan(prepared.run))
        with self.platform.work(PLATFORM, "run.begin") as work:
            work.runs.began(run_id, total=len(units))
        return units

    async def examine(self, run_id: str, units: Sequence[Json]) -> list[Json]:
        """Step 2, once for each batch: examine units; safe to repeat."""
        prepared = await asyncio.to_thread(self._get, run_id)  # it may wait for the gateway
        return await unwrapped(
            examine_all(prepared.check, prepared.run, units, done={}, each=lambda _number, _result: None)
        )

    def progressed(self, run_id: str, done: int, total: int) -> None:
        """Note how far a run is."""
        with self.platform.work(PLATFORM, "run.progress") as work:
            work.runs.progressed(run_id, done, total)

    def conclude(self, run_id: str, units: Sequence[Json], results: Sequence[Json]) -> list[Evidence]:
        """Step 3: turn results into signed evidence, store it, close the run; once, however often it is called."""
        with self.platform.reading() as work:
            if work.runs.run(run_id).status in ENDED:
                return []
        prepared = self._get(run_id)
        drafts = prepared.check.conclude(prepared.run, units, results)
        if prepared.run.system_id:
            with self.platform.reading() as work:
                drafts = [work.proof.bound(draft, system_id=prepared.run.system_id) for draft in drafts]
        evidence = seal_all(prepared.check, prepared.run, drafts, started_at=prepared.started_at,
                            signer=self.platform.signer)  # fmt: skip
        with self.platform.work(PLATFORM, "run.conclude") as work:
            kept = [work.proof.add(each) for each in evidence]
            work.tokens.end_run(run_id)
            work.runs.ended(run_id, "finished", evidence_ids=kept)
        self._prepared.pop(run_id, None)
        return evidence

    def failed(self, run_id: str, error: JobError | None) -> None:
        """Close a run that did not come to its end, and take its token away."""
        self._prepared.pop(run_id, None)
        with self.platform.work(PLATFORM, "run.failed") as work:
            work.tokens.end_run(run_id)
            work.runs.ended(run_id, "failed" if error else "cancelled", error=error)

    def handlers(self) -> JobHandlers:
        """Return this execution as the steps of a durable job; what blocks runs in a thread."""

        async def begin(_run_id: str) -> None:
            return

        async def plan(run_id: str) -> list[Json]:
            return await asyncio.to_thread(self.plan, run_id)

        async def progress(run_id: str, done: int, total: int) -> None:
            await asyncio.to_thread(self.progressed, run_id, done, total)

        async def conclude(run_id: str, units: Sequence[Json], results: Sequence[Json]) -> None:
            await asyncio.to_thread(self.conclude, run_id, units, results)

        async def failed(run_id: str, error: JobError) -> None:
            await asyncio.to_thread(self.failed, run_id, error)

        return JobHandlers(begin=begin, plan=plan, examine=self.examine, progress=progress, conclude=conclude,
                           failed=failed)  # fmt: skip

    def _get(self, run_id: str) -> Prepared:
        if run_id not in self._prepared:
            self._prepared[run_id] = self._prepare(run_id)
        return self._prepared[run_id]

    def _prepare(self, run_id: str) -> Prepared:
        with self.platform.reading() as work:
            row = work.runs.row(run_id)
            check = load_check(row.check_id)
            facts = {fact.name: fact.value for fact in work.intake.facts(row.system_id)} if row.system_id else {}
            key_env = work.registry.system(row.system_id).upstream_key_env if row.system_id else ""
            requested_by, started_at = row.requested_by, row.started_at
            target, options, system_id = Target.model_validate(row.target), dict(row.options), row.system_id
            through = row.through_gateway
        secret = SecretStr(os.environ[key_env]) if key_env and key_env in os.environ else None
        prover = None
        if through and system_id:
            secret, prover = self._admitted(run_id, system_id, target, requested_by)
        run = Run(
            id=run_id, target=target, options=options_of(check, options), keep=self._keep, clock=self.platform.clock,
            secret=secret, sign_request=prover, system_id=system_id, facts=facts,
        )  # fmt: skip
        return Prepared(check, run, started_at or self.platform.clock())

    def _admitted(self, run_id: str, system_id: str, target: Target, requested_by: str) -> tuple[SecretStr, Prover]:
        """Take an assessment token out for a run, and wait until the gateway knows it."""
        caller = Signer.generate()
        with self.platform.work(PLATFORM, "token.assessment") as work:
            actor = _actor(work, requested_by)
            token = work.tokens.issue_assessment(
                system_id, run_id=run_id, caller_key=encode(caller.verifier.public), actor=actor
            )
        self.platform.relay.publish()  # a snapshot at once, from whatever process of this host the run is in
        prover = Prover(token.id, caller, self.platform.clock)
        asyncio.run(_admission(target.locator, token.written, prover))
        return SecretStr(token.written), prover

    def _keep(self, name: str, media_type: str, content: bytes) -> Artefact:
        blob = self.platform.blobs.put(content)
        return Artefact(name=name, media_type=media_type, sha256=blob.sha256, size=blob.size)


def _actor(work: "Work", account_id: str) -> Actor:
    return Actor(id=account_id, roles=roles_of(work.desk.session, account_id))


async def _admission(base: str, token: str, prove: Callable[..., dict[str, str]]) -> None:
    """Ask the gateway until it admits the token; the relay needs up to a second to tell it.

    Raises:
        Unavailable: the gateway is not there, or does not admit it in time.
    """
    deadline = time.monotonic() + _ADMITTED_SECONDS
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
        while time.monotonic() < deadline:
            await asyncio.sleep(0.5)  # gateways look at the snapshot four times a second
            headers = {"Authorization": f"Bearer {token}", **prove(b"", method="GET", path=CONFIGURATION_PATH)}
            try:
                async with session.get(base.rstrip("/") + CONFIGURATION_PATH, headers=headers) as response:
                    if response.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
    raise Unavailable("platform:gateway-not-admitting", field="target", url=base)
