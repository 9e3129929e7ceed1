"""A real YARN over a real HDFS."""

import json
import os
from contextlib import contextmanager

from gateway import Gateway, until
from hdfs import Daemon, Hdfs, site
from parts import python_of, spark_home
from standalone import answer_of


class Yarn(Hdfs):
    MORE_PORTS = 5

    def __init__(self, root, which, core=None, hdfs=None, **settings):
        """settings: of yarn-site.xml; core, hdfs: of core-site.xml and hdfs-site.xml."""
        super().__init__(root, core, **{"dfs.permissions.enabled": "false", **(hdfs or {})})
        self.home = spark_home(which)
        self.python = python_of(self.home)
        self.rm, self.scheduler, self.tracker, self.admin, self.rm_web = self.more_ports
        self.write_conf(settings)
        self.manager = Daemon(self, "resourcemanager", "yarn.server.resourcemanager.ResourceManager")
        self.node = Daemon(self, "nodemanager", "yarn.server.nodemanager.NodeManager")

    def write_conf(self, settings):
        site(self.conf / "yarn-site.xml", {
            "yarn.resourcemanager.address": f"{self.host}:{self.rm}",
            "yarn.resourcemanager.scheduler.address": f"{self.host}:{self.scheduler}",
            "yarn.resourcemanager.resource-tracker.address": f"{self.host}:{self.tracker}",
            "yarn.resourcemanager.admin.address": f"{self.host}:{self.admin}",
            "yarn.resourcemanager.webapp.address": f"{self.host}:{self.rm_web}",
            "yarn.nodemanager.hostname": self.host,
            "yarn.nodemanager.address": f"{self.host}:0",
            "yarn.nodemanager.localizer.address": f"{self.host}:0",
            "yarn.nodemanager.webapp.address": f"{self.host}:0",
            "yarn.nodemanager.local-dirs": self.root / "nm-local",
            "yarn.nodemanager.log-dirs": self.root / "nm-log",
            "yarn.nodemanager.vmem-check-enabled": "false",
            "yarn.nodemanager.pmem-check-enabled": "false",
            "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": 100,
            "yarn.nodemanager.resource.memory-mb": 8192,
            "yarn.nodemanager.resource.cpu-vcores": 8,
            "yarn.nodemanager.env-whitelist": "JAVA_HOME,PATH",
            "yarn.scheduler.minimum-allocation-mb": 128,
            **settings,
        })
        site(self.conf / "capacity-scheduler.xml", {
            "yarn.scheduler.capacity.root.queues": "default",
            "yarn.scheduler.capacity.root.default.capacity": 100,
            "yarn.scheduler.capacity.maximum-am-resource-percent": 0.8,
            "yarn.scheduler.capacity.resource-calculator": "org.apache.hadoop.yarn.util.resource.DefaultResourceCalculator",
        })

    @property
    def parts(self):
        return [*super().parts, self.manager, self.node]

    def ask(self, path):
        return json.loads(answer_of(f"{self.scheme}://{self.host}:{self.rm_web}/ws/v1/cluster/{path}", trust=self.trust)[1])

    def apps(self):
        return ((self.ask("apps").get("apps") or {}).get("app")) or []

    def nodes(self):
        try:
            return self.ask("metrics")["clusterMetrics"]["activeNodes"]
        except (OSError, ValueError, KeyError):
            return 0

    def start(self):
        super().start()
        for part in (self.manager, self.node):
            part.start()
        self.node.wait_ready(lambda: self.nodes() == 1)
        return self


def started(kind, tmp_path_factory, tries=3):
    """Ports that were free when they were chosen may not be when the last daemon comes to them."""
    cluster = kind(tmp_path_factory.mktemp("yarn"), "spark4")
    try:
        return cluster.start()
    except AssertionError:
        cluster.stop()
        if tries == 1:
            raise
        return started(kind, tmp_path_factory, tries - 1)


@contextmanager
def running(kind, tmp_path_factory):
    """A cluster of that kind, for as long as it is used."""
    cluster = started(kind, tmp_path_factory)
    try:
        yield cluster
    finally:
        cluster.stop()


class YarnGateway(Gateway):
    """A florusd whose default cluster is a real YARN."""

    def __init__(self, root, yarn):
        conf = {
            "spark.yarn.jars": f"local:{yarn.home}/jars/*",
            "spark.driver.memory": "512m",
            "spark.executor.memory": "512m",
            "spark.executor.instances": "1",
            "spark.yarn.appMasterEnv.PYSPARK_PYTHON": yarn.python,
            "spark.executorEnv.PYSPARK_PYTHON": yarn.python,
        }
        super().__init__(root, {
            "livy.spark.master": "yarn",
            "livy.spark.deploy-mode": "cluster",
            "florus.cluster.default.hadoop-conf-dir": yarn.conf,
            "florus.cluster.default.poll": "200ms",
            "florus.cluster.default.log-poll": "200ms",
            **{f"florus.cluster.default.conf.{key}": value for key, value in conf.items()},
        }, {"PYSPARK_PYTHON": yarn.python, "LC_ALL": "C.UTF-8", "HADOOP_USER_NAME": os.environ.get("USER", "root")}, yarn.home)

    def program(self, name, text):
        path = self.files / name
        path.write_text(text)
        return str(path)

    def batch(self, file, **fields):
        answer = self.post("/batches", {"file": file, **fields})
        assert answer.status == 201, answer
        return answer.body["id"]

    def object(self, batch):
        return self.get(f"/batches/{batch}").body

    def end_of(self, batch, wanted, timeout=180):
        state = self.wait(batch, timeout=timeout)
        log = "\n".join(self.log(batch))
        assert state == wanted, f"{self.object(batch)}\n{log}\n{self.log_text()}"
        return log

    def until_logged(self, batch, line, timeout=180):
        until(lambda: line in "\n".join(self.log(batch)), timeout, f"{line!r} in the log", interval=0.1)
