"""The processes that are measured: florusd with a null spark-submit, and nginx beside it.

Servers run on the first core, the load generator and this script on the second. Everything lives
in one folder below build/bench/, on the file system of the checkout, and is gone afterwards.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("FLORUS_BIN_DIR", ROOT / "build"))
NULL_SUBMIT = BUILD / "tests" / "bench" / "null-submit"
SERVER_CORE, LOAD_CORE = "0", "1"
WAIT_MAX_S = 60
REQUEST_MAX_S = 30


class Failure(Exception):
    """A measurement that could not be made; the text says why."""


class Missing(Failure):
    """What it needs is not on this machine; others can be made."""


def until(condition, what, pause_s=0.002, limit_s=WAIT_MAX_S):
    """Waits for condition() to be true and returns what it gave."""
    deadline = time.monotonic() + limit_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise Failure(f"waited {limit_s} s in vain until {what}")
        time.sleep(pause_s)
    return value


def pinned(*command):
    return ["taskset", "-c", SERVER_CORE, *map(str, command)]


def load(url, *options):
    """Runs the load generator; its report. Any error ends the benchmark."""
    command = ["taskset", "-c", LOAD_CORE, BUILD / "tests" / "bench" / "load", *options, url]
    process = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if process.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))}: {process.stderr.strip() or process.stdout.strip()}")
    return json.loads(process.stdout)


def status_kb(pid, field, file="status"):
    """A field of /proc/PID/status or smaps_rollup, in kB; 0 when the process is gone."""
    try:
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def processes():
    """(pid, program) of every process whose program may be read."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                yield int(entry.name), os.readlink(f"/proc/{entry.name}/exe")
            except OSError:
                continue


def make_certificate(folder):
    """A certificate that signs itself, and its key, in one file."""
    pem, key = folder / "tls.pem", folder / "tls.key"
    pem.touch(0o600)
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
         "-subj", "/CN=localhost", "-keyout", key, "-out", pem], capture_output=True, text=True)  # fmt: skip
    if made.returncode != 0:
        raise Failure(f"openssl: {made.stderr.strip()}")
    pem.write_text(pem.read_text() + key.read_text())
    return pem


def make_spark_home(folder, program):
    """A SPARK_HOME whose spark-submit is a copy of `program`, so that its processes can be told apart."""
    (folder / "bin").mkdir(parents=True)
    shutil.copy(program, folder / "bin" / "spark-submit")
    (folder / "bin" / "spark-submit").chmod(0o755)
    return folder


def add_user(file, user, password):
    command = [BUILD / "florus", "passwd", "--stdin", file, user]
    subprocess.run(list(map(str, command)), input=password + "\n", text=True, check=True, stdout=subprocess.DEVNULL)


