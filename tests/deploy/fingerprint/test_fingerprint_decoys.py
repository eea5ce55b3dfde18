"""Services that are no AI component, or pretend to be every one: nothing is named."""

import json

import pytest
from tests.deploy.fingerprint.conftest import answering, examined, page, raw_of

from jingwei.deploy.fingerprint.rule import fixtures, strong, weak

FIXTURES = fixtures()
NAMES = [rule.name for rule in (*strong(), *weak())]
TITLES = "".join(f"<title>{name}</title>" for name in NAMES)
BANNERS = ("Ollama is running", "AI Gateway says hey!", "pong", "window.gradio_config = {", "ok")
BLOG = (
    f"<html><title>Blog</title><body>{' '.join(NAMES)} {' '.join(BANNERS)} <a href=/ollama>Ollama is running</a></body>"
)
OPENAI = {"object": "list", "data": [{"id": "our-model", "object": "model", "created": 1, "owned_by": "us"}]}


def json_page(value, status=200, **headers):
    return page(status, json.dumps(value), "application/json", **headers)


def everything():
    """A JSON object that has what every rule looks for at the top."""
    merged = {}
    for fixture in FIXTURES:
        for answer in fixture["answers"].values():
            if isinstance(answer.get("json"), dict):
                merged.update(answer["json"])
    return merged


def honeypot(path):
    """Answer each path as some component would, whichever path it is."""
    for fixture in FIXTURES:
        if path in fixture["answers"]:
            return raw_of(fixture, path)
    return page(404, "not here")


def quoting(path):
    return page(200, BLOG) if path == "/" else page(404, "nope")


DECOYS = {
    "fastapi-404": lambda path: json_page({"detail": "Not Found"}, 404),
    "spa": lambda path: page(200, "<!doctype html><title>My Shop</title><div id=root></div>"),
    "openai-compatible": lambda path: (
        json_page(OPENAI)
        if path == "/v1/models"
        else json_page({"status": "ok"})
        if path == "/health"
        else json_page({"error": "not found"}, 404)
    ),
    "blog": quoting,
    "blog-everywhere": lambda path: page(200, BLOG),
    "one-banner": lambda path: page(200, "<title>Notes</title>Ollama is running") if path == "/" else page(404),
    "exact-banner-everywhere": lambda path: page(200, "Ollama is running", "text/plain"),
    "echo": lambda path: page(200, f"GET {path} HTTP/1.1\nOllama is running"),
    "echo-json": lambda path: json_page({"path": path, "method": "GET", "version": "1.2.3", "models": [], "data": []}),
    "echo-header": lambda path: page(200, path, "text/plain", X_Path=path, server="llama.cpp"),
    "all-banners": lambda path: page(200, TITLES + " ".join(BANNERS), server="llama.cpp, TornadoServer"),
    "all-json": lambda path: json_page(everything(), server="llama.cpp"),
    "all-json-404": lambda path: json_page(everything(), 404, server="llama.cpp"),
    "honeypot": honeypot,
    "health-only": lambda path: page(200, "OK") if path in {"/health", "/healthz", "/ping"} else page(404),
    "version-only": lambda path: json_page({"version": "1.2.3"}) if "version" in path else json_page({}, 404),
    "login-for-all": lambda path: page(401, "Unauthorized", WWW_Authenticate='Basic realm="x"'),
    "redirect-away": lambda path: page(302, "", Location="http://ollama.example/"),
    "redirect-round": lambda path: page(302, "", Location=path),
    "prometheus": lambda path: (
        page(200, "# HELP http_requests_total x\nhttp_requests_total 1\n") if path == "/metrics" else page(404)
    ),
    "swagger": lambda path: (
        json_page({"openapi": "3.1.0", "info": {"title": "FastAPI", "version": "0.1.0"}, "paths": {"/items": {}}})
        if path == "/openapi.json"
        else json_page({"detail": "Not Found"}, 404)
    ),
    "empty": lambda path: page(200, ""),
    "nginx": lambda path: page(404 if path != "/" else 200, "<title>Welcome to nginx!</title>", server="nginx/1.27"),
}


@pytest.mark.parametrize("name", sorted(DECOYS))
def test_a_decoy_is_no_component(name, loopback):
    server = loopback(answering(DECOYS[name]))
    one = examined(server)
    assert "component" not in one.facts
    assert one.format == "http"
    assert not {each.rule_id for each in one.findings} & {"exposure.maybe", "exposure.version-unknown"}
    assert len(server.heard) <= 41


def test_a_honeypot_is_called_one(loopback):
    one = examined(loopback(answering(honeypot)))
    assert "exposure.many-claims" in {each.rule_id for each in one.findings}


def test_an_open_list_of_models_is_told_without_naming_a_component(loopback):
    one = examined(loopback(answering(DECOYS["openai-compatible"])))
    assert [each.evidence for each in one.findings if each.rule_id == "exposure.models-listed"] == ["our-model"]
