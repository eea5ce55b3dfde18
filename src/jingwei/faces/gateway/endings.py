"""How a streamed answer ends: judged as a whole, its tool calls too, labelled; or stopped, and answered otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from jingwei.core.canonical import Json
from jingwei.core.policy import Decision
from jingwei.deploy.guard import GuardVerdict, StreamGuard, ToolCall
from jingwei.faces.gateway.agency import Agent
from jingwei.faces.gateway.answers import chunk_line, safe_answer, told
from jingwei.faces.gateway.calls import ToolDraft
from jingwei.faces.gateway.exchange import Exchange
from jingwei.operate.label import label_suffix


class Blocked(Exception):  # noqa: N818 - not an error: the guard's answer
    """The stream ends here.

    Args:
        terminal: the last piece, in the provider's shape.
        before: what was cleared just before and may still leave.
    """

    def __init__(self, terminal: bytes, before: bytes = b"") -> None:
        super().__init__()
        self.terminal = terminal
        self.before = before


@dataclass(slots=True)
class Choice:
    """What is known of one choice so far."""

    channels: dict[str, StreamGuard] = field(default_factory=dict)
    calls: dict[int, ToolDraft] = field(default_factory=dict)
    finish: str | None = None

    @property
    def content(self) -> str:
        """Return the content that has left."""
        channel = self.channels.get("content")
        return channel.released if channel else ""


class Ending:
    """The end of one streamed answer.

    Args:
        exchange: records what is decided.
        agent: decides about tool calls.
        choices: what is known of each choice; it grows meanwhile.
        base: the head of every piece; empty until the first one came.
        asked: the last question, to answer in its language.
    """

    def __init__(self, exchange: Exchange, agent: Agent, *, choices: Mapping[int, Choice], base: Mapping[str, Json],
                 asked: str) -> None:  # fmt: skip
        self._exchange = exchange
        self._agent = agent
        self._guard = exchange.access.guard
        self._choices = choices
        self._base = base
        self._asked = asked

    def verdict(self) -> GuardVerdict:
        """Return the verdict on all channels so far."""
        parts = [channel.verdict() for choice in self._choices.values() for channel in choice.channels.values()]
        if len(parts) == 1 and parts[0].decision is Decision.ALLOW and not parts[0].unjudged:
            return parts[0]
        return GuardVerdict(
            direction="outbound",
            decision=max((part.decision for part in parts), key=lambda each: each.rank, default=Decision.ALLOW),
            findings=tuple(finding for part in parts for finding in part.findings),
            unjudged=tuple(gap for part in parts for gap in part.unjudged),
            latency_milliseconds=sum(part.latency_milliseconds for part in parts),
        )

    async def judge_whole(self) -> None:
        """Judge each long channel once more as a whole: signs that lay far apart are seen together."""
        for choice in self._choices.values():
            for channel in choice.channels.values():
                verdict = await channel.reviewed()
                if verdict and verdict.blocks:
                    raise Blocked(self.terminal(verdict))

    async def calls_judged(self, index: int, choice: Choice) -> list[bytes]:
        """Judge the tool calls of a choice; return the lines that may leave.

        Raises:
            Blocked: one of them may not.
        """
        if not choice.calls:
            return []
        drafts = sorted(choice.calls.items())
        reasoning = choice.channels.get("reasoning_content")
        judged = await self._agent.decide([ToolCall(draft.name, draft.arguments, server=None) for _, draft in drafts],
                                          reasoning=reasoning.released if reasoning else "")  # fmt: skip
        if held := next((each for each in judged if not each.decision.passes), None):
            raise Blocked(self.terminal(held.decision.verdict, held.event_id, more=held.told))
        delta: Json = {"tool_calls": [draft.passed(place, each.decision.verdict)
                                      for (place, draft), each in zip(drafts, judged, strict=True)]}  # fmt: skip
        return [chunk_line(self._base, [{"index": index, "delta": delta, "finish_reason": None}])]

    def label_line(self, index: int, choice: Choice) -> bytes:
        """Return the piece with the explicit label; empty where none is due."""
        label = self._exchange.access.served.policy.explicit_label
        suffix = label_suffix(choice.content, label) if label else ""
        if not suffix:
            return b""
        self._exchange.label()
        return chunk_line(self._base, [{"index": index, "delta": {"content": suffix}, "finish_reason": None}])

    def terminal(self, verdict: GuardVerdict, event_id: str = "", *,
                  more: Mapping[str, Json] = MappingProxyType({})) -> bytes:  # fmt: skip
        """Return the last pieces of an answer that is stopped."""
        event_id = event_id or self._exchange.verdict(verdict)
        content = safe_answer(self._exchange.access.served.policy, verdict, self._asked)
        base = {"model": self._exchange.model, **self._base}  # its first pieces may have named none
        lines = []
        choices = self._choices or {0: Choice()}
        for index, choice in sorted(choices.items()):
            apart = "\n\n" if choice.content else ""
            delta: Json = {"content": apart + content}
            lines.append(chunk_line(base, [{"index": index, "delta": delta, "finish_reason": None}]))
        last: list[Json] = [
            {"index": index, "delta": {}, "finish_reason": "content_filter"} for index in sorted(choices)
        ]
        return b"".join(lines) + chunk_line(base, last, jingwei=told(verdict, event_id) | dict(more))
