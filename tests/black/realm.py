"""A Kerberos realm of its own for a test module, and curl as somebody of it.

tests/kdc makes and serves it. Everybody who takes part needs realm.env, which also keeps florusd's replay
cache beside the realm instead of in /var/tmp.
"""

import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

from gateway import REPO, until
from wire import Answer

TOOLS = REPO / ".deps" / "krb5" / "usr"
SERVICE = "HTTP/localhost@FLORUS.TEST"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Realm:
    def __init__(self, root):
        """Another process may take the port first: then once more, with another one."""
        for attempt in range(3):
            self.root = Path(root) / str(attempt)
            if self.serve(free_port()):
                break
        else:
            raise AssertionError((self.root / "log").read_text())
        self.keytab = self.root / "http.keytab"
        self.env = {"KRB5_CONFIG": str(self.root / "krb5.conf"), "KRB5RCACHENAME": f"file2:{self.root}/rcache"}

    def serve(self, port):
        self.root.mkdir()
        with open(self.root / "log", "wb") as log:
            self.process = subprocess.Popen([REPO / "tests" / "kdc", self.root, str(port)], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)

        def settled():
            return self.process.poll() is not None or ((self.root / "ready").exists() and listens(port))

        until(settled, 60, "the KDC answers")
        return self.process.poll() is None

    def stop(self):
        self.process.kill()
        self.process.wait()

    def tool(self, name, *args, cache):
        """Runs one of MIT's tools; its output."""
        env = {**os.environ, **self.env, "LD_LIBRARY_PATH": str(TOOLS / "lib" / "libs"), "KRB5CCNAME": str(cache)}
        return subprocess.run([TOOLS / "bin" / name, *args], env=env, check=True, capture_output=True).stdout.decode()

    def ticket(self, who, service=SERVICE):
        """A cache of who's tickets, that for the service already among them."""
        cache = self.root / f"cc-{who.replace('/', '.')}-{len(os.listdir(self.root))}"
        self.tool("kinit", "-k", "-t", str(self.root / "users.keytab"), who, cache=cache)
        self.tool("kvno", service, cache=cache)
        return cache

    def mutual(self, gateway, path, *more, cache):
        """What mutual.py says of the gateway."""
        command = [sys.executable, Path(__file__).with_name("mutual.py"), str(gateway.port), path, *more]
        env = {**os.environ, **self.env, "KRB5CCNAME": str(cache)}
        return subprocess.run(command, env=env, check=True, capture_output=True, timeout=30).stdout.decode().strip()

    def curl(self, gateway, path, *args, cache="/nonexistent", scheme="http"):
        """curl --negotiate with the tickets of the cache: (the answer, the Authorization that it sent or None)."""
        env = {**os.environ, **self.env, "KRB5CCNAME": str(cache)}
        url = f"{scheme}://localhost:{gateway.port}{path}"
        done = subprocess.run(["curl", "-q", "-sS", "-v", "-i", "--noproxy", "*", "--negotiate", "-u", ":", *args, url],
                              env=env, check=True, capture_output=True, timeout=30)
        sent = [line[len("> Authorization: "):] for line in done.stderr.decode().splitlines()
                if line.startswith("> Authorization: ")]
        return last_answer(done.stdout), sent[-1] if sent else None


def last_answer(data):
    """The last of the answers that curl -i wrote one after the other."""
    head, _, body = data.partition(b"\r\n\r\n")
    while body.startswith(b"HTTP/1.1 "):
        head, _, body = body.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    _, status, reason = first.split(" ", 2)
    return Answer(int(status), reason, [tuple(part.strip() for part in line.split(":", 1)) for line in lines], body)


def shift_clock(cache, seconds):
    """
    Makes the owner of the cache believe that his clock is wrong by so much, which his next authenticator then is: the
    header of the file holds the offset to the KDC's clock.
    """
    data = bytearray(cache.read_bytes())
    assert data[:8] == b"\x05\x04\x00\x0c\x00\x01\x00\x08", "a cache of format 4 that begins with the offset"
    data[8:16] = struct.pack(">ii", seconds, 0)
    cache.write_bytes(data)
