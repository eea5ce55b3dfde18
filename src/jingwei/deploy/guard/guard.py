"""The guard: one policy and one bundle of detectors, judging messages, answers and tool calls.

texts → detectors (timed, each for itself) → hits above their threshold → action of category and direction
      → strictest of all, fail modes of what could not be judged included → verdict, redacted text
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path as FilePath
from time import perf_counter
from typing import get_args

from jingwei.core.errors import InputError
from jingwei.core.finding import Severity
from jingwei.core.policy import Category, CategoryRule, Decision, Policy
from jingwei.core.signing import Verifier
from jingwei.deploy.guard.answers import answer_for
from jingwei.deploy.guard.conditions import Rules
from jingwei.deploy.guard.conversation import Conversations, conversations
from jingwei.deploy.guard.expert import Experts
from jingwei.deploy.guard.judgement import Judgement, clean, own_finding
from jingwei.deploy.guard.known import Known
from jingwei.deploy.guard.lazy import LazyBundle, built
from jingwei.deploy.guard.passages import Passage
from jingwei.deploy.guard.plans import Detectors, Plan, Plans
from jingwei.deploy.guard.scanning import Scan, scan_awaited, scan_watched
from jingwei.deploy.guard.tool_call import ToolCall, ToolContext, ToolDecision
from jingwei.deploy.guard.tools import Toolbox
from jingwei.deploy.guard.turns import Turns
from jingwei.deploy.guard.verdict import Direction, ExpertOutcome, GuardFinding, GuardVerdict, Unjudged
from jingwei.detect import Bundle, Hit, Role
from jingwei.detect.lexicon import Lexicon

DIRECTIONS: dict[Role, Direction] = {"user": "inbound", "tool": "inbound", "document": "inbound",
                                     "assistant": "outbound"}  # fmt: skip
"""Which way a text goes: what a person, a tool or a document says goes in, what the model says goes out."""
_NO_DETECTOR = frozenset({Category.RULE, Category.SESSION})
"""Categories that the guard judges itself, not from one text alone."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Judges for one System; safe to share between requests and threads."""

    policy: Policy
    bundle: Detectors
    rules: Rules = field(init=False)
    toolbox: Toolbox = field(init=False)
    experts: Experts = field(init=False)
    scanned: tuple[CategoryRule, ...] = field(init=False)
    _plans: Plans | None = field(init=False, default=None, compare=False, repr=False)
    turns: Turns | None = None
    """Remembers sessions; none: each text is judged by itself."""

    def __post_init__(self) -> None:
        rules = Rules.of(self.policy.rules)
        object.__setattr__(self, "rules", rules)
        object.__setattr__(self, "toolbox", Toolbox(self.policy))
        object.__setattr__(self, "experts", Experts(self.policy))
        object.__setattr__(self, "scanned", tuple(rule for rule in rules.scanned() if self._is_scanned(rule.category)))

    @classmethod
    def build(cls, policy: Policy) -> "Guard":
        """Compile the detectors that a policy needs; takes up to seconds for a large lexicon."""
        bundle = built(policy)
        return cls(policy, bundle, turns=conversations(policy, bundle))

    @classmethod
    def load(cls, policy: FilePath | str | Policy | None = None, *, trusted: Verifier | None = None) -> "Guard":
        """Make a guard from a policy file; its detectors are built on first need, or by `warm`.

        Args:
            policy: a policy, or the path of its YAML file; none: the policy that is shipped.
            trusted: the key that must have signed the file, in a `.sig` beside it.

        Raises:
            InputError: the file is missing or wrong; the message names the field, the problem and the mend.
            Tampered: the file was not signed by that key, or was changed since.
        """
        if not isinstance(policy, Policy):
            from jingwei.deploy.guard.policy_file import (  # noqa: PLC0415 - a gateway never reads such a file
                default_policy,
                read_policy,
            )

            policy = default_policy() if policy is None else read_policy(FilePath(policy), trusted=trusted)
        bundle = LazyBundle(policy)
        return cls(policy, bundle, turns=conversations(policy, bundle))

    @property
    def plans(self) -> Plans:
        """Return which detectors run where."""
        plans = self._plans
        if plans is None or not plans.fits(self.bundle):
            plans = Plans.of(self.bundle, self.scanned)
            object.__setattr__(self, "_plans", plans)
        return plans

    def warm(self) -> None:
        """Build the detectors now, where that has not been done."""
        if isinstance(self.bundle, LazyBundle):
            self.bundle.ready()

    def check(self, text: str, *, role: Role = "user", session: str = "",
              passages: Sequence[str] = ()) -> GuardVerdict:  # fmt: skip
        """Judge one text.

        Args:
            text: what was said.
            role: whose text it is; a tool's result and a document are never trusted.
            session: groups the turns of one conversation.
            passages: what an answer was to be drawn from.

        Raises:
            InputError: there is no such role, or the text is none.
        """
        passage = _passage(text, role, passages)
        return self.judge_passages((passage,), direction=DIRECTIONS[role], session=session)

    async def acheck(self, text: str, *, role: Role = "user", session: str = "",
                     passages: Sequence[str] = ()) -> GuardVerdict:  # fmt: skip
        """Do the same from an event loop, which goes on meanwhile."""
        passage = _passage(text, role, passages)
        return await self.judged((passage,), direction=DIRECTIONS[role], session=session)

    def judge_passages(self, passages: Sequence[Passage], *, direction: Direction, session: str = "") -> GuardVerdict:
        """Judge all texts of a request or an answer as one; each detector is watched from outside."""
        began = perf_counter()
        if too_long := self._too_long(passages, direction):
            return too_long
        self.warm()
        plan, known = self._plan(passages)
        scan = scan_watched(passages, self.bundle, plan, pool(), known=known)
        risk = self._turn(session, passages, scan, direction)
        return self._judgement(direction, risk).verdict(passages, scan, began,
                                                             second=self._second(passages, direction))  # fmt: skip

    async def judged(self, passages: Sequence[Passage], *, direction: Direction, session: str = "") -> GuardVerdict:
        """Do the same from an event loop, which goes on meanwhile."""
        began = perf_counter()
        if too_long := self._too_long(passages, direction):
            return too_long
        if isinstance(self.bundle, LazyBundle) and not self.bundle.is_ready:
            await asyncio.to_thread(self.warm)
        plan, known = self._plan(passages)
        scan = await scan_awaited(passages, self.bundle, plan, pool(), known=known)
        risk = self._turn(session, passages, scan, direction)
        second = self._second(passages, direction)
        if second is None and scan.is_clean:
            return clean(direction, self.policy.digest, began)
        return self._judgement(direction, risk).verdict(passages, scan, began, second=second)

    def decided(self, passage: Passage, scan: Scan, direction: Direction, began: float,
                ) -> tuple[GuardVerdict, tuple[Hit, ...]]:  # fmt: skip
        """Turn what was found in one text into a verdict; also return the hits that decide."""
        if not scan.failed and not scan.hits[0]:
            return CLEAN[direction], ()
        judgement = self._judgement(direction)
        return judgement.verdict((passage,), scan, began), judgement.acting(passage, scan.hits[0])

    def judge_call(self, call: ToolCall, context: ToolContext) -> ToolDecision:
        """Judge one tool call of a known caller in a known session; a text that cannot be read in time is a no."""
        decided = self.toolbox.judge(call, context, scan=partial(self.judge_passages, direction="tool"),
                                     compose=self._with)  # fmt: skip
        return self._checked_again(decided, call, context) if self.experts else decided

    def _second(self, passages: Sequence[Passage], direction: Direction) -> ExpertOutcome | None:
        if not self.experts or direction != "outbound":
            return None
        return self.experts.check_answer("\n".join(each.text for each in passages))

    def _checked_again(self, decided: ToolDecision, call: ToolCall, context: ToolContext) -> ToolDecision:
        """Hold a call against the expert rules; a person who approved it has seen what they ask to be seen."""
        second = self.experts.check_call(call.name, call.arguments)
        broken = tuple(each for each in second.findings
                       if not (context.approved and each.decision is Decision.HOLD))  # fmt: skip
        verdict = self._with(decided.verdict, broken).model_copy(update={"second_check": second})
        if verdict.decision is not Decision.HOLD or decided.verdict.decision is Decision.HOLD:
            return decided._replace(verdict=verdict)
        return decided._replace(verdict=verdict, need="approval", why=broken[0].rule_id)

    def _is_scanned(self, category: Category) -> bool:
        return category not in _NO_DETECTOR and (category is not Category.TOPIC or self.policy.scope is not None)

    def _plan(self, passages: Sequence[Passage]) -> tuple[Plan, Known | None]:
        """Leave grounding out where there is nothing that an answer was to be drawn from."""
        plans = self.plans
        for each in passages:
            if each.grounds:
                return plans.whole, None
        return plans.plain, plans.known

    def _judgement(self, direction: Direction, risk: float = 0.0) -> Judgement:
        return Judgement(self.policy, self.rules, direction, self.bundle.version[:12], risk)

    def _turn(self, session: str, passages: Sequence[Passage], scan: Scan, direction: Direction) -> float:
        """Let the session's memory see the turn; add what it finds to the scan, and return how risky the session is."""
        if self.turns is None or not session or not passages:
            return 0.0
        try:
            turn = self.turns.taken(session, passages, scan.hits, direction)
            scan.hits[-1].extend(turn.hits)
        except Exception:  # noqa: BLE001 - a memory may be anyone's code; its fail mode says what follows
            if Category.SESSION in self.rules.by_category:
                scan.failed[Category.SESSION] = "crashed"
            return 1.0
        return turn.risk

    def _with(self, verdict: GuardVerdict, more: tuple[GuardFinding, ...]) -> GuardVerdict:
        """Add findings of the guard itself to a verdict."""
        findings = (*verdict.findings, *more)
        decision = max((verdict.decision, *(each.decision for each in more)), key=lambda each: each.rank)
        return verdict.model_copy(update={
            "decision": decision, "findings": findings,
            "rewritten": verdict.rewritten if decision is Decision.REDACT else (),
            "answer": answer_for(self.policy, decision, findings, verdict.unjudged),
        })  # fmt: skip

    def _too_long(self, passages: Sequence[Passage], direction: Direction) -> GuardVerdict | None:
        if direction != "inbound":
            return None
        if sum([len(each.text) for each in passages if not each.fixed]) <= self.policy.max_input_characters:
            return None
        refused = self._refused("input.too-long", direction, Severity.LOW)
        grounded = any(each.grounds for each in passages)
        unjudged = tuple(Unjudged(category=each.category, why="too-long", decision=Decision.BLOCK)
                         for each in self.scanned if grounded or each.category is not Category.GROUNDING)  # fmt: skip
        return refused.model_copy(update={"unjudged": unjudged})

    def _refused(self, rule_id: str, direction: Direction, severity: Severity = Severity.HIGH) -> GuardVerdict:
        verdict = GuardVerdict(direction=direction, decision=Decision.ALLOW, policy_digest=self.policy.digest)
        return self._with(verdict, (own_finding(rule_id, Decision.BLOCK, severity),))


