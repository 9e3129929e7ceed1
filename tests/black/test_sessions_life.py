"""How long sessions live, how many of them, and what stays when they have ended; without Spark (tests/fakes/session.py)."""

import os
import signal
import sqlite3
import time
from contextlib import closing

from gateway import BIN_DIR, until
from sessions import Session

ADA, BOB, ROOT = ({"X-Forwarded-User": user} for user in ("ada", "bob", "root"))
ENDED = ("dead", "killed")


def named(gateways, **more):
    """A gateway that believes a header, where sessions of one user are few."""
    return gateways(livy__server__auth__type="proxy", florus__auth__proxy_header="X-Forwarded-User",
                    florus__auth__proxy_peers="127.0.0.1", florus__session__max_per_user=2, **more)


def make(gateway, who, status=201, key=None, **body):
    headers = {**who, "Idempotency-Key": key} if key else who
    answer = gateway.post("/sessions", {"kind": "pyspark", **body}, headers=headers)
    assert answer.status == status, answer.body
    return answer


# --- how many ---


def test_a_user_has_only_so_many_sessions(gateways):
    gateway = named(gateways).start()
    first, second = make(gateway, ADA, key="one"), make(gateway, ADA)
    refused = make(gateway, ADA, 429)
    assert refused.body["msg"].startswith("Rejected, too many sessions are being created!") and "ada has 2" in refused.body["msg"]
    assert dict(refused.headers)["Retry-After"] == "1"
    assert make(gateway, ADA, key="one").body["id"] == first.body["id"], "a repetition is no further one"
    assert make(gateway, BOB).body["id"] == 2, "the refused one has no id"
    assert gateway.post(f"/sessions/{second.body['id']}/stop", {}, headers=ADA).status == 204
    make(gateway, ADA)
    gateway.kill9()
    gateway.start()
    make(gateway, ADA, 429)


def test_sessions_count_for_whom_they_run_as(gateways):
    gateway = named(gateways, livy__impersonation__enabled="true", livy__superusers="root").start()
    for _ in range(2):
        make(gateway, ROOT, proxyUser="ada")
    make(gateway, ROOT, 429, proxyUser="ada")
    make(gateway, ADA, 429)
    make(gateway, ROOT)


def test_without_users_there_is_no_limit_of_a_user(gateways):
    gateway = gateways(florus__session__max_per_user=1).start()
    assert [Session(gateway).id for _ in range(3)] == [0, 1, 2]


# --- coming up ---


def lines_of(session):
    return [line for line in session.get("/log?size=-1").body["log"] if line not in ("stdout: ", "\nstderr: ")]


def test_one_that_does_not_come_up_in_time_is_ended_and_says_why(gateways, tmp_path):
    gateway = gateways(livy__rsc__server__connect__timeout="1s").start()
    session = Session(gateway, conf={"spark.test.start": "slow", "spark.test.gate": str(tmp_path / "never")})
    seen = set()
    until(lambda: seen.add(session.state()) or "dead" in seen, 20, "it is ended")
    assert seen <= {"starting", "error", "dead"}
    assert lines_of(session)[0] == "driver starts"
    assert lines_of(session)[-1] == ("florus: the session was not ready within 1 s of its start, and was ended; if it needs "
                                     "longer, raise livy.rsc.server.connect.timeout")
    until(lambda: not [pid for pid in gateway.processes() if pid != gateway.process.pid and b"session.py" in
                       open(f"/proc/{pid}/cmdline", "rb").read()], 10, "its tree is gone")
    assert session.post("1").status == 400


def test_one_that_was_ready_is_not_late_after_a_restart(gateways):
    gateway = gateways(livy__rsc__server__connect__timeout="1s").start()
    session, other = Session(gateway).wait("idle"), Session(gateway, ttl="3s").wait("idle")
    pid = int(session.run("import os\nkept = 1\nos.getpid()")["data"]["text/plain"])
    os.kill(pid, signal.SIGSTOP)
    gateway.kill9()
    gateway.start()
    session.wait("idle")
    number = session.post("kept").body["id"]
    until(lambda: other.state() in ENDED, 20, "ticks go by")
    assert session.state() == "busy"
    os.kill(pid, signal.SIGCONT)
    assert session.result(number)["output"]["data"] == {"text/plain": "1"}


def test_a_driver_that_ends_while_it_starts_leaves_the_reason(gateway):
    session = Session(gateway, conf={"spark.test.start": "exit"}).wait("dead")
    assert lines_of(session) == ["driver starts",
                                 "florus: the driver ended with status 7 before the session was ready; see what it said above"]


def test_a_submission_that_ends_well_without_a_session_says_so_too(gateway):
    session = Session(gateway, conf={"spark.test.start": "quit"}).wait("dead")
    assert lines_of(session)[-1].startswith("florus: the driver ended with status 0 before the session was ready")


