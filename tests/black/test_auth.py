"""Who is asking: what is answered to whom, and what a batch says of its owner."""

import base64
import os
import signal
import subprocess

import pytest
from cli import BIN_DIR
from gateway import until

PASSWORDS = {"alice": "correct horse", "bob": "pass:with:colons é"}


def passwd(file, user, password):
    subprocess.run([BIN_DIR / "florus", "passwd", "--stdin", file, user], input=f"{password}\n".encode(), check=True,
                   capture_output=True)


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
def users(tmp_path):
    file = tmp_path / "users"
    for user, password in PASSWORDS.items():
        passwd(file, user, password)
    return file


@pytest.fixture
def closed(gateways, users):
    """A gateway that wants a password; get() and post() of it have none of their own."""
    gateway = gateways(livy__server__auth__type="basic", florus__auth__users_file=str(users))
    gateway.start()
    return gateway


@pytest.mark.parametrize("user", PASSWORDS)
def test_the_right_password_opens_and_owns(closed, user):
    made = closed.post("/batches", closed.body(), headers=basic(user, PASSWORDS[user]))
    assert (made.status, made.body["owner"]) == (201, user)
    assert closed.get("/batches/0", headers=basic(user, PASSWORDS[user])).body["owner"] == user


REFUSED = [
    {},
    basic("alice", "wrong"),
    basic("alice", ""),
    basic("carol", "x"),
    {"Authorization": "Basic"},
    {"Authorization": "Basic !!!"},
    {"Authorization": "Basic " + base64.b64encode(b"nocolon").decode()},
    {"Authorization": "Bearer whatever"},
]


@pytest.mark.parametrize("headers", REFUSED, ids=range(len(REFUSED)))
def test_all_else_is_one_and_the_same_401(closed, headers):
    for path in ("/batches", "/livy/batches", "/batches/0", "/version", "/nothing"):
        answer = closed.get(path, headers=headers)
        assert (answer.status, answer.body) == (401, {"msg": "Authentication required"})
        assert ("WWW-Authenticate", 'Basic realm="florus", charset="UTF-8"') in list(answer.headers)
    assert closed.post("/batches", closed.body(), headers=headers).status == 401
    assert closed.get("/batches", headers=basic("alice", PASSWORDS["alice"])).body["total"] == 0


def test_probes_need_no_password(closed):
    assert [closed.get(path).status for path in ("/healthz", "/livez", "/readyz")] == [200, 200, 200]


def test_a_user_of_a_new_file_is_known_after_sighup(closed, users):
    passwd(users, "dora", "new")
    assert closed.get("/batches", headers=basic("dora", "new")).status == 401
    os.kill(closed.process.pid, signal.SIGHUP)
    until(lambda: closed.get("/batches", headers=basic("dora", "new")).status == 200, 10, "dora is known")


def test_a_token_is_its_owner(gateways, tmp_path):
    file = tmp_path / "tokens"
    made = subprocess.run([BIN_DIR / "florus", "token", "new", "erin", "--file", file], check=True, capture_output=True)
    token = made.stdout.decode().split()[0]
    gateway = gateways(livy__server__auth__type="token", florus__auth__tokens_file=str(file))
    gateway.start()
    answer = gateway.post("/batches", gateway.body(), headers={"Authorization": f"Bearer {token}"})
    assert (answer.status, answer.body["owner"]) == (201, "erin")
    assert gateway.get("/batches", headers={"Authorization": f"Bearer {token}x"}).status == 401
    assert token not in file.read_text() and token not in gateway.log_text()


@pytest.mark.parametrize("peers, status", [("127.0.0.1", 200), ("10.0.0.0/8", 401)])
def test_only_a_listed_proxy_is_believed(gateways, peers, status):
    gateway = gateways(livy__server__auth__type="proxy", florus__auth__proxy_header="X-Forwarded-User",
                       florus__auth__proxy_peers=peers)
    gateway.start()
    assert gateway.get("/batches", headers={"X-Forwarded-User": "frank"}).status == status


def test_passwords_stay_out_of_the_log(closed):
    closed.get("/batches", headers=basic("alice", "a-secret-guess"))
    assert "a-secret-guess" not in closed.log_text()
    assert basic("alice", "a-secret-guess")["Authorization"][6:] not in closed.log_text()
