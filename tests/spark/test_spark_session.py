"""An interactive session on a real Spark, through the daemon."""

import signal

import pytest
from gateway import until
from sessions import Session


@pytest.fixture(scope="module")
def session(spark):
    session = Session(spark, conf={"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": 2})
    yield session.wait("idle", 120)
    assert spark.delete(session.path).status == 200


def test_statements_of_all_kinds_share_one_context(session):
    assert session.run("spark.range(4).createOrReplaceTempView('four')")["data"] == {"text/plain": ""}
    rows = session.run("select * from four where id > 1", kind="sql")["data"]["application/json"]
    assert rows["data"] == [[2], [3]] and rows["schema"]["fields"][0]["name"] == "id"
    number = session.post('println(spark.table("four").count())', kind="spark").body["id"]
    assert session.result(number, 120)["output"]["data"] == {"text/plain": "4\n"}
    assert session.run("sc.parallelize(range(10)).map(lambda i: i * i).sum()")["data"] == {"text/plain": "285"}


def test_a_running_job_is_cancelled(session):
    number = session.post("sc.parallelize(range(2), 2).map(lambda _: __import__('time').sleep(600)).count()").body["id"]
    until(lambda: session.statement(number)["state"] == "running", 30, "it runs")
    session.gateway.post(f"{session.path}/statements/{number}/cancel", {})
    assert session.result(number, 60)["state"] == "cancelled"
    assert session.run("1")["data"] == {"text/plain": "1"}


def test_the_session_outlives_the_daemon(session, spark):
    session.run("kept = spark.range(3).count()")
    number = session.post("import time\ntime.sleep(2)\nkept").body["id"]
    spark.process.send_signal(signal.SIGKILL)
    spark.process.wait()
    spark.start()
    assert session.result(number, 60)["output"]["data"] == {"text/plain": "3"}
    assert session.wait("idle", 60).get().body["appId"].startswith("local-")
