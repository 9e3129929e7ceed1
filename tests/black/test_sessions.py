"""Interactive sessions, with the real driver's code but without Spark (tests/fakes/session.py)."""

import os
import signal
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from gateway import until
from sessions import Session


@pytest.fixture
def session(gateway):
    return Session(gateway).wait("idle")


OBJECT_KEYS = ["id", "name", "appId", "owner", "proxyUser", "state", "kind", "appInfo", "log", "ttl", "idleTimeout",
               "driverMemory", "driverCores", "executorMemory", "executorCores", "conf", "archives", "files",
               "heartbeatTimeoutInSecond", "jars", "numExecutors", "pyFiles", "queue"]


@pytest.mark.parametrize("mount", ["", "/livy"])
def test_the_object_has_livys_keys_in_livys_order(gateway, mount):
    session = Session(gateway, mount, conf={"spark.a": 1}, heartbeatTimeoutInSecond=60, ttl="5m")
    assert dict(session.made.headers)["Location"] == f"{mount}/sessions/0"
    for body in (session.made.body, session.wait("idle").get().body):
        assert list(body) == OBJECT_KEYS
        assert (body["kind"], body["conf"], body["heartbeatTimeoutInSecond"], body["ttl"]) == ("pyspark", {"spark.a": "1"}, 60, "5m")
        assert (body["driverCores"], body["jars"], body["appInfo"]["sparkUiUrl"]) == (0, [], None)
    assert session.get().body["appId"].startswith("local-")
    listed = gateway.get(mount + "/sessions").body
    assert (listed["from"], listed["total"], [one["id"] for one in listed["sessions"]]) == (0, 1, [0])


def test_ids_of_sessions_and_batches_are_their_own(gateway):
    assert gateway.post("/batches", gateway.body()).body["id"] == 0
    assert Session(gateway).id == 0


def test_statements_run_in_order_and_remember(session):
    first = session.post("x = 20")
    assert list(first.body) == ["id", "code", "state", "output", "progress", "started", "completed"]
    assert (first.body["id"], first.body["state"], first.body["output"], first.body["progress"]) == (0, "waiting", None, 0.0)
    assert dict(first.headers)["Location"] == "/sessions/0/statements/0"
    assert session.run("x + 1") == {"status": "ok", "execution_count": 1, "data": {"text/plain": "21"}}
    done = session.statement(1)
    assert done["progress"] == 1.0 and 0 < done["started"] <= done["completed"]
    assert session.run("1/0")["ename"] == "ZeroDivisionError"
    assert session.run("select 1", kind="sql")["data"]["application/json"]["data"] == [["select 1"]]
    assert session.run("x", kind="spark")["ename"] == "InterpreterError"
    listed = session.get("/statements").body
    assert (listed["total_statements"], [st["id"] for st in listed["statements"]]) == (5, [0, 1, 2, 3, 4])
    for query, ids in (("from=1&size=2", [1, 2]), ("order=desc&size=2", [4, 3]), ("size=-1", []), ("from=-5", [0, 1, 2, 3, 4]),
                       ("from=9", [])):
        assert [st["id"] for st in session.get(f"/statements?{query}").body["statements"]] == ids, query


def test_it_is_busy_while_a_statement_runs(session, tmp_path):
    gate = tmp_path / "gate"
    number = session.post(f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)").body["id"]
    session.wait("busy")
    until(lambda: session.statement(number)["state"] == "running", 10, "it runs")
    gate.touch()
    session.wait("idle")


def test_cancel_stops_what_runs_and_what_waits(session):
    running, waiting = session.post("import time\ntime.sleep(600)").body["id"], session.post("ran = 1").body["id"]
    until(lambda: session.statement(running)["state"] == "running", 10, "it runs")
    for number in (waiting, running):
        answer = session.gateway.post(f"{session.path}/statements/{number}/cancel", {})
        assert (answer.status, answer.body) == (200, {"msg": "canceled"})
    assert session.result(running)["state"] == "cancelled"
    ended = session.result(waiting)
    assert (ended["state"], ended["output"]) == ("cancelled", None)
    assert session.run("ran")["ename"] == "NameError"
    assert session.gateway.post(f"{session.path}/statements/{running}/cancel", {}).status == 200


