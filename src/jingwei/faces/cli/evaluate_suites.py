"""`jingwei evaluate list` and `show`: which suites there are, and what is in one."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from jingwei.faces.cli.help import Speaking, Told
from jingwei.faces.cli.language import current, say
from jingwei.faces.cli.output import as_json, console, plain, table

if TYPE_CHECKING:
    from jingwei.develop.evaluate.suite import Suite


def list_suites(*, form: str | None) -> None:
    """List the suites that come along."""
    from jingwei.develop.evaluate.suite_file import load_suite, suite_names

    found = [_summary(load_suite(name)) for name in suite_names()]
    if form == "json":
        as_json(found)
        return
    headers = [say(f"evaluate-column-{name}") for name in ("id", "title", "zh", "en", "scorer", "evidence", "licence")]
    rows = [
        [
            f"[bold]{each['id']}[/]",
            plain(each["title"][current()]),
            str(each["cases"]["zh"]),
            str(each["cases"]["en"]),
            plain(", ".join(each["scorers"])),
            each["evidence_type"],
            plain(each["licence"]),
        ]
        for each in found
    ]
    table(headers, rows)
    click.echo(say("evaluate-offline"))


def show_suite(*, suite: str, form: str | None) -> None:
    """Show one suite."""
    from jingwei.develop.evaluate.suite_file import load_suite

    found = load_suite(suite)
    if form == "json":
        as_json(_summary(found) | {"categories": _categories(found)})
        return
    out, language = console(), current()
    out.print(f"[bold]{plain(found.title.of(language))}[/]  [dim]{plain(found.id)} {plain(found.version)}[/]")
    out.print(plain(found.about.of(language)))
    out.print(plain(f"{found.licence} · {found.source}"), style="dim")
    headers = [say(f"evaluate-column-{name}") for name in ("id", "title", "expectation", "severity", "zh", "en")]
    table(headers, [
        [plain(each["id"]), plain(each["title"][language]), each["expectation"],
         say(f"severity-{each['severity']}"), str(each["cases"]["zh"]), str(each["cases"]["en"])]
        for each in _categories(found)
    ])  # fmt: skip
    for name, limit in found.limits.items():
        out.print(f"{plain(name)} ≤ {limit:.0%}", style="dim")
    out.print(f"sha256 {found.digest}", style="dim")


def _summary(suite: "Suite") -> dict[str, Any]:  # Any: what is printed as JSON
    cases = Counter(each.language for each in suite.cases())
    return {
        "id": suite.id,
        "version": suite.version,
        "title": {"zh": suite.title.zh, "en": suite.title.en},
        "cases": {"zh": cases["zh"], "en": cases["en"]},
        "licence": suite.licence,
        "scorers": sorted({suite.scorer_of(each) for each in suite.categories}),
        "strategy": suite.strategy,
        "transforms": list(suite.transforms),
        "evidence_type": suite.evidence_type,
        "limits": dict(suite.limits),
        "offline": True,
        "digest": suite.digest,
    }


def _categories(suite: "Suite") -> list[dict[str, Any]]:  # Any: what is printed as JSON
    cases = Counter((each.category, each.language) for each in suite.cases())
    return [
        {
            "id": each.id,
            "title": {"zh": each.title.zh, "en": each.title.en},
            "expectation": each.expectation.value,
            "severity": each.severity.value,
            "tags": list(each.tags),
            "cases": {"zh": cases[each.id, "zh"], "en": cases[each.id, "en"]},
        }
        for each in suite.categories
    ]


_JSON = click.Option(["--json", "form"], flag_value="json", help=say("option-json"))

suites = Speaking(
    name="list",
    callback=list_suites,
    help=say("about-evaluate-list"),
    params=[_JSON],
    examples=("jingwei evaluate list",),
)
show = Speaking(
    name="show",
    callback=show_suite,
    help=say("about-evaluate-show"),
    params=[Told(["suite"], metavar="SUITE", about=say("evaluate-suite")), _JSON],
    examples=("jingwei evaluate show baseline",),
)
