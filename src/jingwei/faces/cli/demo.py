"""`jingwei demo`: the whole loop on a real model, told live; then the console stays open."""

import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jingwei.faces.cli.help import Speaking
from jingwei.faces.cli.language import current, say
from jingwei.faces.cli.model import model_file, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jingwei.core.evidence import Evidence
    from jingwei.faces.cli.running import Running
    from jingwei.platform.demonstration import Demonstration


class Teller:
    """Tells the steps: a line when one begins, what it gave when it ends; keeps the summary for `--json`."""

    def __init__(self, *, quiet: bool) -> None:
        from jingwei.faces.cli.output import console

        self.quiet = quiet
        self.out = console()
        self.summary: dict[str, Any] = {"steps": {}}  # Any: JSON
        self.began = time.monotonic()
        self.count = 0

    @contextmanager
    def step(self, name: str) -> "Iterator[None]":
        """Tell one step of the loop and time it."""
        self.count += 1
        started = time.monotonic()
        self.line(f"\n[bold cyan]{self.count:>2}[/]  [bold]{say(f'demo-{name}')}[/]")
        yield
        self.summary["steps"][name] = round(time.monotonic() - started, 2)

    def line(self, shown: str) -> None:
        """Print one line for people."""
        if not self.quiet:
            self.out.print(shown, soft_wrap=True)

    def evidence(self, found: "list[Evidence]") -> None:
        """Print one line for each piece of evidence."""
        from jingwei.faces.cli.output import OUTCOME_STYLE

        for each in found:
            style = OUTCOME_STYLE[each.outcome]
            self.line(f"      [{style}]●[/] {each.type:<15} {each.summary.of(current())}")


def run(
    *, home: Path | None, model: Path | None, upstream: str | None, port: int, gateway_port: int, headless: bool
) -> int:
    """Tell the story; return 0 when every step of it held."""
    from rich.markup import escape

    from jingwei.core.errors import Refused
    from jingwei.core.settings import Settings
    from jingwei.faces.cli.running import Running
    from jingwei.platform import Platform
    from jingwei.platform.demonstration import example_folder, working_copy

    began = time.monotonic()
    folder = (home or Path("jingwei-data") / f"demo-{time.strftime('%Y%m%d-%H%M%S')}").resolve()
    settings = Settings(home=folder, port=_free(port), gateway_port=_free(gateway_port))
    teller = Teller(quiet=headless)
    with ExitStack() as stack:
        found = model_file(model)
        url = upstream or stack.enter_context(served(found)).url
        copy = working_copy(example_folder(), folder / "assistant", model=found)
        running = stack.enter_context(Running(Platform(settings)))
        teller.line(f"[bold]{say('demo-title')}[/]  {escape(say('demo-model', name=found.name))}")
        story = _story(running, copy, url)
        try:
            holds = _tell(story, teller)
        except Refused as error:  # the gate stayed closed: the story ends there, and says so
            teller.line(f"      [red]✗[/] {escape(error.message.of(current()))}")
            teller.summary["refused_at_the_end"] = error.code
            holds = False
        teller.summary |= {"holds": holds, "seconds": round(time.monotonic() - began, 1), "system": story.system_id}
        if headless:
            from jingwei.faces.cli.output import as_json

            as_json(teller.summary)
            return 0 if holds else 1
        _stay(running, story, teller)
    return 0 if holds else 1


def _story(running: "Running", folder: Path, upstream_url: str) -> "Demonstration":
    from jingwei.platform.demonstration import ATTEMPTS, Demonstration
    from jingwei.platform.loop import Loop
    from jingwei.platform.outside import MAX_TOKENS

    tuning = {
        # The small model reads no Chinese and no ciphers: attacks it cannot read would only be left open by the judge.
        "redteam": {
            "attempts": ATTEMPTS,
            "max_tokens": MAX_TOKENS,
            "languages": ["en"],
            "concurrency": 2,
            "transforms": ["plain", "role-play", "prefix", "no-refusal", "homoglyph", "split"],
        },
    }
    root = running.gateway_url.removesuffix("/v1")
    return Demonstration(Loop(running.platform, root, tuning=tuning), folder, upstream_url)  # type: ignore[arg-type]  # JSON


def _tell(story: "Demonstration", teller: Teller) -> bool:
    """Tell every step; return whether what should hold held."""
    with teller.step("register"):
        taken = story.register()
        teller.line("      " + say("demo-registered", name=taken.system.name, facts=len(taken.facts)))
    with teller.step("grade"):
        _grade(story, teller)
    with teller.step("check"):
        teller.evidence(story.check(_bar(teller)))
    with teller.step("refuse"):
        refused = _refused(story, teller)
    with teller.step("guard"):
        attached = story.guard()
        teller.line("      " + say("demo-attached", digest=attached.digest[:12], grade=attached.grade))
    with teller.step("recheck"):
        teller.evidence(story.check(_bar(teller)))
        improved = _compare(story, teller)
    with teller.step("sign"):
        records = story.enter_records()
        teller.line("      " + say("demo-records", types=", ".join(records)))
        for signed in story.sign():
            teller.line("      " + say("demo-signed", who=signed))
    with teller.step("release"):
        token = story.release()
        teller.summary["token"] = token.id
        teller.line("      " + say("demo-token", token=token.id, until=f"{token.expires_at:%Y-%m-%d}"))
    with teller.step("serve"):
        served = _serve(story, teller)
    with teller.step("tamper"):
        caught = _tamper(story, teller)
    return refused and improved and served and caught


