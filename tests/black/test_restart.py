"""Whatever dies, no job is lost, none runs twice, and no end is invented (reliability: P1-P8, F1, F5, F7, F8)."""

import fcntl
import os
import random
import re
import shutil
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from gateway import FINAL, alive, until
from history import History


def shims(gateway):
    """Batch id -> pid of its shim: the process of florus-shim that holds shim.lock open."""
    found = {}
    for pid in gateway.processes():
        try:
            if "florus-shim" not in os.readlink(f"/proc/{pid}/exe"):
                continue
            for fd in os.listdir(f"/proc/{pid}/fd"):
                lock = re.search(r"/run/(\d+)\.\d+\.[^/]+/shim\.lock$", os.readlink(f"/proc/{pid}/fd/{fd}"))
                if lock:
                    found[int(lock.group(1))] = pid
        except OSError:
            continue
    return found


def test_twenty_running_jobs_are_adopted_and_end_as_they_end(gateway):
    gates = [gateway.root / f"gate{n}" for n in range(20)]
    batches = [
        gateway.submit(f"mark=j{n}", "echo=begun", f"wait={gate}", "echo=over", f"exit={n % 3}")
        for n, gate in enumerate(gates)
    ]
    for n, batch in enumerate(batches):
        gateway.wait(batch, "running")
        gateway.wait_started(f"j{n}")
    gateway.kill9()
    assert all(alive(gateway.ledger.pid(f"j{n}")) for n in range(20)), "the drivers live on"
    for gate in gates[:6]:
        gate.touch()
    until(lambda: not any(alive(gateway.ledger.pid(f"j{n}")) for n in range(6)), 10, "six end while nobody looks")
    gateway.start()
    for n in range(6):
        assert gateway.wait(batches[n]) == ("success" if n % 3 == 0 else "dead")
    for batch in batches[6:]:
        assert gateway.wait(batch, "running") == "running"
    for gate in gates[6:]:
        gate.touch()
    for n in range(6, 20):
        assert gateway.wait(batches[n]) == ("success" if n % 3 == 0 else "dead")
        assert gateway.log(batches[n]) == ["stdout: ", "begun", "over", "\nstderr: "]
    assert sorted(gateway.ledger.started()) == sorted(f"j{n}" for n in range(20))
    assert gateway.submit() == 20


def test_adopted_jobs_are_running_in_the_first_answer(gateway):
    batch = gateway.submit(f"wait={gateway.root}/never")
    gateway.wait(batch, "running")
    gateway.kill9()
    gateway.start()
    assert gateway.state_of(batch) in ("running", "starting", "recovering")
    assert gateway.wait(batch, "running", timeout=2) == "running"
    assert gateway.delete(f"/batches/{batch}").status == 200


def test_an_orderly_stop_leaves_the_drivers_alone(gateway):
    go = gateway.root / "go"
    batch = gateway.submit("mark=m", f"wait={go}", "exit=0")
    pid = gateway.wait_started("m")
    gateway.wait(batch, "running")
    gateway.stop()
    assert alive(pid)
    gateway.start()
    go.touch()
    assert gateway.wait(batch) == "success"
    assert gateway.ledger.started() == ["m"]


def test_the_port_is_free_at_once_though_drivers_live(gateway):
    batch = gateway.submit(f"wait={gateway.root}/never")
    gateway.wait(batch, "running")
    host, port = gateway.host, gateway.port
    gateway.kill9()
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((host, port))
        s.listen()


def test_a_driver_can_be_killed_after_its_daemon_came_back(gateway):
    away = gateway.root / "away"
    batch = gateway.submit("mark=m", f"daemon={away}", f"wait={gateway.root}/never")
    pids = [gateway.wait_started("m"), gateway.pid_in(away)]
    gateway.kill9()
    gateway.start()
    gateway.wait(batch, "running")
    assert gateway.delete(f"/batches/{batch}").body == {"msg": "deleted"}
    assert not any(map(alive, pids))


def test_a_killed_shim_is_no_invented_success(gateway):
    go = gateway.root / "go"
    batch = gateway.submit("mark=m", f"wait={go}", "exit=0")
    pid = gateway.wait_started("m")
    gateway.wait(batch, "running")
    os.kill(shims(gateway)[batch], signal.SIGKILL)
    go.touch()
    state = gateway.wait(batch)
    ended = [row for row in gateway.ledger.lines() if row[0] == "exit"]
    assert state == "dead" or ended == [("exit", pid, "m", 0)], "success is told only if it was seen"
    assert gateway.ledger.started() == ["m"]


