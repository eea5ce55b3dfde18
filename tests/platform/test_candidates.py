"""Candidate policies: proposed on what is in force, replayed on recordings, signed by two, promoted."""

import asyncio
from dataclasses import dataclass

import pytest

from jingwei.core.errors import Conflict, InputError, NotFound, Refused
from jingwei.core.identity import Reauthentication
from jingwei.core.jobs import JobError, JobHandlers
from jingwei.core.policy import Category, Decision, Policy
from jingwei.core.recording import RecordedHit, Recording, RecordingWriter
from jingwei.core.snapshot import read_public_key, read_snapshot
from jingwei.core.text import Both
from jingwei.manage import Candidate
from jingwei.platform import Trial
from jingwei.platform.replay import Count, Judged, TrialSample

PASSWORD = "correct horse battery"
STRICT = {"words": ["staff card"]}


@dataclass
class Trying:
    """A guarded System with recorded traffic, and short verbs for its candidates."""

    place: object
    system_id: str

    def record(self, *texts: str, **changed) -> None:
        writer = RecordingWriter(self.place.platform.settings.recordings_path)
        start = len(list(self.place.platform.settings.recordings_path.glob("*"))) * 10_000
        for number, text in enumerate(texts):
            given = {"id": f"rec_{start + number:08d}", "at": self.place.platform.clock(), "system_id": self.system_id,
                     "direction": "inbound", "text": text}  # fmt: skip
            writer.write(Recording(**given | changed))
        writer.close()

    def propose(self, edits=STRICT, *, login="mei", budget=0.2, reason="fewer leaks") -> Candidate:
        actor = self.place.who(login)
        with self.place.platform.work(actor, "policy.propose") as work:
            return work.trials.propose(self.system_id, edits, reason=reason, budget=budget, actor=actor)

    def replay(self, found: Candidate, *, login="zhao") -> Trial:
        done = self.place.platform.replays.start(found.id, actor=self.place.who(login))
        return Trial.model_validate(done.trial)

    def sign(self, found: Candidate, login: str) -> Candidate:
        with self.place.platform.work(self.place.who(login), "prove") as work:
            proof = work.accounts.reauthenticate(self.place.people[login], PASSWORD, purpose=found.id)
        assert isinstance(proof, Reauthentication), proof
        with self.place.platform.work(self.place.who(login), "candidate.sign") as work:
            return work.candidates.sign(found.id, actor=self.place.who(login), proof=proof)

    def act(self, verb, *given, login="zhao", **more):
        actor = self.place.who(login)
        with self.place.platform.work(actor, "candidate.act") as work:
            service = work.trials if verb == "promote" else work.candidates
            return getattr(service, verb)(*given, actor=actor, **more)

    def shown(self, found: Candidate) -> Candidate:
        with self.place.platform.reading() as work:
            return work.candidates.candidate(found.id)

    def in_force(self):
        with self.place.platform.reading() as work:
            return work.policies.in_force(self.system_id)


@pytest.fixture
def trying(place) -> Trying:
    return Trying(place, place.guarded())


def usual(trying: Trying, count: int = 110) -> None:
    trying.record(*["a staff card is lost"] * 5, *["which room is free"] * count)


def test_a_candidate_goes_all_the_way(trying):
    usual(trying)
    before = trying.in_force()
    found = trying.propose()
    assert (found.state, found.proposed_by) == ("draft", trying.place.people["mei"])
    trial = trying.replay(found)
    assert (trial.state, trial.texts, trial.newly_stopped, trial.newly_passed) == ("finished", 115, 5, 0)
    trying.sign(found, "zhao")
    with pytest.raises(Refused, match="two people"):
        trying.act("promote", found.id)
    assert trying.sign(found, "lin").signed == 2
    promoted = trying.act("promote", found.id)
    assert (promoted.state, trying.in_force().digest) == ("promoted", found.digest)
    assert trying.in_force().digest != before.digest
    with pytest.raises(Conflict):
        trying.act("withdraw", found.id)


def test_the_proposer_does_not_sign_nor_anybody_twice(trying):
    usual(trying)
    found = trying.propose(login="zhao")
    trying.replay(found)
    with pytest.raises(Refused, match="proposed"):
        trying.sign(found, "zhao")
    trying.sign(found, "lin")
    with pytest.raises(Conflict):
        trying.sign(found, "lin")
    with pytest.raises(Refused):
        trying.sign(found, "mei")


