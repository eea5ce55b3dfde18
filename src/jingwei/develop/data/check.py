"""The check `data-scan`: personal information, secrets, keywords, injection and harm in a dataset, row by row."""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar

from jingwei.core.canonical import Json
from jingwei.core.check import Run, local_path
from jingwei.core.evidence import Binding, BoundTo, Draft, Measure, Outcome
from jingwei.core.finding import Finding, Location, Severity
from jingwei.core.policy import Category
from jingwei.core.target import TargetKind
from jingwei.core.text import Both, text
from jingwei.detect import Bundle, titles
from jingwei.develop.data.blocks import Block, blocks, dataset_digest, rows
from jingwei.develop.data.options import DataScanOptions
from jingwei.develop.data.tally import Place, Tally, together

_PERSONAL = (Category.PII, Category.SECRET)
_CONTENT = (Category.KEYWORD, Category.INJECTION, Category.HARM)


class DataScan:
    """Scans JSONL, text, CSV and Parquet with the detectors of the live guard."""

    id: ClassVar[str] = "data-scan"
    version: ClassVar[str] = "2"
    title: ClassVar[Both] = text("develop.data:title")
    about: ClassVar[Both] = text("develop.data:about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-PII", "EV-DATA-SCAN")
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.FILE,)
    options: ClassVar[type[DataScanOptions]] = DataScanOptions

    def plan(self, run: Run) -> Sequence[Json]:
        """Cut the dataset into blocks and take its digest.

        Raises:
            InputError: there is no file of a known format, or a Parquet file is broken.
            Unavailable: a file cannot be read.
        """
        return [block.model_dump(mode="json") for block in blocks(local_path(run.target))]

    async def examine(self, run: Run, unit: Json) -> Json:
        """Count what one block holds.

        Raises:
            Unavailable: the file went away.
        """
        tally = await asyncio.to_thread(_count, run, Block.model_validate(unit))
        return tally.model_dump(mode="json")

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:
        """Write one draft about personal information and secrets, one about content."""
        tally = together(Tally.model_validate(result) for result in results)
        binding = Binding(to=BoundTo.DATASET_VERSION, observed=True,
                          digest=dataset_digest([Block.model_validate(unit) for unit in units]))  # fmt: skip
        return [
            _draft("EV-PII", tally, run.options, binding=binding, categories=_PERSONAL),
            _draft("EV-DATA-SCAN", tally, run.options, binding=binding, categories=_CONTENT),
        ]

    def concurrency(self, run: Run) -> int:  # noqa: ARG002 - the contract
        """Return 2: one block is read while another is matched."""
        return 2


@lru_cache(maxsize=4)
def _bundle(words: tuple[str, ...], allowed_words: tuple[str, ...]) -> Bundle:
    return Bundle.build(words, allowed_words=allowed_words)


def _count(run: Run, block: Block) -> Tally:
    options: DataScanOptions = run.options
    bundle = _bundle(options.words, options.allowed_words)
    tally = Tally()
    for number, texts in rows(block, local_path(run.target), fields=options.fields):
        place = Place(path=block.path, row=number)
        if texts is None:
            tally.add_unread(place)
            continue
        hits = [hit for each in texts for hit in bundle.scan(each)]
        tally.add_row(place, hits, threshold=options.threshold)
    return tally


def _limit(options: DataScanOptions, category: Category) -> float:
    limit: float = getattr(options, f"max_{category}_share")
    return limit


def _draft(type_id: str, tally: Tally, options: DataScanOptions, *, binding: Binding,
           categories: tuple[Category, ...]) -> Draft:  # fmt: skip
    over = [category for category in categories if tally.share(category) > _limit(options, category)]
    skipped = _skipped(tally)
    outcome = Outcome.FAIL if over else Outcome.INCOMPLETE if skipped else Outcome.PASS
    flagged = sum(tally.by_category.get(category, 0) for category in categories)
    return Draft(
        type=type_id,
        outcome=outcome,
        summary=text(f"develop.data:summary-{outcome}", rows=tally.rows, flagged=flagged, unread=tally.unread),
        bindings=(binding,),
        measures=_measures(tally, categories, threshold=options.threshold),
        findings=tuple(_findings(tally, options, over=over, categories=categories)),
        examined=tally.rows,
        skipped=skipped,
    )


def _skipped(tally: Tally) -> tuple[Both, ...]:
    if not tally.rows and not tally.unread:
        return (text("develop.data:nothing-read"),)
    if not tally.unread:
        return ()
    places = ", ".join(f"{place.path}:{place.row}" for place in tally.unread_places)
    return (text("develop.data:rows-unread", count=tally.unread, places=places),)


def _measures(tally: Tally, categories: tuple[Category, ...], *, threshold: float) -> tuple[Measure, ...]:
    counted = [Measure(name="rows", title=text("develop.data:rows"), value=tally.rows, unit="count"),
               Measure(name="rows_unread", title=text("develop.data:unread"), value=tally.unread,
                       unit="count"),
               Measure(name="threshold", title=text("develop.data:threshold"), value=threshold,
                       unit="score")]  # fmt: skip
    shares = [Measure(name=f"{category}_share", title=text(f"develop.data:share-{category}"),
                      value=tally.share(category), samples=tally.rows) for category in categories]  # fmt: skip
    by_rule = [Measure(name=f"rows_with_{rule_id}", title=titles()[rule_id], value=count.rows, unit="count")
               for rule_id, count in sorted(tally.by_rule.items()) if count.category in categories]  # fmt: skip
    return (*counted, *shares, *by_rule)


def _findings(tally: Tally, options: DataScanOptions, *, over: list[Category],
              categories: tuple[Category, ...]) -> list[Finding]:  # fmt: skip
    """Write one finding a rule: how many rows and where the first ones are. Within its limit it is information."""
    findings = []
    for rule_id, count in sorted(tally.by_rule.items()):
        if count.category not in categories:
            continue
        matters = count.category in over
        first = count.places[0]
        findings.append(
            Finding(
                rule_id=rule_id,
                severity=Severity(count.severity) if matters else Severity.INFO,
                title=titles()[rule_id],
                detail=text("develop.data:found", rows=count.rows, threshold=f"{options.threshold:g}",
                            places=", ".join(f"{place.path}:{place.row}" for place in count.places)),
                remedy=text(f"develop.data:remedy-{count.category}"),
                location=Location(path=first.path, line=first.row),
            )
        )  # fmt: skip
    return sorted(findings, key=lambda finding: -finding.severity.rank)
