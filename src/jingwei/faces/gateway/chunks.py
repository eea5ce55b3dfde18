"""A streamed answer, piece by piece: each text channel through its own stream guard, tool calls held until whole.

A piece leaves byte for byte as it came when the guard has read all of it and its text may leave whole (`frames`); any
other is written anew from what was judged, so that nobody can read another thing in it than the guard did. Pieces that
end a choice wait: they leave only when the verdict on the whole answer is on disk.
"""

from typing import cast

from jingwei.core.canonical import Json
from jingwei.core.policy import Decision
from jingwei.deploy.guard import GuardVerdict, StreamGuard
from jingwei.faces.gateway.agency import Agent
from jingwei.faces.gateway.answers import chunk_line, told
from jingwei.faces.gateway.calls import ToolDraft
from jingwei.faces.gateway.endings import Blocked, Choice, Ending
from jingwei.faces.gateway.exchange import Exchange
from jingwei.faces.gateway.frames import TEXT_KEYS, Skeleton, line, read_chunk, says_no_more, skeleton
from jingwei.faces.gateway.heads import plain_counts, plain_head
from jingwei.faces.gateway.refusal import Code, Refusal
from jingwei.faces.gateway.sse import DONE

_FINISHES = frozenset({"stop", "length", "tool_calls", "content_filter"})
MAX_CHOICES = 8


