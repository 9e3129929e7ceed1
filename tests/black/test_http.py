"""HTTP/1.1 as strict as a proxy needs and as lenient as Livy's clients need (security rows S1-S21)."""

import gzip
import json
import os
import re
import resource
import socket
import time
import zlib

import pytest
from gateway import until

HOST = b"Host: x\r\n"
GET = b"GET /version HTTP/1.1\r\n" + HOST + b"\r\n"
KIB = 1024


def post(body, *headers, path=b"/batches"):
    lines = b"".join(h + b"\r\n" for h in headers)
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + lines + b"\r\n" + body


def chunk(data, size=None):
    return b"%s\r\n%s\r\n" % (size if size is not None else b"%x" % len(data), data)


def job(gateway, *orders):
    return json.dumps(gateway.body(*orders)).encode()


def refused_and_closed(gateway, data, statuses=(400,)):
    """A refusal, then the end: no smuggled request is answered well after it, and nothing was stored."""
    total = gateway.get("/batches").body["total"]
    with gateway.wire() as wire:
        answer = wire.send(data).answer()
        assert answer.status in statuses, answer
        assert answer.header("Server") is None
        wire.socket.settimeout(5)
        rest = wire.buffer
        while True:
            try:
                more = wire.socket.recv(65536)
            except ConnectionResetError:
                break
            if not more:
                break
            rest += more
        assert not re.search(rb"HTTP/1\.[01] [23]", rest), rest
    assert gateway.get("/batches").body["total"] == total
    assert gateway.get("/version").status == 200
    return answer


SMUGGLED = b"GET /version HTTP/1.1\r\n" + HOST + b"\r\n"
CHUNKED = b"Transfer-Encoding: chunked"


