"""Sessions whose drivers come over the network; without Spark (tests/fakes/session.py)."""

import hashlib
import json
import os
import random
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from gateway import FAKES, REPO, until
from sessions import Session


def own_address():
    """A loopback address that nobody else has, so that a port of it is free."""
    return f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(1, 254)}:{random.randint(20000, 60000)}"


@pytest.fixture
def near(gateways):
    """Drivers run here, and come over the network all the same."""
    return gateways(florus__session__address=own_address(), florus__session__dial="network").start()


@pytest.fixture
def cluster(gateways):
    return gateways(florus__session__address=own_address(), livy__spark__deploy_mode="cluster").start()


def address_of(gateway):
    host, _, port = gateway.options["florus.session.address"].rpartition(":")
    return host, int(port)


def pid_of(session):
    return int(session.run("import os\nos.getpid()")["data"]["text/plain"])


def command_of(session):
    with open(f"/proc/{pid_of(session)}/cmdline", "rb") as file:
        return [part.decode() for part in file.read().split(b"\0")]


def established(gateway):
    """Connections at the door for drivers, as the kernel lists them."""
    host, port = address_of(gateway)
    wanted = f"{struct.unpack('=I', socket.inet_aton(host))[0]:08X}:{port:04X}"
    return [line.split() for line in open("/proc/net/tcp") if line.split()[1] == wanted and line.split()[3] == "01"]


def test_statements_come_and_go_over_the_network(near):
    session = Session(near).wait("idle")
    assert len(established(near)) == 1
    assert session.run("6 * 7")["data"] == {"text/plain": "42"}
    text = session.run("print('x' * 900000)")["data"]["text/plain"]
    assert text == "x" * 900000, "many records of TLS"
    code = "y = '" + "y" * 500000 + "'\nlen(y)"
    assert session.run(code)["data"] == {"text/plain": "500000"}
    number = session.post("import time\ntime.sleep(600)").body["id"]
    until(lambda: session.statement(number)["state"] == "running", 10, "it runs")
    near.post(f"{session.path}/statements/{number}/cancel", {})
    assert session.result(number)["state"] == "cancelled"


def test_nothing_is_lost_or_run_twice_when_florusd_is_killed(near, tmp_path):
    session, runs, gate = Session(near).wait("idle"), tmp_path / "runs", tmp_path / "gate"
    code = f"open({str(runs)!r}, 'a').write('x')\nimport os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)\n1"
    number, after = session.post(code).body["id"], session.post("2").body["id"]
    until(runs.exists, 10, "it runs")
    near.kill9()
    gate.touch()
    near.start()
    assert session.result(number)["output"]["data"] == {"text/plain": "1"}
    assert session.result(after)["output"]["data"] == {"text/plain": "2"}
    assert runs.read_text() == "x"


def test_many_at_once(near):
    sessions = [Session(near) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda s: s.wait("idle").run(f"{s.id} + 1")["data"]["text/plain"], sessions)) == [str(s.id + 1) for s in sessions]


def certificate_in(file):
    end = "-----END CERTIFICATE-----\n"
    return ssl.PEM_cert_to_DER_cert(file.read_text().partition(end)[0] + end)


def test_the_driver_is_told_where_and_whom_to_trust_but_not_in_argv_what_is_secret(near):
    command = command_of(Session(near).wait("idle"))
    told = {part.partition("=")[0]: part.partition("=")[2] for part in command if part.startswith("spark.florus.")}
    assert told["spark.florus.session.address"] == "tls:" + near.options["florus.session.address"]
    assert re.fullmatch("[0-9a-f]{64}", told["spark.florus.session.certificate"])
    assert not [part for part in command if "session.secret" in part]
    file = near.state / "sessions" / "drivers.pem"
    assert file.stat().st_mode & 0o777 == 0o600
    der = certificate_in(file)
    assert hashlib.sha256(der).hexdigest() == told["spark.florus.session.certificate"]
    near.restart()
    assert certificate_in(file) == der


def test_a_driver_speaks_to_nobody_with_another_certificate(near):
    session = Session(near).wait("idle")
    near.stop()
    (near.state / "sessions" / "drivers.pem").unlink()
    near.start()
    other = Session(near).wait("idle")
    assert other.run("1")["data"] == {"text/plain": "1"}
    number = session.post("1").body["id"]
    assert other.run("2")["data"] == {"text/plain": "2"}
    until(lambda: len(established(near)) == 1, 10, "only the other one is connected: this one hangs up again and again")
    assert session.statement(number)["state"] == "waiting"


def test_a_damaged_certificate_is_named(gateways):
    gateway = gateways(florus__session__address=own_address())
    (gateway.state / "sessions").mkdir(parents=True)
    (gateway.state / "sessions" / "drivers.pem").write_text("nonsense")
    gateway.state.chmod(0o700)
    (gateway.state / "sessions").chmod(0o700)
    status, lines = gateway.refusal()
    assert status == 78 and "drivers.pem" in lines[-1]


# --- strangers ---


def hung_up(sock, within=20):
    sock.settimeout(within)
    try:
        while sock.recv(4096):
            pass
    except ConnectionError:
        pass
    return True


def test_who_speaks_no_tls_hears_nothing(near):
    for said in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0\0\0\2{}", os.urandom(300)):
        with socket.create_connection(address_of(near), 10) as sock:
            sock.sendall(said)
            heard = b""
            try:
                while part := sock.recv(4096):
                    heard += part
            except ConnectionError:
                pass
            assert b"challenge" not in heard and b"nonce" not in heard
    assert Session(near).wait("idle").run("1")["status"] == "ok"


def with_tls(near):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection(address_of(near), 20))


