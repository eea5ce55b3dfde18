"""Whose words an answer is: what a model says is judged as a model's, not as a person's request."""

from jingwei.faces.gateway.chat import _answer_texts


def test_what_a_model_answers_is_judged_as_its_own_words():
    whole = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Minutes tell what was said."}}]}
    (passage,) = _answer_texts(whole)
    assert passage.text == "Minutes tell what was said."
    assert passage.role == "assistant"
