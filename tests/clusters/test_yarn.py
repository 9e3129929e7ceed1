"""Jobs in a real YARN: spark-submit gives them, the resource manager's own API tells what becomes of them."""

import signal

import pytest
from gateway import until
from standalone import answer_of
from yarn import Yarn, YarnGateway

COUNT = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("master", spark.sparkContext.master, "arguments", sys.argv[1:])
print("total", spark.range(1000).count())
spark.stop()
"""
SLEEP = """
import time
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("it is up", flush=True)
time.sleep(600)
"""


def started(tmp_path_factory, kind=Yarn, tries=3):
    """Ports that were free when they were chosen may not be when the last daemon comes to them."""
    cluster = kind(tmp_path_factory.mktemp("yarn"), "spark4")
    try:
        return cluster.start()
    except AssertionError:
        cluster.stop()
        if tries == 1:
            raise
        return started(tmp_path_factory, kind, tries - 1)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = started(tmp_path_factory)
    try:
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="module")
def florus(cluster, tmp_path_factory):
    gateway = YarnGateway(tmp_path_factory.mktemp("florus"), cluster)
    try:
        yield gateway.start()
    finally:
        gateway.tear_down()


def test_a_program_runs_and_everything_of_it_is_shown(florus, cluster):
    batch = florus.batch(florus.program("count.py", COUNT), args=["a", "b c"], name="a count")
    log = florus.end_of(batch, "success")
    assert "master yarn arguments ['a', 'b c']" in log and "total 1000" in log
    assert "Client: Submitting application" not in log, "the submitter's log, not the driver's"
    shown = florus.object(batch)
    (app,) = [a for a in cluster.apps() if a["id"] == shown["appId"]]
    assert app["name"] == "a count" and app["finalStatus"] == "SUCCEEDED"
    assert shown["appInfo"]["driverLogUrl"] == app["amContainerLogs"] and shown["appInfo"]["sparkUiUrl"] == app["trackingUrl"]


def test_one_that_fails_is_dead_with_yarns_diagnostics(florus):
    batch = florus.batch(florus.program("bad.py", "raise SystemExit(3)"), conf={"spark.yarn.maxAppAttempts": "1"})
    assert "\nflorus: Application application_" in florus.end_of(batch, "dead")


def test_a_second_attempts_log_is_read_from_its_beginning(florus, tmp_path):
    program = f"""
import os, time
from pyspark.sql import SparkSession
SparkSession.builder.getOrCreate()
second = os.path.exists({str(tmp_path / "first")!r})
for i in range(1, 301):
    print("second" if second else "first", i, flush=True)
if not second:
    while not os.path.exists({str(tmp_path / "go")!r}):
        time.sleep(0.1)
open({str(tmp_path / "first")!r}, "w")
raise SystemExit(3)
"""
    batch = florus.batch(florus.program("again.py", program), conf={"spark.yarn.maxAppAttempts": "2"})
    florus.until_logged(batch, "first 300")
    (tmp_path / "go").touch()
    log = florus.end_of(batch, "dead").split("\n")
    for attempt in ("first", "second"):
        assert [line for line in log if line.startswith(f"{attempt} ")] == [f"{attempt} {i}" for i in range(1, 301)]


def test_what_spark_submit_refuses_is_dead_with_its_words(florus):
    batch = florus.batch(str(florus.files / "absent.py"))
    assert "does not exist" in florus.end_of(batch, "dead")


def test_the_application_outlives_the_daemon_and_delete_kills_it(florus, cluster):
    batch = florus.batch(florus.program("sleep.py", SLEEP))
    florus.until_logged(batch, "it is up")
    app = florus.object(batch)["appId"]
    florus.process.send_signal(signal.SIGKILL)
    florus.process.wait()
    florus.start()
    assert florus.state_of(batch) == "running" and florus.object(batch)["appId"] == app
    assert florus.delete(f"/batches/{batch}").status == 200
    until(lambda: next(a for a in cluster.apps() if a["id"] == app)["state"] == "KILLED", 30, "it is killed")


def test_one_that_is_killed_there_is_killed_here(florus, cluster):
    batch = florus.batch(florus.program("sleep.py", SLEEP))
    florus.until_logged(batch, "it is up")
    app = florus.object(batch)["appId"]
    answer_of(f"http://127.0.0.1:{cluster.rm_web}/ws/v1/cluster/apps/{app}/state?user.name=root", "PUT",
              b'{"state":"KILLED"}', {"Content-Type": "application/json"})
    florus.end_of(batch, "killed")
