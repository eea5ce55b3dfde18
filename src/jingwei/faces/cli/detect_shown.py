"""How `jingwei detect` shows what it found: a verdict explained, a row, a count while it goes on."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from jingwei.faces.cli.language import current, say

if TYPE_CHECKING:
    from jingwei.deploy.guard import GuardVerdict

STYLES = {"allow": "green", "label": "cyan", "redact": "yellow", "safe_answer": "magenta", "hold": "magenta",
          "block": "red"}  # fmt: skip
_SECONDS = 0.2
_LONGEST_SHOWN = 2_000


class Counter:
    """Counts lines, and shows the count on standard error where that is a terminal."""

    def __init__(self) -> None:
        self.count = 0
        self.skipped = 0
        self._began = time.monotonic()
        self._shown = self._began
        self._shows = sys.stderr.isatty() and not sys.stdout.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        if self._shows:
            sys.stderr.write("\r\033[K")

    def judged(self) -> None:
        """Count a line that was judged."""
        self.count += 1
        if self._shows and (now := time.monotonic()) - self._shown > _SECONDS:
            self._shown = now
            rate = self.count / max(now - self._began, 1e-9)
            sys.stderr.write("\r" + say("detect-progress", count=f"{self.count:,}", rate=f"{rate:,.0f}") + "\033[K")
            sys.stderr.flush()

    def skip(self) -> None:
        """Count a line that was not."""
        self.skipped += 1
        if self._shows:
            sys.stderr.write("\r\033[K")


def row(answer: dict[str, Any]) -> bytes:  # Any: JSON
    """Write an answer as a row for people, its columns wide enough to stand under each other."""
    categories = ", ".join(say(f"category-{each}") for each in answer["categories"]) or "–"
    rules = ", ".join(dict.fromkeys(each["rule"] for each in answer["spans"])) or "–"
    name = "".join(each if each.isprintable() else "\ufffd" for each in str(answer["id"]))
    action = say(f"decision-{answer['action']}")
    return f"{_wide(name, 20)}  {_wide(action, 18)}  {_wide(categories, 24)}  {rules}\n".encode()


def _wide(shown: str, columns: int) -> str:
    """Fill a text up to a width on the screen, where a Chinese character takes two columns."""
    from rich.cells import cell_len

    return shown + " " * (columns - cell_len(shown))


def explain(given: str, verdict: "GuardVerdict") -> None:
    """Print a verdict for people: what was decided, why, where, and what the person would read."""
    from jingwei.faces.cli.output import console, plain

    out, language = console(), current()
    style = STYLES[verdict.action]
    out.print(f"[bold {style}]● {plain(verdict.reason.of(language))}[/]")
    if verdict.spans:
        out.print(f"\n  {_marked(given, verdict)}\n")
        _findings(verdict)
    for gap in verdict.unjudged:
        shown = say("detect-unjudged", category=say(f"category-{gap.category}"), why=say(f"detect-why-{gap.why}"),
                    action=say(f"decision-{gap.decision}"))  # fmt: skip
        out.print(f"  [yellow]▲[/] {shown}")
    if verdict.text is not None:
        out.print(f"  [dim]{say('detect-redacted')}[/] {plain(verdict.text[:_LONGEST_SHOWN])}")
    if answer := verdict.safe_answer(language):
        out.print(f"  [dim]{say('detect-answer')}[/] {plain(answer)}")
    out.print(f"  [dim]{say('detect-policy-line', digest=verdict.policy_digest[:12])}[/]")


def _findings(verdict: "GuardVerdict") -> None:
    from jingwei.detect import titles
    from jingwei.faces.cli.output import SEVERITY_STYLE, console, plain

    out, language, names = console(), current(), titles()
    for each in verdict.findings:
        title = names[each.rule_id].of(language) if each.rule_id in names else each.rule_id
        out.print(f"  [{SEVERITY_STYLE[each.severity]}]{say(f'severity-{each.severity.value}')}[/] {plain(title)} "
                  f"[dim]{each.rule_id} · {each.score:.2f} · {each.start}–{each.end}"
                  f"{' · ' if each.control_ids else ''}{', '.join(each.control_ids)}[/]")  # fmt: skip


def _marked(given: str, verdict: "GuardVerdict") -> str:
    """Show the text with what was found in it marked."""
    from jingwei.faces.cli.output import plain

    pieces, done = [], 0
    for span in sorted(verdict.spans, key=lambda each: (each.start, -each.end)):
        if span.start < done or span.start >= _LONGEST_SHOWN:
            continue
        pieces += [plain(given[done : span.start]), f"[bold reverse]{plain(given[span.start : span.end])}[/]"]
        done = span.end
    return "".join(pieces) + plain(given[done : max(done, _LONGEST_SHOWN)])
