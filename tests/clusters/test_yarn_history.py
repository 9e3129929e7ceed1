"""Logs of applications that have ended, from MapReduce's history server."""

import signal

import pytest
from gateway import until
from history import YarnWithHistory
from yarn import YarnGateway, running

WRITES = """
import os, sys, time
from pyspark.sql import SparkSession
SparkSession.builder.getOrCreate()  # until then its state is ACCEPTED, and logs are read of what is RUNNING
def lines(word, count):
    for i in range(count):
        sys.stderr.write(f"{word} {i} <ü> &amp; 日本 {'é' * (i % 97)}\\n")
    sys.stderr.flush()
lines("before", 3000)
print("on stdout", flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.1)
lines("after", 9000)
sys.stderr.write("the last one has no end")
sys.stderr.flush()
raise SystemExit(3)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with running(YarnWithHistory, tmp_path_factory) as cluster:
        yield cluster


@pytest.fixture
def florus(cluster, tmp_path):
    gateway = YarnGateway(tmp_path / "florus", cluster)
    try:
        yield gateway.start()
    finally:
        gateway.tear_down()


def check_lines(log, word, count):
    """All of them, in order. The history server loses a character that lies across a MiB of the log, and the log has less than two."""
    got = [line for line in log if line.startswith(f"{word} ")]
    wanted = [f"{word} {i} <ü> &amp; 日本 {'é' * (i % 97)}" for i in range(count)]
    other = [(g, w) for g, w in zip(got, wanted) if g != w]
    assert len(got) == count and len(other) <= 1 and all("\ufffd\ufffd" in g for g, _ in other), other


@pytest.mark.parametrize("node_stays", [True, False], ids=["the node sends us there", "the node is gone"])
def test_a_log_goes_on_where_it_was_when_it_is_gathered(cluster, florus, tmp_path, node_stays):
    go = tmp_path / "go"
    batch = florus.batch(florus.program("writes.py", WRITES), args=[str(go)], conf={"spark.yarn.maxAppAttempts": "1"})
    florus.until_logged(batch, "before 2999 ")
    florus.until_logged(batch, "on stdout")
    app = florus.object(batch)["appId"]
    florus.process.send_signal(signal.SIGKILL)
    florus.process.wait()
    go.touch()
    until(lambda: cluster.gathered(app, "stderr"), 120, "the log is gathered")
    if not node_stays:
        cluster.node.stop()
    florus.start()
    log = florus.end_of(batch, "dead").split("\n")
    check_lines(log, "before", 3000)
    check_lines(log, "after", 9000)
    assert log.count("on stdout") == 1 and log.count("the last one has no end") == 1
