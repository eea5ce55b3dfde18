"""A line that a gateway writes is, byte for byte, the event that the relay reads."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from jingwei.core.canonical import canonical
from jingwei.core.event import Event, EventKind, event_line
from jingwei.core.policy import Category, Decision

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
fields = st.fixed_dictionaries(
    {"id": words, "at": st.datetimes(timezones=st.just(UTC)), "kind": st.sampled_from(EventKind), "system_id": words,
     "request_id": words},
    optional={
        "direction": st.sampled_from(["inbound", "outbound", "tool", None]),
        "decision": st.sampled_from(Decision),
        "categories": st.lists(st.sampled_from(Category)).map(tuple),
        "rule_ids": st.lists(words).map(tuple),
        "reason": words,
        "latency_milliseconds": st.floats(0, 1e9).map(lambda value: round(value, 3)),
        "tool": words,
        "trial": st.booleans(),
        "session": words,
        "details": st.dictionaries(st.text("abcdefghijklmnopqrstuvwxyz_", max_size=12), words, max_size=4),
    },
)  # fmt: skip


@given(fields)
def test_a_line_is_the_canonical_form_of_its_event(given_fields):
    line = event_line(given_fields)
    assert line == canonical(Event(**given_fields))
    assert canonical(Event.model_validate_json(line)) == line


def test_what_is_left_out_is_empty():
    line = event_line({"id": "evt_1", "at": datetime(2026, 3, 1, tzinfo=UTC), "kind": EventKind.VERDICT,
                       "system_id": "s", "request_id": "r"})  # fmt: skip
    assert set(Event.model_validate_json(line).model_dump()) == set(Event.model_fields)
    assert line == canonical(Event.model_validate_json(line))
