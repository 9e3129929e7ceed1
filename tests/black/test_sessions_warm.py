"""Sessions that are kept ready for whoever comes (florus.session.warm); without Spark (tests/fakes/session.py)."""

import os
import re

import pytest
from gateway import alive, until
from sessions import Session

ENDED = ("dead", "killed")


def kept_ready(gateway):
    """Ids of the sessions that this and earlier daemons of the gateway have kept ready."""
    return [int(number) for number in re.findall(r"session kept ready session=(\d+)", gateway.log_text())]


def wait_for_spares(gateway, count):
    until(lambda: len(kept_ready(gateway)) >= count, 20, f"{count} are kept ready")


@pytest.fixture
def warm(gateways):
    gateway = gateways(florus__session__warm="pyspark:2").start()
    wait_for_spares(gateway, 2)
    return gateway


def drivers(gateway):
    return [pid for pid in gateway.processes() if b"session.py" in open(f"/proc/{pid}/cmdline", "rb").read()]


def pid_of(session):
    return int(session.run("import os\nos.getpid()")["data"]["text/plain"])


def test_the_next_session_is_idle_at_once(warm):
    waiting = set(drivers(warm))
    session = Session(warm, name="mine", heartbeatTimeoutInSecond=60, ttl="5h")
    assert (session.made.body["state"], session.id) == ("idle", 0)
    body = session.get().body
    assert (body["name"], body["kind"], body["heartbeatTimeoutInSecond"], body["ttl"]) == ("mine", "pyspark", 60, "5h")
    assert warm.get("/sessions/mine").body["id"] == 0
    assert pid_of(session) in waiting
    wait_for_spares(warm, 3)
    assert Session(warm, kind="shared").made.body["state"] == "idle"
    assert warm.get("/sessions").body["total"] == 2


@pytest.mark.parametrize("method, path", [("GET", ""), ("DELETE", ""), ("GET", "/state"), ("GET", "/log"), ("GET", "/statements"),
                                          ("POST", "/stop"), ("POST", "/connect"), ("POST", "/statements")])
def test_nobody_sees_or_finds_one_that_is_nobodys(warm, method, path):
    listed = warm.get("/sessions").body
    assert (listed["total"], listed["sessions"]) == (0, [])
    assert warm.request(method, "/sessions/1" + path, {"code": "1"} if method == "POST" else None).status == 404
    assert len(drivers(warm)) == 2


@pytest.mark.parametrize("body", [{"kind": "sql"}, {"conf": {"spark.a": "b"}}, {"driverMemory": "1g"}, {"driverCores": 1},
                                  {"executorMemory": "1g"}, {"executorCores": 1}, {"numExecutors": 1}, {"queue": "q"}, {"pyFiles": 1}],
                         ids=lambda body: next(iter(body)))
def test_who_asks_for_more_gets_a_new_one(warm, body):
    if "pyFiles" in body:
        body = {"pyFiles": [str(warm.job)]}
    session = Session(warm, **body)
    assert (session.made.body["state"], session.id) == ("starting", 2)
    assert session.wait("idle").id == 2
    listed = warm.get("/sessions").body
    assert (listed["total"], [one["id"] for one in listed["sessions"]]) == (1, [2])
    assert [one["id"] for one in warm.get("/sessions?from=0&size=1").body["sessions"]] == [2]


def test_it_is_his_who_asked_first_also_after_a_crash(warm):
    session = Session(warm)
    session.run("kept = 1")
    wait_for_spares(warm, 3)
    others = set(drivers(warm)) - {pid_of(session)}
    warm.kill9()
    warm.start()
    session.wait("idle")
    assert session.run("kept")["data"] == {"text/plain": "1"} and warm.get("/sessions").body["total"] == 1

    def taken():
        made = Session(warm)
        return made if made.made.body["state"] == "idle" else warm.delete(made.path) and None

    other = until(taken, 20, "a driver of before the crash has come back", 0.2)
    assert pid_of(other) in others