def test_completion_knows_names_and_attributes(session):
    session.run("florus_name = 1")
    answer = session.gateway.post(session.path + "/completion", {"code": "florus_na", "kind": "pyspark", "cursor": 9})
    assert (answer.status, answer.body) == (200, {"candidates": ["florus_name"]})
    answer = session.gateway.post(session.path + "/completion", {"code": "select x", "kind": "sql", "cursor": "6"})
    assert answer.body == {"candidates": ["SELECT"]}


@pytest.mark.parametrize("body, status, text", [
    ({"code": "a", "cursor": "x"}, 400, "Cannot deserialize value of type `int`"),
    ({"code": "a", "bogus": 1}, 400, "Unrecognized field"),
    ({"code": "a", "kind": "cobol"}, 500, "Invalid kind: cobol"),
])
def test_completions_that_are_not_right(session, body, status, text):
    answer = session.gateway.post(session.path + "/completion", body)
    assert answer.status == status and text in answer.body


def test_a_completion_of_a_busy_session_is_given_up(session):
    number = session.post("import time\ntime.sleep(600)").body["id"]
    session.wait("busy")
    answer = session.gateway.post(session.path + "/completion", {"code": "a", "kind": "pyspark", "cursor": 1}, timeout=30)
    assert answer.status == 500 and "has not answered within 10 s" in answer.body
    session.gateway.post(f"{session.path}/statements/{number}/cancel", {})
    assert session.result(number)["state"] == "cancelled"
    assert session.gateway.post(session.path + "/completion", {"code": "", "kind": "sql"}).body == {"candidates": [""]}


def test_a_driver_that_dies_leaves_no_completion_unanswered(session):
    session.run("import os\nclass Fatal:\n    def __dir__(self): os._exit(9)\nfatal = Fatal()")
    answer = session.gateway.post(session.path + "/completion", {"code": "fatal.", "kind": "pyspark", "cursor": 6})
    assert answer.status == 503 and "gone before it answered" in answer.body["msg"]


def test_only_so_many_questions_wait(session, tmp_path):
    gate = tmp_path / "gate"
    session.post(f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)")
    session.wait("busy")

    def ask(_):
        answer = session.gateway.post(session.path + "/completion", {"code": "a", "kind": "sql", "cursor": 1})
        if answer.status == 429:
            gate.touch()
        return answer.status

    with ThreadPoolExecutor(65) as pool:
        assert sorted(pool.map(ask, range(65))) == [200] * 64 + [429]


def test_interrupt_is_stop(session):
    answer = session.gateway.post(session.path + "/interrupt", {})
    assert (answer.status, answer.body) == (200, {"msg": "interrupted"})
    assert session.state() in ("dead", "killed")
    assert session.gateway.post(session.path + "/interrupt", {}).body == {"msg": "interrupted"}


@pytest.mark.parametrize("mount", ["", "/livy"])
def test_connect_shows_the_session_even_a_dead_one(gateway, mount):
    session = Session(gateway, mount).wait("idle")
    for state in ("idle", "dead"):
        answer = gateway.post(session.path + "/connect", {})
        assert (answer.status, list(answer.body)) == (200, OBJECT_KEYS)
        assert answer.body["state"] in (state, "killed")
        gateway.post(session.path + "/stop", {})


def test_a_pyfile_that_is_added_can_be_imported(session):
    module = session.gateway.files / "added_module.py"
    module.write_text("answer = 42")
    for path in ("/add-pyfile", "/add-file", "/add-jar"):
        answer = session.gateway.post(session.path + path, {"uri": str(module)})
        assert (answer.status, answer.raw) == (200, b""), answer.body
    assert session.run("import added_module\nadded_module.answer")["data"] == {"text/plain": "42"}


