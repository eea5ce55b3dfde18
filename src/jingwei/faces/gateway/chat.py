"""A chat request from end to end: read, judged, passed on, its answer judged, labelled, recorded, sent.

body → inbound verdict → model's server → outbound verdict, tool calls → label → events on disk → last byte
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

import orjson

from jingwei.core.canonical import Json
from jingwei.core.errors import InputError
from jingwei.core.policy import Decision
from jingwei.deploy.guard import GuardVerdict, Passage, ToolCall, extract_texts, rewrite
from jingwei.deploy.guard.unread import with_unread
from jingwei.detect.vault import Vault
from jingwei.faces.gateway.agency import Agent, Judged
from jingwei.faces.gateway.answers import (
    DONE_LINE,
    chunk_line,
    error_line,
    last_question,
    safe_answer,
    told,
    withheld,
)
from jingwei.faces.gateway.calls import known_calls, read_call, rewritten_arguments
from jingwei.faces.gateway.chunks import StreamedAnswer
from jingwei.faces.gateway.documents import MARKS, as_texts, put_back, set_aside
from jingwei.faces.gateway.endings import Blocked
from jingwei.faces.gateway.exchange import Exchange
from jingwei.faces.gateway.frames import says_no_more
from jingwei.faces.gateway.heads import plain_counts, plain_head
from jingwei.faces.gateway.refusal import Code, Refusal
from jingwei.faces.gateway.request import ChatBody, is_streaming, read_chat
from jingwei.faces.gateway.restoring import concealed
from jingwei.faces.gateway.upstream import Upstream
from jingwei.faces.gateway.wire import Answer, Presence
from jingwei.operate.label import labelled

_TEXT_KEYS = ("content", "refusal", "reasoning_content")
HISTORY = "history"
"""A chat request brings all its turns along, so there is nothing to remember between two."""
_FINISHES = frozenset({"stop", "length", "tool_calls", "content_filter"})


@dataclass(slots=True)
class Chat:
    """One chat request of one admitted caller."""

    exchange: Exchange
    upstream: Upstream
    answer: Answer
    presence: Presence
    agent: Agent
    vault: Vault | None = None
    """Where personal data waits while placeholders go to the model."""

    async def serve(self, raw: bytes) -> None:
        """Answer the request.

        Raises:
            Refusal: it cannot be served; nothing was sent yet.
        """
        body = read_chat(raw)
        served = self.exchange.access.served
        self.exchange.model = str(body.get("model") or served.upstream_model or served.name)
        marked = any(mark in raw for mark in MARKS)
        body, files = set_aside(body) if marked else (body, ())
        body, verdict = await self._judged(body)
        if files:
            verdict = with_unread(self.exchange.access.guard, verdict)
        if verdict.blocks:
            await self._withhold(body, verdict, self.exchange.verdict(verdict))
            return
        self.exchange.verdict(verdict)
        body = put_back(body, files)
        self.agent.read(body, verdict)
        body = as_texts(body) if marked else body
        body = {**body, "model": served.upstream_model} if served.upstream_model else body
        await (self._stream(body) if is_streaming(body) else self._complete(body))

    async def _judged(self, body: ChatBody) -> tuple[ChatBody, GuardVerdict]:
        try:
            passages = extract_texts(body)
        except InputError as error:
            problem = error.message
            raise Refusal(Code.REQUEST_INVALID, place=error.field or "messages", problem=problem) from error
        guard = self.exchange.access.guard
        verdict = await guard.judged(passages, direction="inbound", session=HISTORY)
        self.exchange.saw(passages, verdict)
        if self.vault is None or verdict.blocks:
            return rewrite(body, verdict.rewritten), verdict
        body = concealed(body, passages, guard, self.vault)
        if verdict.decision is not Decision.REDACT:
            return body, verdict
        left = await guard.judged(extract_texts(body), direction="inbound")  # what else is to be redacted
        return rewrite(body, left.rewritten), left if left.blocks else verdict

    async def _complete(self, body: ChatBody) -> None:
        given, raw = await self.upstream.complete(self.exchange.access.served, body)
        self.exchange.used.count(given.get("usage"))
        if not self.exchange.used.tokens:
            self.exchange.used.estimate(body["messages"], raw.decode("utf-8", "replace"))
        guard = self.exchange.access.guard
        head = plain_head(given, guard, request_id=self.exchange.request_id, kind="chat.completion")
        whole = kept = {**head, **plain_counts(given, guard), "choices": _known_choices(given)}
        passages = tuple(_answer_texts(whole))
        verdict = await self.exchange.access.guard.judged(passages, direction="outbound")
        self.exchange.saw(passages, verdict)
        event_id = self.exchange.verdict(verdict)
        whole = rewrite(whole, verdict.rewritten)
        if verdict.blocks:
            await self._withhold(body, verdict, event_id)
            return
        held, whole = await self._tools_judged(whole)
        if held is not None:
            await self._withhold(body, held.decision.verdict, held.event_id, more=held.told)
            return
        whole = self._labelled(whole)
        if verdict.decision is not Decision.ALLOW:
            whole = {**whole, "jingwei": told(verdict, event_id)}
        await self.exchange.settle()
        unchanged = whole is kept and says_no_more(raw, given, kept)
        await self.answer.raw(200, raw if unchanged else orjson.dumps(whole))

    async def _tools_judged(self, whole: ChatBody) -> tuple[Judged | None, ChatBody]:
        """Return the call that may not be made, if any, and the answer with redacted arguments."""
        for number, choice in enumerate(_choices(whole)):
            written = _message(choice).get("tool_calls")
            if not isinstance(written, list) or not written:
                continue
            calls = [ToolCall(*read_call(call), server=None) for call in written]
            judged = await self.agent.decide(calls, reasoning=str(_message(choice).get("reasoning_content") or ""))
            if held := next((each for each in judged if not each.decision.passes), None):
                return held, whole
            for place, each in enumerate(judged):
                if each.decision.verdict.rewritten:
                    path = ("choices", number, "message", "tool_calls", place, "function", "arguments")
                    new = rewritten_arguments(each.call.arguments, each.decision.verdict)
                    whole = rewrite(whole, [(path, new)])
        return None, whole

    def _labelled(self, whole: ChatBody) -> ChatBody:
        label = self.exchange.access.served.policy.explicit_label
        if label is None:
            return whole
        changes = []
        for number, choice in enumerate(_choices(whole)):
            content = _message(choice).get("content")
            if isinstance(content, str) and (new := labelled(content, label)) != content:
                changes.append((("choices", number, "message", "content"), new))
        if changes:
            self.exchange.label()
        return rewrite(whole, changes)

    async def _withhold(self, body: ChatBody, verdict: GuardVerdict, event_id: str, *,
                        more: Mapping[str, Json] = MappingProxyType({})) -> None:  # fmt: skip
        policy = self.exchange.access.served.policy
        content = safe_answer(policy, verdict, last_question(body.get("messages")))
        whole = withheld(self.exchange.model, self.exchange.request_id, content,
                         told(verdict, event_id) | dict(more))  # fmt: skip
        await self.exchange.settle()
        if not is_streaming(body):
            await self.answer.json(200, whole)
            return
        base = {"id": whole["id"], "created": whole["created"], "model": whole["model"]}
        delta: Json = {"role": "assistant", "content": content}
        await self.answer.piece(chunk_line(base, [{"index": 0, "delta": delta, "finish_reason": None}]))
        last: list[Json] = [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]
        await self.answer.piece(chunk_line(base, last, jingwei=whole["jingwei"]) + DONE_LINE)
        await self.answer.end()

    async def _stream(self, body: ChatBody) -> None:
        streamed = StreamedAnswer(self.exchange, agent=self.agent, asked=last_question(body.get("messages")))
        try:
            await self._pass_on(streamed, body)
            last = await streamed.finished()
        except Blocked as blocked:
            last = blocked.before + blocked.terminal
        except Refusal as error:
            refusal = Refusal(Code.CLIENT_GONE) if self.presence.gone else error
            if self.answer.begun:
                self.exchange.verdict(streamed.verdict(), reason=str(refusal.code))
            if refusal.code is Code.CLIENT_GONE or not self.answer.begun:
                raise refusal from error
            self.exchange.failure(str(refusal.code))
            last = error_line(refusal)
        finally:
            if self.exchange.seen is not None:
                self.exchange.saw([Passage((), streamed.text, role="assistant")], streamed.verdict())
            if not self.exchange.used.tokens:
                self.exchange.used.estimate(body["messages"], streamed.text)
        try:
            await self.exchange.settle()
        except Refusal as refusal:
            if not self.answer.begun:
                raise
            last = error_line(refusal)
        await self.answer.piece(last + DONE_LINE)
        await self.answer.end()

    async def _pass_on(self, streamed: StreamedAnswer, body: ChatBody) -> None:
        async with (
            self.upstream.stream(self.exchange.access.served, body) as stream,
            self.presence.ends(stream.cancel),
        ):
            while batch := await stream.batch():
                lines = await streamed.feed(batch)
                if self.presence.gone:
                    raise Refusal(Code.CLIENT_GONE)
                if lines and not self.answer.begun:
                    await self.exchange.settle()  # the verdict on the question is on disk before any answer leaves
                if lines:
                    await self.answer.piece(lines)
                if streamed.ended:
                    return
        if not streamed.complete:
            raise Refusal(Code.UPSTREAM_STOPPED)


def _choices(whole: ChatBody) -> list[dict[str, Json]]:
    return cast("list[dict[str, Json]]", whole["choices"])


def _message(choice: Mapping[str, Json]) -> dict[str, Json]:
    return cast("dict[str, Json]", choice["message"])


def _known_choices(whole: ChatBody) -> list[Json]:
    """Keep of an answer's choices only the parts that the guard knows: a text elsewhere would leave unread."""
    choices: list[Json] = []
    for number, choice in enumerate(cast("list[Json]", whole["choices"])):
        message = choice.get("message") if isinstance(choice, dict) else None
        if not isinstance(choice, dict) or not isinstance(message, dict):
            raise Refusal(Code.UPSTREAM_GARBAGE)
        kept: dict[str, Json] = {"role": "assistant"}
        for key in _TEXT_KEYS:
            if isinstance(message.get(key), str) or (key == "content" and message.get(key) is None):
                kept[key] = message.get(key)
            elif message.get(key) is not None:
                raise Refusal(Code.UPSTREAM_GARBAGE)
        calls = message.get("tool_calls")
        if calls:
            kept["tool_calls"] = known_calls(calls)
        finish = choice.get("finish_reason")
        choices.append({"index": number, "message": kept, "finish_reason": finish if finish in _FINISHES else "stop"})
    return choices


def _answer_texts(whole: ChatBody) -> list[Passage]:
    found = []
    for number, choice in enumerate(_choices(whole)):
        for key in _TEXT_KEYS:
            content = _message(choice).get(key)
            if isinstance(content, str) and content:
                found.append(Passage(("choices", number, "message", key), content, role="assistant"))
    return found
