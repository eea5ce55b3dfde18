"""`jingwei knowledge`: a base that answers each asker only from what this person may see."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import LazyGroup, Told
from jingwei.faces.cli.language import say

if TYPE_CHECKING:
    from jingwei.operate.access import Acl, KnowledgeBase


def load(*, folder: Path, base: Path, json_out: bool) -> None:
    """Take in every document that the folder's `access.yaml` names."""
    from jingwei.faces.cli.output import as_json
    from jingwei.operate.access import KnowledgeBase, load_folder

    with KnowledgeBase(base) as opened:
        ids = load_folder(folder, opened)
    if json_out:
        as_json({"base": str(base), "documents": list(ids)})
        return
    click.echo(say("knowledge-loaded", count=len(ids), base=base))


def ask(
    *, question: str, base: Path, person: str, groups: tuple[str, ...], level: int, most: int, json_out: bool
) -> int:
    """Show the paragraphs nearest to a question that the asker may see; exit 1 where there is none."""
    from rich.text import Text

    from jingwei.faces.cli.output import as_json, console
    from jingwei.operate.access import Asker

    with _opened(base) as opened:
        found = opened.search(question, Asker(id=person, groups=frozenset(groups), level=level), most=most)
    if json_out:
        as_json([each.model_dump(mode="json") for each in found])
        return int(not found)
    out = console()
    for each in found:
        out.print(Text.assemble((f"{each.title}", "bold"), (f"  {each.heading}  {each.nearness:.2f}", "dim")))
        out.print(Text(each.text))
        out.print()
    if not found:
        click.echo(say("knowledge-nothing"))
    return int(not found)


def screen(*, base: Path, person: str, groups: tuple[str, ...], level: int, json_out: bool) -> int:
    """Read an answer from standard input; show what of it the asker may not see, and exit 1 where there is any."""
    from jingwei.faces.cli.output import as_json, table
    from jingwei.operate.access import Asker, leaks

    answer = sys.stdin.read()
    with _opened(base) as opened:
        found = leaks(answer, Asker(id=person, groups=frozenset(groups), level=level), opened)
    if json_out:
        as_json([each.model_dump(mode="json") for each in found])
    elif found:
        headers = (say("knowledge-from"), say("knowledge-to"), say("knowledge-stands-in"))
        table(headers, [(str(each.start), str(each.end), ", ".join(map(str, each.paragraphs))) for each in found])
    else:
        click.echo(say("knowledge-no-leak"))
    return int(bool(found))


def documents(*, base: Path, json_out: bool) -> None:
    """List the documents and whom each is for."""
    from jingwei.faces.cli.output import as_json, plain, table

    with _opened(base) as opened:
        found = opened.documents()
    if json_out:
        as_json([
            {"id": each.id, "title": each.title, "source": each.source, "acl": each.acl.model_dump(mode="json"),
             "paragraphs": each.paragraphs, "narrowed": each.narrowed} for each in found
        ])  # fmt: skip
        return
    headers = ("id", say("column-name"), say("knowledge-for"), say("knowledge-paragraphs"), say("knowledge-narrowed"))
    table(headers, [(each.id, plain(each.title), plain(_whom(each.acl)), str(each.paragraphs), str(each.narrowed))
                    for each in found])  # fmt: skip


def _opened(base: Path) -> "KnowledgeBase":
    from jingwei.core.errors import NotFound
    from jingwei.operate.access import KnowledgeBase

    if not base.is_file():
        raise NotFound("faces.cli:knowledge-no-base", field="--base", base=str(base))
    return KnowledgeBase(base)


def _whom(acl: "Acl") -> str:
    names = [*sorted(acl.people), *sorted(acl.groups)]
    level = f" \u2265{acl.level}" if acl.level else ""
    return ", ".join(names or ["–"]) + level + "".join(f" −{name}" for name in sorted(acl.denied))


BASE = click.Option(["--base"], type=click.Path(path_type=Path), default=Path("knowledge.db"), show_default=True,
                    help=say("knowledge-base"))  # fmt: skip
PERSON = click.Option(["--as", "person"], required=True, metavar="PERSON", help=say("knowledge-as"))
GROUPS = click.Option(["--group", "groups"], multiple=True, metavar="GROUP", help=say("knowledge-group"))
LEVEL = click.Option(["--level"], type=click.IntRange(0, 9), default=0, help=say("knowledge-level"))
JSON = click.Option(["--json", "json_out"], is_flag=True, help=say("option-json"))

knowledge = LazyGroup("knowledge", help=say("about-knowledge"), examples=(
    "jingwei check oversharing-scan docs/",
    "jingwei knowledge load docs/",
    'jingwei knowledge ask "How many days of leave do I have?" --as wang --group staff',
    "jingwei check knowledge-access docs/",
))  # fmt: skip
_FOLDER = Told(["folder"], type=click.Path(exists=True, file_okay=False, path_type=Path), about=say("knowledge-folder"))
_MOST = click.Option(["--most"], type=click.IntRange(1, 50), default=5, show_default=True, help=say("knowledge-most"))
knowledge.command(
    "load",
    help=say("about-knowledge-load"),
    examples=("jingwei knowledge load docs/ --base handbook.db",),
    params=[_FOLDER, BASE, JSON],
)(load)
knowledge.command(
    "ask",
    help=say("about-knowledge-ask"),
    examples=('jingwei knowledge ask "How many days of leave?" --as wang --group staff',),
    params=[Told(["question"], about=say("knowledge-question")), BASE, PERSON, GROUPS, LEVEL, _MOST, JSON],
)(ask)
knowledge.command(
    "screen",
    help=say("about-knowledge-screen"),
    examples=("jingwei knowledge screen --as wang --group staff < answer.txt",),
    params=[BASE, PERSON, GROUPS, LEVEL, JSON],
)(screen)
knowledge.command(
    "documents",
    help=say("about-knowledge-documents"),
    examples=("jingwei knowledge documents --json",),
    params=[BASE, JSON],
)(documents)
