"""Only this machine and what an owner has put in scope is asked; the decision is about the pinned address."""

import contextlib
import socket
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.deploy.fingerprint.conftest import answering, page

from jingwei.core.errors import InputError
from jingwei.deploy.fingerprint.scanner import Options, scan
from jingwei.deploy.fingerprint.scope import Scope, pin, read_scope
from jingwei.deploy.fingerprint.targets import listed, places

NOW = datetime(2026, 11, 23, tzinfo=UTC)
GOOD = {"owner": "Network team", "reason": "Inventory", "until": "2026-12-31T00:00:00Z", "networks": ["10.20.0.0/24"]}


def scope_file(tmp_path, **changed):
    path = tmp_path / "scope.yaml"
    path.write_text("\n".join(f"{name}: {value}" for name, value in {**GOOD, **changed}.items() if value is not None))
    return str(path)


def refused(code, call, *given, **named):
    with pytest.raises(InputError) as caught:
        call(*given, **named)
    assert caught.value.code == f"deploy.fingerprint:{code}"
    return caught.value


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost", "::ffff:127.0.0.1"])
def test_this_machine_may_be_asked_without_a_scope(host):
    assert pin(host, None)


@pytest.mark.parametrize("host", ["192.0.2.1", "10.20.0.5", "2001:db8::1", "::ffff:10.20.0.5"])
def test_anything_else_needs_a_scope(host):
    error = refused("needs-scope", pin, host, None)
    assert error.field == "scope"
    assert "owner" in error.message.en


@pytest.mark.parametrize("host", ["0.0.0.0", "169.254.169.254", "224.0.0.1", "fe80::1", "::", "fd00:ec2::254"])
def test_some_addresses_are_never_asked(host, tmp_path):
    scope = Scope.model_validate({**GOOD, "hosts": [host]})
    refused("never-asked", pin, host, scope)


def test_a_scope_covers_its_networks_and_hosts_alone(tmp_path):
    scope = read_scope(scope_file(tmp_path, hosts="[192.0.2.7]"), NOW)
    assert pin("10.20.0.5", scope) == "10.20.0.5"
    assert pin("::ffff:10.20.0.5", scope) == "10.20.0.5"
    assert pin("192.0.2.7", scope) == "192.0.2.7"
    refused("out-of-scope", pin, "10.20.1.5", scope)


def test_a_name_that_also_leads_elsewhere_is_refused(monkeypatch):
    told = [(0, 0, 0, "", ("127.0.0.1", 0)), (0, 0, 0, "", ("192.0.2.9", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: told)
    refused("needs-scope", pin, "rebinding.example", None)


def test_a_name_is_resolved_once_and_its_address_kept(monkeypatch):
    calls = []

    def resolve(*given, **named):
        calls.append(given)
        return [(0, 0, 0, "", ("127.0.0.1" if len(calls) == 1 else "192.0.2.9", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    (place,) = places("http://rebinding.example:8080/", (), None)
    assert (place.host, place.address, len(calls)) == ("rebinding.example", "127.0.0.1", 1)


@pytest.mark.parametrize(
    "changed",
    [
        {"owner": None},
        {"reason": None},
        {"until": None},
        {"until": "2026-12-31T00:00:00"},
        {"networks": "[0.0.0.0/0]"},
        {"networks": "[10.0.0.0/8]"},
        {"networks": '["2001:db8::/32"]'},
        {"networks": "[nonsense]"},
        {"extra": "x"},
        {"owner": "&a x"},
    ],
)
def test_a_file_that_is_no_scope_is_refused(changed, tmp_path):
    refused("scope-unreadable", read_scope, scope_file(tmp_path, **changed), NOW)


def test_a_scope_that_is_not_there_or_too_large_is_refused(tmp_path):
    refused("scope-unreadable", read_scope, str(tmp_path / "none"), NOW)
    (tmp_path / "large").write_bytes(b"#" * 300_000)
    refused("scope-unreadable", read_scope, str(tmp_path / "large"), NOW)


def test_a_scope_runs_out_and_lasts_a_year_at_most(tmp_path):
    path = scope_file(tmp_path)
    refused("scope-over", read_scope, path, datetime(2027, 1, 1, tzinfo=UTC))
    refused("scope-too-long", read_scope, path, NOW - timedelta(days=400))


@pytest.mark.parametrize(
    "target",
    ["http://", "ftp://127.0.0.1/", "http://user:secret@127.0.0.1/", "127.0.0.1:99999", "127.0.0.1:0", "a b", "", "http://127.0.0.1/../x",
     "http://127.0.0.1/?x=1", "http://127.0.0.1/a\r\nHost: b", "file:///etc/passwd", "127.0.0.1:http", "-"],
)  # fmt: skip
def test_what_is_no_address_is_refused(target):
    with pytest.raises(InputError) as caught:
        list(places(target, (80,), None))
    assert caught.value.field == "target"


def test_targets_are_read_in_every_form():
    def told(target):
        return [(each.scheme, each.authority, each.prefix) for each in places(target, (8000, 9000), None)]

    assert told("http://127.0.0.1:8080/v1/") == [("http", "127.0.0.1:8080", "/v1")]
    assert told("https://127.0.0.1") == [("https", "127.0.0.1", "")]
    assert told("127.0.0.1:5000") == [("", "127.0.0.1:5000", "")]
    assert told("[::1]:5000") == [("", "[::1]:5000", "")]
    assert told("::1") == [("", "[::1]:8000", ""), ("", "[::1]:9000", "")]
    assert told("localhost") == [("", "localhost:8000", ""), ("", "localhost:9000", "")]


def test_a_file_of_targets_is_read_line_by_line(tmp_path):
    path = tmp_path / "targets.txt"
    path.write_text("# ours\n127.0.0.1:1\n\nhttp://127.0.0.1:2  # two\n")
    assert listed(str(path)) == ["127.0.0.1:1", "http://127.0.0.1:2"]
    path.write_text("# nothing\n")
    refused("targets-file", listed, str(path))


def test_a_wrong_line_is_told_and_the_rest_goes_on(tmp_path, loopback):
    server = loopback(answering(lambda path: page(404)))
    path = tmp_path / "targets.txt"
    path.write_text(f"192.0.2.1:80\n127.0.0.1:{server.port}\n")
    first, second = scan(str(path), Options(per_second=1000))
    assert first.gaps
    assert "192.0.2.1" in first.gaps[0].zh
    assert not second.gaps


def test_a_target_out_of_scope_is_never_asked(tmp_path, monkeypatch):
    monkeypatch.setattr("asyncio.open_connection", lambda *_, **__: pytest.fail("asked"))
    refused("needs-scope", lambda: list(scan("http://192.0.2.1/", Options())))


@given(st.text(max_size=60))
def test_any_text_is_a_target_or_refused(text):
    with pytest.MonkeyPatch.context() as patched, contextlib.suppress(InputError):
        patched.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("127.0.0.1", 0))])
        assert all(place.address for place in places(text, (1,), None))
