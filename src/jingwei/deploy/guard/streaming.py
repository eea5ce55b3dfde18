"""The stream guard: lets a stream through with as little delay as safety allows.

The end of the text that could still become a keyword, a number or a key (`hold_back`) waits until more has come; so
of anything the policy blocks or redacts, not one character leaves. What is clean leaves as it came. Signs of injection
and harm span sentences and are not waited for: they stop the stream where they are found.

The models' opinions need text to go by: on fewer than 256 characters they stop harmless answers (8 of 150 against 5,
halueval answers in pieces of 16 characters), so they count from there on, and at the end.

A window of released text is kept on the left, so that rules which look back see what they need.
"""

from typing import NamedTuple

from jingwei.core.policy import Decision
from jingwei.deploy.guard.guard import Guard
from jingwei.deploy.guard.passages import Passage
from jingwei.deploy.guard.verdict import GuardVerdict
from jingwei.detect import OPINIONS, Hit, redact

CONTEXT = 256
"""Released characters kept for rules that look back."""
MAX_HELD = 1024
"""A hit that goes on growing is acted upon when this much waits."""


class Release(NamedTuple):
    """What may leave now."""

    text: str
    blocked: bool = False
    """True when nothing may follow."""


class StreamGuard:
    """Guards one text channel of one streamed answer."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._context = ""
        self._held = ""
        self._whole: list[str] = []
        self._verdicts: list[GuardVerdict] = []
        self._stopped = False

    @property
    def held(self) -> int:
        """Return how many characters wait."""
        return len(self._held)

    @property
    def released(self) -> str:
        """Return all text that has left."""
        return "".join(self._whole)

    def feed(self, text: str) -> Release:
        """Take the next piece; return what may leave."""
        return self._step(text, final=False)

    def finish(self) -> Release:
        """Tell that nothing follows; return the rest that may leave."""
        return self._step("", final=True)

    def verdict(self) -> GuardVerdict:
        """Return the verdict on the whole stream so far."""
        acting = [each for each in self._verdicts if each.decision is not Decision.ALLOW]
        decision = max((each.decision for each in acting), key=lambda each: each.rank, default=Decision.ALLOW)
        findings = {(found.rule_id, found.decision): found for each in acting for found in each.findings}
        unjudged = {found.category: found for each in self._verdicts for found in each.unjudged}
        return GuardVerdict(
            direction="outbound",
            decision=decision,
            findings=tuple(findings.values()),
            unjudged=tuple(unjudged.values()),
            latency_milliseconds=sum(each.latency_milliseconds for each in self._verdicts),
        )

    async def reviewed(self) -> GuardVerdict | None:
        """Judge all that has left as one text, where it was longer than the window: signs far apart are found so."""
        if len(self.released) <= CONTEXT:
            return None
        return await self._guard.judged((Passage((), self.released),), direction="outbound")

    def _step(self, text: str, *, final: bool) -> Release:
        if self._stopped or (not text and not (final and self._held)):
            return Release("", self._stopped)
        known = len(self._context)
        window = self._context + self._held + text
        verdict, hits = self._guard.judge_here(window, direction="outbound")
        early = not final and len(window) < CONTEXT
        hits = tuple(hit for hit in hits if hit.end > known and not (early and hit.rule_id in OPINIONS))
        safe = self._safe(window, hits, known, final=final)
        settled = [hit for hit in hits if hit.start < safe]
        if any(not each.decision.passes for each in verdict.unjudged) or self._blocks(settled):
            return self._stop(verdict)
        if settled or verdict.unjudged:
            self._verdicts.append(verdict)
        self._held = window[safe:]
        # The window shows released text as it was, not as it was redacted: a rule that looks back must see the same.
        self._context = window[max(0, safe - CONTEXT) : safe]
        visible = [hit for hit in settled if hit.start >= known]
        leaving = redact(window[:safe], visible)[known:]
        self._whole.append(leaving)
        return Release(leaving)

    def _safe(self, window: str, hits: tuple[Hit, ...], known: int, *, final: bool) -> int:
        if final:
            return len(window)
        safe = max(known, len(window) - self._guard.bundle.hold_back(window))
        for hit in reversed(hits):
            # It reaches into what is held, so it may still grow: wait for the whole of it.
            if hit.start >= known and hit.start < safe < hit.end:
                safe = hit.start
        if len(window) - safe > MAX_HELD:
            return len(window)
        return safe

    def _blocks(self, hits: list[Hit]) -> bool:
        decide = self._guard.rules.decision
        return any(not (decide(hit, None, "outbound") or Decision.ALLOW).passes for hit in hits)

    def _stop(self, verdict: GuardVerdict) -> Release:
        self._stopped = True
        self._held = ""
        self._verdicts.append(verdict)
        return Release("", blocked=True)
