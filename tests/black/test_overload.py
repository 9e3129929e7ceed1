"""More work than can be done: refused quickly, while looking and killing go on (reliability: P31, S69, F49)."""

import json
import os
import select
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest
from gateway import BIN_DIR, PATIENCE, until

LIBRARY = BIN_DIR / "tests" / "faults" / "libfaults.so"
WAITING_MAX_MB = 68  # STORE_WAITING_BYTES_MAX


@pytest.fixture
def hanging(gateways, tmp_path):
    """A gateway, and a switch that makes its commits hang."""
    assert LIBRARY.exists(), f"{LIBRARY} is not built"
    orders = tmp_path / "faults"
    asan = os.environ.get("ASAN_OPTIONS", "")
    env = {
        "LD_PRELOAD": str(LIBRARY),
        "FAULTS": str(orders),
        "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0".lstrip(":"),
    }

    def switch(on):
        new = orders.with_suffix(".new")
        new.write_text("any *.db-wal 1 0 hang\n" if on else "\n")
        new.rename(orders)

    yield gateways(env=env, florus__launch__max_running=1, florus__queue__max=1_000_000), switch
    switch(False)


def request(method, path, body=b"", **headers):
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def took(ask):
    """(seconds, answer)"""
    begun = time.monotonic()
    answer = ask()
    return time.monotonic() - begun, answer


def answered(wires):
    """Those whose answer has begun to arrive."""
    return select.select([wire.socket for wire in wires], [], [], 0)[0]


def assert_at_once(taken):
    """Of several that took() the quickest: a busy machine delays some of them, a server that waits delays each."""
    assert min(seconds for seconds, _ in taken) < 0.5 * PATIENCE, taken


def median(numbers):
    return sorted(numbers)[len(numbers) // 2]


@contextmanager
def flood(gateway, count):
    """So many posts that are under way at the same time, each on a connection of its own, again and again."""
    post = request("POST", "/batches", json.dumps(gateway.body("exit=0")).encode())
    stop = threading.Event()
    answers = []

    def keep_posting(wires):
        while not stop.is_set():
            for wire in wires:
                wire.send(post)
            answers.extend(wire.answer().status for wire in wires)

    with_wires = [[gateway.wire(60) for _ in range(count // 4)] for _ in range(4)]
    threads = [threading.Thread(target=keep_posting, args=(wires,)) for wires in with_wires]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for wire in sum(with_wires, []):
            wire.close()


def test_a_full_queue_refuses_at_once_while_looking_and_killing_go_on(gateways):
    gateway = gateways(florus__launch__max_running=1, florus__queue__max=20).start()
    running = gateway.submit("mark=m", f"wait={gateway.root}/never")
    gateway.wait_started("m")
    with flood(gateway, 32) as answers:
        until(lambda: answers.count(429) > 100, what="the queue is full")
        times = {"refused": [], "health": [], "look": []}
        for _ in range(100):
            for name, ask, status in (
                ("refused", lambda: gateway.post("/batches", gateway.body()), 429),
                ("health", lambda: gateway.get("/healthz"), 200),
                ("look", lambda: gateway.get(f"/batches/{running}"), 200),
            ):
                seconds, answer = took(ask)
                assert answer.status == status, answer
                times[name].append(seconds)
        seconds, answer = took(lambda: gateway.delete(f"/batches/{running}"))
        assert answer.status == 200 and seconds < 3, seconds
    assert {name: median(s) < 0.1 for name, s in times.items()} == dict.fromkeys(times, True), times
    assert set(answers) == {201, 429}


def test_a_store_that_does_not_keep_up_refuses_at_once_and_still_takes_kills(hanging):
    gateway, hang = hanging
    gateway.start()
    running = gateway.submit("mark=m", f"wait={gateway.root}/never")
    gateway.wait_started("m")
    hang(True)
    body = json.dumps(gateway.body("exit=0")).encode()
    large = request("POST", "/batches", body + b" " * (1_000_000 - len(body)))
    with ExitStack() as stack:
        wires = [stack.enter_context(gateway.wire(60)) for _ in range(WAITING_MAX_MB + 10)]
        for wire in wires:
            wire.send(large)
        until(lambda: answered(wires), 30, "all waits that may: others are refused")
        assert gateway.get("/readyz").status == 503
        post = [took(lambda: gateway.post("/batches", body)) for _ in range(5)]
        for _, answer in post:
            assert (answer.status, answer.header("Retry-After")) == (503, "1"), answer
            assert answer.body == {"msg": "the store does not keep up: try again"}
        assert_at_once(post)
        for path in ("/healthz", "/batches", f"/batches/{running}"):
            looks = [took(lambda path=path: gateway.get(path)) for _ in range(5)]
            assert {answer.status for _, answer in looks} == {200}, looks
            assert_at_once(looks)
        with gateway.wire(60) as killer:
            killer.send(request("DELETE", f"/batches/{running}"))
            assert killer.quiet(0.2), "it waits for its commit"
            hang(False)
            assert killer.answer().status == 200, "a kill is always taken"
        assert {wire.answer().status for wire in wires} == {201, 503}
    until(lambda: gateway.get("/readyz").status == 200, 20)