@pytest.mark.parametrize("body, status, text", [
    ({"uri": "/etc/passwd"}, 400, {"msg": "requirement failed: Local path /etc/passwd cannot be added to user sessions."}),
    ({"uri": "here.py"}, 400, {"msg": "requirement failed: Path 'here.py' is not absolute."}),
    ({}, 400, {"msg": "uri is missing: the path of what is to be added"}),
    ({"uri": 1}, 400, None),
    ({"url": "/x"}, 400, None),
])
def test_what_may_not_be_added(session, body, status, text):
    answer = session.gateway.post(session.path + "/add-file", body)
    assert answer.status == status and text in (None, answer.body), answer.body


def test_an_addition_that_fails_says_why(session):
    path = os.path.join(os.path.dirname(session.gateway.job), "no-such-file")
    answer = session.gateway.post(session.path + "/add-file", {"uri": path})
    assert answer.status == 500 and answer.body.endswith(f"File {path} does not exist")


@pytest.mark.parametrize("path", ["/batches", "/sessions"])
def test_nobody_may_say_what_the_server_tells_its_driver(gateway, path):
    body = gateway.body() if path == "/batches" else {"kind": "pyspark"}
    answer = gateway.post(path, {**body, "conf": {"spark.florus.session.address": "tcp:elsewhere:1"}})
    assert answer.status == 400 and "spark.florus.session.address is reserved" in answer.body["msg"]


REFUSALS = [
    ({"kind": "pyspark3"}, 400, str),
    ({"kind": 5}, 400, str),
    ({"kind": "pyspark", "file": "/a.py"}, 400, str),
    ({"kind": "pyspark", "ttl": "abc"}, 400, dict),
    ({"kind": "pyspark", "ttl": "5x"}, 400, dict),
    ({"kind": "pyspark", "idleTimeout": "-5m"}, 400, dict),
    ({"kind": "pyspark", "heartbeatTimeoutInSecond": "x"}, 400, str),
    ({"kind": "pyspark", "name": "7"}, 400, dict),
    ({"kind": "pyspark", "conf": {"spark.submit.deployMode": "cluster"}}, 400, dict),
    ({"kind": "pyspark", "pyFiles": ["/etc/passwd"]}, 400, dict),
]


@pytest.mark.parametrize("body, status, shape", REFUSALS, ids=range(len(REFUSALS)))
def test_refusals_have_livys_shape_and_leave_nothing(gateway, body, status, shape):
    answer = gateway.post("/sessions", body)
    assert (answer.status, type(answer.body)) == (status, shape), answer.body
    assert gateway.get("/sessions").body["total"] == 0


def test_a_session_that_is_not_up_says_its_state(gateway, tmp_path):
    gate = tmp_path / "gate"
    session = Session(gateway, conf={"spark.test.start": "slow", "spark.test.gate": str(gate)})
    answer = session.post("1")
    assert (answer.status, answer.body) == (500, "java.lang.IllegalStateException: Session is in state starting")
    gate.touch()
    session.wait("idle")
    assert session.run("1")["data"] == {"text/plain": "1"}


def test_a_shared_session_wants_to_know_the_kind(gateway):
    session = Session(gateway, kind="shared").wait("idle")
    answer = session.post("1")
    assert answer.status == 500 and "Code type should be specified" in answer.body
    assert session.run("1", kind="python")["data"] == {"text/plain": "1"}


