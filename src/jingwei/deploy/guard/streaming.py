"""The stream guard: lets a stream through with as little delay as safety allows.

Two stages. **Rules** (words, personal data, secrets, signs) read every piece before it leaves. The end of the text
that could still become a word, a number or a key (`hold_back`) waits until more has come; so of anything the policy
blocks or redacts, not one character leaves. What is clean leaves as it came. Signs of injection and harm span sentences
and are not waited for: they stop the stream where they are found. A window of released text is kept on the left, so
that rules which look back see what they need: some of it with every piece, more of it once a sentence.

**Models** read what the rules let through, a sentence at a time, in a thread. By the policy's `streaming` the text may
run one sentence ahead of them, wait for them, or wait for the end. Text that has left cannot be taken back, so what a
model would have redacted stops the stream.

No clock releases anything. A tail that is held because it may be the beginning of a telephone number stays held while
the model's server pauses: to let it go after a while would be to leak it. It is short instead (`Bundle.hold_back`), and
leaves with the next character that settles it, or at the end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter
from typing import NamedTuple

from jingwei.core.policy import Decision
from jingwei.deploy.guard.expert import outcome_verdict
from jingwei.deploy.guard.guard import CLEAN, Guard
from jingwei.deploy.guard.passages import Passage
from jingwei.deploy.guard.scanning import Scan, Work
from jingwei.deploy.guard.sentences import END, LEAST, LONGEST, edge, ends
from jingwei.deploy.guard.stages import Finish, at_once, in_a_thread, waited_for
from jingwei.deploy.guard.verdict import GuardVerdict
from jingwei.detect import Hit, redact

NEAR = 96
"""Released characters that each piece is read with."""
CONTEXT = 600
"""Released characters that a whole sentence is read with: signs of an attack count together over that distance."""
BEFORE = 200
"""Characters before a sentence that a model reads with it."""
MAX_HELD = 1024
"""A hit that goes on growing is acted upon when this much waits."""


class Release(NamedTuple):
    """What may leave now."""

    text: str
    blocked: bool = False
    """True when nothing may follow the text."""


class _Cleared(NamedTuple):
    """What the rules say of the next piece."""

    text: str
    """What may leave as far as they are concerned."""
    stop: GuardVerdict | None
    """Why nothing may follow; None where it may."""


_NOTHING = _Cleared("", None)


class _Asked(NamedTuple):
    """What the models were asked, and their answer to come."""

    passage: Passage
    began: float
    answer: Callable[[], Awaitable[Scan]]
    task: asyncio.Future[Scan] | None
    """Under way in a thread; none where it is done when its answer is called for."""


class StreamGuard:
    """Guards one text channel of one streamed answer."""

    def __init__(self, guard: Guard) -> None:
        guard.warm()
        self._guard = guard
        self._plans = guard.plans
        self._follows = any(self._plans.sentences) or bool(guard.experts)
        # An answer is held against expert rules as a whole, so nothing of it leaves before.
        self._ahead = guard.policy.streaming == "lagged" and not guard.experts
        self._at_end = guard.policy.streaming == "end" or bool(guard.experts)
        self._context = ""
        self._unread = 0
        self._is_read = self._is_read_as_one = False
        self._held = ""
        self._open = ""
        self._before = ""
        self._asked: _Asked | None = None
        self._whole: list[str] = []
        self._verdicts: list[GuardVerdict] = []
        self._stopped = False

    @property
    def held(self) -> int:
        """Return how many characters wait."""
        return len(self._held) + (0 if self._ahead or not self._follows else len(self._open))

    @property
    def released(self) -> str:
        """Return all text that has left."""
        return "".join(self._whole)

    async def fed(self, text: str) -> Release:
        """Take the next piece; return what may leave. Models run in threads meanwhile."""
        return await self._step(text, in_a_thread, final=False)

    async def finished(self) -> Release:
        """Tell that nothing follows; return the rest that may leave."""
        return await self._step("", in_a_thread, final=True)

    def feed(self, text: str) -> Release:
        """Do what `fed` does where there is no event loop: the models are waited for."""
        return at_once(self._step(text, waited_for, final=False))

    def finish(self) -> Release:
        """Do what `finished` does where there is no event loop."""
        return at_once(self._step("", waited_for, final=True))

    def verdict(self) -> GuardVerdict:
        """Return the verdict on the whole stream so far."""
        if not self._verdicts:
            return CLEAN["outbound"]
        acting = [each for each in self._verdicts if each.decision is not Decision.ALLOW]
        strictest = max(acting, key=lambda each: each.decision.rank, default=None)
        findings = {(found.rule_id, found.decision): found for each in acting for found in each.findings}
        unjudged = {found.category: found for each in self._verdicts for found in each.unjudged}
        return GuardVerdict(
            direction="outbound",
            decision=strictest.decision if strictest else Decision.ALLOW,
            findings=tuple(findings.values()),
            unjudged=tuple(unjudged.values()),
            second_check=next((each.second_check for each in self._verdicts if each.second_check), None),
            answer=strictest.answer if strictest else None,
            latency_milliseconds=sum(each.latency_milliseconds for each in self._verdicts),
        )

    async def reviewed(self) -> GuardVerdict | None:
        """Judge all that has left as one text, where it was longer than the window: signs far apart are found so."""
        passage = Passage((), self.released, role="assistant")
        if len(passage.text) <= NEAR:
            return None
        if self._is_read_as_one and not self._guard.experts:  # the rules saw all of it at one time: the rest is left
            work, began = Work((passage,), self._guard.bundle, self._plans.sentences), perf_counter()
            return self._guard.decided(passage, await in_a_thread(work), "outbound", began)[0]
        return await self._guard.judged((passage,), direction="outbound")

    async def _step(self, text: str, finish: Finish, *, final: bool) -> Release:
        if self._stopped or not (text or final):
            return Release("", self._stopped)
        cleared, stop = await self._cleared(text, finish, final=final) if text or self._held else _NOTHING
        if self._follows:
            cleared = await self._followed(cleared, finish, final=final or stop is not None)
        if stop:
            self._stop(stop)
        if self._stopped:
            self._held = self._open = ""
        if cleared:
            self._whole.append(cleared)
        return Release(cleared, self._stopped)

    async def _cleared(self, text: str, finish: Finish, *, final: bool) -> _Cleared:
        """Return what the rules let through, redacted, and the verdict where they stop the stream behind it."""
        context = self._context[-NEAR:]
        known = len(context)
        window = context + self._held + text
        held = 0 if final else self._guard.bundle.hold_back(window[edge(window, known) :])
        safe = max(known, len(window) - held)
        if safe == known and len(window) - known <= LONGEST:  # nothing leaves, so nothing need be judged yet
            self._held, self._is_read, self._is_read_as_one = window[known:], False, False
            return _NOTHING
        if not text and self._is_read:  # all of it was read, and there was nothing
            return await self._in_context(window, known, safe, finish)
        began = perf_counter()
        passage = Passage((), window, role="assistant")
        work = Work((passage,), self._guard.bundle, self._plans.pieces)
        scan = await finish(work) if work.needs_thread else work.scan
        self._is_read = not scan.failed and not scan.hits[0]
        self._is_read_as_one = self._is_read and len(self._context) == known
        if self._is_read:
            return await self._in_context(window, known, safe, finish)
        verdict, hits = self._guard.decided(passage, scan, "outbound", began)
        hits = tuple(hit for hit in hits if hit.end > known)
        safe = safe if final else _before(hits, window, known, safe)
        settled = [hit for hit in hits if hit.start < safe]
        if any(not each.decision.passes for each in verdict.unjudged):
            return _Cleared("", verdict)
        if self._blocks(settled):  # what stands before the first hit of all may leave
            return _Cleared(window[known : max(known, min(hit.start for hit in hits))], verdict)
        if settled or verdict.unjudged:
            self._verdicts.append(verdict)
        cleared = await self._in_context(window, known, safe, finish)
        visible = [hit for hit in settled if hit.start >= known]
        return cleared._replace(text=redact(window[:safe], visible)[known:]) if visible and cleared.text else cleared

    async def _in_context(self, window: str, known: int, safe: int, finish: Finish) -> _Cleared:
        """Look at what is about to leave together with much that has left, once a sentence: signs may lie far apart."""
        leaving = window[known:safe]
        self._held = window[safe:]
        # The window shows released text as it was, not as it was redacted: a rule that looks back must see the same.
        self._context = (self._context + leaving)[-CONTEXT:]
        self._unread += len(leaving)
        if self._unread < LONGEST and not (self._unread >= LEAST and END.search(leaving)):
            return _Cleared(leaving, None)
        if len(self._context) <= safe:  # the near look has seen all of it
            return _Cleared(leaving, None)
        fresh, self._unread = len(self._context) - self._unread, 0
        began = perf_counter()
        passage = Passage((), self._context, role="assistant")
        work = Work((passage,), self._guard.bundle, self._plans.signs)
        scan = await finish(work) if work.needs_thread else work.scan
        if not scan.failed and not scan.hits[0]:
            return _Cleared(leaving, None)
        verdict, hits = self._guard.decided(passage, scan, "outbound", began)
        if any(not each.decision.passes for each in verdict.unjudged):
            return _Cleared("", verdict)
        stops = self._blocks([hit for hit in hits if hit.end > fresh])
        return _Cleared("" if stops else leaving, verdict if stops else None)

    async def _followed(self, cleared: str, finish: Finish, *, final: bool) -> str:
        """Let the models follow what the rules let through; return what may leave."""
        self._open += cleared
        if self._at_end and not final:
            return ""
        places = [len(self._open)] if final else ends(self._open)
        if not self._ahead:
            leaving = self._open[: places[-1]] if places else ""
            self._ask(len(leaving), finish)
            await self._settle()
            self._check_again(leaving)
            return "" if self._stopped else leaving
        if places or self._answered:
            await self._settle()
        if len(places) > 1:  # several whole sentences at once: only the last of them may leave before its answer
            self._ask(places[-2], finish)
            await self._settle()
        if places:
            self._ask(places[-1] - (places[-2] if len(places) > 1 else 0), finish)
        if final:
            await self._settle()
        return "" if self._stopped else cleared

    @property
    def _answered(self) -> bool:
        return self._asked is not None and self._asked.task is not None and self._asked.task.done()

    def _ask(self, end: int, finish: Finish) -> None:
        """Ask the models about the sentence that ends here, with what stood before it."""
        sentence, self._open = self._open[:end], self._open[end:]
        if self._stopped or not sentence.strip():
            return
        passage = Passage((), self._before + sentence, role="assistant")
        self._before = passage.text[-BEFORE:]
        work = Work((passage,), self._guard.bundle, self._plans.sentences)
        in_thread = finish is in_a_thread and work.needs_thread
        task = asyncio.ensure_future(in_a_thread(work)) if in_thread else None
        self._asked = _Asked(passage, perf_counter(), partial(finish, work), task)

    async def _settle(self) -> None:
        """Wait for what the models were asked last, and act on it."""
        asked, self._asked = self._asked, None
        if asked is None:
            return
        verdict, _ = self._guard.decided(asked.passage, await (asked.task or asked.answer()), "outbound", asked.began)
        if verdict.decision.rank >= Decision.REDACT.rank:
            self._stop(verdict)
        elif verdict.decision is not Decision.ALLOW or verdict.unjudged:
            self._verdicts.append(verdict)

    def _check_again(self, answer: str) -> None:
        """Hold a whole answer against the expert rules."""
        if not self._guard.experts or self._stopped:
            return
        verdict = outcome_verdict(self._guard.experts.check_answer(answer), self._guard.policy)
        (self._stop if verdict.blocks else self._verdicts.append)(verdict)

    def _blocks(self, hits: list[Hit]) -> bool:
        decide = self._guard.rules.decision
        return any(not (decide(hit, None, "outbound") or Decision.ALLOW).passes for hit in hits)

    def _stop(self, verdict: GuardVerdict) -> None:
        self._stopped = True
        if self._asked and self._asked.task:
            self._asked.task.cancel()
        self._verdicts.append(verdict)


def _before(hits: tuple[Hit, ...], window: str, known: int, safe: int) -> int:
    """Return where the text ends that may leave: before a hit that reaches into what is held, and so may still grow."""
    for hit in reversed(hits):
        if known <= hit.start < safe < hit.end:
            safe = hit.start
    return len(window) if len(window) - safe > MAX_HELD else safe
