"""HTTPS: who is believed, what is refused, and that a renewed certificate drops nobody."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from certs import Authority, common_name
from cli import Cli
from gateway import PATIENCE, until
from wire import Closed

HOST = b"Host: x\r\n"
GET = b"GET /version HTTP/1.1\r\n" + HOST + b"\r\n"
HASTY = {f"florus__http__{phase}_timeout": "1s" for phase in ("header", "body", "idle", "reply")}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def pair(authority):
    return authority.issue("server")


def options(pair, **more):
    return {"florus__tls__cert": pair.cert, "florus__tls__key": pair.key, **more}


def started(gateways, authority, pair, client=None, **more):
    gateway = gateways(**options(pair, **more))
    gateway.trust = authority.trust(client)
    return gateway.start()


@pytest.fixture(scope="module")
def shared(module_gateways, authority, pair):
    return started(module_gateways, authority, pair)


@pytest.fixture(scope="module")
def hasty(module_gateways, authority, pair):
    """A gateway whose patience is a second."""
    return started(module_gateways, authority, pair, **HASTY)


def raw(gateway):
    return socket.create_connection((gateway.host, gateway.port), timeout=10)


def established(gateway, sock):
    """As the kernel knows the server's end of this connection."""
    ends = f":{gateway.port:04X}", f":{sock.getsockname()[1]:04X}"
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines())
    return any(row[1].endswith(ends[0]) and row[2].endswith(ends[1]) and row[3] == "01" for row in rows)


def everything(sock):
    """All that comes until the end; what is no TLS record makes an SSLError of it."""
    data = b""
    try:
        while more := sock.recv(1 << 16):
            data += more
    except ConnectionResetError:
        pass
    return data


# --- the contract, encrypted -------------------------------------------------------------------------------------


def test_a_batch_lives_as_it_does_without(shared):
    batch, state, lines = shared.run("print=hello", "exit=0")
    assert (state, lines) == ("success", ["hello"])
    assert batch in [b["id"] for b in shared.get("/batches").body["sessions"]]
    assert shared.delete(f"/batches/{batch}").body == {"msg": "deleted"}


def test_curl_agrees(shared, authority):
    url = f"https://localhost:{shared.port}/version"
    done = subprocess.run(["curl", "-sS", "--cacert", authority.pair.cert, url], capture_output=True, check=True)
    assert b"florus" in done.stdout


def test_the_address_says_https(shared):
    assert shared.scheme == "https"
    assert shared.get("/").header("Location") == f"https://{shared.host}:{shared.port}/ui"


def test_hsts_is_for_tls_only(shared, gateway):
    assert shared.get("/version").header("Strict-Transport-Security") == "max-age=31536000; includeSubDomains"
    assert gateway.get("/version").header("Strict-Transport-Security") is None


def test_hsts_can_be_left_out(gateways, authority, pair):
    gateway = gateways(**options(pair), **{"livy.server.http.header.Strict-Transport-Security": ""})
    gateway.trust = authority.trust()
    assert gateway.start().get("/version").header("Strict-Transport-Security") is None


def test_a_large_log_comes_whole(shared):
    lines = 1 << 18
    batch = shared.submit(f"spew={lines * 16}", "exit=0")
    shared.wait(batch)
    assert len(shared.log(batch)) == lines + 2


def test_a_reader_that_pauses_gets_all(shared):
    """The server must take up its records where the kernel's buffer was full."""
    lines = 1 << 20
    batch = shared.submit(f"spew={lines * 16}", "exit=0")
    shared.wait(batch, timeout=60)
    with shared.wire(timeout=60) as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        wire.send(b"GET /batches/%d/log?size=-1 HTTP/1.1\r\n" % batch + HOST + b"\r\n")
        for _ in range(20):
            assert shared.get("/version").status == 200
        log = wire.answer().body["log"]
    assert len(log) == lines + 2 and len(set(map(len, log[1:-1]))) == 1


def test_a_body_of_one_mib_is_taken(shared):
    body = json.dumps(shared.body("exit=0")).encode()
    assert shared.post("/batches", body + b" " * ((1 << 20) - len(body))).status == 201


def test_two_hundred_at_once(shared):
    wires = [shared.wire() for _ in range(200)]
    for wire in wires:
        wire.send(GET)
    assert [wire.answer().status for wire in wires] == [200] * 200
    for wire in wires:
        wire.close()


