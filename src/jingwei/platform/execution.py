"""Execution: what a check run does, step by step, in the job process or inline.

Each step reads what it needs from the store by the run's id, so a step can run again in another process after a
crash. Two things live in this process only: the check's prepared `Run`, and, for a run through the gateway, the key
that its assessment token is bound to. A process that goes on with somebody else's run makes a new key and token, and
so does a run that outlives its token.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import aiohttp
from pydantic import SecretStr

from jingwei.core.canonical import Json
from jingwei.core.check import Check, Progress, Run, examine_all, seal_all
from jingwei.core.errors import JingweiError, Refused, Unavailable
from jingwei.core.evidence import Artefact, Draft, Evidence, Outcome
from jingwei.core.identity import PLATFORM, Actor, roles_of
from jingwei.core.jobs import JobError, JobHandlers
from jingwei.core.plugins import load_check
from jingwei.core.proof import Prover
from jingwei.core.signing import Signer, encode
from jingwei.core.target import Target, TargetKind
from jingwei.core.text import text
from jingwei.core.token import ASSESSMENT_LIFETIME
from jingwei.core.upstream import upstream_key
from jingwei.manage import InUse
from jingwei.manage.standing import bound_draft
from jingwei.platform.alone import unwrapped
from jingwei.platform.asking import options_of
from jingwei.platform.capability import enter_levels
from jingwei.platform.lane import departures
from jingwei.platform.runs import ENDED

if TYPE_CHECKING:
    from jingwei.platform.platform import Platform
    from jingwei.platform.work import Work

CONFIGURATION_PATH = "/jingwei/configuration"
_ADMITTED_SECONDS = 15.0
_BATCH = 64
"""Units between two looks at the age of the token, where a run is executed here and now."""
_RENEWED_AFTER = ASSESSMENT_LIFETIME - timedelta(minutes=10)
"""A token this old is replaced before the next batch begins."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A check with its run, ready to work."""

    check: Check
    run: Run
    started_at: datetime
    in_use: InUse | None
    """What was in use when the run began: what its evidence is bound to, even if something else is by its end."""
    admitted_at: datetime | None = None
    """When the gateway admitted it; none for a run that needs no token, or has none yet."""


