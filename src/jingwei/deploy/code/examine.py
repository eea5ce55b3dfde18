"""Files of one part of a tree, examined together: our analysis of Python, and the secrets in every text."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from jingwei.core.finding import Location
from jingwei.core.text import Both, text
from jingwei.deploy.code.python import PythonSource, audit
from jingwei.deploy.code.python.place import Report
from jingwei.deploy.code.python.services import judge
from jingwei.deploy.code.rule import found, seen
from jingwei.deploy.code.secrets import Secret, joined_secrets, masked, secrets
from jingwei.deploy.code.source import Cells, cells, decoded, language_of
from jingwei.deploy.code.tree import File, read
from jingwei.deploy.scanned import Scanned, Seen

_MOST_FINDINGS = 500


class Examined(NamedTuple):
    """One file and what was found in it."""

    file: File
    scanned: Scanned


@dataclass(slots=True)
class _Text:
    file: File
    language: str
    raw_size: int = 0
    digest: str = ""
    content: str | None = None
    """The file as text."""
    code: str | None = None
    """Its Python, where it holds any."""
    book: Cells | None = None
    secrets: list[Secret] = field(default_factory=list)
    gaps: list[Both] = field(default_factory=list)

    def gap(self, key: str, **values: object) -> None:
        self.gaps.append(text(f"deploy.code:{key}").format(path=self.file.name, **values))


def examine(batch: Sequence[File], *, most: int, files: Sequence[str]) -> Iterator[Examined]:
    """Examine files together.

    Args:
        batch: the files.
        most: the largest file that is read, in bytes.
        files: names of all files of the tree.
    """
    texts = [_read(each, most) for each in batch]
    sources = [PythonSource(each.file.name, each.code) for each in texts if each.code is not None]
    audited = audit(sources, files=files)
    reports: dict[str, list[Report]] = defaultdict(list)
    for report in [*audited.reports, *judge(audited.program, {each.path: each.text for each in sources})]:
        reports[report.place.path].append(report)
    for each in texts:
        if each.file.name in audited.broken:
            each.gap(audited.broken[each.file.name])
        yield Examined(each.file, _scanned(each, reports[each.file.name]))


def _read(file: File, most: int) -> _Text:
    found_text = _Text(file, language_of(file.name))
    raw = read(file, most + 1)
    if raw is None:
        found_text.gap("gap-unreadable")
        return found_text
    if len(raw) > most:
        found_text.gap("gap-large", limit=most)
        return found_text
    found_text.raw_size = len(raw)
    found_text.digest = sha256(raw).hexdigest()
    found_text.content = decoded(raw, python=found_text.language == "python")
    if found_text.content is None:
        found_text.gap("gap-not-text")
        return found_text
    found_text.secrets = list(secrets(found_text.content, name=file.name))
    if found_text.language == "python":
        found_text.code = found_text.content
        whole = list(joined_secrets(found_text.content))
        parts = [each for each in found_text.secrets if any(one.start <= each.start < one.end for one in whole)]
        found_text.secrets = [*(each for each in found_text.secrets if each not in parts), *whole]
    elif found_text.language == "notebook":
        found_text.book = cells(found_text.content)
        if found_text.book is None:
            found_text.gap("gap-notebook")
        else:
            found_text.code = found_text.book.text
    return found_text


def _scanned(one: _Text, reports: list[Report]) -> Scanned:
    lines = one.code.splitlines() if one.code is not None else []
    findings = [*_secrets_of(one)]
    hidden = _hidden(one)
    for report in reports:
        number = report.place.line
        shown = lines[number - 1] if 0 < number <= len(lines) else ""
        finding = seen(report, masked(shown, hidden.get(number, [])).strip())
        if finding is not None and len(findings) < _MOST_FINDINGS:
            findings.append(_in_cell(finding, one.book))
    whole = ((0, one.raw_size),) if one.content is not None and one.raw_size and not one.gaps else ()
    return Scanned(path=one.file.name, sha256=one.digest, size=one.file.size, format=one.language, coverage=whole,
                   findings=tuple(findings), gaps=tuple(one.gaps))  # fmt: skip


def _hidden(one: _Text) -> dict[int, list[tuple[int, int]]]:
    """Return where secrets stand in each line of a file whose lines are those of its code."""
    hidden: dict[int, list[tuple[int, int]]] = defaultdict(list)
    if one.content is None or one.book is not None:
        return hidden
    for secret in one.secrets:
        begin = one.content.rfind("\n", 0, secret.start) + 1
        hidden[secret.line].append((secret.start - begin, secret.end - begin))
    return hidden


def _secrets_of(one: _Text) -> Iterator[Seen]:
    if one.content is None:
        return
    for secret in one.secrets[:_MOST_FINDINGS]:
        begin = one.content.rfind("\n", 0, secret.start) + 1
        stop = one.content.find("\n", secret.end)
        line = one.content[begin : stop if stop >= 0 else len(one.content)][:2000]
        shown = masked(line, [(secret.start - begin, min(secret.end - begin, len(line)))]).strip()
        yield found("code.secret", secret.severity, path=one.file.name, line=secret.line, evidence=shown,
                    call=secret.what)  # fmt: skip


def _in_cell(finding: Seen, book: Cells | None) -> Seen:
    number = finding.location.line or 0
    if book is None or not 0 < number <= len(book.lines):
        return finding
    cell, line = book.lines[number - 1]
    return finding.model_copy(update={"location": Location(path=f"{finding.location.path}!cell-{cell}", line=line)})
