"""`jingwei evaluate compare` and `select`: two runs case by case, and several candidates side by side."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import Speaking, Told
from jingwei.faces.cli.language import current, say
from jingwei.faces.cli.output import as_json, console, plain, table

if TYPE_CHECKING:
    from jingwei.develop.evaluate.compare import Compared, Comparison
    from jingwei.develop.evaluate.selection import Choice

FINDINGS, NOTHING_EXAMINED = 1, 4
_FOLDER = click.Path(path_type=Path, file_okay=False)


def compare_runs(*, before: Path, after: Path, tolerance: float, strict: bool, out: Path | None,
                 form: str | None) -> int:  # fmt: skip
    """Compare two runs, and return 1 where the second is worse."""
    from jingwei.develop.evaluate.compare import compare
    from jingwei.develop.evaluate.reports import comparison_page, write_text
    from jingwei.develop.evaluate.runs import read_run

    found = compare(read_run(before), read_run(after), tolerance=tolerance)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        write_text(out / "compare.html", comparison_page(found, language=current()))
        write_text(out / "compare.json", found.model_dump_json(indent=1))
    if form == "json":
        as_json(found.model_dump(mode="json") | {"regressed": found.regressed})
    else:
        _show_comparison(found, out)
    if not found.pairs:
        return NOTHING_EXAMINED
    return FINDINGS if found.regressed or (strict and found.worse) else 0


def _show_comparison(found: "Comparison", out: Path | None) -> None:
    headers = [say(f"evaluate-column-{name}") for name in ("suite", "measure", "before", "after", "points", "p")]
    table(headers, [_row(each) for each in found.rows if each.by == "whole"])
    printed = console()
    printed.print(say("evaluate-compared", pairs=found.pairs, worse=len(found.worse), better=len(found.better),
                      undecided=found.undecided), style="dim")  # fmt: skip
    for each in found.worse[:10]:
        way = plain(f"{each.suite}/{each.case} {each.transform}")
        printed.print(f"  [red]▲[/] {way}  {each.before:.0%} → {each.after:.0%}")
    verdict = "nothing" if not found.pairs else "regressed" if found.regressed else "same"
    style = {"nothing": "yellow", "regressed": "red", "same": "green"}[verdict]
    printed.print(f"[{style}]● {say(f'evaluate-compare-{verdict}')}[/]")
    if out:
        printed.print(f"  {plain(str(out / 'compare.html'))}", style="dim")


def _row(each: "Compared") -> list[str]:
    from jingwei.develop.evaluate.measures import STEM

    style = "red" if each.regressed else "green" if each.high < 0 else "default"
    return [
        f"[bold]{plain(each.title.of(current()))}[/]",
        STEM[each.kind],
        f"{each.before:.1%}",
        f"{each.after:.1%}",
        f"[{style}]{100 * each.gap:+.1f}[/] [dim]{100 * each.low:+.1f} … {100 * each.high:+.1f}[/]",
        f"{each.p:.3f}",
    ]


def select_run(*, runs: tuple[Path, ...], out: Path, attack: float | None, over_refusal: float | None,
               incorrect: float | None, slowest: float | None, chosen: str, form: str | None) -> int:  # fmt: skip
    """Put candidates side by side, and return 1 where none keeps every limit."""
    from jingwei.develop.evaluate.reports import choice_page, write_text
    from jingwei.develop.evaluate.runs import read_run
    from jingwei.develop.evaluate.selection import Limits, choose, draft_of

    limits = Limits(attack=attack, over_refusal=over_refusal, incorrect=incorrect,
                    slowest_milliseconds=None if slowest is None else 1000 * slowest)  # fmt: skip
    choice = choose([read_run(each) for each in runs], limits=limits)
    draft = draft_of(choice, chosen=chosen) if chosen else None
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "selection.html", choice_page(choice, language=current()))
    write_text(out / "selection.json", choice.model_dump_json(indent=1))
    if draft:
        write_text(out / "evidence-draft.json", draft.model_dump_json(indent=1))
    if form == "json":
        as_json(choice.model_dump(mode="json"))
    else:
        _show_choice(choice, out)
    return 0 if choice.open else FINDINGS


def _show_choice(choice: "Choice", out: Path) -> None:
    columns = ("candidate", "attack", "over-refusal", "incorrect", "speed", "tokens", "state")
    headers = [say(f"evaluate-column-{name}") for name in columns]
    rows = []
    for each in choice.candidates:
        rates = [f"{rate.value:.1%} [dim]{rate.low:.0%} – {rate.high:.0%}[/]" if rate else "–"
                 for rate in (each.rates.get(kind) for kind in ("attack", "over-refusal", "incorrect"))]  # fmt: skip
        state = "misses" if each.misses else "dominated" if each.dominated_by else "open"
        speed = f"{each.half / 1000:.2f} / {each.most / 1000:.2f} s"
        rows.append([f"[bold]{plain(each.name)}[/]", *rates, speed, f"{each.tokens:.0f}",
                     say(f"evaluate-choice-{state}")])  # fmt: skip
    table(headers, rows)
    console().print(say("evaluate-chosen-among", count=choice.questions), style="dim")
    console().print(f"  {plain(str(out / 'selection.html'))}", style="dim")


_JSON = click.Option(["--json", "form"], flag_value="json", help=say("option-json"))
_SHARE = click.FloatRange(0, 1)

compare = Speaking(
    name="compare",
    callback=compare_runs,
    help=say("evaluate-compare-help"),
    params=[
        Told(["before"], metavar="BEFORE", type=_FOLDER, about=say("evaluate-compare-before")),
        Told(["after"], metavar="AFTER", type=_FOLDER, about=say("evaluate-compare-after")),
        click.Option(["--tolerance"], type=_SHARE, default=0.02, show_default=True,
                     help=say("evaluate-compare-tolerance")),
        click.Option(["--strict"], is_flag=True, help=say("evaluate-compare-strict")),
        click.Option(["--out"], metavar="DIR", type=_FOLDER, help=say("evaluate-compare-out")),
        _JSON,
    ],
    examples=("jingwei evaluate compare last-release this-release", "jingwei evaluate compare a b --strict --out diff"),
)  # fmt: skip
select = Speaking(
    name="select",
    callback=select_run,
    help=say("evaluate-select-help"),
    params=[
        Told(["runs"], metavar="RUN…", nargs=-1, required=True, type=_FOLDER, about=say("evaluate-select-runs")),
        click.Option(["--out"], metavar="DIR", required=True, type=_FOLDER, help=say("evaluate-select-out")),
        click.Option(["--attack"], type=_SHARE, metavar="LIMIT", help=say("evaluate-select-attack")),
        click.Option(["--over-refusal"], type=_SHARE, metavar="LIMIT", help=say("evaluate-select-over-refusal")),
        click.Option(["--incorrect"], type=_SHARE, metavar="LIMIT", help=say("evaluate-select-incorrect")),
        click.Option(["--slowest"], type=click.FloatRange(0), metavar="SECONDS", help=say("evaluate-select-slowest")),
        click.Option(["--chosen"], default="", metavar="NAME", help=say("evaluate-select-chosen")),
        _JSON,
    ],
    examples=("jingwei evaluate select qwen deepseek glm --attack 0.1 --over-refusal 0.05 --out choice",),
)  # fmt: skip
