"""A held call in a chat: the caller is told which request to have approved, whole or streamed."""

import json

import pytest
from tests.faces.gateway.conftest import completion, piece

CALL = {"id": "c1", "type": "function", "function": {"name": "pay", "arguments": '{"amount": 3}'}}


def test_a_held_call_names_its_request_and_asks_only_once(open_house):
    open_house.model.answer = completion(None, tool_calls=[CALL])
    first = open_house.chat("pay").json["jingwei"]
    again = open_house.chat("pay").json["jingwei"]
    assert first["decision"] == "hold"
    assert first["approval"]["id"].startswith("apr_")
    assert first["approval"]["id"] == again["approval"]["id"]
    assert first["approval"]["why"] == "tool.needs-person"
    events = [event for event in open_house.events() if event.kind == "approval"]
    assert [event.reason for event in events] == ["approval-asked"]
    assert events[0].details["arguments_digest"] == first["approval"]["arguments_digest"]


def test_a_held_call_of_a_stream_names_it_too(open_house):
    delta = {"tool_calls": [{"index": 0, **CALL}]}
    open_house.model.pieces = [piece(delta), piece({}, finish="tool_calls")]
    reply = open_house.chat("pay", stream=True)
    told = [chunk["jingwei"] for chunk in reply.chunks if "jingwei" in chunk]
    assert told[-1]["approval"]["id"].startswith("apr_")
    assert '"pay"' not in json.dumps([chunk["choices"] for chunk in reply.chunks])


@pytest.mark.parametrize("session", ["x" * 257])
def test_a_session_id_that_is_too_long_is_refused(open_house, session):
    reply = open_house.chat("hello", headers={"jingwei-session": session})
    assert (reply.status, reply.code) == (400, "session-invalid")
