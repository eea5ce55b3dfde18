"""A purple-team campaign from the terminal, from its target to a suite that evaluates."""

import json
from datetime import UTC, datetime, timedelta

import pytest

NAME = "Staff assistant"
PASSWORD = "correct horse battery staple"


def told(done):
    assert done.code == 0, done.err
    return json.loads(done.out)


@pytest.fixture
def hostile_model(monkeypatch, model):
    """The address of a server whose answer speaks to terminals."""
    from http.server import BaseHTTPRequestHandler

    kind = next(each for each in BaseHTTPRequestHandler.__subclasses__() if hasattr(each, "says"))
    monkeypatch.setattr(kind, "says", "\x1b]0;owned\x07[bold]x[/bold]")
    return model


@pytest.fixture
def graded(registered):
    told(registered("system", "grade", NAME, "--json"))
    return registered


def acted(call, *arguments, by="lin", **more):
    return call("campaign", *arguments, "--json", "--as", by, JINGWEI_PASSWORD=PASSWORD, **more)


def opened(call, model, *more):
    target = told(acted(call, "approve", NAME, "--endpoint", model, "--model", "m", "--reason", "x", by="zhao"))
    words = ("--title", "Autumn", "--purpose", "p", "--rules", "r", "--until", soon())
    return told(acted(call, "start", target["id"], *words, *more))


def soon():
    return f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%d}"


def test_a_campaign_goes_from_its_target_to_a_suite(graded, model, tmp_path):
    campaign = opened(graded, model)
    assert campaign["state"] == "open"
    tried = told(acted(graded, "try", campaign["id"], "How many days of leave? Mail jo@example.com"))
    assert tried["state"] == "answered"
    assert "jo@example.com" not in tried["prompt"]
    find = told(acted(graded, "submit", tried["id"], "--class", "tc260:a5-a", "--reason", "wrong number"))
    assert acted(graded, "triage", find["id"], "--accept", "low").code == 3
    assert acted(graded, "triage", find["id"], "--accept", "low", "--reject", by="zhao").code == 2
    done = told(acted(graded, "triage", find["id"], "--accept", "low", by="zhao"))
    assert (done["state"], done["score"]) == ("accepted", 2)
    assert [each["severity"] for each in told(graded("campaign", "risks", NAME, "--json"))] == ["low"]
    suite = tmp_path / "found.yaml"
    assert told(acted(graded, "export", campaign["id"], "--suite", suite, by="zhao"))["prompts"] == 1
    assert graded("evaluate", "show", suite).code == 0
    assert told(acted(graded, "mend", find["id"], "--note", "corrected", by="zhao"))["state"] == "mended"
    assert told(acted(graded, "close", campaign["id"]))["state"] == "closed"
    for lang in ("zh", "en"):
        for shown in (("list",), ("targets",), ("show", campaign["id"]), ("finds",), ("find", find["id"]),
                      ("answer", tried["id"]), ("risks", NAME)):  # fmt: skip
            done = graded("campaign", *shown, lang=lang)
            assert done.code == 0, done.err
    whole = told(graded("campaign", "show", campaign["id"], "--json"))
    assert (len(whole["tries"]), len(whole["finds"]), len(whole["leaderboard"])) == (1, 1, 1)
    assert "leave" in graded("campaign", "show", campaign["id"]).out


def test_a_draft_waits_and_a_withdrawn_target_stops_everything(graded, model):
    campaign = opened(graded, model, "--draft", "--no-leaderboard", "--requests", "3")
    assert (campaign["state"], campaign["leaderboard"], campaign["requests"]) == ("draft", False, 3)
    assert acted(graded, "try", campaign["id"], "Hello").code == 3
    assert told(acted(graded, "open", campaign["id"]))["state"] == "open"
    assert not told(acted(graded, "withdraw", campaign["target_id"], by="zhao"))["stands"]
    done = acted(graded, "try", campaign["id"], "Hello")
    assert (done.code, "manage:target-withdrawn" in done.err) == (3, True)


def test_what_an_answer_holds_never_steers_the_terminal(graded, hostile_model):
    campaign = opened(graded, hostile_model)
    tried = told(acted(graded, "try", campaign["id"], "\x1b[31mHello"))
    for shown in (("show", campaign["id"]), ("answer", tried["id"])):
        out = graded("campaign", *shown).out
        assert "\x1b" not in out
        assert "\x07" not in out
        assert "[bold]x[/bold]" in out


def test_who_approved_a_target_starts_nothing_on_it_and_terms_are_checked(graded, model):
    target = told(acted(graded, "approve", NAME, "--endpoint", model, "--reason", "x", by="zhao"))
    words = ("--title", "A", "--purpose", "p", "--rules", "r")
    assert "campaign-own-target" in acted(graded, "start", target["id"], *words, "--until", soon(), by="zhao").err
    assert "campaign-window" in acted(graded, "start", target["id"], *words, "--until", "2099-12-31").err
    assert "campaign-text-empty" in acted(graded, "start", target["id"], *words[:-1], " ", "--until", soon()).err
    assert acted(graded, "start", target["id"], *words, "--until", soon(), "--requests", "0").code == 2
