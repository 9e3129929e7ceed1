"""A stand-in for florusd's side of docs/session-protocol.md, and a real driver under a real spark-submit."""

import json
import os
import queue
import secrets
import socket
import subprocess
import sys
import threading
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "driver"))

from florus import wire  # noqa: E402


class Florusd:
    """Accepts one driver at a time. Everything it says is in `inbox`, in order."""

    def __init__(self, secret="s3cret", name=None):
        self.secret = secret
        self.name = name or f"florus-test-{secrets.token_hex(8)}"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind("\0" + self.name)
        self.listener.listen()
        self.inbox = queue.Queue()
        self.sock = None
        self.hellos = []
        self.up = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return "unix:@" + self.name

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            try:
                self._serve(sock)
            except (OSError, wire.Broken):
                pass
            self.up.clear()
            sock.close()

    def _serve(self, sock):
        nonce = secrets.token_hex(16)
        sock.sendall(wire.encode({"type": "challenge", "version": 1, "nonce": nonce}))
        hello = wire.read_message(sock)
        self.hellos.append(hello)
        if hello["proof"] != wire.proof(self.secret, "driver", hello["session"], nonce, hello["nonce"]):
            return
        sock.sendall(wire.encode({"type": "welcome",
                                  "proof": wire.proof(self.secret, "florusd", hello["session"], hello["nonce"], nonce)}))
        self.sock = sock
        self.up.set()
        text = ""
        while True:
            message = wire.read_message(sock)
            if message["type"] == "part":
                text += message["text"]
                continue
            if text:
                message[wire.LONG_TEXTS[message["type"]]] = text
            self.inbox.put(message)
            text = ""

    def send(self, **message):
        self.sock.sendall(wire.encode(message))

    def hang_up(self):
        self.up.clear()
        self.sock.shutdown(socket.SHUT_RDWR)

    def wait_for(self, kind, timeout=60, **fields):
        """The next message of this type and with these fields; others are passed over."""
        while True:
            message = self.inbox.get(timeout=timeout)
            if message["type"] == kind and all(message.get(key) == value for key, value in fields.items()):
                return message

    def close(self):
        self.listener.close()
        if self.sock:
            self.sock.close()


class Driver:
    """One session's driver and what answers it."""

    def __init__(self, tmp_path, conf=None, florusd=None, spark_home=None):
        self.florusd = florusd or Florusd()
        self.log = tmp_path / "driver.log"
        self.next_id = 0
        settings = {
            "spark.ui.enabled": "false",
            "spark.master": "local[2]",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.warehouse.dir": tmp_path / "warehouse",
            "spark.florus.session.address": self.florusd.address,
            "spark.florus.session.id": 7,
            "spark.florus.session.secret": self.florusd.secret,
            "spark.florus.session.output-max": 100000,
            **(conf or {}),
        }
        home = spark_home or os.environ["SPARK_HOME"]
        command = [os.path.join(home, "bin", "spark-submit")]
        for key, value in settings.items():
            command += ["--conf", f"{key}={value}"]
        work = tmp_path / "work"
        work.mkdir()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*command, REPO / "driver" / "florus_session.py"], cwd=work, stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)

    def wait_idle(self, timeout=120):
        return self.florusd.wait_for("state", timeout, state="idle")

    def start(self, code, kind="pyspark"):
        number = self.next_id
        self.next_id += 1
        self.florusd.send(type="execute", id=number, kind=kind, code=code)
        return number

    def result(self, number, timeout=90):
        result = self.florusd.wait_for("result", timeout, id=number)
        return {**result, "output": json.loads(result["output"]) if result["output"] else None}

    def run(self, code, kind="pyspark", timeout=90):
        number = self.start(code, kind)
        result = self.result(number, timeout)
        self.florusd.send(type="ack", id=number)
        return result["output"]

    def text(self, code, kind="pyspark"):
        output = self.run(code, kind)
        assert output["status"] == "ok", output
        assert list(output["data"]) == ["text/plain"], output
        return output["data"]["text/plain"]

    def stop(self):
        try:
            self.florusd.send(type="shutdown")
            self.process.wait(30)
        except (OSError, AttributeError, subprocess.TimeoutExpired):
            pass
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
            self.process.wait()
        self.florusd.close()
