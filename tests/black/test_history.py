"""What is known of a batch after its end: lists forget first, then everything does (D9, D10)."""

from gateway import until


def run_dirs(gateway):
    return [entry.name for entry in (gateway.state / "run").iterdir()]


def test_lists_forget_first_then_everything(gateways):
    gateway = gateways().start(livy__server__session__state_retain__sec="1s", florus__history__retain="4s")
    batch = gateway.submit("lines=3", "exit=0", name="nightly")
    gateway.wait(batch, "success")
    whole = gateway.get(f"/batches/{batch}/log?size=-1").body

    until(lambda: gateway.get("/batches").body["total"] == 0, 10, "the list forgets it")
    assert gateway.get(f"/batches/{batch}").body["state"] == "success"
    assert gateway.get(f"/batches/{batch}/state").body == {"id": batch, "state": "success"}
    assert gateway.get("/batches/nightly").body["id"] == batch
    assert gateway.get(f"/batches/{batch}/log?size=-1").body == whole and whole["total"] == 5

    until(lambda: gateway.get(f"/batches/{batch}").status == 404, 20, "history forgets it")
    until(lambda: not run_dirs(gateway), 10, "its directory goes")


def test_history_outlives_the_daemon_and_can_be_deleted(gateways):
    gateway = gateways().start(livy__server__session__state_retain__sec="0s")
    batch = gateway.submit("lines=1", "exit=3")
    gateway.wait(batch, "dead")
    gateway.restart()
    assert gateway.get("/batches").body["total"] == 0
    assert gateway.get(f"/batches/{batch}").body["state"] == "dead"
    assert gateway.delete(f"/batches/{batch}").body == {"msg": "deleted"}
    assert gateway.get(f"/batches/{batch}").status == 404
    until(lambda: not run_dirs(gateway), 10, "its directory goes")