def test_the_log_of_a_session_that_was_up_gets_no_such_line(gateway):
    session = Session(gateway).wait("idle")
    session.post("import os; os._exit(3)")
    session.wait("dead")
    assert not [line for line in lines_of(session) if line.startswith("florus:")]


# --- what stays ---


def test_dead_sessions_leave_the_list_and_their_results_stay(gateways):
    gateway = gateways(livy__server__session__state_retain__sec="1s").start()
    done, failed = Session(gateway).wait("idle"), Session(gateway, conf={"spark.test.start": "fail"}).wait("dead")
    done.run("6 * 7")
    app_id = done.get().body["appId"]
    assert gateway.post(done.path + "/stop", {}).status == 204
    until(lambda: gateway.get("/sessions").body["total"] == 0, 20, "both leave the list")
    for restarted in (False, True):
        if restarted:
            gateway.restart()
        assert (done.state(), failed.state()) == ("killed", "dead")
        assert app_id and done.get().body["appId"] == app_id
        assert done.statement(0)["output"]["data"] == {"text/plain": "42"}
        listed = done.get("/statements?order=desc&size=1").body
        assert (listed["total_statements"], [st["id"] for st in listed["statements"]]) == (1, [0])
        assert failed.get("/statements").body == {"total_statements": 0, "statements": []}
        assert done.post("1").status == 400 and done.get("/statements/1").status == 404


def test_history_goes_when_its_time_is_over(gateways):
    gateway = gateways(livy__server__session__state_retain__sec="0s", florus__history__retain="1s").start()
    session = Session(gateway).wait("idle")
    session.run("1")
    gateway.post(session.path + "/stop", {})
    until(lambda: session.get().status == 404, 20, "it is forgotten")
    assert session.get("/statements").status == session.get("/statements/0").status == 404
    gateway.stop()
    with closing(sqlite3.connect(gateway.state / "sessions" / "florus.db")) as store:
        assert store.execute("SELECT count(*) FROM statement").fetchone() == (0,)


def test_long_lists_of_statements_are_whole(gateway):
    session = Session(gateway).wait("idle")
    gateway.kill9()
    with closing(sqlite3.connect(gateway.state / "sessions" / "florus.db")) as store:
        store.executemany("INSERT INTO statement(session, id, state, code, output, started_ms, completed_ms) "
                          "VALUES(0, ?, 'available', ?, '{\"status\":\"ok\"}', 1, 2)", [(i, f"code {i}") for i in range(2500)])
        store.commit()
    gateway.start()
    until(lambda: session.post("x = 1").status == 201, 10, "it is up again")
    for query, ids in (("", range(2501)), ("?order=desc&size=2", (2500, 2499)), ("?from=1500&size=2", (1500, 1501)),
                       ("?from=2490", range(2490, 2501)), ("?order=desc&from=2499", (1, 0)), ("?from=-3&size=5", (0, 1)),
                       ("?size=-1", ()), ("?from=9999", ())):
        listed = session.get("/statements" + query).body
        assert [st["id"] for st in listed["statements"]] == list(ids), query
        assert listed["total_statements"] == 2501
    assert session.get("/statements?from=1200&size=1").body["statements"][0] == {
        "id": 1200, "code": "code 1200", "state": "available", "output": {"status": "ok"}, "progress": 1.0, "started": 1, "completed": 2}


# --- what is said ---


def test_the_log_of_florusd_calls_a_session_a_session(gateway):
    session = Session(gateway).wait("idle")
    gateway.post(session.path + "/stop", {})
    gateway.run()
    text = gateway.log_text()
    for event in ("accepted", "started", "finished"):
        assert f"job {event} session=0" in text and f"job {event} batch=0" in text


def test_a_wall_clock_that_is_set_ends_no_session(gateways, tmp_path):
    wall, asan = tmp_path / "wall", os.environ.get("ASAN_OPTIONS", "")
    gateway = gateways(env={"LD_PRELOAD": str(BIN_DIR / "tests" / "faults" / "libwall.so"), "WALL": str(wall),
                            "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0".lstrip(":")}).start()
    limits = {"ttl": "2h"}, {"idleTimeout": "2h"}, {"heartbeatTimeoutInSecond": 7200}
    sessions = [Session(gateway, **limit).wait("idle") for limit in limits]
    for days in (1, -1):
        (tmp_path / "new").write_text(str(days * 86400))
        (tmp_path / "new").rename(wall)
        Session(gateway, ttl="1s").wait("killed")  # it has looked at all of them since
        assert [session.state() for session in sessions] == ["idle"] * 3
    until(lambda: time.strftime("%Y-%m-%dT", time.gmtime(time.time() - 86400)) in gateway.log_text().splitlines()[-1], 10,
          "florusd's clock was set")
