"""The client for models' servers: what an answer is, how long it may take, and what ends a connection."""

import asyncio
import ssl
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from jingwei.faces.gateway.client import Client, Unreachable
from jingwei.faces.gateway.connection import Times, target_of
from jingwei.faces.gateway.reply import MAX_HEAD_BYTES, MAX_WAITING_BYTES, Reply

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nX-Trailer: no\r\n\r\n"
TIMES = Times(2.0, 2.0, 5.0)
ANY = "^"


class Server:
    """Answers each request of each connection with the next of some bytes; `b""` hangs up."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked, self.connections, self.tasks = [], 0, []

    async def serve(self, reader, writer):
        self.connections += 1
        self.tasks.append(asyncio.current_task())
        try:
            await self._serve(reader, writer)
        finally:
            writer.transport.abort() if writer.transport.is_closing() else writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader, writer):
        while self.answers:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                self.asked.append((head, await reader.readexactly(length)))
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            answer = self.answers.pop(0)
            if not answer:
                break
            if isinstance(answer, bytes):
                writer.write(answer)
            else:
                await answer(writer)


@asynccontextmanager
async def asking(server, times=TIMES, *, tls=None, most=8):
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    client = Client(times, most=most)
    try:
        yield client, f"http{'s' if tls else ''}://127.0.0.1:{port}/v1/chat"
    finally:
        await client.close()
        listening.close()
        await asyncio.wait_for(asyncio.gather(*server.tasks, return_exceptions=True), 5)


async def until(look):
    for _ in range(5000):
        if look():
            return
        await asyncio.sleep(0.001)
    raise AssertionError


async def ask(client, url, body=b"{}", key=""):
    connection = await client.asked(target_of(url, key), body)
    whole = False
    try:
        pieces = []
        while piece := await connection.reply.piece():
            pieces.append(piece)
        whole = True
    finally:
        client.given_back(connection, whole=whole)
    return connection.reply.status if connection.reply else 200, b"".join(pieces)


def answers(*given, times=TIMES, count=None):
    async def main():
        server = Server(*given)
        async with asking(server, times) as (client, url):
            return [await ask(client, url) for _ in range(count or len(given))], server

    return asyncio.run(main())


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        CHUNKED,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK,
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
    ],
)
def test_an_answer_is_read_to_its_end(answer):
    async def send(writer):
        writer.write(answer)
        if b"ength" not in answer and b"chunked" not in answer:
            writer.close()

    assert answers(send)[0][0][1] == b"hello"


def test_a_connection_is_used_again_after_a_whole_answer():
    found, server = answers(OK, CHUNKED, OK)
    assert [body for _, body in found] == [b"hello"] * 3
    assert server.connections == 1
    head, body = server.asked[0]
    assert head.startswith(b"POST /v1/chat HTTP/1.1\r\nHost: 127.0.0.1:")
    assert body == b"{}"


@given(st.lists(st.integers(0, len(CHUNKED)), max_size=6), st.sampled_from([OK, CHUNKED]))
def test_an_answer_reads_the_same_however_it_is_cut(places, answer):
    async def main():
        reply = Reply(asyncio.get_running_loop(), lambda on: None)
        cuts = [0, *sorted(places), len(answer)]
        assert all(reply.feed(answer[a:b]) for a, b in pairwise(cuts) if b > a)
        await reply.head()
        return await reply.piece(), await reply.piece(), reply.reusable, reply.headers.get(b"x-trailer")

    assert asyncio.run(main()) == (b"hello", b"", True, None)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * (MAX_HEAD_BYTES + 400_000),
        b"SSH-2.0-OpenSSH\r\n",
    ],
    ids=lambda answer: answer[:60].decode(),
)
def test_an_answer_that_two_readers_could_read_differently_is_none(answer):
    with pytest.raises(ValueError, match=ANY):
        answers(answer)


def test_trailers_without_end_are_not_waited_for():
    async def endless(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
        for _ in range(2000):
            writer.write(b"X-A: " + b"a" * 500 + b"\r\n")

    with pytest.raises(ValueError, match=ANY):
        answers(endless)


def test_what_a_server_sends_beyond_an_answer_is_part_of_no_other():
    found, server = answers(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", OK)
    assert [body for _, body in found] == [b"hello", b"hello"]
    assert server.connections == 2


def test_what_a_server_sends_unasked_ends_its_connection():
    async def main():
        gone = asyncio.Event()

        async def later(writer):
            writer.write(OK)
            await writer.drain()
            await gone.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            gone.clear()

        server = Server(later, OK)
        async with asking(server) as (client, url):
            await ask(client, url)
            gone.set()
            await until(lambda: not client._open)
            return await ask(client, url), server.connections

    assert asyncio.run(main()) == ((200, b"hello"), 2)


@pytest.mark.parametrize(
    "cut",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", b"HTTP/1.1 200 OK\r\nContent-Le", b"", CHUNKED[:-3]],
)
def test_an_answer_that_breaks_off_is_an_error(cut):
    async def broken(writer):
        writer.write(cut)
        writer.close()

    with pytest.raises(ConnectionError):
        answers(broken)


def test_a_kept_connection_that_was_closed_is_replaced_but_an_answer_that_began_is_not_asked_for_again():
    found, server = answers(OK, b"", OK, count=2)
    assert [body for _, body in found] == [b"hello", b"hello"]
    assert (server.connections, len(server.asked)) == (2, 3)

    async def half(writer):
        writer.write(OK[:20])
        writer.close()

    with pytest.raises(ConnectionError):
        answers(OK, half, OK, count=2)


@pytest.mark.parametrize("times", [Times(2, 0.03, 5), Times(2, 5, 0.03)], ids=["silence", "all of it"])
@pytest.mark.parametrize("before", [b"", OK[:-2]], ids=["at the head", "in the body"])
def test_a_server_that_goes_silent_is_given_up(times, before):
    async def silent(writer):
        writer.write(before)
        await asyncio.sleep(0.08)

    with pytest.raises(TimeoutError):
        answers(silent, times=times)


def test_a_slow_reader_is_no_silent_server_and_stops_it_from_sending():
    async def main():
        async def much(writer):
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"a" * 4 * MAX_WAITING_BYTES)
            await writer.drain()
            writer.close()

        async with asking(Server(much), Times(2, 0.05, 5)) as (client, url):
            connection = await client.asked(target_of(url, ""), b"")
            await until(lambda: connection.reply.paused)
            await asyncio.sleep(0.12)
            waiting, size = connection.reply.waiting, 0
            while piece := await connection.reply.piece():
                size += len(piece)
            client.given_back(connection, whole=True)
            return waiting, size

    waiting, size = asyncio.run(main())
    assert waiting < 2 * MAX_WAITING_BYTES
    assert size == 4 * MAX_WAITING_BYTES


def test_an_answer_that_is_left_early_ends_its_connection_but_for_its_mere_end():
    async def main(last):
        events = asyncio.Event()

        async def slow(writer):
            writer.write(CHUNKED.partition(b"0\r\n")[0])
            await writer.drain()
            await events.wait()
            writer.write(last)

        server = Server(slow, OK)
        async with asking(server) as (client, url):
            connection = await client.asked(target_of(url, ""), b"")
            assert await connection.reply.piece() == b"hello"
            client.given_back(connection, whole=True)
            events.set()
            await until(lambda: connection.closed or client._idle)
            return (await ask(client, url))[1], server.connections

    assert asyncio.run(main(b"0\r\n\r\n")) == (b"hello", 1)
    assert asyncio.run(main(b"4\r\nmore\r\n0\r\n\r\n")) == (b"hello", 2)


def test_no_more_requests_than_allowed_go_at_one_time():
    async def main():
        under_way, most = 0, 0

        async def counted(writer):
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.005)
            under_way -= 1
            writer.write(OK)

        async with asking(Server(*[counted] * 6), most=2) as (client, url):
            await asyncio.gather(*(ask(client, url) for _ in range(6)))
            return most

    assert asyncio.run(main()) == 2


@pytest.mark.parametrize("url", ["ftp://a/b", "http:///b", "http://me:pw@a/b", "a/b", "http://a:0/b"])
def test_an_address_that_is_none_is_asked_nothing(url):
    with pytest.raises(ValueError, match=ANY):
        target_of(url, "")


@pytest.mark.parametrize("key", ["a\r\nX-Evil: 1", "a b", "钥匙", "a\x00b"])
def test_a_key_that_could_end_a_header_is_never_sent(key):
    with pytest.raises(ValueError, match=ANY):
        target_of("http://a/b", key)


def test_an_address_cannot_say_more_than_where():
    head = target_of("http://a/v1\r\nX-Evil: 1/c d", "k").head
    assert head.count(b"\r\n") == 6
    assert head.split(b"\r\n")[0].count(b" ") == 2


def test_nobody_listening_is_told_apart_from_a_server_that_hangs_up():
    async def main():
        listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        listening.close()
        await listening.wait_closed()
        await ask(Client(TIMES, most=1), f"http://127.0.0.1:{port}/")

    with pytest.raises(Unreachable):
        asyncio.run(main())


@pytest.fixture(scope="module")
def own_certificate(tmp_path_factory):
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
            .sign(key, hashes.SHA256()))  # fmt: skip
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context


def test_a_certificate_that_nobody_vouches_for_is_not_believed(own_certificate):
    async def main():
        server = Server(OK)
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the server's own side fails, too
        async with asking(server, tls=own_certificate) as (client, url):
            with pytest.raises(Unreachable):
                await ask(client, url)
        return server.asked

    assert asyncio.run(main()) == []


def test_an_address_is_reached_without_a_resolver():
    async def go():
        async with asking(Server(OK)) as (client, address):
            asyncio.get_running_loop().getaddrinfo = None  # would be a thread of the pool, one of few
            return await ask(client, address)

    assert asyncio.run(go()) == (200, b"hello")
