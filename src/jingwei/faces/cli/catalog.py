"""`jingwei catalog`: what the frameworks ask, and how much of it a program can prove."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import LazyGroup, Speaking, Told
from jingwei.faces.cli.language import current, say

if TYPE_CHECKING:
    from jingwei.catalog import Catalog, Entry

KINDS = ("frameworks", "controls", "risks", "measures", "guidelines", "practices", "focus_areas", "evidence_types",
         "clocks", "filing", "grading_cases")  # fmt: skip


def _catalog(packs: Iterable[Path]) -> "Catalog":
    from jingwei.catalog import load_catalog
    from jingwei.core.settings import Settings

    return load_catalog((*Settings().packs, *packs))


def _entries(catalog: "Catalog", kind: str) -> "Mapping[str, Entry]":
    entries: Mapping[str, Entry] = getattr(catalog, kind)
    return entries


packs_option = click.Option(["--packs"], multiple=True, type=click.Path(path_type=Path, file_okay=False, exists=True),
                            help=say("catalog-packs"))  # fmt: skip
json_option = click.Option(["--json", "json_out"], is_flag=True, help=say("option-json"))


def list_entries(kind: str, packs: tuple[Path, ...], *, json_out: bool) -> None:
    """List one kind of entry, or count every kind."""
    from jingwei.faces.cli.output import as_json, table

    catalog = _catalog(packs)
    if kind == "all":
        counts = {each: len(_entries(catalog, each)) for each in KINDS}
        if json_out:
            as_json(counts)
        else:
            table((say("column-kind"), say("column-count")), [(name, str(count)) for name, count in counts.items()])
        return
    entries = _entries(catalog, kind)
    if json_out:
        as_json([entry.model_dump(mode="json") for entry in entries.values()])
        return
    table(("id", say("column-title")), [(key, entry.title.of(current())) for key, entry in entries.items()])


def show_entry(wanted: str, packs: tuple[Path, ...], *, json_out: bool) -> None:
    """Show one entry whole."""
    from jingwei.core.errors import NotFound
    from jingwei.faces.cli.output import as_json, console

    catalog = _catalog(packs)
    found = next((entries[wanted] for kind in KINDS if wanted in (entries := _entries(catalog, kind))), None)
    if found is None:
        raise NotFound("faces.cli:catalog-unknown", field="id", wanted=wanted)
    body = found.model_dump(mode="json")
    if json_out:
        as_json(body)
        return
    out = console()
    out.print(f"[bold]{wanted}[/]  {found.title.of(current())}")
    for name, value in body.items():
        if name not in {"id", "title"} and value not in (None, [], "", {}):
            out.print(f"  [dim]{name}[/]  {_plain(value)}", soft_wrap=True)


def _plain(value: object) -> str:
    if isinstance(value, dict) and set(value) == {"zh", "en"}:
        return str(value[current()])
    if isinstance(value, list):
        return ", ".join(_plain(each) for each in value)
    return str(value)


def coverage(framework: str | None, packs: tuple[Path, ...], *, json_out: bool) -> None:
    """Say how many requirements of each framework our own runs can prove today."""
    from jingwei.core.plugins import check_names
    from jingwei.faces.cli.output import as_json, table

    catalog = _catalog(packs)
    wanted = [framework] if framework else list(catalog.frameworks)
    rows = [row for name in wanted if (row := catalog.coverage(name, check_names())).total]
    if json_out:
        as_json([row._asdict() for row in rows])
        return
    headers = tuple(say(f"coverage-{name}") for name in ("framework", "total", "automatic", "automatable", "people"))
    table(headers, [tuple(str(cell) for cell in row) for row in rows])


catalog = LazyGroup(
    name="catalog",
    help=say("about-catalog"),
    examples=("jingwei catalog list controls", "jingwei catalog show CAICT-RM-01", "jingwei catalog coverage"),
)
catalog.add_command(
    Speaking(
        name="list",
        callback=lambda kind, packs, json_out: list_entries(kind, packs, json_out=json_out),
        help=say("about-catalog-list"),
        examples=("jingwei catalog list", "jingwei catalog list risks --json"),
        params=[
            Told(
                ["kind"], type=click.Choice(["all", *KINDS]), default="all", metavar="[KIND]", about=say("catalog-kind")
            ),
            packs_option,
            json_option,
        ],
    )
)
catalog.add_command(
    Speaking(
        name="show",
        callback=lambda wanted, packs, json_out: show_entry(wanted, packs, json_out=json_out),
        help=say("about-catalog-show"),
        examples=("jingwei catalog show EV-REDTEAM",),
        params=[Told(["wanted"], metavar="ID", about=say("catalog-id")), packs_option, json_option],
    )
)
catalog.add_command(
    Speaking(
        name="coverage",
        callback=lambda framework, packs, json_out: coverage(framework, packs, json_out=json_out),
        help=say("about-catalog-coverage"),
        examples=("jingwei catalog coverage",),
        params=[Told(["framework"], required=False, about=say("catalog-framework")), packs_option, json_option],
    )
)
