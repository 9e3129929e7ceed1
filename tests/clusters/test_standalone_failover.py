"""A real standalone cluster whose master dies: another one takes over what it had written down."""

import pytest
from gateway import until
from standalone import ClusterGateway, Standalone

SLEEP = """
import time
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("it is up", flush=True)
time.sleep(600)
"""


@pytest.fixture
def cluster(tmp_path):
    cluster = Standalone(tmp_path / "cluster", "spark35", masters=2)
    try:
        yield cluster.start()
    finally:
        cluster.stop()


@pytest.fixture
def florus(cluster, tmp_path):
    gateway = ClusterGateway(tmp_path / "florus", cluster)
    try:
        yield gateway.start()
    finally:
        gateway.tear_down()


def test_a_job_outlives_its_master(florus, cluster):
    first, second = cluster.masters
    batch = florus.batch(florus.program("sleep.py", SLEEP))
    florus.until_logged(batch, "it is up")
    (driver,) = [d["id"] for d in first.list()["activedrivers"]]
    first.stop()
    until(lambda: "cluster does not answer" in florus.log_text(), 40)
    assert florus.state_of(batch) == "running"
    second.start(lambda: second.status() == "ALIVE", timeout=120)
    until(lambda: "cluster answers again" in florus.log_text(), 60)
    assert florus.state_of(batch) == "running"
    assert florus.delete(f"/batches/{batch}").status == 200

    def killed():
        """the driver is killed, by the second master"""
        return {d["id"]: d["state"] for d in second.list()["completeddrivers"]} == {driver: "KILLED"}

    until(killed, 40, interval=0.2)