@pytest.mark.parametrize("path, body, status, text", [
    ("/sessions/0/statements/9", None, 404, "Statement not found"),
    ("/sessions/0/statements/x", None, 400, {"msg": 'For input string: "x"'}),
    ("/sessions/9/statements", None, 404, {"msg": "Session '9' not found."}),
    ("/sessions/0/statements", {"code": "1", "bogus": 1}, 400, None),
    ("/sessions/0/statements", {"code": 1}, 201, None),
    ("/sessions/0/statements", {"code": ["1"]}, 400, None),
    ("/sessions/0/statements", {"code": "1", "kind": "cobol"}, 500, None),
])
def test_what_is_not_there_or_not_right(session, path, body, status, text):
    answer = session.gateway.post(path, body) if body else session.gateway.get(path)
    assert answer.status == status, answer.body
    assert text is None or answer.body == text


def test_the_log_of_a_session_that_does_not_start_ends_with_the_reason(gateway):
    session = Session(gateway, conf={"spark.test.start": "fail"}).wait("dead")
    lines = session.get("/log?size=-1").body["log"]
    assert "The session did not start: no cluster today" in [line for line in lines if line and "stderr:" not in line][-2:]


def test_a_session_of_r_says_why_it_does_not_start(gateway):
    session = Session(gateway, kind="sparkr").wait("dead")
    assert any("runs Python, Scala and SQL, not R" in line for line in session.get("/log?size=-1").body["log"])


def test_a_statement_of_r_says_why_it_fails(session):
    output = session.run("1", kind="sparkr")
    assert output["status"] == "error" and "not R" in output["evalue"]


@pytest.mark.parametrize("how", ["exit", "fail"])
def test_a_session_that_does_not_start_is_dead(gateway, how):
    session = Session(gateway, conf={"spark.test.start": how})
    session.wait("dead")
    answer = session.post("1")
    assert (answer.status, answer.body) == (400, {"msg": "requirement failed: Session isn't active."})


def test_a_driver_that_dies_takes_its_statements_along(session):
    number = session.post("import os\nos._exit(9)").body["id"]
    session.wait("dead")
    assert session.result(number)["state"] == "cancelled"


def test_after_everything_was_killed_no_statement_waits_for_ever(session):
    """As after a power cut: the session's end is found at the start, perhaps before its statements are read."""
    gateway = session.gateway
    session.run("1")
    waiting = [session.post("import time\ntime.sleep(600)").body["id"] for _ in range(3)]
    session.wait("busy")
    gateway.kill9()
    until(gateway.kill_all, 10, "every process is gone")
    gateway.start()
    session.wait("dead")
    assert [session.result(number)["state"] for number in waiting] == ["cancelled"] * 3
    assert [s["state"] for s in session.get("/statements").body["statements"]] == ["available"] + ["cancelled"] * 3


def test_a_statement_whose_end_was_not_stored_ends_with_its_session(session):
    """As when florusd is killed between the two: what is stored of the session is its end, of the statement its beginning."""
    session.run("1")
    session.gateway.post(session.path + "/stop", {})
    session.wait("killed")
    session.gateway.stop()
    with closing(sqlite3.connect(session.gateway.state / "sessions" / "florus.db")) as store, store:
        store.execute("UPDATE statement SET state = 'running', output = NULL, completed_ms = NULL")
    session.gateway.start()
    assert session.statement(0)["state"] == "cancelled" and session.statement(0)["progress"] == 1.0
    assert [s["state"] for s in session.get("/statements").body["statements"]] == ["cancelled"]


def test_delete_ends_and_forgets(session):
    pid = int(session.run("import os\nos.getpid()")["data"]["text/plain"])
    session.post("import time\ntime.sleep(600)")
    answer = session.gateway.delete(session.path)
    assert (answer.status, answer.body) == (200, {"msg": "deleted"})
    assert session.get().status == 404 and not os.path.exists(f"/proc/{pid}")


def test_results_stay_after_stop(session):
    session.run("6 * 7")
    assert session.gateway.post(session.path + "/stop", {}).status == 204
    assert session.state() in ("dead", "killed")
    assert session.statement(0)["output"]["data"] == {"text/plain": "42"}
    assert session.get("/statements").body["total_statements"] == 1
    assert session.post("1").status == 400


