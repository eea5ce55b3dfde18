"""`jingwei assess`: the whole loop for one System, headless: intake → grade → guard → checks → the gate's verdict.

It stops before the signatures, which are people's. Exit code 0: the gate is open; 3: it is closed, and what is missing
is said with the next command to type; 4: nothing could be examined.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from jingwei.faces.cli.help import Speaking
from jingwei.faces.cli.home import ACTS_AS, JSON, WHERE, opened, settings_from
from jingwei.faces.cli.language import current, say
from jingwei.faces.cli.typed import FILE, Given

if TYPE_CHECKING:
    from jingwei.core.canonical import Json
    from jingwei.core.errors import JingweiError
    from jingwei.core.evidence import Evidence
    from jingwei.core.identity import Actor
    from jingwei.manage import GateVerdict, SystemFile, Taken
    from jingwei.platform import Platform, Wanted
    from jingwei.platform.loop import Loop

OPEN, CLOSED, NOTHING_EXAMINED = 0, 3, 4
PACKAGED = "packaged"


@dataclass
class Assessment:
    """One walk round the loop, told to a person or kept for `--json`."""

    loop: "Loop"
    actor: "Actor"
    quiet: bool
    told: dict[str, Any] = field(default_factory=dict)  # Any: JSON
    found: "list[Evidence]" = field(default_factory=list)
    failures: "list[tuple[str, JingweiError]]" = field(default_factory=list)

    def walk(self, file: "SystemFile", folder: Path) -> int:
        """Go round once and return the exit code."""
        taken = self._take(file, folder)
        self._grade(taken)
        self._guard(taken, file)
        self._check(taken)
        return self._judge(taken)

    def _take(self, file: "SystemFile", folder: Path) -> "Taken":
        from jingwei.faces.cli.system import show_taken

        self._step("assess-take")
        taken = self.loop.take(file, folder=folder, actor=self.actor)
        self.told |= {"system": taken.system.model_dump(mode="json"), "created": taken.created}
        if not self.quiet:
            show_taken(taken)
        return taken

    def _grade(self, taken: "Taken") -> None:
        from jingwei.faces.cli.graded import show_grade

        self._step("assess-grade")
        graded = self.loop.grade(taken.system.id, actor=self.actor)
        self.told["grade"] = graded.model_dump(mode="json")
        if not self.quiet:
            show_grade(graded)

    def _guard(self, taken: "Taken", file: "SystemFile") -> None:
        """Put the guard in force, where the home's own service account keeps it or the person at work may."""
        from jingwei.core.errors import Refused
        from jingwei.faces.cli.acting import guard_actor

        self._step("assess-guard")
        service = guard_actor(self.loop.platform)
        with self.loop.platform.reading() as work:
            present = next((each for each in work.policies.history(taken.system.id) if each.retired_at is None), None)
        if present is not None and (service is None or present.attached_by != service.id):
            self._line(say("assess-guard-kept", digest=present.digest[:12]))
            self.told["policy"] = present.digest
            return
        try:
            attached = self.loop.guard(taken.system.id, file, actor=service or self.actor)
        except Refused as error:
            self.told["policy"] = None
            self._line("▲ " + error.message.of(current()))
            self._line("  " + say("next", command=f"jingwei policy attach {quote(taken.system.name)} --as LOGIN"))
            return
        self.told["policy"] = attached.digest
        self._line(say("policy-attached", digest=attached.digest[:12], grade=attached.grade))

    def _check(self, taken: "Taken") -> None:
        """Run what the gate still lacks; a check that fails does not keep the others from running."""
        from jingwei.core.errors import JingweiError

        self._step("assess-check")
        wanted = self.loop.wanted(taken.system.id)
        if not wanted:
            self._line(say("job-nothing-wanted"))
        for each in wanted:
            try:
                self.found += self._run(taken, each)
            except JingweiError as error:
                self.failures.append((each.check_id, error))
                self._line(f"✗ {each.check_id}: {error.message.of(current())}")

    def _run(self, taken: "Taken", wanted: "Wanted") -> "list[Evidence]":
        from jingwei.core.plugins import load_check
        from jingwei.faces.cli.output import OUTCOME_STYLE, console, live_progress, plain

        label = load_check(wanted.check_id).title.of(current())
        progress = live_progress(label, quiet=self.quiet)
        made = self.loop.run_check(taken.system.id, wanted, actor=self.actor, progress=progress)
        for each in made if not self.quiet else ():
            mark = f"[{OUTCOME_STYLE[each.outcome]}]●[/]"
            console().print(f"  {mark} {each.type:<16} {plain(each.summary.of(current()))}", soft_wrap=True)
        return made

    def _judge(self, taken: "Taken") -> int:
        from jingwei.core.report import to_json
        from jingwei.faces.cli.gate import show_verdict

        self._step("assess-gate")
        verdict = self.loop.verdict(taken.system.id)
        code, then = self._code(verdict), next_command(verdict, taken.system.name)
        self.told |= {
            "evidence": to_json(self.found), "verdict": verdict.model_dump(mode="json"), "next": then,
            "exit_code": code,
            "failures": [{"check": check, "code": error.code, "zh": error.message.zh, "en": error.message.en}
                         for check, error in self.failures],
        }  # fmt: skip
        if not self.quiet:
            show_verdict(verdict)
            if code == NOTHING_EXAMINED:
                click.secho(say("assess-nothing"), fg="red")
            if then:
                click.echo("\n" + say("next", command=then))
        return code

    def _code(self, verdict: "GateVerdict") -> int:
        if verdict.passed:
            return OPEN
        looked_at = any(each.examined for each in self.found)
        return NOTHING_EXAMINED if (self.failures or self.found) and not looked_at else CLOSED

    def _step(self, key: str) -> None:
        self._line("\n" + click.style(say(key), bold=True))

    def _line(self, shown: str) -> None:
        if not self.quiet:
            click.echo(shown)


