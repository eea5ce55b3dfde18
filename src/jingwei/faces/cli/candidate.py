"""`jingwei candidate`: change a guard policy safely — propose, replay, judge in the shadow, sign, promote."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import LazyGroup, Told
from jingwei.faces.cli.home import changes, reads
from jingwei.faces.cli.language import say
from jingwei.faces.cli.typed import REASON, SYSTEM

if TYPE_CHECKING:
    from jingwei.core.canonical import Json
    from jingwei.core.identity import Actor
    from jingwei.manage import Candidate
    from jingwei.platform import Platform, Proposed, Work

CANDIDATE = Told(["candidate_id"], metavar="CANDIDATE", about=say("candidate-argument"))
EDITS = click.Option(["--edits"], type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True,
                     help=say("candidate-edits"))  # fmt: skip
BUDGET = click.Option(["--budget"], type=click.FloatRange(0, 0.2), default=0.01, show_default=True,
                      help=say("candidate-budget"))  # fmt: skip


def list_candidates(platform: "Platform", *, json_out: bool) -> None:
    """List candidates, newest first."""
    from jingwei.faces.cli.lookup import login_names
    from jingwei.faces.cli.output import as_json, moment, plain, table

    with platform.reading() as work:
        found, names = work.candidates.candidates(), login_names(work)
        systems = {system.id: system.name for system in work.registry.systems()}
    if json_out:
        as_json([each.model_dump(mode="json") for each in found])
        return
    headers = ("id", say("column-system"), say("column-state"), say("column-signed"), say("column-by"),
               say("column-at"), say("column-reason"))  # fmt: skip
    table(headers, [
        (each.id, plain(systems.get(each.system_id, each.system_id)), say(f"candidate-{each.state}"),
         f"{each.signed} / 2", plain(names.get(each.proposed_by, each.proposed_by)), moment(each.proposed_at),
         plain(each.reason)) for each in found
    ])  # fmt: skip


def show(platform: "Platform", *, candidate_id: str, json_out: bool) -> None:
    """Show what a candidate changes, and its trial."""
    with platform.reading() as work:
        found, compared = work.candidates.candidate(candidate_id), work.trials.compare(candidate_id)
    _tell(found, json_out=json_out)
    if not json_out:
        _changes(compared)


def preview(platform: "Platform", *, wanted: str, edits: Path, json_out: bool) -> None:
    """Tell what some edits come to, changing nothing."""
    from jingwei.faces.cli.lookup import system_named
    from jingwei.faces.cli.output import as_json

    with platform.reading() as work:
        found = work.trials.preview(system_named(work, wanted).id, _edits(edits))
    if json_out:
        as_json({"digest": found.policy.digest, "weaker": list(found.weaker), "loosened": list(found.loosened),
                 "changes": [each.model_dump(mode="json") for each in found.changes],
                 "lapses": [each.id for each in found.lapses]})  # fmt: skip
        return
    _changes(found)


def propose(platform: "Platform", *, wanted: str, edits: Path, reason: str, budget: float, login: str | None,
            json_out: bool) -> None:  # fmt: skip
    """Propose the policy in force with some edits."""
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.lookup import system_named

    read, actor = _edits(edits), actor_for(platform, login)
    with platform.work(actor, "policy.propose") as work:
        made = work.trials.propose(system_named(work, wanted).id, read, reason=reason, budget=budget, actor=actor)
    _tell(made, json_out=json_out)


def replay(platform: "Platform", *, candidate_id: str, login: str | None, json_out: bool) -> int:
    """Replay a candidate on recorded traffic; exit 1 where it stops more than its budget."""
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.output import progress

    actor = actor_for(platform, login)
    with progress(say("candidate-replaying")) as tell:
        found = platform.replays.run(candidate_id, actor=actor, progress=tell)
    _tell(found, json_out=json_out)
    return 0 if found.trial["newly_stopped"] <= found.false_positive_budget * found.trial["passing"] else 1


def shadow(platform: "Platform", *, candidate_id: str, off: bool, login: str | None, json_out: bool) -> None:
    """Judge live traffic by the candidate too, or stop that."""
    _act(platform, login, "candidate.shadow", json_out=json_out,
         act=lambda work, actor: work.candidates.shadow(candidate_id, on=not off, actor=actor))  # fmt: skip


def sign(platform: "Platform", *, candidate_id: str, login: str | None, json_out: bool) -> None:
    """Say yes to a candidate with its trial; asks for the password again."""
    from jingwei.faces.cli.acting import signer_for

    actor, proof = signer_for(platform, login, purpose=candidate_id)
    with platform.work(actor, "candidate.sign") as work:
        found = work.candidates.sign(candidate_id, actor=actor, proof=proof)
    _tell(found, json_out=json_out)


def promote(platform: "Platform", *, candidate_id: str, login: str | None, json_out: bool) -> None:
    """Put a candidate in force that two people signed."""
    _act(platform, login, "candidate.promote", json_out=json_out,
         act=lambda work, actor: work.trials.promote(candidate_id, actor=actor))  # fmt: skip


def withdraw(platform: "Platform", *, candidate_id: str, login: str | None, json_out: bool) -> None:
    """Take a candidate back."""
    _act(platform, login, "candidate.withdraw", json_out=json_out,
         act=lambda work, actor: work.candidates.withdraw(candidate_id, actor=actor))  # fmt: skip


def _act(platform: "Platform", login: str | None, reason: str, *, json_out: bool,
         act: "Callable[[Work, Actor], Candidate]") -> None:  # fmt: skip
    from jingwei.faces.cli.acting import actor_for

    actor = actor_for(platform, login)
    with platform.work(actor, reason) as work:
        found = act(work, actor)
    _tell(found, json_out=json_out)


def _edits(path: Path) -> "dict[str, Json]":
    """Read edits from a YAML or JSON file.

    Raises:
        InputError: it is neither, or no mapping.
    """
    from jingwei.catalog import read_yaml
    from jingwei.core.errors import InputError

    data = read_yaml(path.read_bytes(), name=path.name).data
    if not isinstance(data, dict):
        raise InputError("faces.cli:edits-no-mapping", field="--edits", path=path.name)
    return data


def _tell(found: "Candidate", *, json_out: bool) -> None:
    from jingwei.faces.cli.output import as_json

    if json_out:
        as_json(found.model_dump(mode="json"))
        return
    click.echo(say("candidate-line", id=found.id, state=say(f"candidate-{found.state}"), signed=found.signed))
    trial = found.trial
    if trial.get("state") == "finished":
        share = trial["newly_stopped"] / trial["passing"] if trial["passing"] else 0.0
        click.echo(say("candidate-trial", texts=trial["texts"], stopped=trial["newly_stopped"], share=f"{share:.2%}",
                       budget=f"{found.false_positive_budget:.2%}", passed=trial["newly_passed"]))  # fmt: skip


def _changes(found: "Proposed") -> None:
    from jingwei.faces.cli.output import console, plain, table

    headers = (say("column-part"), say("column-before"), say("column-after"))
    rows = [(plain(each.part), plain(str(each.before)[:80]), plain(str(each.after)[:80])) for each in found.changes]
    table(headers, rows)
    out = console()
    if found.weaker:
        out.print(f"[red]✗[/] {say('candidate-weaker', points=', '.join(found.weaker))}")
    if found.loosened:
        out.print(f"[yellow]▲[/] {say('candidate-loosens', parts=', '.join(found.loosened))}")
    if found.lapses:
        out.print(f"[yellow]▲[/] {say('candidate-lapses', types=', '.join(each.type for each in found.lapses))}")


candidate = LazyGroup(
    name="candidate",
    help=say("about-candidate"),
    examples=(
        'jingwei candidate propose "Staff assistant" --edits edits.yaml --reason "fewer leaks" --as mei',
        "jingwei candidate replay cand_… --as zhao",
        "jingwei candidate sign cand_… --as lin",
        "jingwei candidate promote cand_… --as zhao",
    ),
)
reads(candidate, "list", list_candidates, examples=("jingwei candidate list",))
reads(candidate, "show", show, CANDIDATE, examples=("jingwei candidate show cand_…",))
reads(
    candidate,
    "preview",
    preview,
    SYSTEM,
    EDITS,
    examples=('jingwei candidate preview "Staff assistant" --edits edits.yaml',),
)
changes(
    candidate,
    "propose",
    propose,
    SYSTEM,
    EDITS,
    REASON,
    BUDGET,
    examples=('jingwei candidate propose "Staff assistant" --edits edits.yaml --reason "fewer leaks" --as mei',),
)
changes(candidate, "replay", replay, CANDIDATE, examples=("jingwei candidate replay cand_… --as zhao",))
changes(
    candidate,
    "shadow",
    shadow,
    CANDIDATE,
    click.Option(["--off"], is_flag=True, help=say("candidate-off")),
    examples=("jingwei candidate shadow cand_… --as zhao", "jingwei candidate shadow cand_… --off --as zhao"),
)
changes(candidate, "sign", sign, CANDIDATE, examples=("jingwei candidate sign cand_… --as lin",))
changes(candidate, "promote", promote, CANDIDATE, examples=("jingwei candidate promote cand_… --as zhao",))
changes(candidate, "withdraw", withdraw, CANDIDATE, examples=("jingwei candidate withdraw cand_… --as mei",))
