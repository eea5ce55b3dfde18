"""Personal data that a model need not see: placeholders go to it, and the caller gets the data back in the answer.

The answer is judged with its placeholders in it, before anything is put back: what is put back this caller gave.
What is concealed lies encrypted in the memory of this process, for one request, or for one session of one key.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import cast

import orjson

from jingwei.core.canonical import Json
from jingwei.core.policy import Category
from jingwei.deploy.guard import Guard, Passage, rewrite
from jingwei.detect.normalize import fold
from jingwei.detect.vault import RestoringStream, Vault
from jingwei.faces.gateway.answers import DONE_LINE
from jingwei.faces.gateway.frames import TEXT_KEYS, line
from jingwei.faces.gateway.request import ChatBody
from jingwei.faces.gateway.wire import Answer

MOST_SESSIONS = 2_000
"""Sessions beyond these are forgotten, the oldest first; their next request conceals anew."""
_EMPTY: Mapping[str, str] = MappingProxyType({})
_ERROR = 400


class Vaults:
    """The vaults of sessions."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[str, str], Vault] = OrderedDict()

    def of(self, principal: str, session: str) -> Vault:
        """Return the vault of a caller's session; a fresh one where there is no session."""
        if not session:
            return Vault()
        name = (principal, session)
        vault = self._found.pop(name, None)
        vault = Vault() if vault is None else vault  # an empty one counts, too
        self._found[name] = vault
        if len(self._found) > MOST_SESSIONS:
            self._found.popitem(last=False)
        return vault


def concealed(body: ChatBody, passages: Sequence[Passage], guard: Guard, vault: Vault) -> ChatBody:
    """Return a request with placeholders in the place of personal data."""
    detect = guard.bundle.detectors.get(Category.PII)
    if detect is None:
        return body
    least = min((each.rule.threshold for each in guard.rules.by_category.get(Category.PII, ())), default=0.5)
    changes = []
    for passage in passages:
        if passage.fixed:
            continue
        hits = [hit for hit in detect(fold(passage.text, role=passage.role)) if hit.score >= least]
        new = vault.conceal(passage.text, hits)
        if new != passage.text:
            changes.append((passage.path, new))
    return rewrite(body, changes)


class Restoring(Answer):
    """Puts the data back into what leaves through another answer."""

    __slots__ = ("_inner", "_rest", "_streams", "_vault")

    def __init__(self, inner: Answer, vault: Vault) -> None:
        super().__init__(inner.send, inner.request_id)
        self._inner = inner
        self._vault = vault
        self._streams: dict[tuple[int, str], RestoringStream] = {}
        self._rest = b""

    async def json(self, status: int, value: object, *, headers: Mapping[str, str] = _EMPTY) -> None:
        """Send a whole answer, its texts restored."""
        self.begun = True
        fields = cast("ChatBody", value)
        if status < _ERROR:
            fields = {**fields, "choices": [self._whole(cast("ChatBody", each)) for each in _choices(fields)]}
        await self._inner.json(status, fields, headers=headers)

    async def raw(self, status: int, body: bytes, *, headers: Mapping[str, str] = _EMPTY) -> None:
        """Do the same with one that is written already."""
        await self.json(status, orjson.loads(body), headers=headers)

    async def piece(self, data: bytes) -> None:
        """Send some lines of a stream, restored as far as no placeholder is in the middle."""
        self.begun = True
        *lines, self._rest = (self._rest + data).split(b"\n\n")
        await self._inner.piece(b"".join(self._line(each) for each in lines if each))

    async def end(self) -> None:
        """End an event stream."""
        await self._inner.end()

    def _line(self, written: bytes) -> bytes:
        said = written.removeprefix(b"data: ")
        if said == b"[DONE]":
            return self._flushed({}, list(self._streams)) + DONE_LINE
        chunk: ChatBody = orjson.loads(said)
        before, choices = b"", []
        for given in _choices(chunk):
            choice = cast("ChatBody", given)
            place = cast("int", choice.get("index", 0))
            delta = cast("ChatBody", choice.get("delta") or {})
            restored: ChatBody = {key: self._stream(place, key).feed(value) if key in TEXT_KEYS and
                                  isinstance(value, str) else value for key, value in delta.items()}  # fmt: skip
            if delta.get("tool_calls"):
                restored["tool_calls"] = self._calls(delta["tool_calls"])
            if choice.get("finish_reason"):
                before += self._flushed(chunk, [name for name in self._streams if name[0] == place])
            choices.append({**choice, "delta": restored})
        return before + line({**chunk, "choices": choices} if "choices" in chunk else chunk)

    def _flushed(self, chunk: ChatBody, names: Sequence[tuple[int, str]]) -> bytes:
        """Return what still waits of some texts."""
        lines = []
        for place, key in names:
            if rest := self._streams.pop((place, key)).finish():
                choice = {"index": place, "delta": {key: rest}, "finish_reason": None}
                head = {name: value for name, value in chunk.items() if name not in {"usage", "jingwei"}}
                lines.append(line({**head, "object": "chat.completion.chunk", "choices": [choice]}))
        return b"".join(lines)

    def _stream(self, place: int, key: str) -> RestoringStream:
        return self._streams.get((place, key)) or self._streams.setdefault((place, key), RestoringStream(self._vault))

    def _whole(self, choice: ChatBody) -> Json:
        message = cast("ChatBody", choice["message"])
        texts: ChatBody = {key: self._vault.restore(value) for key in TEXT_KEYS
                           if isinstance(value := message.get(key), str)}  # fmt: skip
        calls: ChatBody = {"tool_calls": self._calls(message["tool_calls"])} if message.get("tool_calls") else {}
        return {**choice, "message": {**message, **texts, **calls}}

    def _calls(self, calls: Json) -> Json:
        """Restore the arguments of tool calls, value by value: a quotation mark in a name breaks no JSON."""
        restored: list[Json] = []
        for each in cast("list[ChatBody]", calls):
            function = cast("ChatBody", each["function"])
            try:
                arguments = self._values(orjson.loads(cast("str", function["arguments"])))
            except orjson.JSONDecodeError:
                restored.append(each)
                continue
            restored.append({**each, "function": {**function, "arguments": orjson.dumps(arguments).decode()}})
        return restored

    def _values(self, value: Json) -> Json:
        if isinstance(value, str):
            return self._vault.restore(value)
        if isinstance(value, list):
            return [self._values(each) for each in value]
        if isinstance(value, dict):
            return {key: self._values(each) for key, each in value.items()}
        return value


def _choices(chunk: ChatBody) -> list[Json]:
    return cast("list[Json]", chunk.get("choices") or [])
