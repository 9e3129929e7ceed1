"""What statements and drivers may do to a session, to florusd and to others: nothing. The real driver's code, no Spark."""

import os
import signal
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sanitizers
from gateway import alive, until
from sessions import Session

# Statements of the test reach the driver's own connection: what a driver gone mad could send is sent by one.
LINK = "import gc, struct\nlink = next(o for o in gc.get_objects() if type(o).__name__ == 'Link')\n"
NO_SPARK = ("import sys, types\n"  # %json looks for its types
            "sys.modules['pyspark'] = sys.modules['pyspark.sql'] = types.SimpleNamespace(RDD=set, DataFrame=set)")
RESPONSE_MAX_S = 1.0  # of a request to somebody else meanwhile
GROWTH_MAX_MB = 48  # of florusd: one result on its way, read, stored and kept


@pytest.fixture
def session(gateway):
    return Session(gateway).wait("idle")


def peak_mb(gateway):
    with open(f"/proc/{gateway.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def goes_on(session):
    """Nothing that came before has harmed it."""
    assert session.run("print('still'); 6 * 7")["data"] == {"text/plain": "still\n42"}


def test_a_gigabyte_that_is_printed_costs_nobody_memory(session):
    before = peak_mb(session.gateway)
    number = session.post("for _ in range(1024): print('x' * (1 << 20))").body["id"]
    text = session.result(number, 60)["output"]["data"]["text/plain"]
    assert len(text) < 9 << 20 and text.endswith("[1065354240 more characters were dropped]")
    assert sanitizers.ACTIVE or peak_mb(session.gateway) - before < GROWTH_MAX_MB
    goes_on(session)


def test_a_fork_that_outlives_its_statement_ends_with_the_session(session):
    child = "import os, time\npid = os.fork()\nif pid == 0:\n    os.setsid()\n    os.closerange(0, 99)\n    time.sleep(600)\n"
    pid = int(session.run(child + "else:\n    print(pid)")["data"]["text/plain"])
    goes_on(session)
    assert alive(pid)
    assert session.gateway.delete(session.path).status == 200
    assert not alive(pid)


@pytest.mark.parametrize("code", [
    "import sys\nsys.stdout.close()\nsys.stderr.close()",
    "import sys\nsys.__stdout__.close()\nsys.__stderr__.close()",
    "import os\nos.close(1)\nos.close(2)\nos.close(0)",
    "import sys\nsys.stdout = sys.stderr = sys.stdin = None",
    "import sys\ndel sys.stdout, sys.stderr",
    "import builtins\nbuiltins.print = None\ndel builtins.print",
    "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)",
    "import sys\nsys.setrecursionlimit(60)",
    "raise SystemExit(3)",
    "raise BaseException('x')",
    "class E(Exception):\n    def __str__(self): raise SystemExit\nraise E",
    "class E(Exception):\n    def __str__(self): return 5\nraise E",
    "class R:\n    def __repr__(self): raise KeyboardInterrupt\nR()",
    "class R:\n    def __repr__(self): return 5\nR()",
    "def f(): f()\nf()",
    "import threading\nfor _ in range(50): threading.Thread(target=lambda: 1 / 0).start()",
], ids=range(16))
def test_what_a_statement_takes_away_from_python_the_next_one_has(session, code):
    posted = session.post(code).body["id"]
    assert session.result(posted)["state"] == "available"
    if "builtins" in code:
        assert session.run("__import__('sys').stdout.write('still')")["status"] == "ok"
    else:
        goes_on(session)


@pytest.mark.parametrize("code, text", [
    (r"print('a\0b')", "a\ufffdb"),
    (r"print('a\\u0000b')", "a\\u0000b"),
    (r"print('\x01\x1b[31m\x7f')", "\x01\x1b[31m\x7f"),
    (r"print('\ud800')", "?"),
    (r"print('\U0001f525\u2028')", "\U0001f525"),
    (r"import os; os.write(1, bytes(range(256))); print('in the log')", "in the log"),
], ids=range(6))
def test_text_that_is_no_text_is_answered(session, code, text):
    assert session.run(code)["data"]["text/plain"].splitlines()[-1].split("\u2028")[0].endswith(text.splitlines()[-1])
    goes_on(session)


@pytest.mark.parametrize("levels", [50, 200, 100000])
def test_json_of_any_depth_is_answered(session, levels):
    session.run(NO_SPARK)
    output = session.run(f"deep = []\nfor _ in range({levels}): deep = [deep]\n%json deep")
    assert levels == 50 or "deep" in output["evalue"] or "recursion" in output["evalue"], output
    assert output["status"] == ("ok" if levels == 50 else "error"), output
    goes_on(session)


@pytest.mark.parametrize("code", [
    "link.sock.sendall(struct.pack('>I', 0))",
    "link.sock.sendall(struct.pack('>I', 5) + b'[[[[[')",
    "link.sock.sendall(struct.pack('>I', 1 << 17) + b'[' * (1 << 17))",
    "link.sock.sendall(struct.pack('>I', 4) + b'\\xff\\xfe\\x00{')",
    "link.sock.sendall(struct.pack('>I', 15) + b'{\"type\":\"part\"}')",
    "link.sock.shutdown(1)",
], ids=range(6))
def test_frames_that_are_none_cost_the_connection_alone(session, code):
    number = session.post(LINK + code + "\n'sent'").body["id"]
    assert session.result(number)["output"]["data"] == {"text/plain": "'sent'"}
    goes_on(session)


@pytest.mark.parametrize("code, why", [
    ("link.sock.sendall(b'\\xff' * 4)", "a message of 4294967295 bytes, where 131072 are the most"),
    ("for _ in range(2100): link.send({'type': 'part', 'text': 'x' * 16384})", "a text of more than 33554432 bytes"),
], ids=["frame", "parts"])
def test_a_driver_that_sends_too_much_ends_its_session_with_the_reason(session, code, why):
    other = Session(session.gateway).wait("idle")
    number = session.post(LINK + code + "\nimport time\ntime.sleep(600)").body["id"]
    session.wait("dead")
    assert session.result(number)["state"] == "cancelled"
    assert f"florus: the session was ended, since its driver sent {why}" in session.get("/log?size=-1").body["log"]
    goes_on(other)


def test_an_answer_of_the_largest_size_arrives_whole(gateway):
    gateway.restart(florus__session__output_max="2m")
    session = Session(gateway).wait("idle")
    assert session.run("print('\U0001f525' * (1 << 21), end='')")["data"]["text/plain"] == "\U0001f525" * (1 << 21)
    session.run(NO_SPARK)
    assert session.run("x = '\\\\' * (3 << 20)\n%json x")["data"]["application/json"] == "\\" * (3 << 20)
    assert session.run("x = '\\\\' * (5 << 20)\n%json x")["ename"] == "OutputTooLarge"
    goes_on(session)


@pytest.mark.parametrize("message", [
    {"type": "result"},
    {"type": "result", "id": 0, "state": "running", "output": "{}"},
    {"type": "result", "id": 1 << 70, "state": "available", "output": "{}"},
    {"type": "result", "id": -1, "state": "available", "output": "{}"},
    {"type": "progress", "id": 0, "progress": 1e300},
    {"type": "progress", "id": 0, "progress": "0.5"},
    {"type": "started", "id": 0, "started": "yesterday"},
    {"type": "state", "state": 7},
    {"type": "state", "state": "cobol"},
    {"type": "completion", "request": 99, "candidates": 5},
    {"type": "job", "id": 12, "state": "SUCCEEDED"},
    {"type": "no such"},
], ids=range(12))
def test_messages_of_nonsense_change_nothing(session, message):
    code = LINK + f"link.send({message!r})\n'sent'"
    assert session.run(code)["data"] == {"text/plain": "'sent'"}
    goes_on(session)
    assert session.state() == "idle"


def test_a_result_that_is_no_json_is_an_error_that_says_so(session):
    session.run("0")
    number = session.post(LINK + "link.send({'type': 'result', 'id': 1, 'state': 'available', 'output': '{\"x'})").body["id"]
    assert session.result(number)["output"]["ename"] == "Error"
    goes_on(session)


@pytest.mark.parametrize("flood", [
    "b''.join(struct.pack('>I', 41) + b'{\"type\":\"progress\",\"id\":0,\"progress\":0.5}' for _ in range(20000))",
    "struct.pack('>I', (1 << 16) + 34) + b'{\"type\":\"output\",\"id\":0,\"text\":\"' + b'x' * (1 << 16) + b'\"}'",
    "struct.pack('>I', (1 << 16) + 24) + b'{\"type\":\"output\",\"x\":[0' + b',0' * (1 << 15) + b']}'",
], ids=["many", "large", "costly"])
def test_a_driver_that_floods_holds_up_nobody_else(gateway, session, flood, tmp_path):
    other = Session(gateway).wait("idle")
    gate, before = tmp_path / "gate", peak_mb(gateway)
    code = f"import os\nflood = {flood}\nopen({str(gate)!r}, 'w').close()\nwhile os.path.exists({str(gate)!r}):\n    try: link.sock.sendall(flood)\n    except (OSError, AttributeError): pass"
    number = session.post(LINK + code).body["id"]
    until(gate.exists, 20, "it floods")
    end = time.monotonic() + 2
    while time.monotonic() < end:
        begin = time.monotonic()
        assert other.run("1")["data"] == {"text/plain": "1"}
        assert sanitizers.ACTIVE or time.monotonic() - begin < RESPONSE_MAX_S
    gate.unlink()
    assert session.result(number, 60)["state"] == "available"
    assert sanitizers.ACTIVE or peak_mb(gateway) - before < 128
    goes_on(session)


def address_of(session):
    """The abstract socket that its driver dials."""
    pid = session.run("import os\nos.getpid()")["data"]["text/plain"]
    words = open(f"/proc/{pid}/cmdline", "rb").read().decode().split("\0")
    return next(word.partition("unix:@")[2] for word in words if "session.address" in word)


def test_who_does_not_know_the_secret_cannot_be_the_session(session):
    name = address_of(session)
    hello = b'{"type":"hello","version":1,"session":0,"nonce":"a","proof":"' + b"0" * 64 + b'","state":"idle"}'
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect("\0" + name)
        assert b"challenge" in sock.recv(4096)
        sock.sendall(struct.pack(">I", len(hello)) + hello)
        assert sock.recv(4096) == b""
    goes_on(session)


def test_a_statement_larger_than_may_be_is_refused(session):
    head = f"POST {session.path}/statements HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1048577\r\n\r\n"
    assert session.gateway.raw(head.encode()).status == 413  # florus.http.body-max
    assert session.run("x = '" + "x" * 1000000 + "'\nlen(x)")["data"] == {"text/plain": "1000000"}
    goes_on(session)


def test_code_that_waits_is_bounded_and_reaches_a_driver_that_comes_anew(session, tmp_path):
    gate = tmp_path / "gate"
    session.post(f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.05)")
    code = "x = '" + "\x01" * 160000 + "'\nlen(x)"  # six times as long when it is sent
    answers = [session.post(code) for _ in range(80)]
    accepted = [answer.body["id"] for answer in answers if answer.status == 201]
    assert len(accepted) == 65 and all(a.status == 429 for a in answers[65:]), [a.status for a in answers]
    assert session.post(None).status == 201, "nothing is no more"
    session.gateway.kill9()
    session.gateway.start()
    session.wait("busy")
    gate.touch()
    assert [session.result(n, 60)["output"]["data"] for n in accepted] == [{"text/plain": "160000"}] * len(accepted)
    goes_on(session)


def test_large_results_are_kept_on_the_disk_and_not_in_memory(session):
    session.run("1")
    before = peak_mb(session.gateway)
    for n in range(80):
        session.run(f"print('{n % 10}' * 1000000)")
    assert sanitizers.ACTIVE or peak_mb(session.gateway) - before < GROWTH_MAX_MB
    assert session.statement(1)["output"]["data"]["text/plain"] == "0" * 1000000
    assert session.get("/statements?from=80&size=1").body["statements"][0]["id"] == 80
    session.gateway.kill9()
    session.gateway.start()  # which takes a moment to read them
    session.gateway.restart()
    assert session.state() in ("idle", "busy") and session.post("1").status in (201, 503)
    session.wait("idle")
    goes_on(session)


def test_twenty_sessions_at_once_mind_their_own_business(gateway):
    sessions = [Session(gateway) for _ in range(20)]

    def use(session):
        session.wait("idle", 60).run(f"mine = {session.id}")
        return session.run("mine")["data"]["text/plain"]

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(use, sessions)) == [str(session.id) for session in sessions]


def test_a_driver_killed_while_busy_is_dead_and_the_log_says_why(session):
    pid = int(session.run("import os\nos.getpid()")["data"]["text/plain"])
    number = session.post("import time\ntime.sleep(600)").body["id"]
    session.wait("busy")
    os.kill(pid, signal.SIGKILL)
    session.wait("dead")
    assert session.result(number)["state"] == "cancelled"
    assert "signal 9 ended the driver" in session.get("/log?size=-1").body["log"][-2]
