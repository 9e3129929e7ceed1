"""The measurements of submitting to real clusters, those of tests/clusters, with spark-submit beside where that is asked for.

florusd has one core, as everywhere here; clusters, spark-submit and this script have all of them.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

from figures import Row, ms, rate
from servers import ROOT, Failure, Florusd, Missing, load, until
from watched import FILL_MAX_S, wait_for_all, watch_rows

for folder in ("tests/black", "tests/clusters"):
    sys.path.append(str(ROOT / folder))

from hdfs import JARS  # noqa: E402
from kube import API_SERVER, FLORUS_TOKEN, Kube, now  # noqa: E402
from standalone import HOST, Standalone  # noqa: E402
from yarn import Yarn  # noqa: E402

SPARK = "spark4"
MAIN_CLASS = "org.example.Job"
LOOK_S = 0.0005
SUBMIT_MAX_S = 180
SUBMIT_TIMES = 3
CHANGES = 20


def there(*paths):
    for path in paths:
        if not path.exists():
            raise Missing(f"no {path}: run tools/setup bench")


@contextlib.contextmanager
def started(cluster):
    """A cluster that is gone afterwards, also when it did not start. Its parts run on all cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count()))
    try:
        yield cluster.start()
    except AssertionError as e:
        raise Failure(f"no cluster to measure: {e}") from None
    finally:
        cluster.stop()
        os.sched_setaffinity(0, before)


