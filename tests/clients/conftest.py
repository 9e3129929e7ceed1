"""Servers for real clients: both mounts, with and without a password; and where tools/setup put the clients."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass

import pytest
from gateway import BIN_DIR, REPO

CLIENTS = REPO / ".deps" / "clients" / "bin" / "python"
NODE_MODULES = REPO / ".deps" / "node" / "node_modules"
USER, PASSWORD = "alice", "correct horse:battery"
PLAIN = ("bob", "battery:staple")  # for magics, whose lines cannot say a blank
PATIENCE_S = 120


@dataclass
class Server:
    gateway: object
    mount: str
    login: tuple  # (user, password) or ()

    @property
    def url(self):
        return f"http://{self.gateway.host}:{self.gateway.port}{self.mount}"

    @property
    def never(self):
        return f"{self.gateway.root}/never"

    def run(self, *argv, **env):
        """What a client printed, parsed. It must end well."""
        done = subprocess.run(
            [str(arg) for arg in argv],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_S,
            cwd=self.gateway.root,
            env={**os.environ, "HOME": str(self.gateway.root), **env},
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()[-4000:]
        return json.loads(done.stdout)


@pytest.fixture(scope="session")
def open_gateway(session_gateways):
    return session_gateways().start()


@pytest.fixture(scope="session")
def closed_gateway(session_gateways):
    gateway = session_gateways(livy__server__auth__type="basic")
    users = gateway.root / "users"
    for name, password in ((USER, PASSWORD), PLAIN):
        subprocess.run(
            [BIN_DIR / "florus", "passwd", "--stdin", users, name],
            input=f"{password}\n".encode(),
            check=True,
            capture_output=True,
        )
    return gateway.start(florus__auth__users_file=users)


@pytest.fixture(params=["/", "/livy", "/ with a password", "/livy with a password"])
def server(request):
    mount, _, password = request.param.partition(" ")
    gateway = request.getfixturevalue("closed_gateway" if password else "open_gateway")
    return Server(gateway, mount.rstrip("/"), (USER, PASSWORD) if password else ())


@pytest.fixture(scope="session")
def python():
    found = os.environ.get("CLIENTS_PYTHON") or CLIENTS
    assert os.access(found, os.X_OK), f"{found} is missing: run tools/setup test"
    return found


@pytest.fixture(scope="session")
def node():
    found = shutil.which("node")
    assert found and NODE_MODULES.is_dir(), "node or .deps/node is missing: run tools/setup test"
    return found