def test_nobody_signs_what_was_not_tried_or_stops_too_much(trying):
    usual(trying)
    found = trying.propose(budget=0.01)
    with pytest.raises(Refused, match="not been replayed"):
        trying.sign(found, "zhao")
    assert trying.replay(found).share > 0.01
    with pytest.raises(Refused, match="more than its budget"):
        trying.sign(found, "zhao")
    with pytest.raises(Refused):
        trying.act("promote", found.id)


def test_too_little_traffic_says_nothing(trying):
    usual(trying, count=20)
    found = trying.propose()
    trying.replay(found)
    with pytest.raises(Refused, match="too little traffic"):
        trying.sign(found, "zhao")


def test_a_new_replay_voids_what_was_signed(trying):
    usual(trying)
    found = trying.propose()
    trying.replay(found)
    trying.sign(found, "zhao")
    trying.replay(found)
    assert trying.shown(found).signed == 0
    assert trying.sign(found, "zhao").signed == 1


def test_a_policy_that_moved_on_is_compared_again(trying):
    usual(trying)
    found = trying.propose()
    trying.replay(found)
    trying.sign(found, "zhao")
    trying.sign(found, "lin")
    zhao = trying.place.who("zhao")
    with trying.place.platform.work(zhao, "policy.attach") as work:
        work.policies.attach(trying.in_force().model_copy(update={"watch_idle_seconds": 61}), actor=zhao)
    with pytest.raises(Refused, match="changed after the replay"):
        trying.act("promote", found.id)


def test_what_the_grade_forbids_cannot_be_proposed(trying):
    rules = [rule.model_dump(mode="json") for rule in trying.in_force().rules]
    weak = [{**rule, "inbound": "allow", "outbound": "allow"} for rule in rules]
    with trying.place.platform.reading() as work:
        assert "injection.inbound" in work.trials.preview(trying.system_id, {"rules": weak}).weaker
    with pytest.raises(Refused, match="weaker"):
        trying.propose({"rules": weak})


def test_what_people_added_and_a_candidate_takes_away_is_told(trying):
    scope = {"about": {"zh": "人事制度", "en": "staff rules"}, "outside": ["stocks"]}
    limits = {"requests_per_minute": 60, "tokens_per_day": 0, "concurrent_requests": 0}
    zhao = trying.place.who("zhao")
    with trying.place.platform.work(zhao, "policy.attach") as work:
        guarded = {**trying.in_force().model_dump(mode="json"), "scope": scope, "limits": limits}
        work.policies.attach(Policy.model_validate(guarded), actor=zhao)
    with trying.place.platform.reading() as work:
        preview = work.trials.preview
        assert preview(trying.system_id, {"scope": None, "limits": {}}).loosened == ("scope", "limits")
        assert preview(trying.system_id, {"limits": {**limits, "tokens_per_day": 9}}).loosened == ()
        assert preview(trying.system_id, {"scope": None}).weaker == ()  # a grade demands none: two people decide


@pytest.mark.parametrize(("edits", "says"), [
    ({"grade": 1}, "grade"), ({"system_id": "sys_other"}, "system_id"), ({"nonsense": 1}, "nonsense"),
    ({"watch_idle_seconds": "soon"}, "watch_idle_seconds"), ({}, "same as the policy"),
])  # fmt: skip
def test_a_wrong_edit_is_named(trying, edits, says):
    with pytest.raises(InputError) as refused:
        trying.propose(edits)
    assert says in str(refused.value)


def test_a_candidate_needs_a_reason_and_a_sane_budget(trying):
    with pytest.raises(InputError, match="why"):
        trying.propose(reason=" ")
    with pytest.raises(InputError, match="budget"):
        trying.propose(budget=0.9)


def test_changes_are_told_part_by_part(trying):
    rules = [rule.model_dump(mode="json") for rule in trying.in_force().rules]
    rules[0]["threshold"] = 0.1
    with trying.place.platform.reading() as work:
        found = work.trials.preview(trying.system_id, {"rules": rules, "record_share": 0.1})
    parts = {each.part: (each.before, each.after) for each in found.changes}
    assert parts.keys() == {f"rules.{rules[0]['category']}.threshold", "record_share"}
    assert parts["record_share"] == (0.0, 0.1)


def test_a_candidate_in_the_shadow_is_told_to_gateways_and_only_one(trying):
    found, other = trying.propose(), trying.propose({"watch_idle_seconds": 30})
    trying.act("shadow", found.id, on=True)
    with pytest.raises(Conflict):
        trying.act("shadow", other.id, on=True)
    assert snapshot(trying).systems[0].shadow.digest == found.digest
    assert snapshot(trying).systems[0].policy.digest == trying.in_force().digest
    trying.act("shadow", found.id, on=False)
    assert snapshot(trying).systems[0].shadow is None
    trying.act("shadow", other.id, on=True)
    trying.act("withdraw", other.id)
    assert snapshot(trying).systems[0].shadow is None


