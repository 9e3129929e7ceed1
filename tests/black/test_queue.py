"""The queue: first come first served, so many at a time, and an end to patience (D11)."""

import re

from gateway import until

REFUSED = {"msg": "Rejected, too many sessions are being created!"}


def test_first_come_first_served(gateways):
    gateway = gateways(florus__launch__max_running=1).start()
    batches = [gateway.submit(f"mark=q{n}", "exit=0") for n in range(12)]
    for batch in batches:
        assert gateway.wait(batch) == "success"
    assert gateway.ledger.started() == [f"q{n}" for n in range(12)]
    words = [word for word, *_ in gateway.ledger.lines()]
    assert words == ["start", "exit"] * 12, "one at a time"


def test_no_more_run_at_once_than_allowed(gateways):
    gateway = gateways(florus__launch__max_running=3).start()
    gates = [gateway.root / f"gate{n}" for n in range(6)]
    batches = [gateway.submit(f"mark=g{n}", f"wait={gate}") for n, gate in enumerate(gates)]
    for batch in batches[:3]:
        gateway.wait(batch, "running")
    until(lambda: len(gateway.ledger.started()) == 3)
    assert [gateway.state_of(b) for b in batches[3:]] == ["starting"] * 3
    for n, gate in enumerate(gates):
        assert len(gateway.ledger.started()) == min(6, n + 3)
        gate.touch()
        gateway.wait(batches[n])
        until(lambda n=n: len(gateway.ledger.started()) == min(6, n + 4), 10, "the next one starts")
    assert sorted(gateway.ledger.started()[:3]) == ["g0", "g1", "g2"]
    assert gateway.ledger.started()[3:] == ["g3", "g4", "g5"]


def test_a_killed_one_makes_room(gateways):
    gateway = gateways(florus__launch__max_running=1).start()
    first = gateway.submit(f"wait={gateway.root}/never")
    second = gateway.submit("exit=0")
    gateway.wait(first, "running")
    gateway.delete(f"/batches/{first}")
    assert gateway.wait(second) == "success"


def test_a_dead_one_makes_room(gateways):
    gateway = gateways(florus__launch__max_running=1).start()
    batches = [gateway.submit(order) for order in ("exit=1", "signal=KILL", "exit=0")]
    assert [gateway.wait(b) for b in batches] == ["dead", "dead", "success"]


def test_hold_accepts_and_starts_nothing(gateways):
    gateway = gateways(florus__launch__hold="true").start()
    batches = [gateway.submit(f"mark=h{n}") for n in range(4)]
    assert [gateway.state_of(b) for b in batches] == ["starting"] * 4
    gateway.restart()
    assert [gateway.state_of(b) for b in batches] == ["starting"] * 4
    assert gateway.ledger.started() == []
    gateway.restart(florus__launch__hold="false", florus__launch__max_running=1)
    assert [gateway.wait(b) for b in batches] == ["success"] * 4
    assert gateway.ledger.started() == ["h0", "h1", "h2", "h3"]


def test_past_the_maximum_it_is_429_and_later_works_again(gateways):
    gateway = gateways(florus__launch__hold="true", florus__queue__max=3).start()
    for _ in range(3):
        gateway.submit()
    for mount in ("", "/livy"):
        answer = gateway.post(f"{mount}/batches", gateway.body())
        assert (answer.status, answer.body) == (429, REFUSED)
        assert re.fullmatch(r"[1-9]\d*", answer.header("Retry-After"))
        assert answer.header("Content-Type") == "application/json;charset=utf-8"
    assert gateway.get("/batches").body["total"] == 3
    gateway.delete("/batches/1")
    assert gateway.submit() == 3, "no id was burned"
    assert gateway.post("/batches", gateway.body()).status == 429


def test_running_ones_do_not_count_as_queued(gateways):
    gateway = gateways(florus__launch__max_running=1, florus__queue__max=2).start()
    gateway.wait(gateway.submit(f"wait={gateway.root}/never"), "running")
    gateway.submit()
    gateway.submit()
    assert gateway.post("/batches", gateway.body()).status == 429


def test_a_full_queue_is_still_full_after_a_restart(gateways):
    gateway = gateways(florus__launch__hold="true", florus__queue__max=2).start()
    gateway.submit()
    gateway.submit()
    gateway.restart()
    assert gateway.post("/batches", gateway.body()).status == 429
    assert gateway.get("/batches").body["total"] == 2


AS_USER = {
    "livy.server.auth.type": "proxy",
    "florus.auth.proxy-header": "X-User",
    "florus.auth.proxy-peers": "127.0.0.1",
    "florus.launch.hold": "true",
    "florus.queue.max": 5,
    "florus.queue.max-per-user": 2,
}


def test_a_user_may_fill_his_share_and_others_are_served(gateways):
    gateway = gateways()
    gateway.options.update(AS_USER)
    gateway.start()

    def post(user):
        return gateway.post("/batches", gateway.body(), headers={"X-User": user})

    def delete(user, batch):
        assert gateway.delete(f"/batches/{batch}", headers={"X-User": user}).status == 200

    first = [post("alice") for _ in range(2)]
    assert [a.status for a in first] == [201, 201]
    for _ in range(3):
        answer = post("alice")
        assert (answer.status, answer.body) == (429, REFUSED)
        assert re.fullmatch(r"[1-9]\d*", answer.header("Retry-After"))
    assert [post("bob").status for _ in range(3)] == [201, 201, 429]
    delete("alice", first[0].body["id"])
    assert [post("alice").status for _ in range(2)] == [201, 429]
    gateway.restart()
    assert [post(user).status for user in ("alice", "bob", "carol", "dave")] == [429, 429, 201, 429]