@pytest.mark.parametrize(
    "headers",
    [
        (b"Content-Length: 5", CHUNKED),
        (CHUNKED, b"Content-Length: 5"),
        (b"Content-Length: 5", b"Content-Length: 6"),
        (b"Content-Length: 5", b"Content-Length: 5"),
        (b"Content-Length: 5, 5",),
        (b"Content-Length: +5",),
        (b"Content-Length: -1",),
        (b"Content-Length: 0x5",),
        (b"Content-Length: 5 6",),
        (b"Content-Length:",),
        (b"Content-Length: 99999999999999999999",),
        (b"Content-Length : 5",),
        (b"Content-Length: 5\r\n continued",),
        (CHUNKED, CHUNKED),
        (b"Transfer-Encoding: chunked, chunked",),
        (b"Transfer-Encoding: \x0bchunked",),
        (b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"),
    ],
    ids=repr,
)
def test_ambiguous_framing_is_400_and_the_end(shared, headers):
    refused_and_closed(shared, post(b"hello" + SMUGGLED, *headers), (400, 413))


@pytest.mark.parametrize(
    "field",
    [b": empty", b"X: a\x01b", b"X: a\0b", b"X Y: z", b"X : z", b"X: a\r\n folded", b"Host: y", b"no colon"],
    ids=repr,
)
def test_malformed_fields_are_400_and_the_end(shared, field):
    refused_and_closed(shared, GET[:-2] + field + b"\r\n\r\n" + SMUGGLED)


@pytest.mark.parametrize(
    "coding", [b"xchunked", b"gzip, chunked", b"chunked, identity", b"identity", b"Chunked;q=1", b"gzip"]
)
def test_other_transfer_codings_are_refused(shared, coding):
    refused_and_closed(shared, post(b"0\r\n\r\n" + SMUGGLED, b"Transfer-Encoding: " + coding), (400, 501))


@pytest.mark.parametrize(
    "data",
    [
        chunk(b"hello", b"0x5"),
        chunk(b"hello", b" 5"),
        chunk(b"hello", b"-1"),
        chunk(b"hello", b"10000000000000005"),
        b"5\r\nhelloXX",
        b"5\nhello\n0\n\n",
        b"g\r\nhello\r\n",
    ],
    ids=repr,
)
def test_bad_chunks_are_refused(shared, data):
    refused_and_closed(shared, post(data + b"0\r\n\r\n" + SMUGGLED, CHUNKED), (400, 413))


@pytest.mark.parametrize(
    "data",
    [
        b"GET /version HTTP/1.1\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: u@h\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: h/path\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
        b"GET /version HTTP/1.1\nHost: x\n\n",
        b"GET /version HTTP/1.1\rHost: x\r\r",
        b"G\0T /version HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /batches HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ],
    ids=repr,
)
def test_bad_requests_are_400(shared, data):
    refused_and_closed(shared, data + b"\r\n\r\n")


@pytest.mark.parametrize(
    "data",
    [
        b"GET /version HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /version HTTP/2.0\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /version HTTP/1\r\n\r\n",
        b"GET /version XTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=repr,
)
def test_other_protocols_are_refused(shared, data):
    refused_and_closed(shared, data, (400, 505))


def test_a_tls_hello_is_no_request(shared):
    with shared.wire() as wire:
        wire.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(512) + b"\r\n\r\n")
        wire.socket.shutdown(socket.SHUT_WR)
        data = b""
        while more := wire.socket.recv(4096):
            data += more
    assert not data or re.match(rb"HTTP/1\.1 (400|505) ", data)
    assert shared.get("/version").status == 200


def test_http_1_0_gets_an_answer_and_the_end(shared):
    with shared.wire() as wire:
        assert wire.send(b"GET /version HTTP/1.0\r\n\r\n").answer().status == 200
        assert wire.closed()


def test_keep_alive(shared):
    with shared.wire() as wire:
        for _ in range(20):
            assert wire.send(GET).answer().status == 200
        wire.send(GET[:-2] + b"Connection: close\r\n\r\n")
        assert wire.answer().status == 200
        assert wire.closed()


def test_an_error_of_the_application_keeps_the_connection(shared):
    with shared.wire() as wire:
        for data, status in (
            (b"GET /batches/x HTTP/1.1\r\n" + HOST + b"\r\n", 404),
            (post(b"{", b"Content-Length: 1"), 400),
            (b"PUT /batches HTTP/1.1\r\n" + HOST + b"\r\n", 405),
            (GET, 200),
        ):
            assert wire.send(data).answer().status == status


def test_pipelined_requests_are_answered_in_order(shared):
    body = job(shared, "exit=0")
    with shared.wire() as wire:
        wire.send(
            GET + post(body, b"Content-Length: %d" % len(body)) + b"GET /batches/x HTTP/1.1\r\n" + HOST + b"\r\n" + GET
        )
        assert [wire.answer().status for _ in range(4)] == [200, 201, 404, 200]


def test_a_body_that_is_a_request_is_a_body(shared):
    total = shared.get("/batches").body["total"]
    inner = post(job(shared), b"Content-Length: 500")
    with shared.wire() as wire:
        wire.send(post(inner, b"Content-Length: %d" % len(inner)) + GET)
        assert [wire.answer().status for _ in range(2)] == [400, 200]
        assert wire.quiet(0.2)
    assert shared.get("/batches").body["total"] == total


def test_a_chunked_body(shared):
    body = job(shared)
    pieces = b"".join(chunk(body[i : i + 7]) for i in range(0, len(body), 7))
    with shared.wire() as wire:
        assert wire.send(post(pieces + b"0\r\n\r\n", CHUNKED)).answer().status == 201
        assert (
            wire.send(post(chunk(body, b"%x;ext=1" % len(body)) + b"0\r\nX-Trailer: y\r\n\r\n", CHUNKED))
            .answer()
            .status
            == 201
        )
        assert wire.send(GET).answer().status == 200


def test_an_empty_chunked_body_is_an_empty_body(shared):
    answer = shared.raw(post(b"0\r\n\r\n", CHUNKED))
    assert answer.status == 400 and answer.body.startswith("No content to map")


@pytest.mark.parametrize("method, path", [(b"GET", b"/batches"), (b"DELETE", b"/batches/999")])
def test_get_and_delete_with_a_body(shared, method, path):
    with shared.wire() as wire:
        head = method + b" " + path + b" HTTP/1.1\r\n" + HOST
        wire.send(
            head
            + b"Content-Length: 7\r\n\r\n"
            + b'{"a":1}'
            + head
            + CHUNKED
            + b"\r\n\r\n"
            + chunk(b"GET /")
            + b"0\r\n\r\n"
            + GET
        )
        status = 200 if method == b"GET" else 404
        assert [wire.answer().status for _ in range(3)] == [status, status, 200]


def test_expect_100_continue(shared):
    body = job(shared)
    with shared.wire() as wire:
        wire.send(post(b"", b"Content-Length: %d" % len(body), b"Expect: 100-continue"))
        assert wire.answer().status == 100
        assert wire.send(body).answer().status == 201


def test_expect_with_too_much_is_refused_without_a_100(shared):
    answer = shared.raw(post(b"", b"Content-Length: 9000000", b"Expect: 100-continue"))
    assert answer.status == 413


def test_another_expectation_is_417(shared):
    assert shared.raw(post(b"{}", b"Content-Length: 2", b"Expect: miracles")).status == 417


def header_block(total):
    """A GET whose request line and headers are `total` bytes in all."""
    head = b"GET /version HTTP/1.1\r\n" + HOST + b"Authorization: Basic "
    return head + b"x" * (total - len(head) - 4) + b"\r\n\r\n"


def test_a_header_block_of_128_kib_is_served(shared):
    assert shared.raw(header_block(127 * KIB)).status == 200


@pytest.mark.parametrize(
    "data",
    [
        header_block(129 * KIB),
        header_block(400 * KIB),
        b"GET /version HTTP/1.1\r\n" + HOST + b"".join(b"X-%d: y\r\n" % n for n in range(20_000)) + b"\r\n",
    ],
    ids=["129k", "400k", "many"],
)
def test_more_is_431(shared, data):
    answer = refused_and_closed(shared, data, (431,))
    assert answer.reason == "Request Header Fields Too Large"


def test_a_long_target_is_414(shared):
    assert shared.raw(b"GET /batches/" + b"x" * 15_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n").status == 404
    answer = refused_and_closed(
        shared, b"GET /batches/" + b"x" * (16 * KIB) + b" HTTP/1.1\r\n" + HOST + b"\r\n", (414,)
    )
    assert answer.reason == "URI Too Long"


def test_a_body_of_one_mib_is_taken(shared):
    body = job(shared)
    assert shared.post("/batches", body + b" " * ((1 << 20) - len(body))).status == 201


def test_a_body_over_one_mib_is_413(shared):
    body = job(shared)
    body += b" " * ((1 << 20) - len(body) + 1)
    refused_and_closed(shared, post(body, b"Content-Length: %d" % len(body)), (413,))


def test_a_chunked_body_is_413_where_it_crosses_the_limit(shared):
    pieces = chunk(b" " * (64 * KIB)) * 17
    refused_and_closed(shared, post(pieces, CHUNKED), (413,))


def test_a_claimed_terabyte_is_413_at_once(shared):
    before = time.monotonic()
    assert shared.raw(post(b"", b"Content-Length: 1099511627776")).status == 413
    assert time.monotonic() - before < 1


@pytest.fixture(scope="module")
def hasty(module_gateways):
    """A gateway whose patience is a second."""
    return module_gateways(
        florus__http__header_timeout="1s", florus__http__body_timeout="1s", florus__http__idle_timeout="1s"
    ).start()


def cut_after(wire, trickle):
    """Reads until the server ends the connection, sending a byte now and then: (seconds it took, what it said)."""
    before, data = time.monotonic(), b""
    wire.socket.settimeout(0.2)
    while time.monotonic() - before < 8:
        try:
            more = wire.socket.recv(4096)
            if not more:
                break
            data += more
        except TimeoutError:
            wire.send(trickle)
        except ConnectionResetError:
            break
    return time.monotonic() - before, data


@pytest.mark.parametrize("head", [b"GET /version HTTP/1.1\r\nHost: x\r\n", b"G"], ids=["headers", "method"])
def test_a_slow_header_is_cut_at_the_deadline(hasty, head):
    """A byte now and then does not buy more time."""
    with hasty.wire() as wire:
        took, data = cut_after(wire.send(head), b"X")
    assert 0.5 < took < 3.5
    assert data.startswith(b"HTTP/1.1 408 ")


def test_a_body_that_does_not_come_is_cut_at_the_deadline(hasty):
    with hasty.wire() as wire:
        took, data = cut_after(wire.send(post(b"{", b"Content-Length: 100")), b"")
    assert 0.5 < took < 3.5
    assert data.startswith(b"HTTP/1.1 408 ")


def test_a_silent_connection_is_closed(hasty):
    with hasty.wire() as wire:
        took, data = cut_after(wire, b"")
    assert 0.5 < took < 3.5
    assert data == b"" or data.startswith(b"HTTP/1.1 408 ")


def test_an_idle_connection_is_closed(hasty):
    with hasty.wire() as wire:
        assert wire.send(GET).answer().status == 200
        assert wire.closed(within=4)


def test_slow_ones_do_not_hinder_others(hasty):
    wires = [hasty.wire().send(b"GET /version HTTP/1.1\r\n") for _ in range(100)]
    before = time.monotonic()
    assert hasty.get("/version").status == 200
    assert time.monotonic() - before < 0.5
    for wire in wires:
        wire.close()


def test_one_byte_at_a_time(shared):
    body = job(shared)
    with shared.wire() as wire:
        for byte in post(body, b"Content-Length: %d" % len(body)):
            wire.send(bytes([byte]))
        assert wire.answer().status == 201


def test_a_reader_that_stops_costs_nothing_to_others(shared):
    lines = 1 << 20
    batch = shared.submit(f"spew={lines * 16}", "exit=0")
    shared.wait(batch)
    with shared.wire() as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        wire.send(b"GET /batches/%d/log?size=-1 HTTP/1.1\r\n" % batch + HOST + b"\r\n")
        for _ in range(20):
            before = time.monotonic()
            assert shared.get("/version").status == 200
            assert time.monotonic() - before < 0.5
        assert len(wire.answer().body["log"]) == lines + 2, "and it gets all when it reads at last"


def test_clients_that_vanish_leave_nothing_behind(hasty):
    def descriptors():
        return len(os.listdir(f"/proc/{hasty.process.pid}/fd"))

    hasty.get("/version")
    before = descriptors()
    for n in range(100):
        wire = hasty.wire()
        wire.send(GET[: n % len(GET)])
        (wire.reset if n % 2 else wire.close)()
    until(lambda: descriptors() <= before, 10, "the descriptors are closed again")


@pytest.mark.parametrize("path", ["/batches", "/batches/none", "/nope", "/version", "/healthz", "/batches?from=x"])
def test_security_headers(shared, path):
    answer = shared.get(path)
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("X-Frame-Options") == "SAMEORIGIN"
    assert answer.header("X-XSS-Protection") == "1; mode=block"
    assert answer.header("Content-Security-Policy").startswith("default-src 'self'")
    assert answer.header("Strict-Transport-Security") is None
    assert answer.header("Server") is None
    assert answer.header("Access-Control-Allow-Origin") is None
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.header("Date"))
    assert answer.header("Content-Length") == str(len(answer.raw))


def test_security_headers_can_be_changed_and_left_out(gateways):
    gateway = gateways(
        **{"livy.server.http.header.X-Frame-Options": "DENY", "livy.server.http.header.X-XSS-Protection": ""}
    ).start()
    answer = gateway.get("/version")
    assert answer.header("X-Frame-Options") == "DENY" and answer.header("X-XSS-Protection") is None
    gateway.restart(livy__server__security_headers__enabled="false")
    assert gateway.get("/version").header("X-Frame-Options") is None


@pytest.mark.parametrize("path", ["/version", "/batches/none", "/nope"])
def test_a_request_id_is_echoed_or_made_up(shared, path):
    assert shared.get(path, headers={"X-Request-Id": "mine-42"}).header("X-Request-Id") == "mine-42"
    made = {shared.get(path).header("X-Request-Id") for _ in range(5)}
    assert None not in made and len(made) == 5


@pytest.mark.parametrize("value", [b"x" * 5000, b"a\tb", b"\xff\xfe", b"a b<script>"])
def test_an_odd_request_id_is_never_a_header_of_ours(shared, value):
    answer = shared.raw(GET[:-2] + b"X-Request-Id: " + value + b"\r\n\r\n")
    assert answer.status in (200, 400)
    if answer.status == 200:
        assert re.fullmatch(r"[\x21-\x7e]{1,200}", answer.header("X-Request-Id"))


@pytest.mark.parametrize("coding, status", [("UTF-8", 201), ("identity", 201), ("br", 415)])
def test_content_encodings(shared, coding, status):
    assert shared.post("/batches", shared.body(), headers={"Content-Encoding": coding}).status == status


@pytest.mark.parametrize("coding, pack", [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_bodies(shared, coding, pack):
    def status(data):
        return shared.post("/batches", data, headers={"Content-Encoding": coding}).status

    assert status(pack(job(shared))) == 201
    assert status(pack(job(shared) + b" " * (64 << 20))) == 413
    assert status(b"not compressed at all") == 400
    assert status(pack(job(shared))[:-9]) == 400


def test_two_hundred_connections_at_once(shared):
    wires = [shared.wire() for _ in range(200)]
    for wire in wires:
        wire.send(GET)
    assert {wire.answer().status for wire in wires} == {200}
    for wire in wires:
        wire.close()


def test_past_the_most_connections_older_ones_are_served_on(gateways):
    gateway = gateways(florus__http__connections_max=16, florus__http__header_timeout="2s").start()
    old = gateway.wire()
    assert old.send(GET).answer().status == 200
    more = [gateway.wire() for _ in range(40)]
    assert old.send(GET).answer().status == 200
    for wire in more:
        wire.close()
    until(lambda: try_get(gateway) == 200, 10, "room again")
    old.close()


def try_get(gateway):
    try:
        return gateway.get("/version", timeout=1).status
    except OSError:
        return None


def test_out_of_descriptors_it_recovers_by_itself(gateways):
    gateway = gateways(florus__http__header_timeout="2s").start()
    soft, hard = resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE)
    batch = gateway.submit(f"wait={gateway.root}/go", "exit=0")
    gateway.wait(batch, "running")
    resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE, (64, hard))
    wires = []
    for _ in range(100):
        try:
            wires.append(gateway.wire(timeout=1))
        except OSError:
            break
    (gateway.root / "go").touch()
    for wire in wires:
        wire.close()
    until(lambda: try_get(gateway) == 200, 10, "it serves again")
    resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE, (soft, hard))
    assert gateway.wait(batch) == "success"
