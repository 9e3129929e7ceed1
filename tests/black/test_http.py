"""Connections: kept, slow, silent, too many. What single requests come to is in tests/contract."""

import json
import os
import resource
import select
import socket
import time
from pathlib import Path

import pytest
from gateway import PATIENCE, until

HOST = b"Host: x\r\n"
GET = b"GET /version HTTP/1.1\r\n" + HOST + b"\r\n"


def post(body, *headers, path=b"/batches"):
    lines = b"".join(h + b"\r\n" for h in headers)
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + lines + b"\r\n" + body


def chunk(data, size=None):
    return b"%s\r\n%s\r\n" % (size if size is not None else b"%x" % len(data), data)


def job(gateway, *orders):
    return json.dumps(gateway.body(*orders)).encode()


CHUNKED = b"Transfer-Encoding: chunked"


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


@pytest.mark.parametrize("size, extension", [(1, b""), (7, b""), (7, b";ext=1"), (1000, b";a;b=c")])
def test_a_chunked_body_is_the_last_of_its_connection(shared, size, extension):
    """The library reads chunks leniently; what a proxy may take for something else must not be a request."""
    body = job(shared)
    parts = [body[i : i + size] for i in range(0, len(body), size)]
    data = b"".join(chunk(part, b"%x%s" % (len(part), extension)) for part in parts) + b"0\r\nX-Trailer: y\r\n\r\n"
    with shared.wire() as wire:
        answer = wire.send(post(data, CHUNKED) + GET).answer()
        assert (answer.status, answer.header("Connection")) == (201, "close")
        assert wire.closed()


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
    assert time.monotonic() - before < 0.5 * PATIENCE
    for wire in wires:
        wire.close()


def test_one_byte_at_a_time(shared):
    body = job(shared)
    with shared.wire() as wire:
        for byte in post(body, b"Content-Length: %d" % len(body)):
            wire.send(bytes([byte]))
        assert wire.answer().status == 201


def cpu_seconds(pid):
    """What the process has used: unlike the time of a clock it does not grow with what else the machine does."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_reader_that_stops_costs_nothing_to_others(shared):
    lines = 1 << 20
    batch = shared.submit(f"spew={lines * 16}", "exit=0")
    shared.wait(batch)
    with shared.wire() as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        wire.send(b"GET /batches/%d/log?size=-1 HTTP/1.1\r\n" % batch + HOST + b"\r\n")
        until(lambda: select.select([wire.socket], [], [], 0)[0], 10, "its answer has begun")
        before = cpu_seconds(shared.process.pid)
        assert shared.get("/version").status == 200  # waits until the sockets are full
        assert cpu_seconds(shared.process.pid) - before < 0.5 * PATIENCE
        for _ in range(20):
            before = time.monotonic()
            assert shared.get("/version").status == 200
            assert time.monotonic() - before < 0.5 * PATIENCE
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


def test_security_headers_can_be_changed_and_left_out(gateways):
    gateway = gateways(
        **{"livy.server.http.header.X-Frame-Options": "DENY", "livy.server.http.header.X-XSS-Protection": ""}
    ).start()
    answer = gateway.get("/version")
    assert answer.header("X-Frame-Options") == "DENY" and answer.header("X-XSS-Protection") is None
    gateway.restart(livy__server__security_headers__enabled="false")
    assert gateway.get("/version").header("X-Frame-Options") is None


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
