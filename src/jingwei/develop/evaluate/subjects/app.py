"""An app with an HTTP interface of its own, described by a template.

Values go into the template as values: a place that is the whole of a string becomes the value itself, a place within a
string becomes text, and an address takes it quoted. Nothing is formatted into code, and nothing that was put in is
looked through for places again.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from pydantic import SecretStr

from jingwei.develop.evaluate.endpoint import Client, Reply, Request, answered
from jingwei.develop.evaluate.exchange import Answer, Ask, Call, Fault, Usage
from jingwei.develop.evaluate.json_path import at, steps_of
from jingwei.develop.evaluate.reading import call_of, count_of, read_json, writable
from jingwei.develop.evaluate.target_file import WHOLE_BODY, AppTarget, Exchanged

_PLACE = re.compile(r"\{(message|messages|session)\}")
_MOST_SESSIONS = 1024
"""Conversations that are remembered; a conversation is over long before that many others began."""


@dataclass(slots=True)
class _Session:
    """What one conversation keeps."""

    id: str = ""
    cookies: dict[str, str] = field(default_factory=dict)


class AppSubject:
    """Asks an app the way its template says.

    Args:
        client: what sends the requests.
        target: the template.
        key: goes into the header that the template names.

    Raises:
        ValueError: a JSON path of the template is none.
    """

    def __init__(self, client: Client, target: AppTarget, *, key: SecretStr | None = None) -> None:
        self._client = client
        self._target = target
        self._key = key
        self._paths = {
            name: steps_of(path)
            for name in ("answer", "calls", "error", "blocked", "asked_tokens", "answered_tokens")
            if (path := getattr(target, name)) and path != WHOLE_BODY
        }
        self._begun = steps_of(target.session.id) if target.session else ()
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    async def ask(self, ask: Ask) -> Answer | Fault:
        """Say the last message of a conversation, with the others where the template wants them.

        Raises:
            Unavailable: the app cannot be reached or does not accept the key.
        """
        if ask.pictured:
            return Fault(reason="pictures-unsupported")
        session = await self._session(ask.session)
        if isinstance(session, Fault):
            return session
        messages = [{"role": each.role, "content": each.content} for each in ask.messages if each.role != "system"]
        values = {"message": ask.messages[-1].content, "messages": messages, "session": session.id}
        reply = await self._sent(self._target.send, values, session)
        if isinstance(reply, Fault):
            return reply
        if reply.status in self._target.blocked_status:
            return Answer(blocked=True)
        raw = answered(reply, self._target.url)
        return raw if isinstance(raw, Fault) else self._answer(raw)

    async def close(self) -> None:
        """Do nothing: the client is its maker's."""

    async def _session(self, name: str) -> _Session | Fault:
        """Return what a conversation keeps, begun as the app wants it."""
        if name in self._sessions:
            self._sessions.move_to_end(name)
            return self._sessions[name]
        session = _Session(id=name)
        if self._target.session is not None:
            reply = await self._sent(self._target.session, {"message": "", "messages": [], "session": name}, session)
            raw = reply if isinstance(reply, Fault) else answered(reply, self._target.url)
            found = raw if isinstance(raw, Fault) or not self._begun else read_json(raw)
            if isinstance(found, Fault):
                return found
            if self._begun:
                given = at(found, self._begun)
                if not isinstance(given, str | int):
                    return Fault(reason="no-session")
                session.id = str(given)
        self._sessions[name] = session
        while len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return session

    async def _sent(self, exchanged: Exchanged, values: Mapping[str, Any], session: _Session) -> Reply | Fault:
        target = self._target
        url = target.url.rstrip("/") + _put(exchanged.path, values, lambda text: quote(text, safe=""))
        if exchanged.query:
            url += "?" + urlencode({name: _put(each, values, str) for name, each in exchanged.query.items()})
        headers = {name: _put(each, values, _one_line) for name, each in exchanged.headers.items()}
        if self._key is not None and self._key.get_secret_value():
            headers[target.key.header] = target.key.prefix + self._key.get_secret_value()
        if session.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in session.cookies.items())
        content = b""
        if exchanged.form:
            content = urlencode({name: _put(each, values, str) for name, each in exchanged.form.items()}).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif exchanged.body is not None:
            content = orjson.dumps(filled(exchanged.body, values))
            headers["Content-Type"] = "application/json"
        reply = await self._client.send(Request(exchanged.method, url, content, headers), limits=target.limits)
        if target.cookies and isinstance(reply, Reply):
            session.cookies |= reply.cookies
        return reply

    def _answer(self, raw: bytes) -> Answer | Fault:
        """Read the answer out of a reply as the template says."""
        if self._target.answer == WHOLE_BODY:
            return Answer(text=writable(raw.decode("utf-8", "replace")))
        found = read_json(raw)
        if isinstance(found, Fault):
            return found
        if self._at(found, "error"):
            return Fault(reason="app-error")
        if self._at(found, "blocked"):
            return Answer(blocked=True)
        said = self._at(found, "answer")
        calls = _calls(self._at(found, "calls"))
        if isinstance(calls, Fault) or not (isinstance(said, str) or (said is None and calls)):
            return Fault(reason="no-answer")
        return Answer(text=writable(said or ""), calls=calls, usage=Usage(
            asked=count_of(self._at(found, "asked_tokens")), answered=count_of(self._at(found, "answered_tokens"))
        ))  # fmt: skip

    def _at(self, found: Any, name: str) -> Any:  # Any: JSON of an unknown shape
        return at(found, self._paths[name]) if name in self._paths else None


def filled(template: Any, values: Mapping[str, Any]) -> Any:  # Any: JSON
    """Put values into the places of a JSON template, as values."""
    if isinstance(template, dict):
        return {name: filled(each, values) for name, each in template.items()}
    if isinstance(template, list):
        return [filled(each, values) for each in template]
    if not isinstance(template, str):
        return template
    whole = _PLACE.fullmatch(template)
    return values[whole[1]] if whole else _put(template, values, str)


def _put(template: str, values: Mapping[str, Any], written: Callable[[str], str]) -> str:
    """Put values into the places of a text."""

    def one(place: re.Match[str]) -> str:
        value = values[place[1]]
        return written(value if isinstance(value, str) else orjson.dumps(value).decode())

    return _PLACE.sub(one, template)


def _one_line(text: str) -> str:
    """Return a text as a header takes it."""
    return quote(text, safe=" !#$&'()*+,/:;=?@[]~")


def _calls(found: Any) -> tuple[Call, ...] | Fault:  # Any: JSON
    """Read a list of calls, each of the app's own plain shape or of the chat API's."""
    if found is None:
        return ()
    try:
        listed = [each.get("function", each) for each in found]
        return tuple(call_of(each["name"], each.get("arguments")) for each in listed)
    except (KeyError, TypeError, AttributeError):
        return Fault(reason="no-answer")