def test_what_is_not_wanted_any_more_is_ended(warm):
    pids = drivers(warm)
    warm.kill9()
    del warm.options["florus.session.warm"]
    warm.start()
    until(lambda: not any(map(alive, pids)), 30, "both are ended")
    assert Session(warm).wait("idle").id == 2
    assert warm.get("/sessions").body["total"] == 1 and warm.get("/sessions/0").status == 404


def test_none_keeps_a_place_that_somebody_waits_for(gateways):
    gateway = gateways(florus__session__warm="pyspark:2", florus__session__max=2).start()
    wait_for_spares(gateway, 2)
    sessions = [Session(gateway, conf={"spark.a": "b"}) for _ in range(2)]
    for session in sessions:
        session.wait("idle")
    assert len(drivers(gateway)) == 2


def test_a_repetition_gets_the_same_one(warm):
    headers = {"Idempotency-Key": "k"}
    answers = [warm.post("/sessions", {"kind": "pyspark"}, headers=headers) for _ in range(2)]
    assert [(answer.status, answer.body["id"]) for answer in answers] == [(201, 0), (201, 0)]
    assert warm.get("/sessions").body["total"] == 1


def test_one_that_has_died_is_not_given_away(warm):
    for pid in drivers(warm):
        os.kill(pid, 9)
    until(lambda: all(f"job finished session={number} " in warm.log_text() for number in (0, 1)), 10, "florusd knows")
    session = Session(warm).wait("idle")
    assert session.run("1")["status"] == "ok"
    assert warm.get("/sessions").body["total"] == 1


def test_a_limit_of_a_user_counts_those_too(gateways):
    gateway = gateways(livy__server__auth__type="proxy", florus__auth__proxy_header="X-Forwarded-User", florus__auth__proxy_peers="127.0.0.1",
                       florus__session__warm="pyspark:1", florus__session__max_per_user=1).start()
    wait_for_spares(gateway, 1)
    ada = {"X-Forwarded-User": "ada"}
    made = gateway.post("/sessions", {"kind": "pyspark"}, headers=ada)
    assert (made.status, made.body["state"], made.body["owner"]) == (201, "idle", "ada")
    assert gateway.post("/sessions", {"kind": "pyspark"}, headers=ada).status == 429
    assert gateway.delete(f"/sessions/{made.body['id']}", headers=ada).status == 200
    assert gateway.post("/sessions", {"kind": "pyspark"}, headers=ada).status == 201


def test_what_cannot_start_is_tried_ever_less_often_and_told_once(gateways):
    gateway = gateways(florus__session__warm="pyspark:1")
    submit, tries = gateway.spark_home / "bin" / "spark-submit", gateway.root / "tries"
    works = submit.read_text()
    submit.write_text(f"#!/bin/sh\n[ \"$1\" = --version ] || echo x >>{tries}\nexit 1\n")
    gateway.start()
    until(lambda: tries.exists() and len(tries.read_text()) >= 2 * 3, 20, "three tries")
    assert gateway.log_text().count("a session could not be kept ready") == 1
    submit.write_text(works)
    wait_for_spares(gateway, 1)
    assert gateway.get("/sessions").body["total"] == 0
    assert Session(gateway).made.body["state"] == "idle"


@pytest.mark.parametrize("options, text", [
    ({"florus.session.warm": "cobol:1"}, "cobol is no KIND:NUMBER"),
    ({"florus.session.warm": "pyspark"}, "expected KIND:NUMBER"),
    ({"florus.session.warm": "pyspark:0"}, "is no KIND:NUMBER"),
    ({"florus.session.warm": "pyspark:9,spark:8"}, "more than 16 sessions"),
    ({"florus.session.warm": "pyspark:1", "florus.launch.run-as": "nobody"}, "does not go with florus.launch.run-as"),
])
def test_what_makes_no_sense_refuses_to_start(gateways, options, text):
    status, lines = gateways().refusal(options)
    assert status == 78 and text in lines[-1]
