"""Evaluations in the console: the whole report of a piece of evidence, and two of them compared, as files to keep.

They are downloads: pages of their own, with a policy of their own, which open without a console as well.
"""

from fastapi import APIRouter, Response

from jingwei.develop.evaluate.compare import compare
from jingwei.develop.evaluate.proven import run_of
from jingwei.develop.evaluate.reports import comparison_page, whole_page
from jingwei.develop.evaluate.runs import KeptRun
from jingwei.faces.console.caller import Asking, Caller

router = APIRouter()


@router.get("/evidence/{evidence_id}/report.html")
def report(evidence_id: str, caller: Asking) -> Response:
    """Give the whole report of an evaluation that is kept as evidence."""
    run = _run(caller, evidence_id)
    page = whole_page(run.evaluation, run.results, language=caller.wording.language)
    return _file(page, f"evaluation-{evidence_id[:16]}")


@router.get("/evidence/{evidence_id}/compare/{before_id}.html")
def compared(evidence_id: str, before_id: str, caller: Asking) -> Response:
    """Compare an evaluation with an earlier one, case by case."""
    found = compare(_run(caller, before_id), _run(caller, evidence_id))
    page = comparison_page(found, language=caller.wording.language)
    return _file(page, f"comparison-{before_id[:8]}-{evidence_id[:8]}")


def _run(caller: Caller, evidence_id: str) -> KeptRun:
    with caller.reading() as work:
        evidence = work.proof.evidence(evidence_id)
    return run_of(evidence, caller.platform.blobs.read)


def _file(page: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.html"'}
    return Response(page, media_type="text/html", headers=headers)