def test_nothing_is_lost_or_run_twice_when_florusd_is_killed(session, tmp_path):
    gateway, runs, gate = session.gateway, tmp_path / "runs", tmp_path / "gate"
    session.run("kept = 1")
    code = f"open({str(runs)!r}, 'a').write('x')\nimport os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)\nkept"
    number, after = session.post(code).body["id"], session.post("kept + 1").body["id"]
    until(runs.exists, 10, "it runs")
    gateway.process.send_signal(signal.SIGKILL)
    gateway.process.wait()
    gate.touch()
    gateway.start()
    assert session.result(number)["output"]["data"] == {"text/plain": "1"}
    assert session.result(after)["output"]["data"] == {"text/plain": "2"}
    assert runs.read_text() == "x"
    assert session.run("kept")["data"] == {"text/plain": "1"}
    assert session.wait("idle").get("/statements").body["total_statements"] == 4


def change_store(gateway, *changes):
    """While florusd is away."""
    gateway.process.send_signal(signal.SIGKILL)
    gateway.process.wait()
    with closing(sqlite3.connect(gateway.state / "sessions" / "florus.db")) as store:
        for change in changes:
            assert store.execute(change).rowcount > 0, change
        store.commit()
    gateway.start()


LONG_AGO = "UPDATE batch SET created_ms = created_ms - 7200000, started_ms = started_ms - 7200000"


@pytest.mark.parametrize("body, run, changes, lives", [
    ({}, False, [LONG_AGO], False),  # livy.server.session.timeout is an hour
    ({}, True, [LONG_AGO], True),
    ({}, True, [LONG_AGO, "UPDATE statement SET completed_ms = completed_ms - 7200000"], False),
    ({"ttl": "1h"}, True, [LONG_AGO], False),
    ({"idleTimeout": "3h"}, False, [LONG_AGO], True),
], ids=range(5))
def test_times_go_on_while_florusd_is_away(gateway, body, run, changes, lives):
    session, other = Session(gateway, **body).wait("idle"), Session(gateway, ttl="1h")
    if run:
        session.run("1")
    change_store(gateway, *changes)
    ended = ("dead", "killed")
    until(lambda: other.state() in ended, 20, "the other one is ended by its ttl")
    if not lives:
        until(lambda: session.state() in ended, 20, "it is ended")
    assert (session.state() == "idle") is lives


def test_a_cancel_holds_for_a_driver_that_has_not_heard_of_it(session, tmp_path):
    gateway, ran = session.gateway, tmp_path / "ran"
    pid = int(session.run("import os, time\nos.getpid()")["data"]["text/plain"])
    running = session.post("time.sleep(600)").body["id"]
    until(lambda: session.statement(running)["state"] == "running", 10, "it runs")
    os.kill(pid, signal.SIGSTOP)
    assert gateway.post(f"{session.path}/statements/{running}/cancel", {}).body == {"msg": "canceled"}
    assert session.statement(running)["state"] == "cancelling"
    code = f'open("{ran}", "w")'
    change_store(gateway, f"UPDATE statement SET id = id WHERE id = {running} AND state = 'cancelling'",
                 f"INSERT INTO statement(session, id, state, code) VALUES(0, {running + 1}, 'cancelling', '{code}')")
    os.kill(pid, signal.SIGCONT)
    for number in (running, running + 1):
        assert session.result(number)["state"] == "cancelled"
    assert not ran.exists() and session.run("1")["status"] == "ok"


def test_one_that_nobody_uses_is_ended(gateway):
    idle, beat, kept = Session(gateway, idleTimeout="1s"), Session(gateway, heartbeatTimeoutInSecond=1), Session(gateway)
    for session in (idle, beat):
        until(lambda s=session: gateway.get("/sessions").body["sessions"][s.id]["state"] in ("dead", "killed"), 20, "it is ended")
    assert kept.state() == "idle"