class StreamedAnswer:
    """Turns a model's pieces into the pieces that may leave."""

    def __init__(self, exchange: Exchange, *, agent: Agent, asked: str) -> None:
        self._exchange = exchange
        self._guard = exchange.access.guard
        self._choices: dict[int, Choice] = {}
        self._base: dict[str, Json] = {}
        self._ending = Ending(exchange, agent, choices=self._choices, base=self._base, asked=asked)
        self._shape: Skeleton | None = None
        self._tail: list[bytes] = []
        self.ended = False
        """True once the model's server said that it is done."""

    @property
    def complete(self) -> bool:
        """Tell whether every choice came to its end."""
        return bool(self._choices) and all(choice.finish for choice in self._choices.values())

    @property
    def text(self) -> str:
        """Return all text that has left."""
        return "".join(each.released for choice in self._choices.values() for each in choice.channels.values())

    async def feed(self, batch: list[bytes]) -> bytes:
        """Take some pieces; return the lines that may leave now.

        Raises:
            Blocked: nothing may follow but its last piece.
            Refusal: the model's server sent garbage.
        """
        lines: list[bytes] = []
        run: list[tuple[bytes, str]] = []
        try:
            for data in batch:
                value = self._shape.text_of(data) if self._shape else None
                if value:
                    run.append((data, value))
                    continue
                if run:
                    lines.append(await self._run(run))
                    run = []
                if data == DONE:
                    self.ended = True
                    break
                chunk = read_chunk(data)
                if learned := self._learned(data, chunk):
                    run.append((data, learned))
                    continue
                lines.append(await self._chunk(data, chunk))
            if run:
                lines.append(await self._run(run))
        except _Stop as stop:
            raise Blocked(self._ending.terminal(self.verdict()), b"".join([*lines, stop.before])) from stop
        return b"".join(lines)

    async def finished(self) -> bytes:
        """Close all channels, judge the whole, and return the last lines; they may leave once the events are on disk.

        Raises:
            Blocked: the end of the answer, a tool call or the answer as a whole may not leave.
            Refusal: the model's server stopped before its end.
        """
        if not self.complete:
            raise Refusal(Code.UPSTREAM_STOPPED)
        lines: list[bytes] = []
        for index, choice in sorted(self._choices.items()):
            lines += await self._flushed(index, choice, b"".join(lines))
        await self._ending.judge_whole()
        verdict = self.verdict()
        event_id = self._exchange.verdict(verdict)
        for index, choice in sorted(self._choices.items()):
            lines += await self._ending.calls_judged(index, choice)
        lines += [self._ending.label_line(index, choice) for index, choice in sorted(self._choices.items())]
        if verdict.decision is not Decision.ALLOW:
            lines.append(chunk_line(self._base, [], jingwei=told(verdict, event_id)))
        return b"".join(lines + self._tail)

    def verdict(self) -> GuardVerdict:
        """Return the verdict on all channels so far."""
        return self._ending.verdict()

    async def _run(self, run: list[tuple[bytes, str]]) -> bytes:
        """Judge neighbouring pieces that differ in their text alone, as one."""
        shape = self._shape
        if shape is None:
            return b""
        channel = self._channel(self._choices[shape.choice], shape.key)
        held = channel.held
        given = "".join([value for _, value in run])
        release = await channel.fed(given)
        left = release.text
        if release.blocked:
            raise _Stop(b"data: " + shape.filled(left) + b"\n\n" if left else b"")
        if not held and left == given:  # nothing waited, nothing waits: as it came
            return b"".join([b"data: " + data + b"\n\n" for data, _ in run])
        if not left:
            return b""
        if held or not given.startswith(left):
            return b"data: " + shape.filled(left) + b"\n\n"
        lines: list[bytes] = []
        for data, value in run:
            if left.startswith(value):
                lines.append(b"data: " + data + b"\n\n")
                left = left[len(value) :]
                continue
            if left:
                lines.append(b"data: " + shape.filled(left) + b"\n\n")
            break
        return b"".join(lines)

    def _learned(self, data: bytes, chunk: dict[str, Json]) -> str:
        """Learn the shape of a piece that holds known parts and one text; return the text, or nothing."""
        self._begin(chunk)
        choices = chunk["choices"]
        choice = choices[0] if isinstance(choices, list) and len(choices) == 1 else None
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if not isinstance(choice, dict) or not isinstance(delta, dict) or choice.get("finish_reason"):
            return ""
        place, texts = choice.get("index"), [key for key in TEXT_KEYS if delta.get(key)]
        value = delta[texts[0]] if len(texts) == 1 else None
        if not isinstance(place, int) or not isinstance(value, str) or place not in self._choices:
            return ""
        role: dict[str, Json] = {"role": "assistant"} if "role" in delta else {}
        known: dict[str, Json] = {"index": place, "delta": {**role, texts[0]: value}, "finish_reason": None}
        if self._choices[place].finish or not says_no_more(data, chunk, {**self._base, "choices": [known]}):
            return ""
        self._shape = skeleton(data, place, texts[0])
        return value if self._shape else ""

    def _begin(self, chunk: dict[str, Json]) -> None:
        """Take the first piece's head: it is every piece's."""
        if not self._base:
            request_id, kind = self._exchange.request_id, "chat.completion.chunk"
            self._base.update(plain_head(chunk, self._guard, request_id=request_id, kind=kind))

    async def _chunk(self, data: bytes, chunk: dict[str, Json]) -> bytes:
        given = cast("list[Json]", chunk["choices"])
        self._exchange.used.count(chunk.get("usage"))
        counts = plain_counts(chunk, self._guard) if chunk.get("usage") or chunk.get("timings") else {}
        if not given:  # the count of tokens
            self._tail.append(self._line(data, chunk, {**self._base, "choices": [], **counts}))
            return b""
        kept = [passed for choice in given if (passed := await self._choice(choice)) is not None]
        if not kept:
            return b""
        head = self._base | counts
        whole = head | {"choices": cast("Json", kept)}
        if not any(choice.get("finish_reason") for choice in kept):
            return self._line(data, chunk, whole)
        texts = [choice | {"finish_reason": None} for choice in kept if _has_text(choice)]
        if not texts:
            self._tail.append(self._line(data, chunk, whole))
            return b""
        # Text in the very piece that ends a choice: it leaves now, the end when all is on disk.
        self._tail.append(line(head | {"choices": [choice | {"delta": {}} for choice in kept]}))
        return chunk_line(self._base, cast("list[Json]", texts))

    @staticmethod
    def _line(data: bytes, given: Json, kept: dict[str, Json]) -> bytes:
        """Return a piece as it came where all of it may leave, else written anew from what may."""
        return b"data: " + data + b"\n\n" if says_no_more(data, given, kept) else line(kept)

    async def _choice(self, choice: Json) -> dict[str, Json] | None:
        """Return what of a choice may leave; None where nothing is left."""
        delta = choice.get("delta") if isinstance(choice, dict) else None
        index = choice.get("index", 0) if isinstance(choice, dict) else None
        if not isinstance(choice, dict) or not isinstance(delta, dict) or not isinstance(index, int):
            raise Refusal(Code.UPSTREAM_GARBAGE)
        state = self._choices.get(index) or self._choices.setdefault(index, Choice())
        if state.finish or len(self._choices) > MAX_CHOICES:
            raise Refusal(Code.UPSTREAM_GARBAGE)
        passed = await self._delta(index, state, delta)
        finish = choice.get("finish_reason")
        if finish:
            state.finish = finish if isinstance(finish, str) and finish in _FINISHES else "stop"
            self._shape = None  # a piece for a choice that ended is garbage: let it be read strictly
        if not passed and not finish:
            return None
        return {"index": index, "delta": passed, "finish_reason": state.finish}

    async def _delta(self, index: int, state: Choice, delta: dict[str, Json]) -> dict[str, Json]:
        passed: dict[str, Json] = {}
        for key, value in delta.items():
            if key == "role":
                passed[key] = "assistant"
            elif key == "tool_calls":
                self._collect(state, value)
            elif key in TEXT_KEYS and isinstance(value, str):
                release = await self._channel(state, key).fed(value)
                if release.blocked:
                    raise _Stop(self._text_line(index, key, release.text))
                if release.text:
                    passed[key] = release.text
            elif key in TEXT_KEYS and value is not None:
                raise Refusal(Code.UPSTREAM_GARBAGE)
        return passed

    def _channel(self, state: Choice, key: str) -> StreamGuard:
        return state.channels.get(key) or state.channels.setdefault(key, StreamGuard(self._guard))

    def _text_line(self, index: int, key: str, value: str) -> bytes:
        choice: Json = {"index": index, "delta": {key: value}, "finish_reason": None}
        return chunk_line(self._base, [choice]) if value else b""

    def _collect(self, state: Choice, calls: Json) -> None:
        for call in calls if isinstance(calls, list) else []:
            place = call.get("index", 0) if isinstance(call, dict) else None
            if not isinstance(call, dict) or not isinstance(place, int) or len(state.calls) > 64:
                raise Refusal(Code.UPSTREAM_GARBAGE)
            state.calls.setdefault(place, ToolDraft()).add(call)

    async def _flushed(self, index: int, choice: Choice, before: bytes) -> list[bytes]:
        lines: list[bytes] = []
        for key, channel in choice.channels.items():
            release = await channel.finished()
            lines.append(self._text_line(index, key, release.text))
            if release.blocked:
                verdict = self.verdict()
                raise Blocked(self._ending.terminal(verdict), before + b"".join(lines))
        return lines


class _Stop(Exception):  # noqa: N818 - leaves the loop over a piece's parts
    """Nothing may follow but what was cleared just before."""

    def __init__(self, before: bytes) -> None:
        super().__init__()
        self.before = before


def _has_text(choice: dict[str, Json]) -> bool:
    delta = choice["delta"]
    return isinstance(delta, dict) and any(delta.get(key) for key in TEXT_KEYS)