def test_many_requests_on_one_connection_and_pipelined(shared):
    with shared.wire() as wire:
        wire.send(GET * 50)
        assert [wire.answer().status for _ in range(50)] == [200] * 50


def test_key_and_certificate_may_share_a_file(gateways, authority, pair):
    gateway = gateways(florus__tls__cert=pair.both)
    gateway.trust = authority.trust()
    assert gateway.start().get("/version").status == 200


def test_clients_resume(shared):
    def visit(session):
        plain = socket.create_connection((shared.host, shared.port), timeout=10)
        with shared.trust.wrap_socket(plain, server_hostname=shared.host, session=session) as sock:
            sock.sendall(GET)
            sock.recv(4096)
            return sock.session, sock.session_reused

    session, reused = visit(None)
    assert not reused and visit(session)[1]


# --- what is refused ---------------------------------------------------------------------------------------------


def test_plain_http_is_closed_without_a_word(shared):
    with raw(shared) as sock:
        sock.sendall(GET)
        assert everything(sock)[:5] != b"HTTP/"
    assert shared.get("/version").status == 200


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x00\x05hello", b"\0" * 4096, b"\x16\x03\x01\xff\xff" + b"x" * 65535])
def test_what_is_no_tls_is_closed(hasty, data):
    with raw(hasty) as sock:
        sock.sendall(data)
        assert b"HTTP/" not in everything(sock)
    assert hasty.get("/version").status == 200


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("version, good", [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
def test_tls_begins_at_1_2(shared, authority, version, good):
    context = authority.trust()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion[version]
    try:
        with context.wrap_socket(raw(shared), server_hostname=shared.host) as sock:
            assert good and sock.version().replace(".", "_") == version
    except ssl.SSLError:
        assert not good


def test_weak_ciphers_are_refused(shared, authority):
    context = authority.trust()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA:AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        context.wrap_socket(raw(shared), server_hostname=shared.host)


def test_who_does_not_know_the_authority_does_not_come_in(shared, tmp_path):
    with pytest.raises(ssl.SSLCertVerificationError):
        Authority(tmp_path, "other").trust().wrap_socket(raw(shared), server_hostname=shared.host)


# --- the client's certificate ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strict(module_gateways, authority, pair):
    client = authority.issue("client", usage="clientAuth")
    return started(module_gateways, authority, pair, client, florus__tls__client_ca=authority.pair.cert)


def test_a_client_with_a_certificate_comes_in(strict):
    assert strict.get("/version").status == 200


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("kind, alert", [("none", "REQUIRED"), ("foreign", "BAD_CERTIFICATE"),
                                         ("expired", "BAD_CERTIFICATE"), ("server", "BAD_CERTIFICATE")])  # fmt: skip
def test_all_other_clients_are_told_no_before_a_request(strict, authority, tmp_path, version, kind, alert):
    shown = {
        "none": lambda: None,
        "foreign": lambda: Authority(tmp_path, "other").issue("client"),
        "expired": lambda: authority.issue("late", days=-1),
        "server": lambda: authority.issue("no-client", usage="serverAuth"),
    }[kind]()
    context = authority.trust(shown)
    context.maximum_version = ssl.TLSVersion[version]
    total = strict.get("/batches").body["total"]
    body = b'{"file": "%s"}' % str(strict.job).encode()
    with pytest.raises((ssl.SSLError, ConnectionError)) as refused:
        with context.wrap_socket(raw(strict), server_hostname=strict.host) as sock:
            sock.sendall(b"POST /batches HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            sock.recv(1)
    # A client of TLS 1.3 may be writing already when the alert comes, and the reset behind it can overtake the alert.
    overtaken = version == "TLSv1_3" and isinstance(refused.value, (ssl.SSLEOFError, ConnectionError))
    assert overtaken or alert in str(refused.value).upper().replace(" ", "_")
    assert strict.get("/batches").body["total"] == total
    assert {"none": "none was shown", "foreign": "issuer is unknown", "expired": "expired", "server": "purpose"}[kind] in [
        line for line in strict.log_text().splitlines() if "client certificate refused peer=127.0.0.1" in line
    ][-1]


def test_clients_with_certificates_do_not_resume(strict):
    """Else a certificate that has expired meanwhile would still open."""
    with strict.wire() as wire:
        assert wire.send(GET).answer().status == 200
        assert not wire.socket.session or not wire.socket.session.has_ticket


# --- a new certificate -------------------------------------------------------------------------------------------


def served(gateway):
    with gateway.trust.wrap_socket(raw(gateway), server_hostname=gateway.host) as sock:
        return common_name(sock.getpeercert(binary_form=True))


def replace(pair, new):
    for to, source in ((pair.cert, new.cert), (pair.key, new.key)):
        shutil.copy(source, to)


def hup(gateway, words):
    """SIGHUP, and waits for what the log says of it."""
    before = gateway.log_text().count(words)
    os.kill(gateway.process.pid, signal.SIGHUP)
    until(lambda: gateway.log_text().count(words) > before, 10, words)


def test_a_reload_serves_the_new_one_and_drops_nobody(gateways, authority):
    pair = authority.issue("first")
    gateway = started(gateways, authority, pair)
    with gateway.wire() as old:
        assert old.send(GET).answer().status == 200
        replace(pair, authority.issue("second"))
        assert served(gateway) == "first", "nobody has said so yet"
        hup(gateway, "certificate and key read anew")
        assert served(gateway) == "second"
        assert old.send(GET).answer().status == 200
        assert common_name(old.socket.getpeercert(binary_form=True)) == "first"


def test_a_bad_new_one_leaves_the_old_in_force(gateways, authority):
    pair = authority.issue("good")
    gateway = started(gateways, authority, pair)
    shutil.copy(authority.issue("unfitting").key, pair.key)
    hup(gateway, "certificate and key stay as they were")
    assert "does not belong to the certificate" in gateway.log_text()
    assert served(gateway) == "good"


def test_a_reload_amid_handshakes(gateways, authority):
    """Each client sees one certificate or the other, whole, however its handshake and the reload fall together."""
    pair = authority.issue("one")
    gateway = started(gateways, authority, pair)
    other = authority.issue("two")
    half = [raw(gateway) for _ in range(8)]
    replace(pair, other)
    os.kill(gateway.process.pid, signal.SIGHUP)
    names = {common_name(gateway.trust.wrap_socket(sock, server_hostname=gateway.host).getpeercert(binary_form=True))
             for sock in half}  # fmt: skip
    assert names <= {"one", "two"}


def test_a_ticket_of_before_a_reload_is_no_use(gateways, authority):
    pair = authority.issue("server-of-tickets")
    gateway = started(gateways, authority, pair)
    with gateway.wire() as wire:
        assert wire.send(GET).answer().status == 200
        session = wire.socket.session
    hup(gateway, "certificate and key read anew")
    with gateway.trust.wrap_socket(raw(gateway), server_hostname=gateway.host, session=session) as sock:
        assert not sock.session_reused


# --- patience ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["silent", "half a hello"])
def test_a_handshake_that_stalls_is_cut(hasty, data):
    before = time.monotonic()
    with raw(hasty) as sock:
        sock.sendall(data)
        assert everything(sock) == b"", "no word in clear"
    assert 0.5 < time.monotonic() - before < 4 * PATIENCE


@pytest.mark.parametrize("data", [b"G", b"POST /batches HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"],
                         ids=["header", "body"])  # fmt: skip
def test_408_is_encrypted(hasty, data):
    before = time.monotonic()
    with hasty.wire() as wire:
        assert wire.send(data).answer().status == 408
        with pytest.raises(Closed):
            wire.fill()
    assert 0.5 < time.monotonic() - before < 4 * PATIENCE


def test_408_stays_away_when_nothing_was_asked(hasty):
    with hasty.wire() as wire:
        assert wire.send(GET).answer().status == 200
        assert wire.closed(within=4)


def test_413_in_the_middle_of_a_body_is_encrypted(shared):
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with shared.wire() as wire:
        wire.send(b"POST /batches HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(20):
            wire.send(piece)
        assert wire.answer().status == 413


def test_a_reader_that_stops_is_cut(hasty):
    batch = hasty.submit(f"spew={1 << 25}", "exit=0")
    hasty.wait(batch, timeout=60)
    with hasty.wire() as wire:
        wire.send(b"GET /batches/%d/log?size=-1 HTTP/1.1\r\n" % batch + HOST + b"\r\n")
        assert established(hasty, wire.socket)
        until(lambda: not established(hasty, wire.socket), 10, "the server closes the connection")
        with pytest.raises(Closed):
            wire.answer()


def test_who_is_turned_away_reads_nothing_in_clear(gateways, authority, pair):
    """One may connect, and guests who are asked for their health; see gate.h."""
    gateway = started(gateways, authority, pair, florus__http__connections_max=1)
    with ExitStack() as stack:
        first = stack.enter_context(gateway.wire())
        assert gateway.get("/healthz").status == 200
        for _ in range(64):
            stack.enter_context(raw(gateway))
        assert everything(stack.enter_context(raw(gateway))) == b""
        assert first.send(GET).answer().status == 200


def test_it_stops_while_clients_wait(gateways, authority, pair):
    gateway = started(gateways, authority, pair)
    with raw(gateway) as silent, gateway.wire() as idle:
        assert idle.send(GET).answer().status == 200
        silent.sendall(b"\x16")
        gateway.stop()


# --- the command line --------------------------------------------------------------------------------------------


@pytest.fixture
def cli(tmp_path):
    return Cli(tmp_path)


def test_the_command_believes_whom_it_is_told_to(cli, shared, authority):
    ca = authority.pair.cert
    by_option = cli("--state-dir", str(shared.state), "--cacert", str(ca), "list")
    assert by_option.returncode == 0, by_option.stderr
    cli.env["FLORUS_CACERT"] = str(ca)
    done = cli("--state-dir", str(shared.state), "submit", "--follow", str(shared.job), "do:print=seen", "do:exit=0")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "seen"), done.stderr


def test_the_command_says_how_to_believe(cli, shared):
    done = cli("--state-dir", str(shared.state), "list")
    assert done.returncode == 4 and "--cacert FILE" in done.stderr and "trying again" not in done.stderr


def test_the_command_wants_the_right_name(cli, gateways, authority, pair):
    gateway = started(gateways, authority, pair, livy__server__host="127.0.0.2")
    done = cli("--state-dir", str(gateway.state), "--cacert", str(authority.pair.cert), "list")
    assert done.returncode == 4 and "127.0.0.2" in done.stderr and "--url" in done.stderr


def test_a_file_of_certificates_that_is_none_is_said(cli, shared):
    done = cli("--state-dir", str(shared.state), "--cacert", "/nowhere.pem", "list")
    assert done.returncode == 2 and "/nowhere.pem" in done.stderr


HUNG_UP = ((4, True), (6, False))  # told why; or hung up on before the alert was read, as other clients of TLS 1.3


def test_the_command_shows_a_certificate(cli, strict, authority, tmp_path):
    at = ["--state-dir", str(strict.state), "--cacert", str(authority.pair.cert)]
    shown = cli(*at, "--cert", str(authority.issue("me").both), "list")
    assert shown.returncode == 0, shown.stderr
    foreign = ["--cert", str(Authority(tmp_path, "other").issue("me").both)]
    for refused in (cli(*at, "list"), cli(*at, *foreign, "list")):
        assert (refused.returncode, "--cert FILE" in refused.stderr) in HUNG_UP, refused.stderr


def test_the_wrong_language_is_guessed(cli, shared, gateway):
    plain = cli("--url", f"http://127.0.0.1:{shared.port}", "list")
    assert plain.returncode == 6 and "https?" in plain.stderr
    encrypted = cli("--url", f"https://127.0.0.1:{gateway.port}", "list")
    assert encrypted.returncode == 6 and "without TLS?" in encrypted.stderr


# --- what is wrong, said at the start ----------------------------------------------------------------------------


def broken(kind, authority, folder):
    """A certificate and a key that will not do, and what the message must name."""
    pair = authority.issue(kind)
    if kind == "no-cert":
        pair.cert.unlink()
        return pair, ["florus.tls.cert", "does not exist", str(pair.cert)]
    if kind == "no-key":
        pair.key.unlink()
        return pair, ["florus.tls.key", "does not exist", str(pair.key)]
    if kind == "mismatch":
        pair.key = authority.issue("other").key
        return pair, ["does not belong to the certificate", str(pair.key), str(pair.cert)]
    if kind == "encrypted":
        subprocess.run(["openssl", "pkey", "-in", pair.key, "-aes128", "-passout", "pass:x", "-out", folder / "e"],
                       check=True)  # fmt: skip
        pair.key = folder / "e"
        pair.key.chmod(0o600)
        return pair, ["is encrypted", f"openssl pkey -in {pair.key}"]
    if kind == "open-key":
        pair.key.chmod(0o644)
        return pair, ["open to other users", f"chmod o= {pair.key}"]
    if kind == "junk-key":
        pair.key.write_text("hello\n")
        return pair, ["holds no private key", str(pair.key)]
    assert kind == "junk-cert"
    pair.cert.write_text("hello\n")
    return pair, ["holds no certificate", str(pair.cert)]


@pytest.mark.parametrize("kind", ["no-cert", "no-key", "mismatch", "encrypted", "open-key", "junk-key", "junk-cert"])
def test_what_is_wrong_with_the_files_is_said(gateways, authority, tmp_path, kind):
    pair, words = broken(kind, authority, tmp_path)
    gateway = gateways(**options(pair))
    status, lines = gateway.refusal()
    assert status == 78 and all(word in lines[-1] for word in words), lines
    checked = subprocess.run([*gateway.command(), "--check"], capture_output=True, text=True, check=False,
                             env=gateway.environment())  # fmt: skip
    assert checked.returncode == 78 and all(word in checked.stderr for word in words)


@pytest.mark.parametrize("more, words", [
    ({"florus__tls__client_ca": "/nowhere.pem"}, ["florus.tls.client-ca", "does not exist"]),
    ({"florus__tls__client_ca": "/etc/hostname"}, ["florus.tls.client-ca", "no certificate"]),
    ({"florus__tls__priorities": "NORMAL:+MAGIC"}, ["florus.tls.priorities", "+MAGIC"]),
])  # fmt: skip
def test_what_is_wrong_with_the_rest_is_said(gateways, pair, more, words):
    status, lines = gateways(**options(pair, **more)).refusal()
    assert status == 78 and all(word in lines[-1] for word in words), lines


def test_a_client_ca_without_a_certificate_is_refused(gateways, authority):
    """It would leave the door open that it is to shut."""
    status, lines = gateways(florus__tls__client_ca=authority.pair.cert).refusal()
    assert status == 78 and "without florus.tls.cert" in lines[-1]


def test_an_expired_certificate_is_a_warning_with_its_date(gateways, authority):
    pair = authority.issue("expired", days=-1)
    gateway = gateways(**options(pair)).start()
    assert "has expired" in gateway.log_text() and "until=2" in gateway.log_text()


def test_passwords_in_clear_on_a_network_are_a_warning(gateways, authority, pair, tmp_path):
    users = tmp_path / "users"
    users.touch(0o600)
    asked = {"livy__server__host": "0.0.0.0", "livy__server__auth__type": "basic", "florus__auth__users_file": users}
    bare, covered = gateways(**asked).start(), gateways(**asked, **options(pair)).start()
    assert "in clear" in bare.log_text() and "florus.tls.cert" in bare.log_text()
    assert "in clear" not in covered.log_text()


# --- from Livy ---------------------------------------------------------------------------------------------------


def test_a_key_store_of_livy_is_refused_with_the_way_out(gateways):
    status, lines = gateways(livy__keystore="/etc/livy/keystore.jks").refusal()
    assert status == 78
    for word in ("keytool -importkeystore -srckeystore /etc/livy/keystore.jks", "-deststoretype PKCS12",
                 "openssl pkcs12 -in tls.p12 -nodes -out tls.pem", "florus.tls.cert"):  # fmt: skip
        assert word in lines[-1]


def test_the_way_out_leads_there(gateways, tmp_path):
    store, p12, pem = tmp_path / "keystore.jks", tmp_path / "tls.p12", tmp_path / "tls.pem"
    keytool = shutil.which("keytool") or os.path.join(os.environ["JAVA_HOME"], "bin", "keytool")

    def run(*command):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    run(keytool, "-genkeypair", "-keystore", store, "-storetype", "JKS", "-storepass", "secret", "-keypass", "secret",
        "-keyalg", "RSA", "-dname", "CN=localhost", "-ext", "san=dns:localhost,ip:127.0.0.1")  # fmt: skip
    run(keytool, "-importkeystore", "-srckeystore", store, "-destkeystore", p12, "-deststoretype", "PKCS12",
        "-srcstorepass", "secret", "-deststorepass", "secret")  # fmt: skip
    pem.touch(0o600)
    run("openssl", "pkcs12", "-in", p12, "-nodes", "-out", pem, "-passin", "pass:secret")
    gateway = gateways(florus__tls__cert=pem, livy__keystore=store)
    gateway.trust = ssl.create_default_context(cafile=pem)
    assert gateway.start().get("/version").status == 200