def test_a_shim_killed_over_a_kill_does_not_keep_its_job_alive(gateways):
    """The job ends at the second TERM: the first is the shim's, and with the shim goes whoever would kill it after the grace."""
    gateway = gateways(florus__kill__grace="100s")
    asked = gateway.root / "asked"
    (gateway.spark_home / "bin" / "spark-submit").write_text(
        "#!/bin/sh\n[ $1 != --version ] || { echo version 4.0.0 >&2; exit 0; }\n"
        f"n=0\ntrap 'n=$((n + 1)); echo $$ >{asked}' TERM\nuntil [ $n = 2 ]; do sleep 0.05; done\n")
    batch = gateway.start().submit()
    gateway.wait(batch, "running")
    shim = shims(gateway)[batch]
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(gateway.delete, f"/batches/{batch}", timeout=60)
        until(lambda: asked.exists() and asked.read_text(), 10, "the shim asks the job to end")
        os.kill(shim, signal.SIGKILL)
        assert answer.result().status == 200
    assert not alive(int(asked.read_text()))


def test_shim_and_driver_killed_is_dead(gateway):
    batch = gateway.submit("mark=m", f"wait={gateway.root}/never")
    pid = gateway.wait_started("m")
    gateway.wait(batch, "running")
    os.kill(shims(gateway)[batch], signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    assert gateway.wait(batch) == "dead"
    assert gateway.ledger.started() == ["m"]


def test_daemon_and_shim_killed_together_the_driver_is_adopted_and_ends_dead(gateway):
    go = gateway.root / "go"
    batch = gateway.submit("mark=m", f"wait={go}", "exit=0")
    pid = gateway.wait_started("m")
    gateway.wait(batch, "running")
    shim = shims(gateway)[batch]
    gateway.process.kill()
    os.kill(shim, signal.SIGKILL)
    gateway.kill9()
    gateway.start()
    assert alive(pid)
    assert gateway.wait(batch, "running") == "running"
    go.touch()
    assert gateway.wait(batch) == "dead", "nobody could see how it ended"
    assert gateway.ledger.started() == ["m"]


def test_everything_killed_is_dead_and_not_run_again(gateway):
    batch = gateway.submit("mark=m", f"wait={gateway.root}/never")
    pid = gateway.wait_started("m")
    gateway.wait(batch, "running")
    shim = shims(gateway)[batch]
    gateway.kill9()
    for victim in (shim, pid):
        os.kill(victim, signal.SIGKILL)
    until(lambda: not alive(pid) and not alive(shim))
    gateway.start()
    assert gateway.wait(batch) == "dead"
    gateway.run("exit=0")
    assert gateway.ledger.started().count("m") == 1


def test_queued_ones_go_on_in_order(gateways):
    gateway = gateways(florus__launch__max_running=1).start()
    go = gateway.root / "go"
    batches = [gateway.submit("mark=r0", f"wait={go}")] + [gateway.submit(f"mark=r{n}") for n in range(1, 8)]
    gateway.wait(batches[0], "running")
    gateway.kill9()
    go.touch()
    gateway.start()
    assert [gateway.wait(b) for b in batches] == ["success"] * 8
    assert gateway.ledger.started() == [f"r{n}" for n in range(8)]


def test_ids_go_on_rising(gateway):
    ids = []
    for _ in range(4):
        ids += [gateway.submit("exit=0"), gateway.submit("exit=0")]
        gateway.delete(f"/batches/{ids[-1]}")
        gateway.kill9()
        gateway.start()
    assert ids == list(range(8))


def test_what_was_submitted_comes_back_whole(gateways):
    gateway = gateways(florus__launch__hold="true").start()
    gateway.submit(name="é 😀")
    before = gateway.get("/batches/0").raw
    gateway.kill9()
    gateway.start()
    assert gateway.get("/batches/0").raw == before


def test_a_stopped_daemon_doubles_nothing(gateway):
    """SIGSTOP for longer than a launch takes: no double start and no false death."""
    batches = [gateway.submit(f"mark=s{n}", f"wait={gateway.root}/go", "exit=0") for n in range(4)]
    os.kill(gateway.process.pid, signal.SIGSTOP)
    time.sleep(1)  # the time that it must sleep through is the test
    os.kill(gateway.process.pid, signal.SIGCONT)
    for batch in batches:
        gateway.wait(batch, "running")
    (gateway.root / "go").touch()
    assert [gateway.wait(b) for b in batches] == ["success"] * 4
    assert sorted(gateway.ledger.started()) == ["s0", "s1", "s2", "s3"]


def test_a_storm_of_signals_changes_nothing(gateway):
    batch = gateway.submit(f"wait={gateway.root}/go", "exit=0")
    gateway.wait(batch, "running")
    for _ in range(30):
        for number in (signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD, signal.SIGUSR1, signal.SIGUSR2):
            os.kill(gateway.process.pid, number)
        assert gateway.get("/version").status == 200
    (gateway.root / "go").touch()
    assert gateway.wait(batch) == "success"
    assert gateway.process.poll() is None


def test_two_terms_still_end_in_order(gateway):
    gateway.submit(f"wait={gateway.root}/never")
    os.kill(gateway.process.pid, signal.SIGTERM)
    os.kill(gateway.process.pid, signal.SIGTERM)
    gateway.stop()


def test_killed_at_random_times_under_load_nothing_is_lost_or_doubled(gateways):
    gateway = gateways(florus__launch__max_running=8, florus__queue__max=100000).start()
    seed = int(os.environ.get("FLORUS_SEED") or random.randrange(1 << 32))
    dice = random.Random(seed)
    history = History(gateway, seed)
    done = threading.Event()
    clients = [threading.Thread(target=history.client, args=(n, done, random.Random(seed + n))) for n in range(3)]
    for thread in clients:
        thread.start()
    try:
        for _ in range(15):
            served = history.accepted_count()
            until(lambda served=served: history.accepted_count() >= served + 2, 20, "the load goes on")
            time.sleep(dice.uniform(0, 0.15))  # the random instant is the test
            gateway.kill9()
            gateway.start()
    finally:
        done.set()
        for thread in clients:
            thread.join(60)
    history.check(FINAL)


def directories(gateway):
    return {path.name for path in (gateway.state / "run").iterdir()}


def test_directories_that_no_batch_has_are_removed_at_the_start_and_no_others(gateways):
    """As a purge leaves them when florusd is killed after the store has forgotten a batch."""
    gateway = gateways(livy__server__session__state_retain__sec="0s").start()
    history, _, _ = gateway.run("lines=3")
    running = gateway.submit("mark=m", f"wait={gateway.root}/go")
    gateway.wait_started("m")
    until(lambda: gateway.get("/batches").body["total"] == 1, what="the finished one is history")
    known = directories(gateway)
    gateway.kill9()
    run = gateway.state / "run"
    for n in range(150):
        (run / f"{1000 + n}.1.{n:032x}" / "deep").mkdir(parents=True)
    held = run / f"2000.1.{1:032x}"
    held.mkdir()
    others = {"notes", "1.2", f"x.1.{1:032x}", f"3000.1.{1:031x}"}
    for name in others:
        (run / name).mkdir()
    with open(held / "tree.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        gateway.start()
        until(lambda: directories(gateway) == known | others | {held.name}, what="all but these are gone")
        until(lambda: 'directories of unknown jobs removed count=150' in gateway.log_text(), what="it is said")
        assert gateway.log(history)[1:-1] == ["1", "2", "3"]
    (gateway.root / "go").touch()
    assert gateway.wait(running) == "success"


def test_an_older_copy_of_the_store_gives_no_id_again_and_costs_no_directory(gateway):
    first, _, _ = gateway.run("exit=0")
    gateway.stop()
    shutil.copy(gateway.state / "florus.db", gateway.root / "older.db")
    gateway.start()
    last = [gateway.run("exit=0")[0] for _ in range(3)][-1]
    gateway.stop()
    kept = directories(gateway)
    shutil.copy(gateway.root / "older.db", gateway.state / "florus.db")
    gateway.start()
    assert "the store is an older copy" in gateway.log_text()
    assert gateway.get(f"/batches/{first}").status == 200 and gateway.get(f"/batches/{last}").status == 404
    assert gateway.submit("exit=0") == last + 1
    assert kept <= directories(gateway), "whoever puts the right copy back finds its logs"