def _grade(story: "Demonstration", teller: Teller) -> None:
    graded = story.grade()
    decision, language = graded.decision, current()
    teller.summary |= {"grade": decision.grade, "lane": decision.lane.id, "rules": [rule.id for rule in decision.fired]}
    roles = ", ".join(decision.approver_roles)
    told = say("demo-graded", grade=decision.grade, name=decision.lane.grade_name, lane=decision.lane.name, roles=roles)
    teller.line("      " + told)
    for rule in decision.fired[:4]:
        teller.line(f"      [dim]{rule.id:<14} {rule.why.of(language)}[/]")
    for change in graded.counterfactuals[:2]:
        teller.line(f"      [dim]↳ {change.says.of(language)}[/]")


def _refused(story: "Demonstration", teller: Teller) -> bool:
    verdict, error = story.refused()
    teller.summary["refused"] = [item.type for item in verdict.open_items] + [each.code for each in verdict.blockers]
    teller.line(
        f"      [red]✗[/] {error.message.of(current())}" if error else f"      [yellow]{say('demo-not-refused')}[/]"
    )
    for item in verdict.open_items:
        mend = item.mend.of(current()) if item.mend else ""
        teller.line(f"      [dim]{item.type:<15} {say(f'state-{item.state.value}'):<8} {mend}[/]")
    return error is not None


def _compare(story: "Demonstration", teller: Teller) -> bool:
    """Show attack success before and after the guard."""
    from jingwei.faces.cli.output import measure_text
    from jingwei.platform.demonstration import attack_success

    if story.before is None or story.after is None:
        return False
    before, after = attack_success(story.before), attack_success(story.after)
    for name, measure in (("before", before), ("after", after)):
        teller.summary[name] = {
            "attack_success": measure.value,
            "low": measure.low,
            "high": measure.high,
            "n": measure.samples,
        }
        filled = round(measure.value * 30)
        colour = "red" if name == "before" else "green"
        teller.line(f"      {say(f'demo-{name}')} [{colour}]{'█' * filled}[/][dim]{'░' * (30 - filled)}[/] "
                    f"[bold]{measure_text(measure)}[/] [dim]n={measure.samples}[/]")  # fmt: skip
    return after.value < before.value


def _serve(story: "Demonstration", teller: Teller) -> bool:
    from rich.markup import escape

    from jingwei.core.text import text
    from jingwei.platform.outside import send, wait_until_served

    attack = text("faces.cli:demo-message-attack")
    key, prompt, url = story.key(), story.prompt, story.loop.gateway_url
    wait_until_served(gateway_url=url, key=key)
    messages = (say("demo-message-benign"), attack.en, attack.zh)
    replies = [(message, send(message, gateway_url=url, prompt=prompt, key=key)) for message in messages]
    for message, reply in replies:
        mark = "[green]→[/]" if reply.decision != "block" else "[red]⊘[/]"
        teller.line(f"      {mark} [dim]{escape(message)}[/]")
        shown = " ".join(reply.text.split())
        teller.line(f"        {say(f'decision-{reply.decision}')}: {escape(shown[:110])}")
    teller.summary["served"] = [{"decision": reply.decision, "status": reply.status} for _, reply in replies]
    return replies[0][1].status == 200 and replies[0][1].decision != "block" and all(
        reply.decision == "block" for _, reply in replies[1:]
    )  # fmt: skip


def _tamper(story: "Demonstration", teller: Teller) -> bool:
    from jingwei.platform.outside import tampered

    whole, forged = story.loop.platform.ledger.verify(), tampered(story.loop.platform)
    teller.summary["ledger"] = {
        "entries": whole.entries,
        "holds": whole.holds,
        "faults_after_tampering": forged.fault_count,
    }
    teller.line("      " + say("demo-ledger-holds", entries=whole.entries, anchors=whole.anchors))
    for fault in forged.faults[:2]:
        teller.line(f"      [red]✗[/] {fault.message.of(current())}")
    return whole.holds and not forged.holds


def _bar(teller: Teller):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a Tell
    from jingwei.core.plugins import load_check
    from jingwei.faces.cli.output import live_progress

    def tell(wanted: Any):  # type: ignore[no-untyped-def]  # noqa: ANN202 - Wanted to Progress
        return live_progress(load_check(wanted.check_id).title.of(current()), quiet=teller.quiet)

    return tell


def _free(port: int) -> int:
    """Return the port, or a free one where it is taken: a demonstration should not fail on that."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def _stay(running: "Running", story: "Demonstration", teller: Teller) -> None:
    """Keep the console open on the System until Ctrl-C."""
    teller.line("\n" + say("demo-done", seconds=round(time.monotonic() - teller.began)))
    teller.line(f"  [bold]{running.console_url}systems/{story.system_id}[/]")
    for person in story.people.values():
        teller.line("  [dim]" + say("demo-login", login=person.login, password=person.password) + "[/]")
    teller.line("  [dim]" + say("serve-stop") + "[/]")
    threading.Event().wait()


demo = Speaking(
    name="demo",
    callback=run,
    help=say("demo-help"),
    params=[
        click.Option(["--home"], type=click.Path(path_type=Path, file_okay=False), help=say("demo-home")),
        click.Option(["--model"], type=click.Path(path_type=Path, dir_okay=False), help=say("demo-option-model")),
        click.Option(["--upstream"], metavar="URL", help=say("demo-upstream")),
        click.Option(["--port"], type=click.IntRange(1, 65535), default=8010, help=say("option-port")),
        click.Option(["--gateway-port"], type=click.IntRange(1, 65535), default=8011, help=say("option-gateway-port")),
        click.Option(["--headless"], is_flag=True, help=say("demo-headless")),
    ],
    examples=("jingwei demo", "jingwei demo --headless", "jingwei --lang zh demo --model my-model.gguf"),
)
