"""Jobs in a real YARN with a real HDFS: given by its own API, or by spark-submit; its API tells what becomes of them."""

import glob
import shutil
import signal
import subprocess
import zipfile

import pytest
from gateway import until
from hdfs import SUPERUSER
from standalone import answer_of
from yarn import Yarn, YarnGateway, running

COUNT = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("master", spark.sparkContext.master, "arguments", sys.argv[1:])
print("total", spark.range(1000).count())
spark.stop()
"""
PARTS = """
import module, zipped
from pyspark.sql import SparkSession
sc = SparkSession.builder.getOrCreate().sparkContext
print("driver", module.NAME, zipped.NAME, open("data.txt").read(), open("unpacked/inner.txt").read())
print("executors", sc.parallelize([1, 2], 2).map(lambda _: __import__("zipped").NAME + open("data.txt").read()).collect())
"""
COUNT_JAVA = """
public class Count {
    public static void main(String[] words) {
        var spark = org.apache.spark.sql.SparkSession.builder().getOrCreate();
        System.out.println("jar total " + spark.range(1000).count() + " " + String.join("|", words) + System.getProperty("my.option"));
        spark.stop();
    }
}
"""
SLEEP = """
import time
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("it is up", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with running(Yarn, tmp_path_factory) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def florus(cluster, tmp_path_factory):
    gateway = YarnGateway(tmp_path_factory.mktemp("florus"), cluster)
    try:
        yield gateway.start()
    finally:
        gateway.tear_down()


@pytest.mark.parametrize("launcher", ["native", "submit"])
def test_a_program_runs_and_everything_of_it_is_shown(florus, cluster, launcher):
    hostile = "it's \"$HOME\" & <b>" + (" `id` {{HOME}} <CPS> \\\\" if launcher == "native" else "")  # which Spark's client does not keep
    program = florus.program("count.py", COUNT)
    batch = florus.batch(program, args=["a", "b c", hostile], name="a <count>", conf={"florus.launcher": launcher})
    log = florus.end_of(batch, "success")
    assert f"master yarn arguments {['a', 'b c', hostile]}" in log and "total 1000" in log
    assert "Client: Submitting application" not in log, "the submitter's log, not the driver's"
    assert florus.get(f"/batches/{batch}").header("Florus-Launcher") == launcher
    shown = florus.object(batch)
    (app,) = [a for a in cluster.apps() if a["id"] == shown["appId"]]
    assert app["name"] == "a <count>" and app["finalStatus"] == "SUCCEEDED"
    assert shown["appInfo"]["driverLogUrl"] == app["amContainerLogs"] and shown["appInfo"]["sparkUiUrl"] == app["trackingUrl"]


def test_files_of_this_host_reach_driver_and_executors(florus, cluster):
    for name, text in {"module.py": "NAME = 'module'", "data.txt": "data"}.items():
        florus.program(name, text)
    for name, member, text in (("zipped.zip", "zipped.py", "NAME = 'zipped'"), ("packed.zip", "inner.txt", "inner")):
        with zipfile.ZipFile(florus.files / name, "w") as archive:
            archive.writestr(member, text)
    module, zipped, data, packed = (str(florus.files / n) for n in ("module.py", "zipped.zip", "data.txt", "packed.zip"))
    batch = florus.batch(florus.program("parts.py", PARTS), pyFiles=[module, zipped], files=[data], archives=[packed + "#unpacked"])
    log = florus.end_of(batch, "success")
    assert "driver module zipped data inner" in log and "executors ['zippeddata', 'zippeddata']" in log
    staging = f"/user/{SUPERUSER}/.sparkStaging"
    until(lambda: cluster.ask_files(f"{staging}/{florus.object(batch)['appId']}", "GETFILESTATUS")[0] == 404, 30, "its directory is gone")
    assert cluster.ask_files(f"{staging}/florus-kept", "GETFILESTATUS")[0] == 200


def jar_of(florus, cluster):
    (javac, *_) = [path for path in (shutil.which("javac"), *glob.glob("/usr/lib/jvm/java-17-openjdk-*/bin/javac")) if path]
    source = florus.program("Count.java", COUNT_JAVA)
    subprocess.run([javac, "-cp", f"{cluster.home}/jars/*", "-d", florus.files, source], check=True)
    jar = florus.files / "count.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        archive.write(florus.files / "Count.class", "Count.class")
    return str(jar)


def test_a_jar_runs_with_its_options(florus, cluster):
    options = {"spark.driver.extraJavaOptions": "-Dmy.option='a b'"}
    batch = florus.batch(jar_of(florus, cluster), className="Count", args=["x y", "$z"], conf=options)
    assert "jar total 1000 x y|$za b" in florus.end_of(batch, "success")


def test_spark_s_jars_are_brought_once_when_nobody_says_where_they_are(florus, cluster, tmp_path):
    other = YarnGateway(tmp_path, cluster)
    del other.options["florus.cluster.default.conf.spark.yarn.jars"]
    other.start()
    try:
        for _ in range(2):
            batch = other.batch(other.program("count.py", COUNT))
            assert "total 1000" in other.end_of(batch, "success", timeout=400)
            assert other.get(f"/batches/{batch}").header("Florus-Launcher") == "native"
        assert other.log_text().count("bringing Spark's jars") == 1
        assert not list((other.state / "run").glob("*.zip*")), "nothing stays on this host"
    finally:
        other.tear_down()


def test_one_that_fails_is_dead_with_yarns_diagnostics(florus):
    batch = florus.batch(florus.program("bad.py", "raise SystemExit(3)"), conf={"spark.yarn.maxAppAttempts": "1"})
    assert "\n\nYARN Diagnostics: \n" in florus.end_of(batch, "dead")


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


def test_a_program_that_is_not_there_is_dead_with_its_name(florus):
    batch = florus.batch(str(florus.files / "absent.py"))
    assert "absent.py: open it: No such file" in florus.end_of(batch, "dead")
    batch = florus.batch(str(florus.files / "absent.py"), conf={"florus.launcher": "submit"})
    assert "does not exist" in florus.end_of(batch, "dead")


def test_what_the_resource_manager_refuses_is_dead_with_its_words(florus):
    batch = florus.batch(florus.program("count.py", COUNT), queue="nobodys")
    assert "nobodys" in florus.end_of(batch, "dead")


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
