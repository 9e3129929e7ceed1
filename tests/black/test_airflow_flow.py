"""What Airflow's Livy operator does, call by call (clients.md, notes A), and what other batch clients need."""

import http.client
import json

from gateway import FINAL, until

KNOWN = {"not_started", "starting", "running", "idle", "busy", "shutting_down", "error", "dead", "killed", "success"}
HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


class Hook:
    """One keep-alive connection, JSON headers on every call, 2xx and 3xx are good."""

    def __init__(self, gateway):
        self.connection = http.client.HTTPConnection(gateway.host, gateway.port, timeout=20)

    def call(self, method, path, body=None):
        self.connection.request(method, path, json.dumps(body) if body is not None else None, HEADERS)
        response = self.connection.getresponse()
        data = response.read()
        assert response.status < 400, (response.status, data)
        assert response.getheader("Content-Type").startswith("application/json"), "the async hook insists"
        return json.loads(data)

    def logs(self, batch):
        """dump_batch_logs: from 0 in steps of 100 while from <= total."""
        lines, start, total = [], 0, 0
        while start <= total:
            page = self.call("GET", f"/batches/{batch}/log?from={start}&size=100")
            total = page["total"]
            lines += page["log"]
            start += 100
        return lines


def submission(gateway, *orders, **fields):
    return {
        **gateway.body(*orders),
        "name": "airflow-task",
        "conf": {"spark.x": 4, "spark.y": True, "spark.z": "w"},
        "numExecutors": "2",
        "executorCores": "1",
        "driverCores": "1",
        "executorMemory": "1g",
        **fields,
    }


def test_submit_poll_logs(gateway):
    hook = Hook(gateway)
    batch = hook.call("POST", "/batches", submission(gateway, "lines=98", "exit=0"))["id"]

    def over():
        state = hook.call("GET", f"/batches/{batch}/state")["state"]
        assert state in KNOWN
        return state if state in FINAL else None

    assert until(over, 15, "the batch ends") == "success"
    assert "appId" in hook.call("GET", f"/batches/{batch}")
    assert hook.logs(batch) == ["stdout: ", *map(str, range(1, 99)), "\nstderr: "], (
        "total is exactly 100: one more page"
    )


def test_on_kill(gateway):
    hook = Hook(gateway)
    batch = hook.call("POST", "/batches", submission(gateway, f"wait={gateway.root}/never"))["id"]
    gateway.wait(batch, "running")
    assert hook.call("DELETE", f"/batches/{batch}") == {"msg": "deleted"}


def test_the_same_task_may_run_again_tonight(gateway):
    hook = Hook(gateway)
    for n in range(3):
        batch = hook.call("POST", "/batches", submission(gateway, "exit=0"))["id"]
        assert batch == n
        gateway.wait(batch)


def test_the_states_are_known_ones_over_a_restart(gateway):
    go = gateway.root / "go"
    batch = gateway.submit(f"wait={go}", "exit=0")
    gateway.wait(batch, "running")
    gateway.kill9()
    gateway.start()
    assert gateway.state_of(batch) in KNOWN
    go.touch()
    assert gateway.wait(batch) == "success"


def test_bodies_on_get_and_delete_are_drained_and_ignored(gateway):
    """livy-submit sends JSON with everything."""
    batch = gateway.submit("exit=0")
    gateway.wait(batch)
    with gateway.wire() as wire:
        for method, path in (("GET", "/batches"), ("GET", f"/batches/{batch}/state"), ("DELETE", f"/batches/{batch}")):
            body = b'{"from": 5, "size": 3}'
            wire.send(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = wire.answer()
            assert answer.status == 200
            if path == "/batches":
                assert answer.body["from"] == 0


def test_a_probe_with_head(gateway):
    assert gateway.request("HEAD", "/batches").status == 200


def test_waiting_for_404_after_delete_ends(gateway):
    batch = gateway.submit("exit=0")
    gateway.wait(batch)
    gateway.delete(f"/batches/{batch}")
    answer = gateway.get(f"/batches/{batch}")
    assert answer.status == 404 and "not found" in answer.body["msg"]
