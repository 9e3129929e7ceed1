"""Real parts of clusters as processes: started under guard.py, stopped, killed, and their logs shown when they fail."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from gateway import PATIENCE, REPO, until

GUARD = Path(__file__).with_name("guard.py")
CACHE = Path(os.environ.get("FLORUS_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "florus")
START_S = 60  # how long a JVM may take to serve on a busy machine


def free_ports(count, host="127.0.0.1"):
    """Ports that nobody listens on, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for s in sockets:
            s.bind((host, 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


class Part:
    """One daemon of a cluster. It and all below it end with stop(), and with this process."""

    def __init__(self, name, argv, directory, env=None):
        self.name = name
        self.argv = [str(a) for a in argv]
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log = self.directory / f"{name}.log"
        self.env = {**os.environ, **(env or {})}
        self.process = None

    def start(self, ready=None, timeout=START_S):
        """Starts it and waits until ready() is true."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, GUARD, *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=self.env,
            )
        if ready:
            self.wait_ready(ready, timeout)
        return self

    def wait_ready(self, ready, timeout=START_S):
        def there():
            assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}"
            return ready()

        try:
            until(there, timeout, f"{self.name} is ready", interval=0.1)
        except AssertionError as e:
            text = self.text()
            self.stop()
            raise AssertionError(f"{e}\n{text}") from None

    def text(self):
        return self.log.read_text(errors="replace")[-8000:] if self.log.exists() else ""

    def stop(self):
        """Its whole tree is gone afterwards."""
        process, self.process = self.process, None
        if not process:
            return
        process.terminate()
        try:
            process.wait(30 * PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"{self.name} did not end") from None

    def kill(self):
        """As power cuts do it."""
        for pid in self.own():
            os.kill(pid, signal.SIGKILL)
        self.stop()

    def pause(self):
        """It hangs: connections are taken, and nothing is answered. Not what it started itself."""
        for pid in self.own():
            os.kill(pid, signal.SIGSTOP)

    def go_on(self):
        for pid in self.own():
            os.kill(pid, signal.SIGCONT)

    def own(self):
        return [int(p) for p in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()]


def spark_home(name):
    """.deps/spark4 or .deps/spark35; SPARK_HOME stands in for spark4, as everywhere."""
    home = Path(os.environ.get("SPARK_HOME") or REPO / ".deps" / name) if name == "spark4" else REPO / ".deps" / name
    assert (home / "bin" / "spark-class").exists(), f"no Spark in {home}; run tools/setup clusters"
    return home.resolve()


def python_of(home):
    """The Python that a Spark of pip was installed into."""
    beside = home.parents[3] / "bin" / "python"
    return str(beside if beside.exists() else sys.executable)