def with_lexicon(guard: Guard, lexicon: Lexicon) -> Guard:
    """Return a guard with other words and all else as it is, in microseconds; the given one goes on with its own."""
    bundle = guard.bundle.ready() if isinstance(guard.bundle, LazyBundle) else guard.bundle
    if not isinstance(bundle, Bundle):
        raise TypeError(type(bundle).__name__)
    other, bundle = copy(guard), bundle.with_lexicon(lexicon)
    object.__setattr__(other, "bundle", bundle)
    if isinstance(guard.turns, Conversations):
        object.__setattr__(other, "turns", guard.turns.reading_with(bundle))
    return other


CLEAN: dict[Direction, GuardVerdict] = {
    direction: GuardVerdict(direction=direction, decision=Decision.ALLOW) for direction in get_args(Direction)
}


@lru_cache(maxsize=1)
def pool() -> ThreadPoolExecutor:
    """Return the threads in which models and foreign detectors run."""
    return ThreadPoolExecutor(max_workers=4, thread_name_prefix="guard")


def _role(direction: Direction) -> Role:
    return "user" if direction == "inbound" else "assistant"


def _passage(text: str, role: Role, grounds: Sequence[str]) -> Passage:
    if not isinstance(text, str):
        raise InputError("deploy.guard:not-a-text", field="text", found=type(text).__name__)
    if role not in DIRECTIONS:
        raise InputError("deploy.guard:role-unknown", field="role", role=role, known=", ".join(DIRECTIONS))
    return Passage((), text, role=role, grounds=tuple(grounds))
