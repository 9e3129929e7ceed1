"""A real YARN over a real HDFS: each daemon a JVM of its own, as they all share one web page within one."""

import json
import os

from gateway import Gateway, until
from parts import CACHE, Part, free_ports, python_of, spark_home
from standalone import answer_of

HOST = "127.0.0.1"
JARS = CACHE / "hadoop-3.4.1"
OPENS = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in ("java.lang", "java.net", "java.util")]


def site(path, values):
    rows = "".join(f"<property><name>{k}</name><value>{v}</value></property>\n" for k, v in values.items())
    path.write_text(f"<configuration>\n{rows}</configuration>\n")


class Daemon(Part):
    def __init__(self, yarn, name, main, *arguments):
        super().__init__(name, ["java", "-Xmx256m", f"-Dhadoop.log.dir={yarn.root}", *OPENS, "-cp",
                                f"{yarn.conf}:{JARS}/*", f"org.apache.hadoop.{main}", *arguments], yarn.root / name)


class Yarn:
    def __init__(self, root, which):
        assert JARS.is_dir(), f"no Hadoop in {JARS}: run tools/setup clusters"
        self.root, self.conf = root, root / "conf"
        self.home = spark_home(which)
        self.python = python_of(self.home)
        self.conf.mkdir(parents=True)
        self.fs, self.web, self.rm, self.scheduler, self.tracker, self.admin, self.rm_web = free_ports(7)
        self.write_conf()
        self.namenode = Daemon(self, "namenode", "hdfs.server.namenode.NameNode")
        self.datanode = Daemon(self, "datanode", "hdfs.server.datanode.DataNode")
        self.manager = Daemon(self, "resourcemanager", "yarn.server.resourcemanager.ResourceManager")
        self.node = Daemon(self, "nodemanager", "yarn.server.nodemanager.NodeManager")

    def write_conf(self):
        site(self.conf / "core-site.xml", {
            "fs.defaultFS": f"hdfs://{HOST}:{self.fs}",
            "hadoop.tmp.dir": self.root / "tmp",
        })
        site(self.conf / "hdfs-site.xml", {
            "dfs.namenode.http-address": f"{HOST}:{self.web}",
            "dfs.datanode.address": f"{HOST}:0",
            "dfs.datanode.http.address": f"{HOST}:0",
            "dfs.datanode.ipc.address": f"{HOST}:0",
            "dfs.replication": 1,
            "dfs.permissions.enabled": "false",
        })
        site(self.conf / "yarn-site.xml", {
            "yarn.resourcemanager.address": f"{HOST}:{self.rm}",
            "yarn.resourcemanager.scheduler.address": f"{HOST}:{self.scheduler}",
            "yarn.resourcemanager.resource-tracker.address": f"{HOST}:{self.tracker}",
            "yarn.resourcemanager.admin.address": f"{HOST}:{self.admin}",
            "yarn.resourcemanager.webapp.address": f"{HOST}:{self.rm_web}",
            "yarn.nodemanager.hostname": HOST,
            "yarn.nodemanager.address": f"{HOST}:0",
            "yarn.nodemanager.localizer.address": f"{HOST}:0",
            "yarn.nodemanager.webapp.address": f"{HOST}:0",
            "yarn.nodemanager.local-dirs": self.root / "nm-local",
            "yarn.nodemanager.log-dirs": self.root / "nm-log",
            "yarn.nodemanager.vmem-check-enabled": "false",
            "yarn.nodemanager.pmem-check-enabled": "false",
            "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": 100,
            "yarn.nodemanager.resource.memory-mb": 8192,
            "yarn.nodemanager.resource.cpu-vcores": 8,
            "yarn.nodemanager.env-whitelist": "JAVA_HOME,PATH",
            "yarn.scheduler.minimum-allocation-mb": 128,
        })
        site(self.conf / "capacity-scheduler.xml", {
            "yarn.scheduler.capacity.root.queues": "default",
            "yarn.scheduler.capacity.root.default.capacity": 100,
            "yarn.scheduler.capacity.maximum-am-resource-percent": 0.8,
            "yarn.scheduler.capacity.resource-calculator": "org.apache.hadoop.yarn.util.resource.DefaultResourceCalculator",
        })

    @property
    def parts(self):
        return [self.namenode, self.datanode, self.manager, self.node]

    def ask(self, path):
        return json.loads(answer_of(f"http://{HOST}:{self.rm_web}/ws/v1/cluster/{path}")[1])

    def apps(self):
        return ((self.ask("apps").get("apps") or {}).get("app")) or []

    def nodes(self):
        try:
            return self.ask("metrics")["clusterMetrics"]["activeNodes"]
        except (OSError, ValueError, KeyError):
            return 0

    def files(self):
        try:
            return answer_of(f"http://{HOST}:{self.web}/webhdfs/v1/?op=LISTSTATUS")[0] == 200
        except OSError:
            return False

    def start(self):
        form = Daemon(self, "format", "hdfs.server.namenode.NameNode", "-format", "-nonInteractive").start()
        until(lambda: form.process.poll() is not None, 60, "HDFS is formatted")
        self.namenode.start(self.files)
        for part in (self.datanode, self.manager, self.node):
            part.start()
        self.node.wait_ready(lambda: self.nodes() == 1)
        return self

    def stop(self):
        for part in reversed(self.parts):
            part.stop()


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