def snapshot(trying):
    trying.place.platform.relay.publish()
    path = trying.place.platform.settings.snapshot_path
    return read_snapshot(path, read_public_key(path.with_name("platform.pub"))).content


def test_personal_data_that_was_redacted_is_weighed_by_both_policies(trying):
    hit = RecordedHit(category=Category.PII, rule_id="pii.email", score=1.0)
    trying.record(*["write to [EMAIL] please"] * 3, hits=(hit,))
    rules = [rule.model_dump(mode="json") for rule in trying.in_force().rules]
    rules = [{**rule, "inbound": "block"} if rule["category"] == "pii" else rule for rule in rules]
    trial = trying.replay(trying.propose({"rules": rules}))
    (row,) = [row for row in trial.rows if row.category == "pii"]
    assert (row.newly_stopped, trial.newly_stopped, trial.samples[0].rule_ids) == (3, 3, ("pii.email",))


def test_a_replay_without_recordings_says_how_to_get_some(trying):
    with pytest.raises(InputError, match="record_share"):
        trying.replay(trying.propose())
    with pytest.raises(NotFound):
        trying.place.platform.replays.start("cand_nothing", actor=trying.place.who("zhao"))


def test_who_may_not_try_starts_no_replay(trying):
    usual(trying)
    with pytest.raises(Refused):
        trying.replay(trying.propose(), login="mei")


def test_a_replay_goes_on_in_another_process(trying):
    """The steps of the job, with a fresh object for each: what a killed and restarted worker does."""
    from jingwei.platform.replaying import Replays

    usual(trying)
    found, platform = trying.propose(), trying.place.platform
    replay_id, count = platform.replays._ask(found.id, trying.place.who("zhao"))
    assert count == 115
    units = Replays(platform).plan(replay_id)
    results = [Replays(platform).examine(replay_id, [unit])[0] for unit in units]
    Replays(platform).progressed(replay_id, 1, len(units))
    assert trying.shown(found).trial["state"] == "running"
    Replays(platform).conclude(replay_id, results)
    assert trying.shown(found).trial["newly_stopped"] == 5


def test_a_failed_replay_says_why_and_can_be_asked_for_again(trying):
    usual(trying)
    found = trying.propose()
    replays = trying.place.platform.replays
    replay_id, _ = replays._ask(found.id, trying.place.who("zhao"))
    replays.failed(replay_id, JobError("core:job-crashed", None, Both(zh="坏了", en="broke")))
    assert trying.shown(found).trial["state"] == "failed"
    assert trying.replay(found).state == "finished"


def test_jobs_go_to_replays_by_their_id_and_to_checks_otherwise(trying):
    heard = []

    async def note(job_id, *_given):
        heard.append(job_id)

    others = JobHandlers(begin=note, plan=note, examine=note, progress=note, conclude=note, failed=note)
    routed = trying.place.platform.replays.handlers(others)
    asyncio.run(routed.begin("run_1"))
    asyncio.run(routed.begin("cand_1-1"))
    assert heard == ["run_1"]


def test_counts_of_batches_add_up():
    passing = Judged(Decision.ALLOW, (), (), whole=True)
    stopped = Judged(Decision.BLOCK, (Category.KEYWORD,), ("keyword.own",), whole=True)
    one, other, whole = Count(), Count(), Count()
    said = Recording(id="rec_1", at="2026-11-22T12:00:00Z", system_id="sys_A", direction="inbound", text="x")
    for count, before, after in ((one, passing, stopped), (other, stopped, passing), (other, passing, passing)):
        count.add(said, before, after)
        whole.add(said, before, after)
    summed = Count.summed([one.dump(), other.dump()])
    assert summed.told() == whole.told()
    assert summed.totals["newly_stopped"] == summed.totals["newly_passed"] == 1
    assert isinstance(summed.samples[0], TrialSample)


def test_compiling_anew_keeps_what_a_promoted_candidate_brought(trying):
    usual(trying)
    rules = [rule.model_dump(mode="json") for rule in trying.in_force().rules]
    rules = [{**rule, "inbound": "block"} if rule["category"] == "pii" and not rule["when"] else rule for rule in rules]
    found = trying.propose({"rules": rules, "watch_idle_seconds": 30, "limits": {"requests_per_minute": 9}})
    trying.replay(found)
    for login in ("zhao", "lin"):
        trying.sign(found, login)
    trying.act("promote", found.id)
    with trying.place.platform.reading() as work:
        assert work.guarding.compile(trying.system_id).digest == found.digest
