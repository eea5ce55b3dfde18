"""Jobs: checks that outlive a request, a crash and a restart.

One process a host works jobs off (`JobWorker`); every other process only enqueues, cancels and asks (`Jobs`). Each job
is one durable workflow of short steps, each journalled once it is done:

    begin → plan (the units) → examine, a batch of units at a time → conclude

A killed worker goes on at the step it was in, so that step may run twice: handlers are safe to repeat. Cancelling takes
effect between steps. Nothing here knows what a check is: the platform hands in the handlers.

DBOS keeps the journal, in a database of its own on SQLite or a schema of its own on PostgreSQL. It is imported late: it
takes a second.
"""

import logging
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from jingwei.core.canonical import Json
from jingwei.core.errors import JingweiError, Unavailable
from jingwei.core.folder import keep_private
from jingwei.core.store.failure import failures_said
from jingwei.core.text import Both, text

if TYPE_CHECKING:
    from dbos import DBOSClient, DBOSConfig

QUEUE = "checks"
WORKFLOW = "run_check"
VERSION = "jobs-1"
"""Raised only when the steps of the workflow change: a job goes on only under the version it began with."""

EXECUTOR = "jobs-0"
"""The one job process of this host; stable, so that a restarted process finds its own jobs again."""

SCHEMA = "jobs"

_log = logging.getLogger(__name__)

JobState = Literal["queued", "running", "finished", "failed", "cancelled"]
_STATES: dict[str, JobState] = {
    "ENQUEUED": "queued",
    "DELAYED": "queued",
    "PENDING": "running",
    "SUCCESS": "finished",
    "ERROR": "failed",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
    "CANCELLED": "cancelled",
}


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed, in both languages."""

    code: str
    field: str | None
    message: Both


@dataclass(frozen=True, slots=True)
class JobHandlers:
    """What the platform does at each step of a job; each may be called again after a crash."""

    begin: Callable[[str], Awaitable[None]]
    """Told the run's id: the run has begun."""
    plan: Callable[[str], Awaitable[Sequence[Json]]]
    """Returns the units of work."""
    examine: Callable[[str, Sequence[Json]], Awaitable[Sequence[Json]]]
    """Returns the results of one batch of units, in their order."""
    progress: Callable[[str, int, int], Awaitable[None]]
    """Told how many units are done, of how many, after each batch."""
    conclude: Callable[[str, Sequence[Json], Sequence[Json]], Awaitable[None]]
    """Given all units and all results: seals and stores the evidence."""
    failed: Callable[[str, JobError], Awaitable[None]]
    """Told what ended the run before its conclusion."""


class JobWorker:
    """The one process that works jobs off.

    Args:
        url: the jobs database; a file of its own on SQLite, the platform's database on PostgreSQL.
        handlers: what to do at each step.
        at_once: how many jobs run at the same time.
        batch: how many units are examined in one step.
    """

    def __init__(self, url: str, *, handlers: JobHandlers, at_once: int = 2, batch: int = 8) -> None:
        self._url = url
        self._handlers = handlers
        self._at_once = at_once
        self._batch = batch

    def __enter__(self) -> Self:
        """Take up what an earlier process left, then wait for more.

        Raises:
            Unavailable: the jobs database cannot be reached or written.
        """
        from dbos import DBOS  # noqa: PLC0415 - a second to import

        with failures_said(_place(self._url)):
            _set_wal(self._url)
            DBOS(config=_config(self._url))
            DBOS.workflow(name=WORKFLOW)(_workflow(self._handlers, batch=self._batch))
            logging.getLogger("dbos").addFilter(_not_about_cancelling)
            DBOS.launch()
            DBOS.register_queue(QUEUE, worker_concurrency=self._at_once, polling_interval_sec=0.2)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Leave at once; what was running goes on when a worker starts again."""
        from dbos import DBOS  # noqa: PLC0415

        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=0)


class Jobs:
    """What every other process does with jobs.

    Args:
        url: the same jobs database.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._opened: DBOSClient | None = None

    def enqueue(self, run_id: str) -> None:
        """Put a run in the queue; doing it twice changes nothing.

        Raises:
            Unavailable: the jobs database cannot be reached, or no job process has ever been started.
        """
        with self._said():
            self._client().enqueue(
                {"workflow_name": WORKFLOW, "queue_name": QUEUE, "workflow_id": run_id, "app_version": VERSION}, run_id
            )

    def cancel(self, run_id: str) -> None:
        """Stop a run before its next step."""
        with self._said():
            self._client().cancel_workflow(run_id)

    def state(self, run_id: str) -> JobState | None:
        """Return where a run is, or none when it was never enqueued."""
        with self._said():
            found = self._client().list_workflows(workflow_ids=[run_id], load_input=False, load_output=False)
            return _STATES[found[0].status] if found else None

    def close(self) -> None:
        """Give the connections back."""
        if self._opened:
            self._opened.destroy()
            self._opened = None

    def _client(self) -> "DBOSClient":
        if self._opened is None:
            from dbos import DBOSClient, DBOSPortableJSONSerializer  # noqa: PLC0415

            self._opened = DBOSClient(
                system_database_url=_driven(self._url),
                dbos_system_schema=SCHEMA,
                serializer=DBOSPortableJSONSerializer(),
                retry_connection_errors=False,
            )
        return self._opened

    @contextmanager
    def _said(self) -> Iterator[None]:
        with failures_said(_place(self._url)):
            try:
                yield
            except DBAPIError as error:
                if "no such table" in str(error.orig) or "does not exist" in str(error.orig):
                    raise Unavailable("core:job-worker-absent") from error
                raise


