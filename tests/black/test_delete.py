"""DELETE: the whole tree ends, in time, once and for all (livy.md 1.8, D7)."""

import threading
import time

import pytest
from gateway import PATIENCE, alive, until

DELETED = {"msg": "deleted"}


def gone(gateway, batch):
    for tail in ("", "/state", "/log"):
        answer = gateway.get(f"/batches/{batch}{tail}")
        assert (answer.status, answer.body) == (404, {"msg": f"Session '{batch}' not found."})
    assert batch not in [s["id"] for s in gateway.get("/batches").body["sessions"]]


@pytest.mark.parametrize("mount", ["", "/livy"])
def test_a_running_batch_is_killed_and_forgotten(gateway, mount):
    batch = gateway.submit("mark=m", f"wait={gateway.root}/never")
    pid = gateway.wait_started("m")
    answer = gateway.delete(f"{mount}/batches/{batch}")
    assert (answer.status, answer.text) == (200, '{"msg":"deleted"}')
    assert not alive(pid)
    gone(gateway, batch)
    assert gateway.delete(f"/batches/{batch}").status == 404
    gateway.restart()
    gone(gateway, batch)


def test_all_that_the_job_started_is_gone_with_the_answer(gateways):
    gateway = gateways(florus__kill__grace="1s").start()
    away, child = gateway.root / "away", gateway.root / "child"
    batch = gateway.submit("mark=m", "ignore-term", f"daemon={away}", f"child={child}", f"wait={gateway.root}/never")
    pids = [gateway.wait_started("m"), gateway.pid_in(away), gateway.pid_in(child)]
    assert all(map(alive, pids))
    before = time.monotonic()
    assert gateway.delete(f"/batches/{batch}").body == DELETED
    assert time.monotonic() - before < 1 + 2 + 1 * PATIENCE
    assert not any(map(alive, pids))


def test_term_comes_first(gateways):
    gateway = gateways(florus__kill__grace="20s").start()
    asked = gateway.root / "asked"
    batch = gateway.submit("mark=m", f"on-term={asked}", f"wait={gateway.root}/never")
    gateway.wait_started("m")
    gateway.wait(batch, "running")
    before = time.monotonic()
    assert gateway.delete(f"/batches/{batch}").body == DELETED
    assert asked.exists() and time.monotonic() - before < 10


def test_who_ignores_term_is_killed_after_the_grace(gateways):
    gateway = gateways(florus__kill__grace="2s").start()
    batch = gateway.submit("mark=m", "ignore-term", f"touch={gateway.root}/deaf", f"wait={gateway.root}/never")
    until((gateway.root / "deaf").exists)
    pid = gateway.ledger.pid("m")
    before = time.monotonic()
    assert gateway.delete(f"/batches/{batch}").body == DELETED
    assert 1.5 < time.monotonic() - before < 2 + 2 + 1 * PATIENCE
    assert not alive(pid)


def test_the_server_answers_others_while_it_kills(gateways):
    gateway = gateways(florus__kill__grace="3s").start()
    batch = gateway.submit("mark=m", "ignore-term", f"touch={gateway.root}/deaf", f"wait={gateway.root}/never")
    until((gateway.root / "deaf").exists)
    killer = threading.Thread(target=gateway.delete, args=(f"/batches/{batch}",))
    killer.start()
    answers = 0
    while killer.is_alive():
        before = time.monotonic()
        answer = gateway.get(f"/batches/{batch}/state")
        assert time.monotonic() - before < 1 * PATIENCE
        if answer.status == 200 and killer.is_alive():
            assert answer.body["state"] in ("running", "killed")
            answers += 1
    killer.join()
    assert answers > 3


def test_a_queued_batch_never_runs(gateways):
    gateway = gateways(florus__launch__hold="true").start()
    first, second = gateway.submit("mark=first"), gateway.submit("mark=second")
    assert gateway.delete(f"/batches/{first}").body == DELETED
    gone(gateway, first)
    gateway.restart(florus__launch__hold="false")
    assert gateway.wait(second) == "success"
    gone(gateway, first)
    assert gateway.ledger.started() == ["second"]


def test_a_finished_batch_is_forgotten(gateway):
    batch, _, _ = gateway.run("exit=1")
    assert gateway.delete(f"/batches/{batch}").body == DELETED
    gone(gateway, batch)
    assert gateway.submit() == batch + 1, "its id is not used again"


def test_two_deletes_at_once(gateway):
    batch = gateway.submit("ignore-term", f"touch={gateway.root}/deaf", f"wait={gateway.root}/never")
    until((gateway.root / "deaf").exists)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(gateway.delete(f"/batches/{batch}"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {a.status for a in answers} <= {200, 404} and 200 in {a.status for a in answers}
    gone(gateway, batch)


def test_deleting_while_it_starts(gateway):
    """Whatever instant the kill meets, nothing is left and nothing is started later."""
    for n in range(20):
        batch = gateway.submit(f"mark=s{n}", f"wait={gateway.root}/never")
        assert gateway.delete(f"/batches/{batch}").body == DELETED
        pid = gateway.ledger.pid(f"s{n}")
        assert pid is None or not alive(pid)
    assert gateway.get("/batches").body["total"] == 0
    assert gateway.run("mark=after", "exit=0")[1] == "success"
    assert not [pid for word, pid, *_ in gateway.ledger.lines() if word == "start" and alive(pid)]


def test_a_kill_outlives_the_death_of_the_daemon(gateways):
    gateway = gateways(florus__kill__grace="60s").start()
    deaf = gateway.root / "deaf"
    batch = gateway.submit(
        "mark=m", f"child={deaf}", "ignore-term", f"touch={gateway.root}/main-deaf", f"wait={gateway.root}/never"
    )
    pids = [gateway.wait_started("m"), gateway.pid_in(deaf)]
    until((gateway.root / "main-deaf").exists)
    with gateway.wire() as wire:
        wire.send(b"DELETE /batches/%d HTTP/1.1\r\nHost: x\r\n\r\n" % batch)
        assert wire.quiet(0.5), "it waits for the end"
        gateway.kill9()
    gateway.start(florus__kill__grace="1s")
    until(lambda: not any(map(alive, pids)), 10, "the kill goes on after the restart")
    until(lambda: gateway.get(f"/batches/{batch}").status == 404, 10, "it is forgotten, as DELETE asked")
