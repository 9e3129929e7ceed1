"""The real florusd under test, in a directory of its own with a fake spark-submit.

A Gateway owns one directory: state, configuration, the fake Spark, the files that jobs may use, and
what the daemon said. Everything that runs on its behalf can be found by that directory, which is
how teardown proves that nothing is left.
"""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.parse
from pathlib import Path

import sanitizers
from wire import Answer, Wire

REPO = Path(__file__).resolve().parents[2]
FAKES = REPO / "tests" / "fakes"
BIN_DIR = Path(os.environ.get("FLORUS_BIN_DIR") or REPO / "build").resolve()
PATIENCE = float(os.environ.get("FLORUS_TEST_PATIENCE") or 1)  # of until(): sanitized programs are slower
FINAL = ("success", "dead", "killed")


def until(condition, timeout=10, what=None, interval=0.01):
    """Polls until condition() is true and returns its value; fails loudly when that does not happen in time."""
    timeout *= PATIENCE
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what or getattr(condition, '__doc__', None) or condition}")
        time.sleep(interval)


def alive(pid):
    """True while the process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


class Ledger:
    """What the fake spark-submit wrote: (word, pid, mark, status or None) per line."""

    def __init__(self, path):
        self.path = path

    def lines(self):
        if not self.path.exists():
            return []
        rows = (line.split() for line in self.path.read_text().splitlines())
        return [(row[0], int(row[1]), row[2], int(row[3]) if len(row) > 3 else None) for row in rows]

    def started(self):
        return [mark for word, _, mark, _ in self.lines() if word == "start"]

    def pid(self, mark):
        for word, pid, m, _ in self.lines():
            if word == "start" and m == mark:
                return pid
        return None


class Gateway:
    def __init__(self, root, options=None, env=None, spark_home=None):
        self.root = Path(root)
        self.root.mkdir(parents=True, exist_ok=True)
        self.state = self.root / "state"
        self.files = self.root / "files"
        self.files.mkdir(exist_ok=True)
        self.job = self.files / "job.py"
        self.job.write_text("# a job\n")
        self.stderr = self.root / "florusd.log"
        self.spark_home = Path(spark_home) if spark_home else self.make_spark_home()
        self.ledger = Ledger(self.spark_home / "ledger")
        self.options = {
            "florus.state-dir": self.state,
            "livy.server.port": 0,
            "livy.server.spark-home": self.spark_home,
            "livy.file.local-dir-whitelist": self.files,
            "florus.launch.max-running": 32,
            "florus.kill.grace": "1s",
            "florus.http.allowed-hosts": "*",  # tests call it h and more; test_access.py has what is so without this
            **(options or {}),
        }
        self.env = env or {}
        if sanitizers.ACTIVE:
            self.options.setdefault("florus.launch.shim", sanitizers.shim_wrapper(self.root, BIN_DIR / "florus-shim"))
        self.config = None  # a file for -c
        self.prefix = []  # a program that executes the daemon, such as prlimit
        self.process = None
        self.scheme = self.host = self.port = None
        self.headers = {}  # of every request
        self.trust = None  # an SSLContext, for a gateway that speaks TLS
        self.marks = 0

    def make_spark_home(self):
        home = self.root / "spark"
        (home / "bin").mkdir(parents=True, exist_ok=True)
        shutil.copy(FAKES / "spark-submit", home / "bin" / "spark-submit")
        return home

    # --- the process -----------------------------------------------------------------------------------------

    def command(self, options=None):
        command = [*self.prefix, str(BIN_DIR / "florusd"), *(("-c", str(self.config)) if self.config else ())]
        for key, value in {**self.options, **(options or {})}.items():
            command += ["-o", f"{key}={value}"]
        return command

    def environment(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("FLORUS_", "LIVY_"))}
        return sanitizers.environment(self.root, {**env, **self.env})

    def spawn(self, options=None):
        with open(self.stderr, "ab") as log:
            return subprocess.Popen(
                self.command(options),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment(),
                cwd=self.root,
            )

    def start(self, **options):
        """Starts the daemon and waits until it serves. Options stay in force for later starts."""
        self.options.update({key.replace("__", ".").replace("_", "-"): value for key, value in options.items()})
        url = self.state / "url"
        if url.exists():
            url.unlink()
        self.process = self.spawn()
        until(lambda: url.exists() or self.process.poll() is not None, 20, "florusd writes its url")
        assert self.process.poll() is None, f"florusd exited with {self.process.returncode}:\n{self.log_text()}"
        parts = urllib.parse.urlsplit(url.read_text().strip())
        self.scheme, self.host, self.port = parts.scheme, parts.hostname, parts.port
        return self

    def kill9(self):
        self.process.kill()
        self.process.wait(10)
        self.process = None

    def stop(self):
        """SIGTERM must end it, with exit status 0."""
        process, self.process = self.process, None
        process.terminate()
        try:
            status = process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"florusd did not end on SIGTERM:\n{self.log_text()}") from None
        assert status == 0, f"exit status {status} on SIGTERM:\n{self.log_text()}"

    def restart(self, **options):
        self.stop()
        return self.start(**options)

    def refusal(self, options=None, timeout=10):
        """Starts a daemon that must refuse to: (exit status, the lines it wrote)."""
        done = subprocess.run(
            self.command(options),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            env=self.environment(),
            cwd=self.root,
            check=False,
        )
        sanitizers.check(self.root)
        text = (done.stdout + done.stderr).decode()
        return done.returncode, [line for line in text.splitlines() if line.strip()]

    def log_text(self):
        return self.stderr.read_text(errors="replace")[-20000:] if self.stderr.exists() else ""

    def processes(self):
        """Pids of all processes that have to do with this gateway: by command line, cwd or open files."""
        mark, found = f"{self.root}/", []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    ours = mark.encode() in f.read()
                ours = ours or (os.readlink(f"/proc/{pid}/cwd") + "/").startswith(mark)
                for fd in () if ours else os.listdir(f"/proc/{pid}/fd"):
                    ours = ours or os.readlink(f"/proc/{pid}/fd/{fd}").startswith(mark)
            except OSError:
                continue
            if ours and int(pid) != os.getpid() and alive(pid):
                found.append(int(pid))
        return found

    def tear_down(self):
        try:
            if self.process:
                self.stop()
        finally:
            until(self.kill_all, 10, "every process of the test is gone")
        sanitizers.check(self.root, self.log_text())

    def kill_all(self):
        left = self.processes()
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return not left

    # --- requests --------------------------------------------------------------------------------------------

    def request(self, method, path, body=None, headers=None, timeout=30):
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        headers = {**({"Content-Type": "application/json"} if body is not None else {}), **self.headers, **(headers or {})}
        connection = self.connection(timeout)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.reason, response.getheaders(), response.read())
        finally:
            connection.close()

    def connection(self, timeout=30):
        if self.trust:
            return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=self.trust)
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def post(self, path, body, **kw):
        return self.request("POST", path, body, **kw)

    def delete(self, path, **kw):
        return self.request("DELETE", path, **kw)

    def wire(self, timeout=10):
        return Wire(self.host, self.port, timeout, self.trust)

    def raw(self, data, timeout=10):
        """Sends bytes on a connection of their own; the first answer."""
        with self.wire(timeout) as wire:
            return wire.send(data).answer()

    # --- batches ---------------------------------------------------------------------------------------------

    def body(self, *orders, **fields):
        """A request for the fake: it obeys orders such as "exit=3"; its ledger mark is made up unless given."""
        args = [f"do:{order}" for order in orders]
        if not any(a.startswith("do:mark=") for a in args):
            self.marks += 1
            args.insert(0, f"do:mark=m{self.marks}")
        return {"file": str(self.job), "args": args, **fields}

    def submit(self, *orders, mount="", headers=None, **fields):
        """Posts a job that must be accepted; its id."""
        answer = self.post(f"{mount}/batches", self.body(*orders, **fields), headers=headers)
        assert answer.status == (200 if mount == "/livy" else 201), answer
        return answer.body["id"]

    def state_of(self, batch):
        answer = self.get(f"/batches/{batch}/state")
        assert answer.status == 200, answer
        return answer.body["state"]

    def wait(self, batch, *states, timeout=15):
        """Waits until the batch is in one of the states (default: a final one); the state."""
        states = states or FINAL
        seen = [None]

        def there():
            seen[0] = self.state_of(batch)
            return seen[0] in states and seen[0]

        try:
            return until(there, timeout)
        except AssertionError:
            raise AssertionError(
                f"batch {batch} is {seen[0]}, not {states}, after {timeout} s\n{self.log_text()}"
            ) from None

    def log(self, batch, size=-1, **query):
        answer = self.get(f"/batches/{batch}/log?" + urllib.parse.urlencode({"size": size, **query}))
        assert answer.status == 200, answer
        return answer.body["log"]

    def run(self, *orders, **fields):
        """Submits, waits for the end, and gives (id, state, the driver's lines)."""
        batch = self.submit(*orders, **fields)
        state = self.wait(batch)
        log = self.log(batch)
        assert log[0] == "stdout: " and log[-1] == "\nstderr: ", log[:3]
        return batch, state, log[1:-1]

    # --- what the fake recorded ------------------------------------------------------------------------------

    def argv(self, mark):
        data = until(lambda: self.record(mark, "fds") and self.record(mark, "argv"), 10, f"run {mark} begins")
        return [part.decode("utf-8", "surrogateescape") for part in data.split(b"\0")[:-1]]

    def record(self, mark, name):
        path = self.spark_home / "runs" / mark / name
        return path.read_bytes() if path.exists() else None

    def wait_started(self, mark, timeout=10):
        return until(lambda: self.ledger.pid(mark), timeout, f"run {mark} starts")

    def pid_in(self, path, timeout=10):
        """The pid that a process of the job wrote to a file."""
        until(lambda: Path(path).exists(), timeout, f"{path} appears")
        return int(Path(path).read_text())
