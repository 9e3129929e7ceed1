"""More clients than there is room for: connections, addresses, descriptors, memory (reliability: P23, P30, S20, S21, F44-F48)."""

import json
import os
import resource
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from gateway import PATIENCE, until
from sanitizers import MEASURABLE
from sessions import Session

GET = b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n"
GUESTS = 64  # as gate.h says


def descriptors(gateway):
    return len(os.listdir(f"/proc/{gateway.process.pid}/fd"))


def rss_kb(gateway):
    status = Path(f"/proc/{gateway.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def ask(wire, request=GET):
    return wire.send(request).answer()


def crowd(gateway, stack, count, request=None):
    """So many connections that stay, each with an answer if there is a request."""
    wires = [stack.enter_context(gateway.wire(30)) for _ in range(count)]
    for wire in wires if request else []:
        assert ask(wire, request).status == 200
    return wires


@pytest.fixture
def full(gateways):
    """A gateway whose four places are taken, and those who have them."""
    gateway = gateways(florus__http__connections_max=4).start()
    with ExitStack() as stack:
        yield gateway, crowd(gateway, stack, 4, GET)


# --- all places are taken --------------------------------------------------------------------------------------------


def test_past_the_most_connections_a_newcomer_is_told_to_come_again(full):
    gateway, old = full
    for method, path in (("GET", "/batches"), ("GET", "/version"), ("POST", "/batches"), ("GET", "/no/such")):
        answer = gateway.request(method, path, b"{}" if method == "POST" else None)
        assert (answer.status, answer.header("Retry-After")) == (503, "1"), answer
        assert answer.header("Connection") == "close"
        assert answer.body == {"msg": "too many connections: try again"}
    for wire in old:
        assert ask(wire).status == 200, "those who are in are not touched"


def test_a_body_is_not_waited_for_when_there_is_no_room(full):
    gateway, _ = full
    with gateway.wire() as wire:
        wire.send(b"POST /batches HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
        assert wire.answer().status == 503


@pytest.mark.parametrize("mount", ["", "/livy"])
def test_probes_and_kills_get_in_when_nothing_else_does(gateways, mount):
    gateway = gateways(florus__http__connections_max=4).start()
    batch = gateway.submit("mark=m", f"wait={gateway.root}/never")
    gateway.wait_started("m")
    with ExitStack() as stack:
        crowd(gateway, stack, 4, GET)
        until(lambda: gateway.get("/version").status == 503)
        for path in ("/healthz", "/livez", "/readyz"):
            assert gateway.get(path).status == 200, path
        with gateway.wire() as wire:
            answer = wire.send(b"DELETE %s/batches/%d HTTP/1.1\r\nHost: x\r\n\r\n" % (mount.encode(), batch)).answer()
            assert (answer.status, answer.header("Connection")) == (200, "close")
            assert wire.closed(), "a guest goes when it has its answer"
    until(lambda: gateway.get(f"/batches/{batch}").status == 404)


def test_who_leaves_makes_room(full):
    gateway, old = full
    assert gateway.get("/version").status == 503
    old[0].close()
    until(lambda: gateway.get("/version").status == 200)


def test_silent_guests_keep_nobody_out_for_long(full):
    gateway, old = full
    with ExitStack() as stack:
        silent = crowd(gateway, stack, GUESTS)
        with gateway.wire() as late:
            answer = late.answer()
            assert (answer.status, answer.header("Retry-After")) == (503, "1"), "not even a guest"
            assert late.closed()
        until(lambda: health(gateway) == 200, 5, "the silent ones are put out")
        assert {wire.answer().status for wire in silent} == {408}
    assert ask(old[0]).status == 200


def health(gateway):
    try:
        return gateway.get("/healthz", timeout=2).status
    except OSError:
        return None


# --- one address -----------------------------------------------------------------------------------------------------


def own_address():
    """An address of this machine that is not a loopback one; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return probe.getsockname()[0]


def test_one_address_has_so_many_connections_and_this_machine_any_number(gateways):
    address = own_address()
    if not address:
        pytest.skip("this machine has no network")
    gateway = gateways(
        livy__server__host="0.0.0.0", florus__auth__allow_none="true", florus__http__connections_per_address=3
    ).start()
    gateway.host = address
    with ExitStack() as stack:
        old = crowd(gateway, stack, 3, GET)
        with gateway.wire() as wire:
            assert wire.answer().status == 503
        assert ask(old[0]).status == 200
        gateway.host = "127.0.0.1"
        crowd(gateway, stack, 10, GET)
        gateway.host = address
        old[1].close()
        until(lambda: health(gateway) == 200)


# --- descriptors -----------------------------------------------------------------------------------------------------


def test_without_a_free_descriptor_newcomers_are_told_and_others_served_on(gateway):
    pid = gateway.process.pid
    with gateway.wire() as old:
        assert ask(old).status == 200
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        highest = max(map(int, os.listdir(f"/proc/{pid}/fd")))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 1, hard))
        with ExitStack() as stack:
            newcomers = crowd(gateway, stack, 40)
            # The second when something else took the last one just then; the first is not told so soon after it.
            whys = ("no descriptor is free", "nothing can be accepted")
            until(lambda: any(why in gateway.log_text() for why in whys), what="it says what is missing")
            assert newcomers[-1].answer().status == 503
            assert ask(old).status == 200
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        until(lambda: health(gateway) == 200, what="it serves newcomers again")
        assert ask(old).status == 200


def test_few_descriptors_are_shared_between_connections_and_jobs(gateways):
    gateway = gateways()
    gateway.prefix = ["prlimit", "--nofile=112:112"]
    gateway.start()
    with ExitStack() as stack:
        wires = crowd(gateway, stack, 64, GET)
        with gateway.wire() as late:
            assert ask(late).status == 503
        body = json.dumps(gateway.body("exit=0")).encode()
        head = b"POST /batches HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        assert ask(wires[0], head % len(body) + body).status == 201
        done = b"GET /batches/0/state HTTP/1.1\r\nHost: x\r\n\r\n"
        until(lambda: ask(wires[1], done).body["state"] == "success", what="a job still starts and ends")


def test_half_a_request_and_gone_leaves_no_descriptor(gateway):
    """Long before the deadline of the header, which is 10 s."""
    gateway.get("/version")
    before = descriptors(gateway)
    for n in range(1, len(GET) - 1):
        wire = gateway.wire().send(GET[:n])
        (wire.reset if n % 2 else wire.close)()
    with gateway.wire() as wire:
        wire.send(b"POST /batches HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
    until(lambda: descriptors(gateway) <= before, 5, "the descriptors are closed again")


def test_a_client_that_will_not_send_more_still_gets_its_answer(gateway):
    with gateway.wire() as wire:
        wire.send(GET).socket.shutdown(socket.SHUT_WR)
        assert wire.answer().status == 200


# --- memory ----------------------------------------------------------------------------------------------------------


@MEASURABLE
def test_idle_connections_give_back_what_their_requests_took(gateways):
    count, each_kb = 1000, 5
    gateway = gateways(env=lean()).start()
    with ExitStack() as stack:
        crowd(gateway, stack, 50, GET)
        before = rss_kb(gateway)
        wires = crowd(gateway, stack, count, GET)
        until(lambda: rss_kb(gateway) - before < count * each_kb, 10, "under 5 kB each")
        for wire in wires:
            wire.send(GET)
        assert {wire.answer().status for wire in wires} == {200}


def test_a_request_that_pauses_in_its_middle_is_not_forgotten(gateways):
    """Its beginning came right behind another request, and lies in what an idle connection gives back."""
    gateway = gateways(florus__http__header_timeout="10s").start()
    long = b"GET /version HTTP/1.1\r\nHost: x\r\nX-Request-Id: told\r\nX-Long: " + b"x" * 20000
    with gateway.wire(20) as wire, gateway.wire() as witness:
        assert ask(wire, GET + long).status == 200
        assert ask(witness).status == 200
        time.sleep(2.5)  # two sweeps: what they do cannot be seen from here
        answer = ask(wire, b"\r\n\r\n")
        assert (answer.status, answer.header("X-Request-Id")) == (200, "told")


def lean():
    """Makes AddressSanitizer give back what was freed: its memory is being measured."""
    options = os.environ.get("ASAN_OPTIONS", "")
    return {"ASAN_OPTIONS": f"{options}:quarantine_size_mb=1".lstrip(":")}


@MEASURABLE
def test_a_hundred_readers_that_stop_cost_no_memory_and_no_time(gateways):
    gateway = gateways(env=lean()).start()
    batch = gateway.submit(f"spew={64 << 20}")
    assert gateway.wait(batch, timeout=60) == "success"
    gateway.log(batch, size=10)
    before = rss_kb(gateway)
    request = b"GET /batches/%d/log?size=-1 HTTP/1.1\r\nHost: x\r\n\r\n" % batch
    with ExitStack() as stack:
        for _ in range(100):
            wire = stack.enter_context(gateway.wire(30))
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            wire.send(request).until(b"\r\n\r\n")
        assert rss_kb(gateway) - before < 100 * 300, "a block and a pool each"
        for _ in range(20):
            begun = time.monotonic()
            assert gateway.state_of(batch) == "success"
            assert time.monotonic() - begun < 0.5 * PATIENCE


@MEASURABLE
def test_large_bodies_that_do_not_end_have_a_ceiling_together(gateways):
    """Small requests are taken all the same, and large ones as soon as others have gone."""
    gateway = gateways(env=lean(), florus__launch__hold="true").start()
    size, most = 1_000_000, 128 << 20  # HTTP_LARGE_MAX_BYTES
    head = b"POST /batches HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % size
    body = json.dumps(gateway.body()).encode()
    with ExitStack() as stack:
        wires = [wire.send(head + b" " * (size - 1000)) for wire in crowd(gateway, stack, most // size)]
        until(lambda: rss_kb(gateway) > 100 * 1024, 20, "the bodies have come")
        late = stack.enter_context(gateway.wire(20))
        answer = late.send(head + b" " * (size - len(body)) + body).answer()
        while answer.status == 201:  # some of the others are still on their way
            answer = late.send(head + b" " * (size - len(body)) + body).answer()
        assert (answer.status, answer.header("Retry-After")) == (503, "1"), answer
        assert answer.body == {"msg": "too many large requests: try again"}
        assert gateway.post("/batches", body).status == 201
        assert gateway.get("/batches").status == 200
        assert rss_kb(gateway) < 300 * 1024
        assert ask(wires[0], b" " * (1000 - len(body)) + body).status == 201, "who is in may finish"
    until(lambda: gateway.post("/batches", b" " * (size - len(body)) + body).status == 201, 10, "room again")


@MEASURABLE
def test_large_answers_of_a_session_have_a_ceiling_together(gateways):
    gateway = gateways(env=lean()).start()
    session = Session(gateway).wait("idle")
    before, each = rss_kb(gateway), 6 << 20
    assert [session.run(f"print('{n}' * {each})")["status"] for n in range(9)] == ["ok"] * 9
    until(lambda: rss_kb(gateway) - before < 40 << 10, 20, "what 16 MiB need, and the allocator's rest")
    texts = [session.statement(n)["output"]["data"]["text/plain"] for n in range(9)]
    assert texts == [str(n) * each for n in range(9)]