class _StoppedError(Exception):
    """A step ended the run."""

    def __init__(self, error: JobError) -> None:
        super().__init__(error.code)
        self.error = error


def _workflow(handlers: JobHandlers, *, batch: int) -> Callable[[str], Coroutine[Any, Any, None]]:
    """Return the workflow: an async function, as a sync one would block the loop it is started from."""

    async def run_check(run_id: str) -> None:
        try:
            await _steps(handlers, run_id, batch=batch)
        except _StoppedError as stopped:
            await _step("failed", handlers.failed, run_id, stopped.error)

    return run_check


async def _steps(handlers: JobHandlers, run_id: str, *, batch: int) -> None:
    async def plan() -> dict[str, Json]:
        return {"units": list(await handlers.plan(run_id)), "batch": batch}

    async def examine(units: list[Json], done: int, total: int) -> list[Json]:
        found = await handlers.examine(run_id, units)
        await handlers.progress(run_id, done + len(units), total)
        return list(found)

    await _step("begin", handlers.begin, run_id)
    planned = await _step("plan", plan)
    units, size, results = planned["units"], planned["batch"], []
    for start in range(0, len(units), size):
        results += await _step("examine", examine, units[start : start + size], start, len(units))
    await _step("conclude", handlers.conclude, run_id, units, results)


async def _step(name: str, call: Callable[..., Awaitable[Any]], *given: Any) -> Any:  # Any: JSON that a handler made
    """Run one journalled step. What it returns or how it failed is journalled as JSON; neither is ever unpickled."""
    from dbos import DBOS  # noqa: PLC0415

    async def step() -> dict[str, Any]:
        try:
            return {"value": await call(*given)}
        except JingweiError as error:
            return {"error": _written(error.code, error.field, error.message)}
        except Exception:  # noqa: BLE001 - the outermost edge of a job; logged with its cause
            _log.exception("step %s failed", name)
            return {"error": _written("core:job-crashed", None, text("core:job-crashed", step=name))}

    outcome = await DBOS.run_step_async({"name": name}, step)
    if "error" in outcome:
        error = outcome["error"]
        message = Both(zh=error["zh"], en=error["en"])
        raise _StoppedError(JobError(code=error["code"], field=error["field"], message=message))
    return outcome["value"]


def _written(code: str, field: str | None, message: Both) -> dict[str, Json]:
    return {"code": code, "field": field, "zh": message.zh, "en": message.en}


def _config(url: str) -> "DBOSConfig":
    from dbos import DBOSPortableJSONSerializer  # noqa: PLC0415

    return {
        "name": "jingwei",
        "system_database_url": _driven(url),
        "dbos_system_schema": SCHEMA,
        "application_version": VERSION,
        "executor_id": EXECUTOR,
        "serializer": DBOSPortableJSONSerializer(),
        "log_level": "WARNING",
        "use_listen_notify": False,
    }


def _driven(url: str) -> str:
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed.render_as_string(hide_password=False)


def _not_about_cancelling(record: logging.LogRecord) -> bool:
    """Keep DBOS from logging a person's wish to cancel as an error with a stack."""
    from dbos import error  # noqa: PLC0415

    kinds = (error.DBOSAwaitedWorkflowCancelledError, error.DBOSWorkflowCancelledError)
    return not (record.exc_info and isinstance(record.exc_info[1], kinds))


def _place(url: str) -> str:
    parsed = make_url(url)
    return parsed.database or parsed.get_backend_name()


def _set_wal(url: str) -> None:
    """Set WAL before DBOS opens the file, so that the job process and its clients do not lock each other out."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return
    Path(parsed.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(OSError):  # what hinders it, opening the database says
        keep_private(Path(parsed.database))
    with closing(sqlite3.connect(parsed.database, timeout=10)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
