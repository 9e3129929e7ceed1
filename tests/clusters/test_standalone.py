"""Jobs in a real standalone cluster, of Spark 3.5 and of Spark 4 with signed requests."""

import shutil
import signal
import time
import zipfile

import pytest
from gateway import until
from parts import free_ports
from standalone import HOST, JWS_KEY, ClusterGateway, Standalone

COUNT = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("master", spark.sparkContext.master)
print("tasks ran in", sorted(set(spark.sparkContext.parallelize(range(4), 2).map(lambda _: __import__("os").getcwd()).collect())))
print("arguments", sys.argv[1:])
print("total", spark.range(1000).count())
print("said on stderr", file=sys.stderr)
spark.stop()
"""
JWS = {
    "spark.master.rest.filters": "org.apache.spark.ui.JWSFilter",
    "spark.org.apache.spark.ui.JWSFilter.param.secretKey": JWS_KEY,
}


@pytest.fixture(scope="module", params=["spark35", "spark4"])
def cluster(request, tmp_path_factory):
    """Only Spark 4 knows JWS."""
    options = JWS if request.param == "spark4" else {}
    cluster = Standalone(tmp_path_factory.mktemp(request.param), request.param, options=options)
    try:
        yield cluster.start()
    finally:
        cluster.stop()


def secret(tmp_path_factory):
    path = tmp_path_factory.mktemp("secret") / "jws"
    path.write_text(JWS_KEY + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def florus(cluster, tmp_path_factory):
    more = {"auth": "jws", "secret-file": secret(tmp_path_factory)} if cluster.options else {}
    gateway = ClusterGateway(tmp_path_factory.mktemp("florus"), cluster, **more)
    try:
        yield gateway.start()
    finally:
        gateway.tear_down()


def test_a_python_program_runs_in_the_cluster(florus, cluster):
    batch = florus.batch(florus.program("count.py", COUNT), args=["a", "b c", "$x '\"é"], name="a count")
    log = florus.end_of(batch, "success")
    assert "total 1000" in log
    assert f"master {cluster.master}" in log, "not run inside the driver alone"
    assert """arguments ['a', 'b c', '$x \\'"é']""" in log
    assert "said on stderr" in log


SLEEP = """
import time
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("it is up", flush=True)
time.sleep(600)
"""


def test_it_went_by_the_rest_server_and_shows_where_it_is(florus, cluster):
    batch = florus.batch(florus.program("count.py", COUNT), args=[])
    florus.end_of(batch, "success")
    shown = florus.object(batch)
    assert shown["appId"].startswith("app-")
    assert shown["appInfo"]["driverLogUrl"].startswith("http://") and shown["appId"] in shown["appInfo"]["sparkUiUrl"]
    assert f"batch={batch} cluster=default launcher=native" in florus.log_text()


def test_a_program_that_fails_is_dead_and_says_why(florus):
    batch = florus.batch(florus.program("bad.py", "raise SystemExit(3)"))
    assert "florus: the driver failed; its log says why" in florus.end_of(batch, "dead")


def test_a_driver_that_cannot_be_started_is_dead_with_sparks_words(florus):
    batch = florus.batch(str(florus.files / "absent.jar"), className="Absent")
    assert "the driver could not be started: " in florus.end_of(batch, "dead")


def test_delete_kills_the_driver(florus, cluster):
    before = {d["id"] for d in cluster.drivers()}
    batch = florus.batch(florus.program("sleep.py", SLEEP))
    florus.until_logged(batch, "it is up")
    (driver,) = {d["id"] for d in cluster.drivers()} - before
    assert florus.delete(f"/batches/{batch}").status == 200
    assert next(d["state"] for d in cluster.drivers() if d["id"] == driver) == "KILLED"


def test_the_driver_outlives_the_daemon_and_its_log_is_whole(florus, cluster):
    before = len(cluster.drivers())
    lines = "\n".join([SLEEP.rsplit("\n", 2)[0], "for i in range(2000): print('line', i, flush=i % 100 == 0)", "time.sleep(3)"])
    batch = florus.batch(florus.program("lines.py", lines))
    florus.until_logged(batch, "it is up")
    florus.process.send_signal(signal.SIGKILL)
    florus.process.wait()
    florus.start()
    assert florus.state_of(batch) == "running"
    log = florus.end_of(batch, "success").split("\n")
    assert [line for line in log if line.startswith("line ")] == [f"line {i}" for i in range(2000)]
    assert len(cluster.drivers()) == before + 1


def test_a_create_that_was_cut_off_is_made_once(florus, cluster):
    """The daemon dies when the master has the job and nobody has written its id down."""
    before = len(cluster.drivers())
    program = florus.program("count.py", COUNT)
    for master in cluster.masters:
        master.pause()
    batch = florus.batch(program)
    until(lambda: f"job accepted batch={batch}" in florus.log_text(), 10)
    time.sleep(0.5)  # the request is in the master's socket: nothing that can be seen says so
    florus.process.send_signal(signal.SIGKILL)
    florus.process.wait()
    for master in cluster.masters:
        master.go_on()
    florus.start()
    florus.end_of(batch, "success")
    assert len(cluster.drivers()) == before + 1


def test_an_outage_of_the_master_changes_nothing(florus, cluster):
    batch = florus.batch(florus.program("sleep.py", SLEEP))
    florus.until_logged(batch, "it is up")
    for master in cluster.masters:
        master.pause()
    until(lambda: "cluster does not answer" in florus.log_text(), 40)
    assert florus.state_of(batch) == "running"
    for master in cluster.masters:
        master.go_on()
    until(lambda: "cluster answers again" in florus.log_text(), 60)
    assert florus.state_of(batch) == "running"
    assert florus.delete(f"/batches/{batch}").status == 200


@pytest.mark.parametrize("conf, text", [
    ({"florus.cluster": "elsewhere"}, "there is no cluster 'elsewhere'; there are: default"),
    ({"florus.launcher": "quickly"}, "florus.launcher is auto, native or submit"),
    ({"florus.launcher": "native", "spark.x": "{{HOME}}"}, "replaced by the master's environment"),
    ({"florus.other": "1"}, "there is no configuration key"),
])
def test_wishes_that_cannot_be_granted(florus, conf, text):
    answer = florus.post("/batches", {"file": florus.program("count.py", COUNT), "conf": conf})
    assert answer.status == 400 and text in answer.body["msg"]


# --- files that only florusd's host has ---

SHARED = """
import os, sys
from pyspark import SparkFiles
from pyspark.sql import SparkSession
import dep
spark = SparkSession.builder.getOrCreate()
sc = spark.sparkContext

def there(_):
    import dep
    with open(SparkFiles.get("data.csv")) as data, open("env/in.txt") as archived:
        return dep.__file__, data.read(), archived.read(), os.getcwd()

where, data, archived, cwd = sc.parallelize([1], 1).map(there).first()
print("program", __file__)
print("module", where)
print("data", data, archived)
print("jars", sc.getConf().get("spark.jars"))
print("value", dep.VALUE)
"""


@pytest.fixture(scope="module")
def sharing(cluster, tmp_path_factory):
    more = {"auth": "jws", "secret-file": secret(tmp_path_factory)} if cluster.options else {}
    gateway = ClusterGateway(tmp_path_factory.mktemp("sharing"), cluster, **more)
    (port,) = free_ports(1)
    gateway.options |= {"livy.server.port": port, "florus.share.url": f"http://{HOST}:{port}"}
    try:
        yield gateway.start()
    finally:
        gateway.tear_down()


def test_files_of_florusds_host_reach_driver_and_executors(sharing, cluster):
    (sharing.files / "dep.py").write_text("VALUE = 42\n")
    (sharing.files / "data.csv").write_text("1,2,3")
    for name in ("in.zip", "lib.jar"):
        with zipfile.ZipFile(sharing.files / name, "w") as archive:
            archive.writestr("in.txt", "archived")
    names = ("dep.py", "data.csv", "in.zip", "lib.jar")
    dep, data, archive, jar = (str(sharing.files / name) for name in names)
    program = sharing.program("shared.py", SHARED)
    batch = sharing.batch(program, pyFiles=[dep], files=[data], jars=[jar], archives=[archive + "#env"])
    log = sharing.end_of(batch, "success")
    assert "value 42" in log and "data 1,2,3 archived" in log
    said = dict(line.split(" ", 1) for line in log.split("\n") if line.startswith(("program ", "module ", "jars ")))
    assert said["jars"].startswith(sharing.options["florus.share.url"] + "/share/")
    assert said["jars"].endswith("/lib.jar")
    for key in ("program", "module"):
        assert str(sharing.files) not in said[key], "read where it lies, not fetched"
    assert str(sharing.files) not in log
    for name in ("shared.py", *names):
        assert f"file shared batch={batch} file={name} " in sharing.log_text()


def test_a_jar_of_florusds_host_is_run(sharing, cluster):
    (jar,) = (cluster.home / "jars").glob("hadoop-client-api-*.jar")
    shutil.copy(jar, sharing.files / "app.jar")
    batch = sharing.batch(str(sharing.files / "app.jar"), className="org.apache.hadoop.util.VersionInfo")
    assert "Source code repository" in sharing.end_of(batch, "success")
    assert f"file shared batch={batch} file=app.jar bytes={jar.stat().st_size}" in sharing.log_text()


def test_a_driver_that_waits_for_a_worker_fetches_after_a_restart(sharing, cluster):
    """Its create was answered by a florusd that is gone when the worker begins."""
    program = sharing.program("late.py", "print('late', 6 * 7)")
    cluster.worker.pause()
    try:
        batch = sharing.batch(program)
        until(lambda: f"job is in its cluster batch={batch}" in sharing.log_text(), 20)
        sharing.kill9()
        sharing.start()
    finally:
        cluster.worker.go_on()
    assert "late 42" in sharing.end_of(batch, "success")