@pytest.mark.parametrize("said", [b"\xff\xff\xff\xff", struct.pack(">I", 70000) + b"x" * 70000, struct.pack(">I", 2) + b"{}",
                                  struct.pack(">I", 16) + b'{"type":"hello"}'], ids=["length", "long", "empty", "bare"])
def test_who_does_not_know_the_secret_is_hung_up_on(near, said):
    with with_tls(near) as sock:
        assert b"challenge" in sock.recv(4096)
        try:
            sock.sendall(said)
            assert hung_up(sock)
        except (ssl.SSLError, ConnectionError):
            pass


def test_strangers_at_the_door_do_not_keep_drivers_of_this_host_out(gateways):
    gateway = gateways(florus__session__address=own_address()).start()
    idle = [socket.create_connection(address_of(gateway), 10) for _ in range(80)]
    closed = [sock for sock in idle[64:] if hung_up(sock)]
    assert len(closed) == 16
    assert Session(gateway).wait("idle").run("1")["status"] == "ok"
    assert all(hung_up(sock) for sock in idle), "after ten seconds without a proof"


# --- cluster mode ---


def test_a_session_in_cluster_mode_takes_its_package_along(cluster):
    session = Session(cluster, pyFiles=[str(cluster.job)]).wait("idle")
    command = command_of(session)
    package, own = command[command.index("--py-files") + 1].split(",")
    assert own.endswith("job.py") and "spark.yarn.submit.waitAppCompletion=true" in command
    with zipfile.ZipFile(package) as travels:
        names = {name.removeprefix("florus/") for name in travels.namelist()}
        assert names == {file.name for file in (REPO / "driver" / "florus").iterdir() if file.is_file()}
        assert travels.read("florus/wire.py") == (REPO / "driver" / "florus" / "wire.py").read_bytes()
    assert "tls:" + cluster.options["florus.session.address"] in " ".join(command)


def test_a_session_in_client_mode_takes_nothing_along(gateways):
    gateway = gateways(florus__session__address=own_address()).start()
    command = command_of(Session(gateway).wait("idle"))
    assert "--py-files" not in command and [part for part in command if part.startswith("spark.florus.session.address=unix:@")]


def test_a_session_in_cluster_mode_needs_an_address(gateways):
    gateway = gateways(livy__spark__deploy_mode="cluster").start()
    answer = gateway.post("/sessions", {"kind": "pyspark"})
    assert answer.status == 400 and "florus.session.address = host:port" in answer.body["msg"]
    assert gateway.get("/sessions").body["total"] == 0
    gateway = gateways(livy__server__session__allow_custom_classpath="true").start()
    answer = gateway.post("/sessions", {"kind": "pyspark", "conf": {"spark.submit.deployMode": "cluster"}})
    assert answer.status == 400 and "florus.session.address" in answer.body["msg"]


class Elsewhere:
    """A cluster that has taken a submission: the driver runs where no shim reaches it."""

    def __init__(self, gateway, tmp_path):
        submission = tmp_path / "submission"
        self.session = Session(gateway, conf={"spark.test.start": "elsewhere", "spark.test.submission": str(submission)})
        until(submission.exists, 10, "spark-submit has submitted")
        environment = {**os.environ, "FLORUS_TEST_ELSEWHERE": "1"}
        self.driver = subprocess.Popen([sys.executable, FAKES / "session.py", *json.loads(submission.read_text())], env=environment,
                                       cwd=gateway.root, stdout=subprocess.DEVNULL)
        self.session.wait("idle")


def test_a_driver_that_outlives_spark_submit_is_told_to_end(cluster, tmp_path):
    far = Elsewhere(cluster, tmp_path)
    assert far.session.run("6 * 7")["data"] == {"text/plain": "42"}
    assert cluster.post(far.session.path + "/stop", {}).status == 204
    assert far.driver.wait(20) == 0
    assert far.session.state() == "killed" and far.session.statement(0)["output"]["data"] == {"text/plain": "42"}


def test_a_driver_that_was_away_when_its_session_ended_hears_so_when_it_comes(cluster, tmp_path):
    far = Elsewhere(cluster, tmp_path)
    cluster.kill9()
    far.driver.send_signal(signal.SIGSTOP)
    cluster.start()
    assert cluster.post(far.session.path + "/stop", {}).status == 204
    far.driver.send_signal(signal.SIGCONT)
    assert far.driver.wait(20) == 0


# --- what refuses to start ---


@pytest.mark.parametrize("options, text", [
    ({"florus.session.address": "nowhere"}, "florus.session.address = nowhere: expected host:port"),
    ({"florus.session.address": "h:0"}, "expected host:port"),
    ({"florus.session.address": "h:65536"}, "expected host:port"),
    ({"florus.session.address": "::1:80"}, "expected host:port"),
    ({"florus.session.address": "h:1", "florus.session.listen": "x"}, "florus.session.listen = x: expected host:port"),
    ({"florus.session.dial": "network"}, "florus.session.dial = network needs florus.session.address"),
    ({"florus.session.listen": "127.0.0.1:9999"}, "florus.session.listen needs florus.session.address"),
    ({"florus.session.address": "192.0.2.1:9999"}, "set florus.session.listen"),
])
def test_settings_of_no_use_are_refused_with_a_cure(gateways, options, text):
    status, lines = gateways().refusal(options)
    assert status == 78 and text in lines[-1]


def test_it_listens_elsewhere_than_drivers_are_told(gateways):
    here = own_address()
    gateway = gateways(florus__session__address="gateway.example.org:8999", florus__session__listen=here).start()
    host, _, port = here.rpartition(":")
    socket.create_connection((host, int(port)), 10).close()
