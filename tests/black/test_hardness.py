"""What goes wrong between two events: shutdown with everything in flight, a full disk, names used twice, odd files."""

import json
import os
import threading

import pytest
from gateway import alive, until
from wire import Closed


def fill(file):
    """Writes until the disk is full."""
    for size in (1 << 20, 1 << 12, 1):
        try:
            while True:
                file.write(b"x" * size)
        except OSError:
            pass


def keep_asking(gateway, path, stop):
    """Requests on connections that are kept, until the server is gone; nothing but whole answers may come."""
    while not stop.is_set():
        try:
            with gateway.wire() as wire:
                for _ in range(1000):
                    answer = wire.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).answer()
                    assert answer.status in (200, 404, 503), answer
        except (Closed, OSError):
            stop.wait(0.01)


def test_it_stops_in_order_with_connections_open(gateway):
    with gateway.wire() as used, gateway.wire(), gateway.wire() as half:
        assert used.send(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n").answer().status == 200
        half.send(b"GET /ver")
        gateway.stop()
        assert used.closed() and half.closed()


def test_it_stops_in_order_while_history_is_asked_for(gateway):
    """What arrives while the store is closed already must not reach it."""
    for _ in range(4):
        stop = threading.Event()
        threads = [threading.Thread(target=keep_asking, args=(gateway, "/batches/99", stop)) for _ in range(8)]
        for thread in threads:
            thread.start()
        gateway.restart()
        stop.set()
        for thread in threads:
            thread.join()
    assert gateway.get("/batches").status == 200


def test_a_delete_that_waits_is_told_of_the_stop_and_goes_on_afterwards(gateways):
    gateway = gateways(florus__kill__grace="60s").start()
    batch = gateway.submit("mark=m", "ignore-term", f"touch={gateway.root}/deaf", f"wait={gateway.root}/never")
    until((gateway.root / "deaf").exists)
    pid = gateway.ledger.pid("m")
    with gateway.wire(30) as wire:
        wire.send(b"DELETE /batches/%d HTTP/1.1\r\nHost: x\r\n\r\n" % batch)
        assert wire.quiet(0.3), "it waits for the end"
        gateway.stop()
        assert wire.answer().status == 503
    assert alive(pid)
    gateway.start(florus__kill__grace="0s")
    until(lambda: not alive(pid), 10, "the kill goes on")
    until(lambda: gateway.get(f"/batches/{batch}").status == 404)


def test_deleting_by_a_name_deletes_who_answers_to_it(gateway):
    first = gateway.submit("exit=0", name="twice")
    gateway.wait(first)
    second = gateway.submit("exit=0", name="twice")
    gateway.wait(second)
    assert gateway.delete("/batches/twice").body == {"msg": "deleted"}
    assert gateway.get(f"/batches/{second}").status == 404
    assert gateway.get("/batches/twice").body["id"] == first
    assert gateway.delete("/batches/twice").body == {"msg": "deleted"}
    assert gateway.get("/batches/twice").status == 404
    assert gateway.get(f"/batches/{first}").status == 404
    assert gateway.get("/batches").body["total"] == 0


def test_a_pipe_in_place_of_the_log_does_not_stop_the_server(gateway):
    batch = gateway.submit("mark=m", f"wait={gateway.root}/go")
    gateway.wait_started("m")
    log = next((gateway.state / "run").glob(f"{batch}.*")) / "log"
    log.unlink()
    os.mkfifo(log)
    answer = gateway.get(f"/batches/{batch}", timeout=5)
    assert answer.body["log"] == ["stdout: ", "\nstderr: "]
    assert gateway.get(f"/batches/{batch}/log", timeout=5).status in (200, 500)
    (gateway.root / "go").touch()
    assert gateway.wait(batch) == "success"
    assert gateway.get(f"/batches/{batch}", timeout=5).status == 200


def deleted_files(gateway):
    """What the daemon holds open though it was removed."""
    at = f"/proc/{gateway.process.pid}/fd"
    links = [os.readlink(f"{at}/{fd}") for fd in os.listdir(at) if os.path.lexists(f"{at}/{fd}")]
    return [link for link in links if link.endswith("/log (deleted)")]


def test_the_log_of_a_deleted_batch_takes_no_room(gateway):
    batch, _, lines = gateway.run("lines=3")
    assert lines == ["1", "2", "3"] and gateway.get(f"/batches/{batch}").status == 200
    assert gateway.delete(f"/batches/{batch}").status == 200
    until(lambda: not list((gateway.state / "run").glob(f"{batch}.*")), what="its directory goes")
    assert not deleted_files(gateway)


@pytest.mark.skipif(os.geteuid() != 0, reason="mount needs root")
def test_it_stops_in_order_with_changes_that_the_full_disk_did_not_take(gateways, mounts):
    disk = mounts("12m")
    gateway = gateways(florus__state_dir=disk / "state")
    gateway.state = disk / "state"
    gateway.start()
    batch = gateway.submit("mark=m", f"wait={gateway.root}/go")
    gateway.wait(batch, "running")
    with open(disk / "filler", "wb", buffering=0) as filler:
        fill(filler)
        (gateway.root / "go").touch()
        until(lambda: "state not stored yet" in gateway.log_text() or gateway.state_of(batch) == "success")
        fill(filler)
        gateway.stop()
    (disk / "filler").unlink()
    gateway.start()
    assert gateway.wait(batch) == "success"


def big_log(gateway):
    """A finished batch with a log that no socket's buffers hold."""
    batch = gateway.submit(f"spew={64 << 20}")
    assert gateway.wait(batch, timeout=60) == "success"
    return batch


def test_a_log_that_is_being_read_outlives_its_batch(gateway):
    batch = big_log(gateway)
    with gateway.wire(60) as slow, gateway.wire() as gone, gateway.wire() as last:
        for wire in (slow, gone, last):
            wire.send(b"GET /batches/%d/log?size=-1 HTTP/1.1\r\nHost: x\r\n\r\n" % batch)
            wire.until(b"\r\n\r\n")
        assert gateway.delete(f"/batches/{batch}").status == 200
        gone.reset()
        body = json.loads(slow.chunks())
        assert body["total"] == len(body["log"]) == (64 << 20) // 16 + 2
        assert gateway.get("/batches").body["total"] == 0
        gateway.stop()  # with the last one in the middle


def test_stopping_while_a_big_log_is_counted(gateway):
    batch = big_log(gateway)
    with gateway.wire() as wire:
        wire.send(b"GET /batches/%d/log HTTP/1.1\r\nHost: x\r\n\r\n" % batch)
        gateway.stop()
        assert wire.answer().status in (200, 503)


def test_a_name_may_be_used_again_while_its_former_owner_is_being_deleted(gateways):
    gateway = gateways(florus__kill__grace="1s").start()
    first = gateway.submit("ignore-term", f"touch={gateway.root}/deaf", f"wait={gateway.root}/never", name="n")
    until((gateway.root / "deaf").exists)
    deleter = threading.Thread(target=gateway.delete, args=(f"/batches/{first}",))
    deleter.start()
    assert gateway.post("/batches", gateway.body(name="n")).status == 400
    deleter.join()
    second = gateway.submit(f"wait={gateway.root}/never", name="n")
    assert gateway.get("/batches/n").body["id"] == second
    assert gateway.get(f"/batches/{first}").status == 404
    assert gateway.delete("/batches/n").status == 200
    assert gateway.get(f"/batches/{second}").status == 404


@pytest.mark.parametrize("size", [2**31 - 1, -(2**31)])
@pytest.mark.parametrize("start", [0, 2**31 - 1, -(2**31)])
def test_the_largest_and_smallest_pages(gateway, start, size):
    batch, _, _ = gateway.run("lines=3")
    answer = gateway.get(f"/batches?from={start}&size={size}")
    assert answer.status == 200 and answer.body["from"] == start
    assert [s["id"] for s in answer.body["sessions"]] == ([batch] if start == 0 and size > 0 else [])
    answer = gateway.get(f"/batches/{batch}/log?from={start}&size={size}")
    assert answer.status == 200
    assert answer.body["log"] == ([] if start > 0 else ["stdout: ", "1", "2", "3", "\nstderr: "])