def a_jar(folder):
    """Nobody gets to run it: the drivers of this file wait for room, so that what they would do takes no part."""
    path = folder / "job.jar"
    with zipfile.ZipFile(path, "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
    return path


class Told:
    """What a florusd says in its log, as it says it."""

    def __init__(self, florus):
        self.log = open(florus.folder / "florusd.log", errors="replace")
        self.log.seek(0, os.SEEK_END)
        self.lines, self.rest = [], ""

    def line(self, *words):
        """The first line that has all of them."""

        def found():
            return next((line for line in self.read() if all(word in line for word in words)), None)

        return until(found, f"florusd says {' '.join(words)}", LOOK_S, SUBMIT_MAX_S)

    def lines_with(self, word, count, max_s=SUBMIT_MAX_S):
        """Waits until there are so many."""
        until(lambda: sum(word in line for line in self.read()) >= count, f"florusd says {word} {count} times", 0.05, max_s)

    def read(self):
        *lines, self.rest = (self.rest + self.log.read()).split("\n")
        self.lines += lines
        return self.lines

    def handle(self, batch):
        line = self.line("job is in its cluster", f" batch={batch} ")
        return line.rpartition("handle=")[2].strip()


def spark_submit(home, said, *words, env=None):
    """Seconds until a spark-submit says what shows that the cluster has the job; it is ended then."""
    begin = time.monotonic()
    process = subprocess.Popen([home / "bin" / "spark-submit", *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, env={**os.environ, **(env or {})}, start_new_session=True)  # fmt: skip
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if said in line:
                return time.monotonic() - begin
        raise Failure(f"spark-submit ended without {said!r}: {''.join(lines)[-2000:]}")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def p50(seconds):
    return sorted(seconds)[len(seconds) // 2]


def p99(seconds):
    return sorted(seconds)[len(seconds) * 99 // 100]


def shown(seconds):
    return f"{ms(p50(seconds) * 1e6)} (p99 {ms(p99(seconds) * 1e6)}, {len(seconds)} jobs)"


def times_row(ours, theirs, wanted):
    ratio = p50(theirs) / p50(ours)
    return Row("the same, against spark-submit --deploy-mode cluster beside it", f"{wanted} times faster", f"{ratio:,.0f} times",
               f"spark-submit {p50(theirs):.2f} s, median of {len(theirs)}", ratio >= wanted)  # fmt: skip


# --- standalone ----------------------------------------------------------------------------------------------


def standalone(folder, effort):
    """A POST until the id of the driver is known; drivers want more memory than the worker has."""
    there(ROOT / ".deps" / SPARK)
    place, ours, theirs = folder.new(), [], []
    jar, memory = a_jar(place), "64g"
    with started(Standalone(place / "cluster", SPARK)) as cluster:
        options = {
            **cluster.options_of(poll="1s", **{"log-poll": "5s"}),
            "livy.spark.master": cluster.master,
            "livy.spark.deploy-mode": "cluster",
            "livy.file.local-dir-whitelist": place,
            "florus.log.level": "info",
        }
        with Florusd(place / "florus", **options) as florus:
            told = Told(florus)
            body = {"file": str(jar), "className": MAIN_CLASS, "driverMemory": memory}
            for i in range(effort.submits):
                if i % (effort.submits // SUBMIT_TIMES) == 0:
                    theirs.append(spark_submit(
                        cluster.home, "driver-", "--master", f"spark://{HOST}:{cluster.masters[0].rest}", "--deploy-mode", "cluster",
                        "--conf", "spark.master.rest.enabled=true", "--driver-memory", memory, "--class", MAIN_CLASS, jar,
                        env=cluster.env))  # fmt: skip
                begin = time.monotonic()
                handle = told.handle(florus.call("POST", "/batches", body)["id"])
                ours.append(time.monotonic() - begin)
                if not handle.startswith("driver-"):
                    raise Failure(f"{handle!r} is not the id of a driver")
    return [
        Row("POST to the driver's id from a real standalone master, p50", "< 20 ms", shown(ours), "", p50(ours) < 0.02),
        times_row(ours, theirs, 100),
    ]


# --- Kubernetes ----------------------------------------------------------------------------------------------


KUBE_BODY = {"file": "local:///opt/job.jar", "className": MAIN_CLASS}


def kube_options(place, cluster, jobs):
    return {
        "livy.spark.master": "k8s://" + cluster.url,
        "livy.spark.deploy-mode": "cluster",
        "florus.cluster.default.kubeconfig": cluster.kubeconfig(place / "kubeconfig", {"token": FLORUS_TOKEN}, jobs.name),
        "florus.cluster.default.conf.spark.kubernetes.container.image": "spark:here",
        "livy.file.local-dir-whitelist": "/opt",  # of the image
        "florus.log.level": "info",
    }


def run_pod(cluster, handle):
    """What a kubelet says when the container of a pod has begun."""
    ns, _, pod = handle.partition("/")
    state = {"running": {"startedAt": now()}}
    container = {"name": "spark-kubernetes-driver", "image": "i", "imageID": "", "ready": True, "restartCount": 0, "state": state}
    status = {"phase": "Running", "containerStatuses": [container]}
    cluster.api("PATCH", f"/api/v1/namespaces/{ns}/pods/{pod}/status", {"status": status}, kind="application/strategic-merge-patch+json")


def changes_seen(cluster, florus, handles):
    """From before a kubelet says that a pod runs until a GET shows it."""
    seconds = []
    for batch, handle in handles:
        begin = time.monotonic()
        run_pod(cluster, handle)
        florus.wait_for_state(batch, "running")
        seconds.append(time.monotonic() - begin)
    return sorted(seconds)


def kube(folder, effort):
    """A POST until pod, service and config map are there: one at a time, then a crowd. Nothing runs: there is no node."""
    there(API_SERVER)
    place, ours, handles = folder.new(), [], []
    (place / "cluster").mkdir()
    with started(Kube(place / "cluster")) as cluster:
        jobs = cluster.namespace()
        (place / "body.json").write_text(json.dumps(KUBE_BODY))
        with Florusd(place / "florus", **kube_options(place, cluster, jobs)) as florus:
            told = Told(florus)
            for _ in range(effort.submits):
                begin = time.monotonic()
                batch = florus.call("POST", "/batches", KUBE_BODY)["id"]
                handles.append((batch, told.handle(batch)))
                ours.append(time.monotonic() - begin)
            seen = changes_seen(cluster, florus, handles[:CHANGES])
            begin = time.monotonic()
            load(f"{florus.url}/batches", "-n", effort.crowd, "-c", 16, "-b", place / "body.json")
            told.lines_with("job is in its cluster", effort.submits + effort.crowd)
            crowd_rate = effort.crowd / (time.monotonic() - begin)
        for kind in ("pods", "services", "configmaps"):
            if (count := len(jobs.list(kind))) < effort.submits + effort.crowd:
                raise Failure(f"there are {count} {kind}, which is less than jobs")
    return [
        Row("POST to the three objects in a real kube-apiserver, p50", "< 15 ms", shown(ours), "", p50(ours) < 0.015),
        Row(f"the same of {effort.crowd:,} jobs that are sent at once", "50/s", rate(crowd_rate), "", crowd_rate >= 50),
        Row(f"a change of state in Kubernetes until a GET shows it, slowest of {CHANGES}", "< 100 ms", ms(seen[-1] * 1e6),
            f"median {ms(seen[CHANGES // 2] * 1e6)}; told by a watch", seen[-1] < 0.1),
    ]  # fmt: skip


def kube_watched(folder, effort):
    """All of many pods, each of which its kubelet has said to run, watched; nobody has logs, as there is no node."""
    there(API_SERVER)
    place, count = folder.new(), effort.watched
    (place / "cluster").mkdir()
    with started(Kube(place / "cluster")) as cluster:
        jobs = cluster.namespace()
        (place / "body.json").write_text(json.dumps(KUBE_BODY))
        with Florusd(place / "florus", **kube_options(place, cluster, jobs)) as florus:
            told, idle_mb = Told(florus), florus.rss_mb()
            load(f"{florus.url}/batches", "-n", count, "-c", 16, "-b", place / "body.json")
            told.lines_with("job is in its cluster", count, FILL_MAX_S)
            names = [f"{jobs.name}/{pod['metadata']['name']}" for pod in jobs.list()]
            with ThreadPoolExecutor(4) as kubelets:
                list(kubelets.map(lambda name: run_pod(cluster, name), names))
            wait_for_all(florus, "running", count)
            return watch_rows("Kubernetes", florus, count, idle_mb)


# --- YARN ----------------------------------------------------------------------------------------------------


def accepted(cluster, app):
    """That is what spark-submit waits for, too."""
    return cluster.ask(f"apps/{app}/state")["state"] in ("ACCEPTED", "RUNNING", "FINISHED", "FAILED")


def yarn(folder, effort):
    """A POST until YARN has accepted the application, by whatever launcher florusd chooses. The first one takes all the room."""
    there(ROOT / ".deps" / SPARK, JARS)
    place, ours, theirs = folder.new(), [], []
    jar, memory = a_jar(place), "6g"
    # Else HDFS's own client, in the data node, sleeps 400 ms after each second file: the name node has not heard of its block.
    impatient = {"dfs.client.block.write.locateFollowingBlock.initial.delay.ms": 10}
    with started(Yarn(place / "cluster", SPARK, hdfs=impatient)) as cluster:
        libraries = f"local:{cluster.home}/jars/*"
        env = {"HADOOP_CONF_DIR": str(cluster.conf), "HADOOP_USER_NAME": "root"}
        options = {
            "livy.spark.master": "yarn",
            "livy.spark.deploy-mode": "cluster",
            "livy.server.spark-home": cluster.home,
            "livy.file.local-dir-whitelist": place,
            "florus.cluster.default.hadoop-conf-dir": cluster.conf,
            "florus.cluster.default.conf.spark.yarn.jars": libraries,
            "florus.log.level": "info",
        }
        with Florusd(place / "florus", env=env, **options) as florus:
            told = Told(florus)
            body = {"file": str(jar), "className": MAIN_CLASS, "driverMemory": memory}
            for i in range(1 + effort.yarn_submits):
                if i % (effort.yarn_submits // SUBMIT_TIMES) == 1:
                    theirs.append(spark_submit(
                        cluster.home, "Submitted application ", "--master", "yarn", "--deploy-mode", "cluster",
                        "--conf", f"spark.yarn.jars={libraries}", "--conf", "spark.yarn.submit.waitAppCompletion=false",
                        "--driver-memory", memory, "--class", MAIN_CLASS, jar, env=env))  # fmt: skip
                begin = time.monotonic()
                handle = told.handle(florus.call("POST", "/batches", body)["id"])
                until(lambda: accepted(cluster, handle), f"YARN has accepted {handle}")
                ours.append(time.monotonic() - begin)
            launcher = told.line("job is in its cluster").partition("launcher=")[2].split()[0]
    return [
        Row(f"POST to the application that a real YARN has accepted, launcher {launcher}, p50", "< 300 ms", shown(ours[1:]),
            "data nodes that wait 10 ms, not 400, for their name node", p50(ours[1:]) < 0.3),
        times_row(ours[1:], theirs, 10),
    ]  # fmt: skip


FIGURES = [standalone, kube, kube_watched, yarn]