@dataclass
class Execution:
    """Executes check runs of one platform.

    Args:
        platform: the services.
        gateway_url: root address of the platform's own gateway, where it is not where the settings say.
    """

    platform: "Platform"
    gateway_url: str = ""
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
        except Exception:  # a fault of the check: its run says so, and the caller hears of it
            self.failed(run_id, JobError("core:job-crashed", None, text("core:job-crashed", step="run")))
            raise
        except BaseException:
            self.failed(run_id, None)
            raise

    def _run(self, run_id: str, progress: Progress) -> list[Evidence]:
        units, finished = self.plan(run_id), 0
        progress(0, len(units))

        def each(_number: int, _result: Json) -> None:
            nonlocal finished
            finished += 1
            progress(finished, len(units))

        async def all_batches() -> list[Json]:
            results: list[Json] = []
            for start in range(0, len(units), _BATCH):
                results += await self.examine(run_id, units[start : start + _BATCH], each=each)
            return results

        return self.conclude(run_id, units, asyncio.run(all_batches()))

    def plan(self, run_id: str) -> list[Json]:
        """Step 1: prepare the run, list its units, mark it as running."""
        self._forget_ended()
        prepared = self._get(run_id)
        units = list(prepared.check.plan(prepared.run))
        with self.platform.work(PLATFORM, "run.begin") as work:
            work.runs.began(run_id, total=len(units))
        return units

    async def examine(self, run_id: str, units: Sequence[Json], *,
                      each: Callable[[int, Json], None] = lambda _number, _result: None) -> list[Json]:  # fmt: skip
        """Step 2, once for each batch: examine units; safe to repeat."""
        prepared = await asyncio.to_thread(self._get, run_id)  # it may wait for the gateway
        return await unwrapped(examine_all(prepared.check, prepared.run, units, done={}, each=each))

    def progressed(self, run_id: str, done: int, total: int) -> None:
        """Note how far a run is."""
        with self.platform.work(PLATFORM, "run.progress") as work:
            work.runs.progressed(run_id, done, total)

    def conclude(self, run_id: str, units: Sequence[Json], results: Sequence[Json]) -> list[Evidence]:
        """Step 3: turn results into signed evidence, store it, close the run; once, however often it is called."""
        with self.platform.reading() as work:
            if work.runs.run(run_id).status in ENDED:
                return []
        prepared = self._get(run_id, calls=False)
        drafts = prepared.check.conclude(prepared.run, units, results)
        _demand_declared(prepared.check, drafts)
        if prepared.run.system_id:
            drafts = self._weighed(run_id, prepared, drafts)
        evidence = seal_all(prepared.check, prepared.run, drafts, started_at=prepared.started_at,
                            signer=self.platform.signer)  # fmt: skip
        with self.platform.work(PLATFORM, "run.conclude") as work:
            if work.runs.run(run_id).status in ENDED:  # somebody cancelled it while the evidence was sealed
                return []
            kept = [work.proof.add(each) for each in evidence]
            for each in evidence:
                enter_levels(work, prepared.run.system_id, each)
            work.runs.ended(run_id, "finished", evidence_ids=kept)
        self._prepared.pop(run_id, None)
        return evidence

    def _weighed(self, run_id: str, prepared: Prepared, drafts: Sequence[Draft]) -> list[Draft]:
        """Bind drafts to the System; where the run was not as the platform would have asked for it, none is a pass."""
        run, system_id = prepared.run, prepared.run.system_id or ""
        with self.platform.reading() as work:
            kind_of, in_use = self.platform.catalog.evidence_type, prepared.in_use or work.registry.in_use(system_id)
            bound = [bound_draft(draft, kind=kind_of(draft.type), in_use=in_use) for draft in drafts]
            departs = departures(work.desk, system_id, prepared.check, target=run.target,
                                 options=work.runs.row(run_id).options, gateway_url=self._gateway)  # fmt: skip
        if not departs:
            return bound
        says = text("platform:run-departs", names=", ".join(departs))
        return [draft.model_copy(update={"outcome": Outcome.INCOMPLETE, "skipped": (*draft.skipped, says)})
                if draft.outcome is Outcome.PASS else draft for draft in bound]  # fmt: skip

    @property
    def _gateway(self) -> str:
        settings = self.platform.settings
        return self.gateway_url or f"http://{settings.host}:{settings.gateway_port}"

    def failed(self, run_id: str, error: JobError | None) -> None:
        """Close a run that did not come to its end, and take its token away."""
        self._prepared.pop(run_id, None)
        with self.platform.work(PLATFORM, "run.failed") as work:
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

    def _get(self, run_id: str, *, calls: bool = True) -> Prepared:
        """Return a run ready to work; `calls` tells whether its target will be called, for which a token is needed."""
        found = self._prepared.get(run_id) or self._prepare(run_id)
        if calls and found.run.target.kind is TargetKind.GATEWAY and found.run.system_id:
            admitted_at = found.admitted_at
            if admitted_at is None or self.platform.clock() - admitted_at >= _RENEWED_AFTER:
                found = self._admitted(found)
        self._prepared[run_id] = found
        return found

    def _prepare(self, run_id: str) -> Prepared:
        with self.platform.reading() as work:
            row = work.runs.row(run_id)
            check, system_id = load_check(row.check_id), row.system_id
            target = Target.model_validate(row.target)
            facts = {fact.name: fact.value for fact in work.intake.facts(system_id)} if system_id else {}
            run = Run(
                id=run_id, target=target, options=options_of(check, dict(row.options)), keep=self._keep,
                clock=self.platform.clock, secret=_upstream_key(work, system_id, target), system_id=system_id,
                facts=facts, bare_secret=_bare_key(work, system_id, row.options),
            )  # fmt: skip
            in_use = work.registry.in_use(system_id) if system_id else None
            return Prepared(check, run, row.started_at or self.platform.clock(), in_use)

    def _forget_ended(self) -> None:
        """Let go of runs that somebody cancelled: their jobs end without a word to this process."""
        with self.platform.reading() as work:
            for run_id in [each for each in self._prepared if work.runs.run(each).status in ENDED]:
                self._prepared.pop(run_id, None)

    def _admitted(self, found: Prepared) -> Prepared:
        """Take a fresh assessment token out for a run, and wait until the gateway knows it."""
        run, caller, at = found.run, Signer.generate(), self.platform.clock()
        with self.platform.work(PLATFORM, "token.assessment") as work:
            actor = _actor(work, work.runs.row(run.id).requested_by)
            token = work.tokens.issue_assessment(
                run.system_id or "", run_id=run.id, caller_key=encode(caller.verifier.public), actor=actor
            )
        self.platform.relay.publish()  # a snapshot at once, from whatever process of this host the run is in
        prover = Prover(token.id, caller, self.platform.clock)
        asyncio.run(admission(run.target.locator, token.written, prover))
        return replace(found, run=replace(run, secret=SecretStr(token.written), sign_request=prover), admitted_at=at)

    def _keep(self, name: str, media_type: str, content: bytes) -> Artefact:
        blob = self.platform.blobs.put(content)
        return Artefact(name=name, media_type=media_type, sha256=blob.sha256, size=blob.size)


def _demand_declared(check: Check, drafts: Sequence[Draft]) -> None:
    """Refuse evidence of a type that the check does not say it gives."""
    for draft in drafts:
        if draft.type not in check.evidence_types:
            raise Refused("platform:type-undeclared", field="type", type=draft.type, check=check.id)


def _upstream_key(work: "Work", system_id: str | None, target: Target) -> SecretStr | None:
    """Return the key of a System's own upstream; no other address is ever sent it."""
    if system_id is None or target.kind is not TargetKind.ENDPOINT:
        return None
    system = work.registry.system(system_id)
    if target.locator.rstrip("/") != system.upstream_url.rstrip("/"):
        return None
    key = upstream_key(system.upstream_key_env)
    return SecretStr(key) if key else None


def _bare_key(work: "Work", system_id: str | None, options: Mapping[str, Json]) -> SecretStr | None:
    """Return the key of a System's own upstream where the run is to ask that as well as the gateway."""
    bare = options.get("bare")
    if not isinstance(bare, str) or not bare:
        return None
    return _upstream_key(work, system_id, Target(kind=TargetKind.ENDPOINT, locator=bare))


def _actor(work: "Work", account_id: str) -> Actor:
    return Actor(id=account_id, roles=roles_of(work.desk.session, account_id))


async def admission(base: str, token: str, prove: Callable[..., dict[str, str]]) -> None:
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
