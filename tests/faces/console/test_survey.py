"""Reading all Systems at once tells the same as reading each; what is remembered is never a changed row."""

import json
import sqlite3
from contextlib import closing

import pytest
from console_story import Story

from jingwei.core.errors import JingweiError, Tampered


def judged(story: Story, *, survey: bool) -> dict[str, object]:
    found: dict[str, object] = {}
    with story.platform.reading() as work:
        if survey:
            work.survey()
        for name, system_id in story.systems.items():
            verdict = work.gate.verdict(system_id).model_dump(exclude={"at", "inputs_digest"})
            standings = work.proof.standings(system_id)
            requests = [each.status for each in work.gate.requests(system_id)]
            due = work.reassess.due_for(work.registry.system(system_id))
            found[name] = (verdict, standings, requests, due, work.grading.newest(system_id))
    return found


def test_surveyed_systems_are_judged_as_each_alone(story):
    assert judged(story, survey=True) == judged(story, survey=False)


def test_a_unit_of_work_that_writes_is_never_surveyed(story):
    from jingwei.core.identity import PLATFORM
    from jingwei.manage.shelf import shelf

    with story.platform.work(PLATFORM, "test") as work:
        work.survey()
        assert shelf(work.desk.session) is None


@pytest.mark.parametrize("survey", [True, False])
def test_evidence_that_was_read_before_is_still_found_to_be_changed(own_story, survey):
    judged(own_story, survey=survey)
    evidence_id = own_story.evidence["EV-PII"]
    file = own_story.platform.settings.home / "jingwei.db"
    with closing(sqlite3.connect(file)) as database:
        body = json.loads(database.execute("SELECT body FROM evidence WHERE id = ?", [evidence_id]).fetchone()[0])
        changed = json.dumps({**body, "outcome": "pass"})
        database.execute("UPDATE evidence SET body = ? WHERE id = ?", [changed, evidence_id])
        database.commit()
    with pytest.raises(Tampered):
        judged(own_story, survey=survey)
    with own_story.platform.reading() as work, pytest.raises(JingweiError):
        work.proof.evidence(evidence_id)
