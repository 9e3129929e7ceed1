"""A real HDFS: each daemon of Hadoop a JVM of its own, as they all share one web page within one."""

import getpass

from gateway import until
from parts import CACHE, START_S, Part, free_ports
from standalone import answer_of

HOST = "127.0.0.1"
SUPERUSER = getpass.getuser()  # who runs the name node
JARS = CACHE / "hadoop-3.4.1"
SMALL = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]  # they start often, and never work for long
OPENS = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in ("java.lang", "java.net", "java.util")]


def site(path, values):
    """None: it is not said."""
    said = [(k, v) for k, v in values.items() if v is not None]
    rows = "".join(f"<property><name>{k}</name><value>{v}</value></property>\n" for k, v in said)
    path.write_text(f"<configuration>\n{rows}</configuration>\n")


class Daemon(Part):
    def __init__(self, hadoop, name, main, *arguments):
        super().__init__(name, ["java", *SMALL, f"-Dhadoop.log.dir={hadoop.root}", *hadoop.java, *OPENS, "-cp",
                                f"{hadoop.conf}:{JARS}/*", f"org.apache.hadoop.{main}", *arguments], hadoop.root / name)

    def done(self):
        """Its exit status, of a command that ends by itself."""
        until(lambda: self.process.poll() is not None, START_S, f"{self.name} is done")
        return self.process.returncode


class Hdfs:
    """root, where its files are; conf, the directory of its configuration; fs and web, the ports of its name node."""

    MORE_PORTS = 0  # of those who build on it, in more_ports
    host = HOST
    scheme, trust = "http", None  # of its pages; an SSLContext for https
    java = ()  # what its daemons' JVMs get besides

    def __init__(self, root, core=None, **settings):
        assert JARS.is_dir(), f"no Hadoop in {JARS}: run tools/setup clusters"
        self.root, self.conf = root, root / "conf"
        self.conf.mkdir(parents=True)
        self.fs, self.web, *self.more_ports = free_ports(2 + self.MORE_PORTS)
        site(self.conf / "core-site.xml", {
            "fs.defaultFS": f"hdfs://{self.host}:{self.fs}",
            "hadoop.tmp.dir": self.root / "tmp",
            f"hadoop.proxyuser.{SUPERUSER}.hosts": "*",
            f"hadoop.proxyuser.{SUPERUSER}.groups": "*",
            **(core or {}),
        })
        site(self.conf / "hdfs-site.xml", {
            "dfs.namenode.http-address": f"{self.host}:{self.web}",
            "dfs.datanode.address": f"{self.host}:0",
            "dfs.datanode.http.address": f"{self.host}:0",
            "dfs.datanode.ipc.address": f"{self.host}:0",
            "dfs.replication": 1,
            **settings,
        })
        self.namenode = Daemon(self, "namenode", "hdfs.server.namenode.NameNode")
        self.datanode = Daemon(self, "datanode", "hdfs.server.datanode.DataNode")

    @property
    def parts(self):
        return [self.namenode, self.datanode]

    def ask_files(self, path, op, method="GET"):
        """(status, text)"""
        return answer_of(f"{self.scheme}://{self.host}:{self.web}/webhdfs/v1{path}?op={op}&user.name={SUPERUSER}", method,
                         trust=self.trust)

    def reads(self):
        try:
            return self.ask_files("/", "LISTSTATUS")[0] == 200
        except OSError:
            return False

    def writes(self):
        """It is out of safe mode, and knows its data node."""
        ready = [self.ask_files("/ready", op, "PUT")[0] for op in ("MKDIRS", "CREATE&noredirect=true")]
        return ready == [200, 200]

    def start(self):
        form = Daemon(self, "format", "hdfs.server.namenode.NameNode", "-format", "-nonInteractive").start()
        form.done()
        self.namenode.start(self.reads)
        self.datanode.start()
        return self

    def stop(self):
        for part in reversed(self.parts):
            part.stop()