def next_command(verdict: "GateVerdict", name: str) -> str:
    """Return the command to type next; none where only the facts themselves stand in the way."""
    named = quote(name)
    if verdict.passed:
        return f"jingwei gate request {named}"
    codes = {each.code for each in verdict.blockers}
    if "stop" in codes or "retired" in codes:
        return ""
    if codes & {"no-policy", "policy-below-grade"}:
        return f"jingwei policy attach {named} --as LOGIN"
    for item in verdict.open_items:
        if item.kind == "record":
            return f'jingwei evidence enter {named} {item.type} --statement "…"'
        if item.kind == "document":
            return f'jingwei evidence enter {named} {item.type} --statement "…" --file FILE'
    checks = [check for item in verdict.open_items for check in item.checks]
    return f"jingwei job start {named} {checks[0]}" if checks else f"jingwei system component {named}"


def run(*, file: Given, gateway: str | None, model: str | None, upstream: str | None, settings: tuple[str, ...],
        login: str | None, json_out: bool, **where: object) -> int:  # fmt: skip
    """Assess one System on its own home."""
    from jingwei.core.errors import InputError

    tuning = _tuning(settings)
    with opened(settings_from(**where), make=True) as platform, ExitStack() as stack:
        try:
            return _assess(platform, stack, file, gateway=gateway, model=model, upstream=upstream, tuning=tuning,
                           login=login, quiet=json_out)  # fmt: skip
        except InputError as error:
            if error.code == "manage:file-missing" and model is None:
                click.echo(say("assess-model-hint", name=error.values.get("name")), err=True)
            raise


def _assess(platform: "Platform", stack: ExitStack, given: Given, *, gateway: str | None, model: str | None,
            upstream: str | None, tuning: "dict[str, dict[str, Json]]", login: str | None, quiet: bool,
            ) -> int:  # fmt: skip
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.output import as_json
    from jingwei.faces.cli.running import gateway_for
    from jingwei.platform.loop import Loop

    file, folder = given.file, given.path.resolve().parent
    if model is not None:
        folder, served = _with_model(platform, stack, folder, model=model, name=file.name, serve=upstream is None)
        upstream = upstream or served
    if upstream:
        file = file.model_copy(update={"upstream": file.upstream.model_copy(update={"url": upstream})})
    actor = actor_for(platform, login)
    url = stack.enter_context(gateway_for(platform, gateway))
    assessment = Assessment(Loop(platform, url, tuning=tuning), actor, quiet)
    code = assessment.walk(file, folder)
    if quiet:
        as_json(assessment.told)
    return code


def _with_model(platform: "Platform", stack: ExitStack, folder: Path, *, model: str, name: str, serve: bool,
                ) -> tuple[Path, str]:  # fmt: skip
    """Put a model file beside a copy of the System's files as `model.gguf`, and serve it on this machine.

    Raises:
        InputError: there is no such file.
        Unavailable: it cannot be copied, or does not load.
    """
    from hashlib import sha256

    from jingwei.core.errors import InputError
    from jingwei.platform.demonstration import working_copy
    from jingwei.platform.model_server import ModelServer, packaged_model

    found = packaged_model() if model == PACKAGED else Path(model)
    if found is None:
        raise InputError("faces.cli:demo-no-model", field="--model")
    if not found.is_file():
        raise InputError("platform:model-missing", field="--model", path=str(found))
    place = platform.settings.home / "assess" / sha256(name.encode()).hexdigest()[:12]
    copy = working_copy(folder, place, model=found).resolve()
    return copy, stack.enter_context(ModelServer(copy / "model.gguf")).url if serve else ""


def _tuning(settings: Sequence[str]) -> "dict[str, dict[str, Json]]":
    """Read `CHECK.option=value` pairs, each validated by its check.

    Raises:
        InputError: an unknown check or option, or a wrong value.
    """
    from jingwei.core.errors import InputError
    from jingwei.core.plugins import check_names, load_check
    from jingwei.platform.asking import options_from

    tuning: dict[str, dict[str, Json]] = {}
    for setting in settings:
        check_id, dot, pair = setting.partition(".")
        if not dot or check_id not in check_names():
            raise InputError("faces.cli:assess-setting", field="--set", given=setting, known=", ".join(check_names()))
        name = pair.partition("=")[0].strip()
        options = options_from(load_check(check_id), [pair])
        tuning.setdefault(check_id, {})[name] = options.model_dump(mode="json")[name]
    return tuning


assess = Speaking(
    name="assess",
    callback=run,
    help=say("assess-help"),
    params=[
        FILE,
        click.Option(["--gateway"], metavar="URL", help=say("option-gateway")),
        click.Option(["--model"], metavar="FILE", help=say("assess-model")),
        click.Option(["--upstream"], metavar="URL", help=say("assess-upstream")),
        click.Option(["--set", "settings"], multiple=True, metavar="CHECK.NAME=VALUE", help=say("assess-set")),
        ACTS_AS,
        JSON,
        *WHERE,
    ],
    examples=(
        "jingwei assess system.yaml",
        "jingwei assess examples/assistant/system.yaml --model packaged --set redteam.attempts=60",
        "jingwei assess system.yaml --json --home /var/lib/jingwei --as mei",
    ),
)
