"""Hostile servers: whatever they send, a visit ends soon, keeps little, and says what it could not read."""

import asyncio
import gzip
import ssl
import zlib
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from tests.deploy.fingerprint.conftest import answering, examined, page

from jingwei.core.finding import Severity
from jingwei.deploy.fingerprint.answer import READ_BYTES, TEXT_CHARACTERS, read_answer
from jingwei.deploy.fingerprint.client import HEAD_BYTES, Patience, Silence, SilenceError, fetch, read_whole
from jingwei.deploy.fingerprint.service import Manner, examine
from jingwei.deploy.fingerprint.targets import Place

SHORT = Patience(connect=1, answer=0.3, body=0.1)


def asked(server, path="/", patience=SHORT, **kind):
    return asyncio.run(fetch(Place("127.0.0.1", "127.0.0.1", server.port, **kind), path, patience=patience))


def why(server):
    with pytest.raises(SilenceError) as caught:
        asked(server)
    return caught.value.why


def test_headers_that_never_end_are_given_up(loopback):
    async def handle(head, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(20_000):
            writer.write(b"X-%d: %s\r\n" % (number, b"a" * 500))
            await writer.drain()

    assert why(loopback(handle)) is Silence.LONG_HEAD


def test_one_header_of_ten_megabytes_is_given_up(loopback):
    async def handle(head, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(160):
            writer.write(b"a" * HEAD_BYTES)
            await writer.drain()

    assert why(loopback(handle)) in {Silence.LONG_HEAD, Silence.NOT_HTTP}


def test_a_server_that_says_nothing_is_a_timeout(loopback):
    async def handle(head, writer):
        await asyncio.sleep(30)

    assert why(loopback(handle)) is Silence.TIMEOUT


def test_a_byte_now_and_then_is_a_timeout(loopback):
    async def handle(head, writer):
        for each in b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n":
            writer.write(bytes([each]))
            await writer.drain()
            await asyncio.sleep(0.02)

    assert why(loopback(handle)) is Silence.TIMEOUT


def test_what_is_not_http_is_said_to_be_so(loopback):
    async def handle(head, writer):
        writer.write(b"SSH-2.0-OpenSSH_9.9\r\n")

    assert why(loopback(handle)) is Silence.NOT_HTTP


def test_a_closed_port_is_refused(loopback):
    server = loopback(answering(lambda path: page()))
    server.close()
    assert why(server) is Silence.REFUSED


def test_a_body_that_never_ends_is_cut(loopback):
    async def handle(head, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while True:
            writer.write(b"a" * 65536)
            await writer.drain()

    answer = asked(loopback(handle), patience=Patience(1, 5, 5))
    assert len(answer.content) == READ_BYTES
    assert answer.cut


def test_a_stream_of_events_gives_what_came_so_far(loopback):
    async def handle(head, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: endpoint\n\n")
        await writer.drain()
        await asyncio.sleep(30)

    assert asked(loopback(handle)).text == "event: endpoint\n\n"


def test_a_body_that_ends_too_early_is_cut(loopback):
    async def handle(head, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        await writer.drain()

    answer = asked(loopback(handle))
    assert (answer.text, answer.cut) == ("abc", True)


@pytest.mark.parametrize("packed", [gzip.compress, zlib.compress])
def test_a_bomb_unpacks_to_what_is_kept_and_no_more(packed, loopback):
    bomb = packed(bytes(32 * 1024 * 1024))
    coding = "gzip" if packed is gzip.compress else "deflate"
    answer = asked(
        loopback(answering(lambda path: page(200, bomb, Content_Encoding=coding))), patience=Patience(1, 5, 5)
    )
    assert len(answer.content) == READ_BYTES
    assert answer.cut


def test_a_small_packed_body_is_read():
    packed = gzip.compress(b"<title>Ollama</title>")
    assert read_answer("/", 200, [("Content-Encoding", "gzip")], packed).title == "Ollama"


def test_deep_json_is_no_json():
    assert read_answer("/", 200, [], b"[" * 100_000).value is None


def test_a_title_is_one_line_of_plain_text():
    assert read_answer("/", 200, [], b"<TITLE>\n A &amp;\n B </TITLE>").title == "A & B"


def test_names_of_headers_are_small_and_values_of_one_name_are_joined():
    answer = read_answer("/", 200, [("Set-Cookie", "a"), ("SET-COOKIE", "b")], b"")
    assert answer.header("set-cookie") == "a, b"


def test_every_place_of_a_value_is_walked_to():
    answer = read_answer("/", 200, [], b'{"data": [{"id": 1}, {"id": 2}, 3], "a.b": 4}')
    assert list(answer.at("data.*.id")) == [1, 2]
    assert list(answer.at("data.1.id")) == [2]
    assert list(answer.at("data.7.id")) == []


@given(st.binary(max_size=4096))
def test_any_bytes_are_an_answer_or_a_reason(raw):
    try:
        answer = read_whole(raw)
    except SilenceError:
        return
    assert len(answer.content) <= READ_BYTES
    assert len(answer.text) <= TEXT_CHARACTERS


def test_an_informational_answer_is_not_the_answer(loopback):
    async def handle(head, writer):
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + page(200, "<title>there</title>"))
        await writer.drain()

    answer = asked(loopback(handle))
    assert (answer.status, answer.title) == (200, "there")


def test_a_redirect_leads_on_only_on_the_same_service(loopback):
    other = loopback(answering(lambda path: page(200, "<title>other</title>")))
    paths = {"/": page(302, "", Location="/a"), "/a": page(302, "", Location=other.url + "/b")}
    server = loopback(answering(lambda path: paths.get(path, page(404))))
    one = examined(server)
    assert other.heard == []
    assert one.facts["requests"]


def test_only_get_is_sent_with_the_name_and_without_secrets(loopback):
    server = loopback(answering(lambda path: page(404)))
    examined(server, scheme="http", prefix="/base")
    assert all(head.startswith("GET /base/") for head in server.heard)
    assert not any("cookie" in head.lower() or "authorization" in head.lower() for head in server.heard)


def certificate(names, days=30):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=90))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM), key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def tls_of(tmp_path, days=30):
    public, private = certificate([x509.IPAddress(ip_address("127.0.0.1"))], days)
    (tmp_path / "c.pem").write_bytes(public + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "c.pem")
    return context


@pytest.mark.parametrize("named", [True, False])
def test_a_self_signed_certificate_is_told_and_the_service_behind_it_examined(named, loopback, tmp_path):
    server = loopback(answering(lambda path: page(404, "no")), tls=tls_of(tmp_path))
    one = examined(server, scheme="https" if named else "")
    assert {"exposure.tls-self-signed"} == {each.rule_id for each in one.findings}
    assert one.facts["tls"] == "TLSv1.3"
    assert one.path.startswith("https://")


def test_an_expired_certificate_is_told(loopback, tmp_path):
    server = loopback(answering(lambda path: page(404)), tls=tls_of(tmp_path, days=-1))
    one = examined(server, scheme="https")
    found = {each.rule_id: each.severity for each in one.findings}
    assert found["exposure.tls-expired"] is Severity.MEDIUM


def test_an_address_of_tls_where_there_is_none_is_a_gap(loopback):
    server = loopback(answering(lambda path: page()))
    place = Place("127.0.0.1", "127.0.0.1", server.port, "https")
    assert asyncio.run(examine(place, Manner(Patience(0.05, 0.1, 0.1)))).scanned.gaps


def test_a_service_that_is_always_late_ends_early_and_is_incomplete(loopback):
    async def handle(head, writer):
        if head.startswith("GET / "):
            writer.write(page(200, "here"))
        else:
            await asyncio.sleep(30)

    server = loopback(handle)
    place = Place("127.0.0.1", "127.0.0.1", server.port, "http")
    one = asyncio.run(examine(place, Manner(Patience(1, 0.05, 0.05), per_second=1000)))
    assert one.scanned.gaps
    assert len(one.log) < 15


def test_a_service_behind_a_path_is_found_where_its_start_page_leads(loopback):
    paths = {
        "/": page(302, "", Location="/tracking/"),
        "/tracking/": page(200, "<title>MLflow</title>"),
        "/tracking/version": page(200, "3.17.2"),
        "/tracking/ajax-api/2.0/mlflow/experiments/search?max_results=1": page(200, '{"experiments": []}'),
    }
    server = loopback(answering(lambda path: paths.get(path, page(404, "no"))))
    one = examined(server)
    assert (one.facts["component"], one.facts["version"], one.facts["auth"]) == ("mlflow", "3.17.2", "open")
    assert one.path == f"{server.url}/tracking"
    assert int(one.facts["requests"]) == len(server.heard) <= 40


def test_an_answer_that_was_late_once_is_asked_for_again(loopback):
    slow = []

    async def handle(head, writer):
        path = head.split(" ")[1]
        if path == "/version" and not slow:
            slow.append(path)
            await asyncio.sleep(30)
        writer.write(page(200, {"/": "<title>MLflow</title>", "/version": "3.17.2"}.get(path, '{"experiments": [{"artifact_location": "a"}]}')) if path.startswith(("/ajax", "/version")) or path == "/" else page(404))  # fmt: skip
        await writer.drain()

    server = loopback(handle)
    place = Place("127.0.0.1", "127.0.0.1", server.port)
    one = asyncio.run(examine(place, Manner(Patience(1, 0.2, 0.1), per_second=1e6))).scanned
    assert slow
    assert one.facts["version"] == "3.17.2"