class Florusd:
    """A florusd with a state directory of its own; a context manager that leaves no process behind."""

    def __init__(self, folder, program=NULL_SUBMIT, env=None, **options):
        self.folder = folder
        self.state = folder / "state"
        self.spark_home = folder / "spark"
        if not self.spark_home.exists():
            make_spark_home(self.spark_home, program)
        self.options = {
            "florus.state-dir": self.state,
            "livy.server.port": 0,
            "livy.server.spark-home": self.spark_home,
            "livy.file.local-dir-whitelist": folder,
            "florus.log.level": "warn",
            "florus.queue.max": 10_000_000,
            **{key.replace("__", ".").replace("_", "-"): value for key, value in options.items()},
        }
        self.env = {**os.environ, **(env or {})}
        self.process = None
        self.connection = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        self.kill_drivers()

    def launch(self):
        """Executes the daemon without waiting for it."""
        (self.state / "url").unlink(missing_ok=True)
        words = [word for key, value in self.options.items() for word in ("-o", f"{key}={value}")]
        command = pinned(BUILD / "florusd", *words)
        with open(self.folder / "florusd.log", "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, env=self.env, start_new_session=True)

    def url_written(self):
        if self.process.poll() is not None:
            raise Failure(f"florusd ended with {self.process.returncode}: {(self.folder / 'florusd.log').read_text()}")
        try:
            return (self.state / "url").read_text().strip().rstrip("/")
        except FileNotFoundError:
            return None

    def start(self):
        self.launch()
        self.url = until(self.url_written, "florusd serves", 0.0005)
        scheme, _, host = self.url.partition("://")
        if scheme == "https":
            anybody = ssl._create_unverified_context()
            self.connection = http.client.HTTPSConnection(host, timeout=REQUEST_MAX_S, context=anybody)
        else:
            self.connection = http.client.HTTPConnection(host, timeout=REQUEST_MAX_S)

    def stop(self):
        if self.connection:
            self.connection.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(WAIT_MAX_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise Failure("florusd did not stop on SIGTERM") from None
        if self.process.returncode != 0:
            raise Failure(f"florusd ended with status {self.process.returncode}")

    def call(self, method, path, body=None):
        headers = {"Content-Type": "application/json"} if body is not None else {}
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status // 100 != 2:
            raise Failure(f"{method} {path} was answered {answer.status}: {data[:200]!r}")
        return json.loads(data)

    def body(self, *args):
        return {"file": str(self.folder / "job.jar"), "className": "org.example.Job", "args": list(args)}

    def body_file(self, *args):
        path = self.folder / "body.json"
        path.write_text(json.dumps(self.body(*args)))
        return path

    def submit(self, *args):
        return self.call("POST", "/batches", self.body(*args))["id"]

    def state_of(self, batch):
        return self.call("GET", f"/batches/{batch}/state")["state"]

    def wait_for_state(self, batch, state):
        """Waits for a state; another final one is a failure."""

        def reached():
            now = self.state_of(batch)
            if now != state and now in ("success", "dead", "killed"):
                log = self.call("GET", f"/batches/{batch}/log")["log"]
                raise Failure(f"batch {batch} is {now}, not {state}; its log: {log}")
            return now == state

        until(reached, f"batch {batch} is {state}", 0.005)

    def rss_mb(self):
        return status_kb(self.process.pid, "VmRSS") / 1024

    def pids_of(self, program):
        return [pid for pid, exe in processes() if exe == str(program)]

    def shim_pids(self):
        """The shims and the launcher of this daemon: they hold something of its state directory open."""
        ours = []
        for pid in self.pids_of(BUILD.resolve() / "florus-shim"):
            try:
                links = [os.readlink(fd.path) for fd in os.scandir(f"/proc/{pid}/fd")]
            except OSError:
                continue
            if any(link.startswith(str(self.state)) for link in links):
                ours.append(pid)
        return ours

    def kill_drivers(self):
        """Ends jobs that still run; their shims follow by themselves."""
        program = self.spark_home / "bin" / "spark-submit"
        for pid in self.pids_of(program):
            os.kill(pid, signal.SIGKILL)
        until(lambda: not self.pids_of(program) and not self.shim_pids(), "all jobs and shims are gone", 0.05)


class Nginx:
    """One nginx worker that answers everything with the same JSON of a given size."""

    CONFIG = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log crit;
events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_requests 1000000000; default_type application/json;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; location / {{ {answer} }} }}
}}
"""
    LITERAL_MAX_BYTES = 2048  # nginx's limit for a word of its configuration is 4096

    def __init__(self, folder, body_bytes=500):
        self.folder = folder
        folder.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        body = '{"id":0,"log":["' + "x" * (body_bytes - 19) + '"]}'
        answer = f"return 200 '{body}';"
        if body_bytes > self.LITERAL_MAX_BYTES:
            (folder / "answer.json").write_text(body)
            answer = f"root {folder}; open_file_cache max=8; sendfile on; rewrite ^ /answer.json break;"
        (folder / "nginx.conf").write_text(self.CONFIG.format(folder=folder, port=self.port, answer=answer))
        self.url = f"http://127.0.0.1:{self.port}/batches/0"

    @staticmethod
    def program():
        path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
        found = shutil.which("nginx", path=path) or shutil.which(ROOT / ".deps" / "nginx" / "usr" / "sbin" / "nginx")
        if not found:
            raise Failure("no nginx to compare with; run tools/setup bench")
        return found

    def __enter__(self):
        command = pinned(self.program(), "-c", self.folder / "nginx.conf", "-p", self.folder, "-g", self.user())
        log = open(self.folder / "stderr.log", "wb")
        with log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, start_new_session=True)
        until(self.answers, "nginx answers")
        return self

    @staticmethod
    def user():
        return "user root;" if os.geteuid() == 0 else ""

    def answers(self):
        if self.process.poll() is not None:
            raise Failure(f"nginx ended: {(self.folder / 'stderr.log').read_text()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(WAIT_MAX_S)