@pytest.mark.parametrize("path", ["", "/state", "/log", "/statements"])
def test_whoever_asks_keeps_a_session_alive(gateway, path):
    watched, alone = (Session(gateway, heartbeatTimeoutInSecond=2).wait("idle") for _ in range(2))

    def ended():
        assert watched.get(path).status == 200
        return gateway.get("/sessions").body["sessions"][alone.id]["state"] in ("dead", "killed")

    until(ended, 20, "the other one is ended")
    assert watched.state() == "idle"


def test_output_is_bounded(session):
    text = session.run("print('x' * 20000000)")["data"]["text/plain"]
    assert 8 << 20 < len(text) < 9 << 20 and text.endswith("more characters were dropped]")
    assert session.run("1")["data"] == {"text/plain": "1"}


def test_the_secret_is_on_no_command_line(session):
    pid = session.run("import os\nos.getpid()")["data"]["text/plain"]
    command = open(f"/proc/{pid}/cmdline", "rb").read()
    assert b"florus.session.id" in command and b"florus.session.secret" not in command


SECRET = {"kind": "pyspark", "conf": {"spark.my.password": "hunter2", "spark.a": "b"}}


def test_the_object_and_the_list_follow_the_session(gateway, tmp_path):
    session, gate = Session(gateway), tmp_path / "gate"
    shown = lambda: (session.get().body["state"], gateway.get("/sessions").body["sessions"][0]["state"])
    shows = lambda state: until(lambda: shown() == (state, state), 20, f"both show {state}, not {shown()}")
    shows("idle")
    assert session.get().body["appId"].startswith("local-")
    number = session.post(f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)").body["id"]
    assert shown() == ("busy", "busy")
    gate.touch()
    session.result(number)
    assert shown() == ("idle", "idle")
    until(lambda: "driver starts" in session.get().body["log"], 10, "its log is shown")
    gateway.post(session.path + "/stop", {})
    shows("killed")


def test_only_the_owner_sees_secrets_of_conf(gateways):
    gateway = gateways(livy__server__auth__type="proxy", florus__auth__proxy_header="X-Forwarded-User",
                       florus__auth__proxy_peers="127.0.0.1").start()

    def conf(user, method="GET", body=None):
        answer = gateway.request(method, "/sessions/0" if method == "GET" else "/sessions", body, headers={"X-Forwarded-User": user})
        return answer.body["conf"]

    assert conf("ada", "POST", SECRET) == conf("ada") == SECRET["conf"]
    assert conf("bob") == {"spark.my.password": "[redacted]", "spark.a": "b"}


def test_where_nobody_signs_in_nobody_sees_secrets(gateway):
    made = gateway.post("/sessions", SECRET).body
    assert made["conf"] == gateway.get("/sessions/0").body["conf"] == {"spark.my.password": "[redacted]", "spark.a": "b"}


def test_a_stopped_session_is_there_after_a_restart_and_can_be_deleted(session):
    gateway = session.gateway
    session.run("6 * 7")
    assert gateway.post(session.path + "/stop", {}).status == 204
    gateway.restart()
    assert session.state() == "killed" and session.statement(0)["output"]["data"] == {"text/plain": "42"}
    assert gateway.delete(session.path).status == 200
    assert session.get().status == 404


def test_sighup_reads_the_deny_list_for_sessions_too(gateway):
    gateway.stop()
    gateway.config = gateway.root / "livy.conf"
    gateway.config.write_text("")
    gateway.start()
    wanted = {"kind": "pyspark", "conf": {"spark.a": "b"}}
    assert gateway.post("/sessions", wanted).status == 201
    (gateway.root / "spark-blacklist.conf").write_text("spark.a\n")
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: gateway.post("/sessions", wanted).status == 400, 10, "the key is denied")
