"""Names: a second handle for a batch, unique while its owner lives (livy.md 1.2, D10)."""

from urllib.parse import quote

import pytest


def duplicate(name, batch):
    return {"msg": f"Rejected, Reason: Duplicate session name: Some({name}) for session {batch}"}


@pytest.mark.parametrize(
    "name", ["nightly", "a b", "a/b", "é😀", "--master", "x;y", "50%", "q?#", "1a", "-1", "a'b\"c"]
)
def test_a_name_works_wherever_an_id_does(shared, name):
    batch = shared.submit("echo=hello", "exit=0", name=name)
    path = f"/batches/{quote(name, safe='')}"
    assert shared.get(path).body["id"] == batch
    assert shared.get(path).body["name"] == name
    assert shared.get(path + "/state").body["id"] == batch
    assert shared.get(path + "/log").body["id"] == batch
    assert shared.delete(path).body == {"msg": "deleted"}
    assert shared.get(path).body == {"msg": f"Session '{name}' not found."}


def test_a_name_is_taken_while_its_owner_is_not_finished(gateway):
    go = gateway.root / "go"
    first = gateway.submit(f"wait={go}", name="n1")
    answer = gateway.post("/batches", gateway.body(name="n1"))
    assert answer.status == 400
    assert answer.body in [duplicate("n1", n) for n in (first, first + 1)]
    assert gateway.get("/batches").body["total"] == 1
    go.touch()
    gateway.wait(first)
    second = gateway.submit("exit=0", name="n1")
    assert second == first + 1, "the refusal burned no id"
    assert gateway.get("/batches/n1").body["id"] == second, "the newest"
    assert gateway.get(f"/batches/{first}").body["name"] == "n1"


def test_a_queued_owner_holds_its_name_over_a_restart(gateways):
    gateway = gateways(florus__launch__hold="true").start()
    gateway.submit(name="n1")
    assert gateway.post("/batches", gateway.body(name="n1")).status == 400
    gateway.restart()
    assert gateway.post("/batches", gateway.body(name="n1")).status == 400
    gateway.delete("/batches/n1")
    assert gateway.submit(name="n1") == 1


def test_the_newest_is_found_after_a_restart_too(gateway):
    gateway.run("exit=0", name="n1")
    second, _, _ = gateway.run("exit=1", name="n1")
    gateway.restart()
    assert gateway.get("/batches/n1").body["id"] == second
