"""Kubernetes with executors in pods: a real driver whose master is k8s://… asks a real API server for them by Spark's own client."""

import zipfile

import pytest
from gateway import until
from parts import free_ports

LIMIT = 500  # seconds for a driver and its executors on a busy machine
LIGHT = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
NAME = "Of Two, ü!"
TEMPLATE = """apiVersion: v1
kind: Pod
metadata: {labels: {team: blue}}
spec:
  containers:
  - {name: side, image: sidecar}
  - {name: main, image: ignored, env: [{name: TEAM, value: blue}]}
"""

# What only two executors can do together: a stage whose tasks must all run at once, then a shuffle between them.
PROGRAM = """
import os, pathlib, sys, time
from operator import add
from pyspark import BarrierTaskContext, SparkFiles
from pyspark.sql import SparkSession
import dep

def there(_):
    BarrierTaskContext.get().barrier()
    env = {name: os.environ.get(name) for name in ("SPARK_EXECUTOR_ID", "SPARK_USER", "TEAM")}
    texts = [pathlib.Path(SparkFiles.get("words.txt")), pathlib.Path("/opt/spark/conf/of-spark.txt")]
    texts += [pathlib.Path(os.environ.get("HADOOP_CONF_DIR", "/none"), "core-site.xml")]
    yield [*env.values(), dep.VALUE, *(p.read_text() if p.exists() else f"no {p}" for p in texts)]

spark = SparkSession.builder.getOrCreate()
sc = spark.sparkContext
print("master", sc.master)
print("handed", {f.partition(":")[0] for f in sc.listFiles})
for one in sorted(sc.range(2, numSlices=2).barrier().mapPartitions(there).collect()):
    print("executor", *one)
print("begun", flush=True)
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.1)
print("sum", sc.range(1000, numSlices=4).map(lambda x: (x % 10, x)).reduceByKey(add, 2).lookup(3))
spark.stop()
print("over", flush=True)
"""


@pytest.fixture
def executors(florus, kube, place, tmp_path):
    """A gateway whose jobs get two small executors of their own; start() is the test's."""

    def make(**options):
        kube.account(place, "spark")
        (port,) = free_ports(1)
        conf = {
            "spark.kubernetes.authenticate.driver.serviceAccountName": "spark",
            "spark.kubernetes.driver.master": f"https://kubernetes.default.svc:{kube.port}",
            "spark.authenticate": "true",
            "spark.executor.instances": "2",
            "spark.executor.memory": "512m",
            "spark.driver.memory": "512m",
            "spark.driver.extraJavaOptions": LIGHT,
            "spark.executor.extraJavaOptions": LIGHT,
            "spark.ui.enabled": "false",
        }
        conf = {f"florus__cluster__default__conf.{k}": v for k, v in conf.items()}
        url = f"http://127.0.0.1:{port}"
        g = florus(livy__server__port=port, florus__share__url=url, **{**conf, **options})
        (g.files / "job.py").write_text(PROGRAM)
        (g.files / "dep.py").write_text("VALUE = 'dep'\n")
        (g.files / "words.txt").write_text("words")
        with zipfile.ZipFile(g.files / "lib.jar", "w") as lib:
            lib.writestr("word", "of a jar")
        return g

    return make


def send(g, go, **conf):
    body = {"file": "job.py", "pyFiles": ["dep.py"], "files": ["words.txt"], "jars": ["lib.jar"]}
    body = {k: str(g.files / v) if k == "file" else [str(g.files / f) for f in v] for k, v in body.items()}
    answer = g.post("/batches", {**body, "name": NAME, "args": [str(go)], "conf": conf})
    assert answer.status == 201, answer
    return answer.body["id"]


def executors_of(place):
    return [p for p in place.list() if p["metadata"]["labels"]["spark-role"] == "executor" and p["status"]["phase"] == "Running"]


def said(g, batch, word):
    return [line for line in g.log(batch) if line.split(" ")[0] == word]


def wait_for(g, batch, word):
    until(lambda: said(g, batch, word) or g.state_of(batch) == "dead", LIMIT, f"{batch} says {word}", interval=0.2)
    assert said(g, batch, word), g.log(batch)


@pytest.mark.parametrize("image", ["spark:here", "spark4:here"])
def test_a_driver_makes_executors_and_computes_on_them(executors, kubelet, place, tmp_path, image):
    """They are of the job's template, by the rights of its service account; kill -9 of florusd is nothing to them."""
    hadoop, spark = tmp_path / "hadoop", tmp_path / "spark"
    hadoop.mkdir()
    spark.mkdir()
    (hadoop / "core-site.xml").write_text("<configuration/>")
    (spark / "of-spark.txt").write_text("of-spark")
    g = executors(env={"SPARK_CONF_DIR": str(spark)}, florus__job__allow="kubernetes", florus__cluster__default__keep_pods="true",
                  livy__server__auth__type="proxy", florus__auth__proxy_header="X-Forwarded-User",
                  florus__auth__proxy_peers="127.0.0.1", livy__impersonation__enabled="true",
                  florus__cluster__default__hadoop_conf_dir=hadoop,
                  **{"florus__cluster__default__conf.spark.kubernetes.container.image": image})  # fmt: skip
    (g.files / "executor.yaml").write_text(TEMPLATE)
    go, g.headers = g.files / "go", {"X-Forwarded-User": "ann"}
    batch = send(g.start(), go, **{"spark.kubernetes.executor.podTemplateFile": str(g.files / "executor.yaml"),
                                   "spark.kubernetes.executor.podTemplateContainerName": "main"})  # fmt: skip
    wait_for(g, batch, "begun")
    assert [p["metadata"]["labels"]["team"] for p in executors_of(place)] == ["blue", "blue"]
    g.kill9()
    g.start()
    assert g.state_of(batch) == "running"
    go.touch()
    assert g.wait(batch, timeout=LIMIT) == "success", g.log(batch)

    assert said(g, batch, "executor") == [f"executor {i} ann blue dep words of-spark <configuration/>" for i in (1, 2)]
    assert said(g, batch, "master")[0].startswith("master k8s://")
    assert said(g, batch, "handed") == ["handed {'spark'}"]  # not by the URL of florusd
    assert said(g, batch, "sum") == ["sum [49800]"]
    (driver,) = place.list()  # Spark itself removed the others
    assert g.get(f"/batches/{batch}").body["appId"] == driver["metadata"]["labels"]["spark-app-selector"]
    (log,) = (g.state / "run").glob("*/log")
    assert log.read_bytes() == kubelet.log_of(driver)
    assert b"Forbidden" not in log.read_bytes()


def test_a_killed_driver_takes_its_executors_along(executors, place):
    g = executors().start()
    batch = send(g, g.files / "never")
    wait_for(g, batch, "begun")
    assert len(executors_of(place)) == 2
    assert g.delete(f"/batches/{batch}").status == 200
    until(lambda: not any(place.list(what) for what in ("pods", "services", "configmaps")), 60, "nothing is left of it")
