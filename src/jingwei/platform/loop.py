"""The loop as one use-case: intake → grade → guard → checks → gate, for one System.

`jingwei assess` runs it headless, `jingwei demo` tells it as a story, the console starts its parts. Each move
is one unit of work; what was done stays done if a later move fails.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jingwei.core.canonical import Json
from jingwei.core.check import Progress
from jingwei.core.evidence import Evidence
from jingwei.core.identity import Actor
from jingwei.manage import AttachedPolicy, GateVerdict, RecordedGrade, SystemFile, Taken, read_system
from jingwei.platform.execution import Execution
from jingwei.platform.lane import Wanted, wanted_runs
from jingwei.platform.platform import Platform

Tell = Callable[[Wanted], Progress]
"""Told which run begins; returns who is told its progress."""


@dataclass
class Loop:
    """Takes one System round the loop.

    Args:
        platform: the services.
        gateway_url: root address of a running gateway, such as `http://127.0.0.1:8011`.
        tuning: options to set for a check, by its id.
    """

    platform: Platform
    gateway_url: str
    tuning: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)

    def read(self, path: Path) -> SystemFile:
        """Read a `system.yaml`.

        Raises:
            InputError: names the file, the line, the field, what is wrong and the mend.
        """
        return read_system(path)

    def take(self, file: SystemFile, *, folder: Path, actor: Actor) -> Taken:
        """Register the System, or bring it up to date."""
        with self.platform.work(actor, "intake.take") as work:
            return work.intake.take(file, actor=actor, folder=folder)

    def grade(self, system_id: str, *, actor: Actor) -> RecordedGrade:
        """Grade it and record why."""
        with self.platform.work(actor, "grade.decide") as work:
            return work.grading.grade(system_id, actor=actor)

    def guard(self, system_id: str, file: SystemFile, *, actor: Actor) -> AttachedPolicy:
        """Compile the policy its grade demands and put it in force."""
        with self.platform.work(actor, "policy.attach") as work:
            attached = work.guarding.attach(system_id, actor=actor, guard=file.guard, tools=file.tools)
        self.platform.relay.publish()
        return attached

    def wanted(self, system_id: str) -> list[Wanted]:
        """List the check runs whose evidence the gate still lacks."""
        with self.platform.reading() as work:
            return wanted_runs(work, system_id, gateway_url=self.gateway_url, tuning=self.tuning)

    def run_checks(self, system_id: str, *, actor: Actor, tell: Tell) -> list[Evidence]:
        """Run every check whose evidence the gate still lacks, one after the other."""
        found: list[Evidence] = []
        for wanted in self.wanted(system_id):
            found += self.run_check(system_id, wanted, actor=actor, progress=tell(wanted))
        return found

    def run_check(self, system_id: str, wanted: Wanted, *, actor: Actor, progress: Progress) -> list[Evidence]:
        """Run one check here and now, and return the evidence it gave.

        Raises:
            JingweiError: the run failed; its record says so too.
        """
        with self.platform.work(actor, "run.ask") as work:
            run = work.runs.ask(
                wanted.check_id, system_id=system_id, target=wanted.target, actor=actor, options=wanted.options
            )
        return Execution(self.platform, self.gateway_url).run(run.id, progress=progress)

    def verdict(self, system_id: str) -> GateVerdict:
        """Judge whether it may be released."""
        with self.platform.reading() as work:
            return work.gate.verdict(system_id)
