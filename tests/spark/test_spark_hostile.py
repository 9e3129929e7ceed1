"""Statements that mean no good, on a real Spark: the session goes on, or ends alone."""

import pytest
from gateway import alive
from sessions import Session

START_MAX_S, ANSWER_MAX_S = 300, 240  # the first of a kind waits for its interpreter
CONF = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": 1}


@pytest.fixture(scope="module")
def session(spark):
    spark.restart(livy__rsc__server__connect__timeout=f"{START_MAX_S}s")
    session = Session(spark, conf=CONF)
    yield session.wait("idle", START_MAX_S)
    assert spark.delete(session.path).status == 200


def end_of(session, code, kind="pyspark"):
    return session.result(session.post(code, kind=kind).body["id"], ANSWER_MAX_S)


def goes_on(session):
    assert end_of(session, "print('still'); spark.range(7).count()")["output"]["data"] == {"text/plain": "still\n7"}


def test_what_is_printed_beyond_the_limit_is_counted_and_dropped(session):
    text = end_of(session, "for _ in range(256): print('x' * (1 << 20))")["output"]["data"]["text/plain"]
    assert len(text) < 9 << 20 and text.endswith(f"[{256 * ((1 << 20) + 1) - (8 << 20)} more characters were dropped]")
    text = end_of(session, 'for (_ <- 1 to 32) println("x" * (1 << 20))', "spark")["output"]["data"]["text/plain"]
    assert 8 << 20 <= len(text) < 9 << 20 and "dropped" in text[-100:]
    goes_on(session)


@pytest.mark.parametrize("code, ename", [
    ("import os\nos.close(0)\nos.close(1)\nos.close(2)", None),
    ("import sys\nsys.stdout.close()\nsys.__stdout__.close()", None),
    ("def deep(n): return deep(n + 1)\ndeep(0)", "RecursionError"),
    ("import sys\nsys.exit(3)", "SystemExit"),
    ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ("import os, signal\nos.kill(os.getpid(), signal.SIGINT)", None),
    ("sc.parallelize([1], 1).map(lambda _: __import__('os')._exit(1)).count()", "Py4JJavaError"),
], ids=["fds", "stdout", "recursion", "exit", "interrupt", "SIGINT", "executor"])
def test_a_statement_harms_only_itself(session, code, ename):
    end = end_of(session, code)
    assert (end["state"], end["output"].get("ename")) == ("available", ename)
    goes_on(session)


def test_a_driver_that_a_statement_ends_ends_the_session_with_its_children_and_no_other(spark, session):
    victim = Session(spark, conf=CONF).wait("idle", START_MAX_S)
    forks = "import os, time\npid = os.fork()\nif pid == 0:\n    os.setsid()\n    time.sleep(600)\nprint(pid)"
    child = int(end_of(victim, forks)["output"]["data"]["text/plain"])
    goes_on(victim)
    assert alive(child)
    assert end_of(victim, "os._exit(9)")["state"] == "cancelled"
    victim.wait("dead", 60)
    assert not alive(child)
    goes_on(session)


def test_a_statement_that_ends_the_jvm_ends_the_session_and_no_other(spark, session):
    victim = Session(spark, conf=CONF).wait("idle", START_MAX_S)
    end_of(victim, "sc._jvm.java.lang.System.exit(9)")
    victim.wait("dead", 60)
    assert victim.get("/statements").body["total_statements"] == 1
    goes_on(session)
