"""`jingwei lexicon`: live word lists — add, remove, import, compare, ask who added a word and why."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import LazyGroup, Told
from jingwei.faces.cli.home import changes, reads
from jingwei.faces.cli.language import say
from jingwei.faces.cli.typed import REASON

if TYPE_CHECKING:
    from jingwei.core.identity import Actor
    from jingwei.platform import Impact, Planned, Platform, Work

ORGANISATION = "organisation"
IN = click.Option(["--in", "lexicon"], default=ORGANISATION, metavar="SYSTEM", help=say("lexicon-in"))
WORDS = Told(["words"], nargs=-1, required=True, metavar="WORD…", about=say("lexicon-words"))
WORD = Told(["word"], metavar="WORD", about=say("lexicon-word"))
TOPIC = click.Option(["--topic"], default="", metavar="TOPIC", help=say("lexicon-topic"))
SOURCE = click.Option(["--source"], default="", metavar="TEXT", help=say("lexicon-source"))
PREVIEW = click.Option(["--preview"], is_flag=True, help=say("lexicon-preview"))


def list_lexicons(platform: "Platform", *, json_out: bool) -> None:
    """List the lists with their versions."""
    from jingwei.faces.cli.output import as_json, moment, table

    with platform.reading() as work:
        found = [work.lexicons.lexicon(name) for name in work.lexicons.names()]
        names = {system.id: system.name for system in work.registry.systems()}
    if json_out:
        as_json([each.model_dump(mode="json") for each in found])
        return
    headers = (say("column-name"), say("column-words"), say("column-version"), say("column-at"))
    table(headers, [
        (names.get(each.name, each.name), f"{each.words:,}", each.version.label if each.version else "–",
         moment(each.version.at if each.version else None)) for each in found
    ])  # fmt: skip


def search(platform: "Platform", *, word: str, lexicon: str, json_out: bool) -> None:
    """Find words."""
    from jingwei.faces.cli.output import as_json, plain, table

    with platform.reading() as work:
        found = work.lexicons.search(_named(work, lexicon), part=word)
    if json_out:
        as_json([each.model_dump(mode="json") for each in found])
        return
    headers = (say("column-word"), say("column-topic"), say("column-version"))
    table(headers, [(plain(each.word), plain(each.topic), str(each.number)) for each in found])


def versions(platform: "Platform", *, lexicon: str, json_out: bool) -> None:
    """List the versions of a list, newest first."""
    from jingwei.faces.cli.lookup import login_names
    from jingwei.faces.cli.output import as_json, moment, plain, table

    with platform.reading() as work:
        found, names = work.lexicons.versions(_named(work, lexicon)), login_names(work)
    if json_out:
        as_json([each.model_dump(mode="json") for each in found])
        return
    headers = (say("column-version"), "+", "−", say("column-by"), say("column-at"), say("column-reason"))
    table(headers, [
        (str(each.number), f"{each.added:,}", f"{each.removed:,}", plain(names.get(each.actor_id, each.actor_id)),
         moment(each.at), plain(each.reason)) for each in found
    ])  # fmt: skip


def blame(platform: "Platform", *, word: str, lexicon: str, json_out: bool) -> None:
    """Tell who added or removed a word, when and why."""
    from jingwei.faces.cli.lookup import login_names
    from jingwei.faces.cli.output import as_json, console, moment, plain

    with platform.reading() as work:
        found, names = work.lexicons.blame(_named(work, lexicon), word), login_names(work)
    if json_out:
        as_json([each.model_dump(mode="json") for each in found])
        return
    if not found:
        click.echo(say("lexicon-never", word=word))
    out = console()
    for each in found:
        for sign, version in (("−", each.removed), ("+", each.added)):
            if version is not None:
                who = plain(names.get(version.actor_id, version.actor_id))
                out.print(f"[bold]{sign}[/] {version.number}  {moment(version.at)}  {who}  {plain(version.reason)}"
                          f"  [dim]{plain(version.source)}[/]")  # fmt: skip


def compare(platform: "Platform", *, first: int, second: int, lexicon: str, json_out: bool) -> None:
    """Compare two versions."""
    from jingwei.faces.cli.output import as_json, console, plain

    with platform.reading() as work:
        found = work.lexicons.difference(_named(work, lexicon), first, second)
    if json_out:
        as_json(found.model_dump(mode="json"))
        return
    out = console()
    for sign, style, words in (("+", "green", found.added_words), ("−", "red", found.removed_words)):
        for word, topic in words:
            out.print(f"[{style}]{sign}[/] {plain(word)}  [dim]{plain(topic)}[/]")
    click.echo(say("lexicon-difference", added=f"{found.added:,}", removed=f"{found.removed:,}"))


def add(platform: "Platform", *, words: tuple[str, ...], lexicon: str, topic: str, reason: str, source: str,
        preview: bool, login: str | None, json_out: bool) -> None:  # fmt: skip
    """Add words; they are live within a second."""
    actor = _actor(platform, login)
    with platform.reading() as work:
        planned = work.lexicon_drafts.plan(_named(work, lexicon), add=words, topic=topic, actor=actor)
    _finish(platform, planned, actor, reason=reason, source=source, preview=preview, json_out=json_out)


def remove(platform: "Platform", *, words: tuple[str, ...], lexicon: str, reason: str, source: str, preview: bool,
           login: str | None, json_out: bool) -> None:  # fmt: skip
    """Remove words."""
    actor = _actor(platform, login)
    with platform.reading() as work:
        planned = work.lexicon_drafts.plan(_named(work, lexicon), remove=words, actor=actor)
    _finish(platform, planned, actor, reason=reason, source=source, preview=preview, json_out=json_out)


def import_words(platform: "Platform", *, file: Path, lexicon: str, topic: str, replace: bool, reason: str,
                 source: str, preview: bool, login: str | None, json_out: bool) -> None:  # fmt: skip
    """Import a file of words."""
    actor = _actor(platform, login)
    with platform.reading() as work, file.open("rb") as opened:
        planned = work.lexicon_drafts.plan_file(_named(work, lexicon), opened, file.name, topic=topic, replace=replace,
                                                actor=actor)  # fmt: skip
    _finish(platform, planned, actor, reason=reason, source=source or file.name, preview=preview, json_out=json_out)


def revert(platform: "Platform", *, number: int, lexicon: str, reason: str, preview: bool, login: str | None,
           json_out: bool) -> None:  # fmt: skip
    """Bring back the words of an earlier version, as a new one."""
    actor = _actor(platform, login)
    with platform.reading() as work:
        planned = work.lexicon_drafts.plan_revert(_named(work, lexicon), number, actor=actor)
    _finish(platform, planned, actor, reason=reason, source=f"{number}", preview=preview, json_out=json_out)


def _actor(platform: "Platform", login: str | None) -> "Actor":
    from jingwei.faces.cli.acting import actor_for

    return actor_for(platform, login)


def _named(work: "Work", lexicon: str) -> str:
    from jingwei.faces.cli.lookup import system_named

    return lexicon if lexicon == ORGANISATION else system_named(work, lexicon).id


def _finish(platform: "Platform", planned: "Planned", actor: "Actor", *, reason: str, source: str, preview: bool,
            json_out: bool) -> None:  # fmt: skip
    """Show what a change would hit, and apply it unless only that was asked."""
    from jingwei.faces.cli.output import as_json

    with platform.reading() as work:
        impact = work.lexicon_drafts.impact(planned.lexicon, planned.digest)
    if not json_out:
        _show(planned, impact)
    if preview:
        if json_out:
            as_json({"planned": planned.model_dump(mode="json"), "impact": impact.model_dump(mode="json")})
        return
    with platform.work(actor, "lexicon.change") as work:
        made = work.lexicon_drafts.apply(planned.lexicon, planned.digest, reason=reason, source=source, actor=actor)
    if json_out:
        as_json(made.model_dump(mode="json"))
        return
    click.echo(say("lexicon-applied", version=made.label))


def _show(planned: "Planned", impact: "Impact") -> None:
    from jingwei.faces.cli.output import console, plain

    click.echo(say("lexicon-planned", added=f"{planned.added:,}", removed=f"{planned.removed:,}",
                   same=f"{planned.same:,}"))  # fmt: skip
    for each in impact.shares:
        if each.texts:
            click.echo(say(f"lexicon-hits-{each.source}", newly=each.newly, texts=each.texts, share=f"{each.share:.1%}",
                           no_longer=each.no_longer))  # fmt: skip
    out = console()
    for found in impact.samples[:5]:
        out.print(f"  [dim]…[/]{plain(found.before)}[yellow]{plain(found.found)}[/]{plain(found.after)}")


lexicon = LazyGroup(
    name="lexicon",
    help=say("about-lexicon"),
    examples=(
        'jingwei lexicon add "project aurora" --topic project-x --reason "under wraps" --as zhao',
        'jingwei lexicon import words.xlsx --reason "weekly bulletin" --preview --as zhao',
        'jingwei lexicon blame "project aurora"',
    ),
)
reads(lexicon, "list", list_lexicons, examples=("jingwei lexicon list",))
reads(lexicon, "search", search, WORD, IN, examples=("jingwei lexicon search aurora",))
reads(lexicon, "versions", versions, IN, examples=('jingwei lexicon versions --in "Staff assistant"',))
reads(lexicon, "blame", blame, WORD, IN, examples=('jingwei lexicon blame "project aurora"',))
reads(
    lexicon,
    "diff",
    compare,
    Told(["first"], type=click.IntRange(0), about=say("lexicon-first")),
    Told(["second"], type=click.IntRange(0), about=say("lexicon-second")),
    IN,
    examples=("jingwei lexicon diff 1 3",),
)
changes(
    lexicon,
    "add",
    add,
    WORDS,
    IN,
    TOPIC,
    REASON,
    SOURCE,
    PREVIEW,
    examples=('jingwei lexicon add "project aurora" --topic project-x --reason "under wraps" --as zhao',),
)
changes(
    lexicon,
    "remove",
    remove,
    WORDS,
    IN,
    REASON,
    SOURCE,
    PREVIEW,
    examples=('jingwei lexicon remove "staff card" --reason "hits harmless questions" --as zhao',),
)
changes(
    lexicon,
    "import",
    import_words,
    Told(["file"], type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
         about=say("lexicon-file")),
    IN,
    TOPIC,
    click.Option(["--replace"], is_flag=True, help=say("lexicon-replace")),
    REASON,
    SOURCE,
    PREVIEW,
    examples=('jingwei lexicon import words.csv --reason "weekly bulletin" --as zhao',),
)  # fmt: skip
changes(
    lexicon,
    "revert",
    revert,
    Told(["number"], type=click.IntRange(0), about=say("lexicon-number")),
    IN,
    REASON,
    PREVIEW,
    examples=('jingwei lexicon revert 3 --reason "version 4 stopped harmless questions" --as zhao',),
)
