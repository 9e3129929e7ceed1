"""A real Spark standalone cluster: masters with their REST servers, and a worker, from the Spark that pip installed."""

import base64
import hashlib
import hmac
import json
import urllib.request

from gateway import Gateway, until
from parts import Part, free_ports, python_of, spark_home

HOST = "127.0.0.1"
JWS_KEY = base64.urlsafe_b64encode(b"0123456789abcdef0123456789abcdef").decode().rstrip("=")
HEAP = "256m"


def answer_of(url, method="GET", body=None, headers=None, timeout=10, trust=None):
    """(status, text), also of refusals."""
    request = urllib.request.Request(url, body, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout, context=trust) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def token(key=JWS_KEY):
    """A JWS, made apart from the C code that makes one."""

    def part(data):
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    signed = part(b'{"alg":"HS256"}') + "." + part(b"{}")
    secret = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
    return signed + "." + part(hmac.digest(secret, signed.encode(), hashlib.sha256))


class Master(Part):
    def __init__(self, cluster, name, options):
        self.rpc, self.web, self.rest = free_ports(3)
        properties = {
            "spark.master.rest.enabled": "true",
            "spark.master.rest.host": HOST,
            "spark.master.rest.port": self.rest,
            "spark.port.maxRetries": 0,
            **options,
        }
        super().__init__(
            name,
            [
                cluster.home / "bin" / "spark-class",
                "org.apache.spark.deploy.master.Master",
                *("--host", HOST, "--port", self.rpc, "--webui-port", self.web),
            ],
            cluster.root / name,
            {
                **cluster.env,
                "SPARK_MASTER_OPTS": " ".join(f"-D{key}={value}" for key, value in properties.items()),
                "SPARK_DAEMON_MEMORY": HEAP,
            },
        )

    def status(self):
        """ALIVE, STANDBY, RECOVERING, or None while it does not answer."""
        try:
            return self.list()["status"]
        except (OSError, ValueError):  # or its page is not there yet
            return None

    def list(self):
        return json.loads(answer_of(f"http://{HOST}:{self.web}/json/")[1])


class Standalone:
    """Masters (the first is active) and one worker. cores may exceed the machine's."""

    def __init__(self, root, which, masters=1, cores=8, options=None):
        self.root = root
        self.home = spark_home(which)
        self.python = python_of(self.home)
        self.env = {
            "SPARK_HOME": str(self.home),
            "SPARK_LOCAL_IP": HOST,
            "SPARK_NO_DAEMONIZE": "1",
            "PYSPARK_PYTHON": self.python,
            "LC_ALL": "C.UTF-8",
        }
        self.options = dict(options or {})
        if masters > 1:
            recovery = root / "recovery"
            recovery.mkdir(parents=True)
            self.options |= {
                "spark.deploy.recoveryMode": "FILESYSTEM",
                "spark.deploy.recoveryDirectory": recovery,
            }
        self.masters = [Master(self, f"master{i}", self.options) for i in range(masters)]
        (self.worker_port,) = free_ports(1)
        self.worker = Part(
            "worker",
            [
                *(self.home / "bin" / "spark-class", "org.apache.spark.deploy.worker.Worker"),
                *("--host", HOST, "--webui-port", self.worker_port, "--cores", cores, "--memory", "8g"),
                *("--work-dir", root / "work", self.master),
            ],
            root / "worker",
            {**self.env, "SPARK_DAEMON_MEMORY": HEAP},
        )

    @property
    def parts(self):
        return [*self.masters, self.worker]

    @property
    def master(self):
        return "spark://" + ",".join(f"{HOST}:{m.rpc}" for m in self.masters)

    @property
    def active(self):
        """The master that is in charge; None while there is none."""
        return next((m for m in self.masters if m.process and m.status() == "ALIVE"), None)

    def start(self):
        """The first master alone, so that it is known which one is active."""
        first = self.masters[0]
        first.start(lambda: first.status() == "ALIVE")
        self.worker.start(lambda: any(w["state"] == "ALIVE" for w in first.list()["workers"]))
        return self

    def stop(self):
        for part in reversed(self.parts):
            part.stop()

    def drivers(self):
        found = self.active.list()
        return found["activedrivers"] + found["completeddrivers"]

    def rest_call(self, path, body=None, method="POST", master=None, headers=None):
        """(status, answer): what the REST server says to a plain client."""
        data = json.dumps(body).encode() if body is not None else (b"" if method == "POST" else None)
        headers = {"Content-Type": "application/json;charset=UTF-8", **(headers or {})}
        status, text = answer_of(
            f"http://{HOST}:{(master or self.masters[0]).rest}/v1/submissions/{path}", method, data, headers
        )
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def options_of(self, name="default", **more):
        """What florusd is told of it."""
        options = {
            "master": self.master,
            "deploy-mode": "cluster",
            "rest": ",".join(f"http://{HOST}:{m.rest}" for m in self.masters),
            "web": ",".join(f"http://{HOST}:{m.web}" for m in self.masters),
            "spark-home": self.home,
            "poll": "200ms",
            "log-poll": "200ms",
            **more,
        }
        return {f"florus.cluster.{name}.{key}": value for key, value in options.items()}


class ClusterGateway(Gateway):
    """A florusd whose default cluster is a real one."""

    def __init__(self, root, cluster, **more):
        super().__init__(
            root,
            {
                **cluster.options_of(**more),
                "livy.spark.master": cluster.master,
                "livy.spark.deploy-mode": "cluster",
            },
            {"SPARK_LOCAL_IP": HOST, "PYSPARK_PYTHON": cluster.python, "LC_ALL": "C.UTF-8"},
            cluster.home,
        )

    def program(self, name, text):
        path = self.files / name
        path.write_text(text)
        return str(path)

    def batch(self, file, **fields):
        """Posts a job that must be accepted; its id."""
        small = {"spark.driver.memory": "512m", "spark.executor.memory": "512m", "spark.cores.max": "1"}
        conf = {**small, "spark.ui.enabled": "false", **fields.pop("conf", {})}
        answer = self.post("/batches", {"file": file, "conf": conf, **fields})
        assert answer.status == 201, answer
        return answer.body["id"]

    def object(self, batch):
        answer = self.get(f"/batches/{batch}")
        assert answer.status == 200, answer
        return answer.body

    def end_of(self, batch, wanted, timeout=120):
        """Waits for the end, which must be the one wanted; the log as one text."""
        state = self.wait(batch, timeout=timeout)
        log = "\n".join(self.log(batch))
        assert state == wanted, f"{self.object(batch)}\n{log}\n{self.log_text()}"
        return log

    def until_logged(self, batch, line, timeout=120):
        until(lambda: line in "\n".join(self.log(batch)), timeout, f"{line!r} in the log", interval=0.1)
