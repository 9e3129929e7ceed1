"""A real YARN of which every manager is there twice, and speaks TLS only: whoever is active gets the jobs, each once."""

import pytest
from certs import Authority
from gateway import until
from hdfs import SUPERUSER
from pairs import YarnOfPairs
from yarn import YarnGateway, running

STAGING = f"/user/{SUPERUSER}/.sparkStaging"
LINES = 2000
WRITES = f"""
import os, sys, time
from pyspark.sql import SparkSession
SparkSession.builder.getOrCreate()
def lines(word):
    for i in range({LINES}):
        print(word, i)
    sys.stdout.flush()
lines("before")
while not os.path.exists(sys.argv[1]):
    time.sleep(0.1)
lines("after")
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with running(YarnOfPairs, tmp_path_factory) as cluster:
        yield cluster


def gateway(root, cluster, authority):
    florus = YarnGateway(root, cluster)
    florus.options.update({
        "florus.cluster.default.launcher": "native",
        "florus.cluster.default.ca-file": authority.pair.cert,
        "florus.cluster.default.conf.spark.executor.instances": 0,  # nothing here needs executors
        "florus.cluster.default.conf.spark.dynamicAllocation.enabled": "true",
        "florus.cluster.default.conf.spark.dynamicAllocation.shuffleTracking.enabled": "true",
    })
    return florus


@pytest.fixture(scope="module")
def florus(cluster, tmp_path_factory):
    florus = gateway(tmp_path_factory.mktemp("florus"), cluster, cluster.certs)
    try:
        yield florus.start()
    finally:
        florus.tear_down()


class Job:
    """One that writes, waits until it may go on, and writes again."""

    def __init__(self, florus, cluster, name):
        self.florus, self.cluster, self.name = florus, cluster, name
        self.go = florus.files / f"{name}.go"
        self.before = {app["id"] for app in cluster.apps()}
        self.batch = florus.batch(florus.program(f"{name}.py", WRITES), args=[str(self.go)], name=name)

    def writes(self):
        self.florus.until_logged(self.batch, f"before {LINES - 1}", timeout=300)

    def ends(self):
        """It succeeds, all that it wrote is here, and YARN has had it once."""
        self.go.touch()
        log = self.florus.end_of(self.batch, "success", timeout=300).split("\n")
        for word in ("before", "after"):
            assert [line for line in log if line.startswith(f"{word} ")] == [f"{word} {i}" for i in range(LINES)]
        (app,) = [app for app in self.cluster.apps() if app["id"] not in self.before]
        assert (app["name"], app["finalStatus"]) == (self.name, "SUCCEEDED")
        shown = self.florus.object(self.batch)
        assert shown["appId"] == app["id"] and shown["appInfo"]["driverLogUrl"].startswith("https://")
        assert self.florus.get(f"/batches/{self.batch}").header("Florus-Launcher") == "native"


def test_who_is_active_is_found_when_named_last(florus, cluster):
    Job(florus, cluster, "named-last").ends()


def test_a_job_on_its_way_goes_to_the_manager_that_is_active_then(florus, cluster):
    """Its id is the other one's, which gives no more answers; its files were on their way meanwhile."""
    cluster.datanode.pause()
    try:
        job = Job(florus, cluster, "on-its-way")
        until(lambda: "application_" in cluster.ask_files(STAGING, "LISTSTATUS")[1], 60, "it has an id, and a directory")
        cluster.switch_managers()
    finally:
        cluster.datanode.go_on()
    job.ends()


def test_managers_may_fail_while_a_job_runs_and_before_the_next(florus, cluster):
    job = Job(florus, cluster, "runs-on")
    job.writes()
    cluster.lose_manager()
    assert florus.state_of(job.batch) == "running"
    cluster.switch_namenodes()
    job.ends()
    Job(florus, cluster, "the-next").ends()


def test_a_cluster_whose_certificate_is_not_believed_gets_nothing(cluster, tmp_path):
    (tmp_path / "certs").mkdir()
    florus = gateway(tmp_path / "florus", cluster, Authority(tmp_path / "certs", "another")).start()
    try:
        batch = florus.batch(florus.program("never.py", WRITES))
        assert "certificate" in florus.end_of(batch, "dead", timeout=60)
        assert "never.py" not in [app["name"] for app in cluster.apps()]
    finally:
        florus.tear_down()
