"""The measurements of interactive sessions. Their drivers are the real driver's code without Spark (tests/fakes/session.py)."""

import contextlib
import os
import subprocess
import sys
import time

from figures import Row, median, ms, rate, raw_appends, timed
from servers import ROOT, Failure, Florusd, load, pinned, until

for folder in ("driver", "tests/driver", "tests/fakes"):
    sys.path.insert(0, str(ROOT / folder))

import standin  # noqa: E402
from florus.wire import Link, dial, encode  # noqa: E402

FAKE_DRIVER = ROOT / "tests" / "fakes" / "session.py"
POLL_S = 0.001
CODE = "1 + 1"
IDLE_SESSIONS = 1000


def script(folder, text):
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{text}\n")
    return path


class Sessions(Florusd):
    """A florusd whose sessions end before it does."""

    def __init__(self, folder, program, **options):
        super().__init__(folder, script(folder, program), florus__launch__max_running=IDLE_SESSIONS + 24,
                         florus__session__max=IDLE_SESSIONS + 24, **options)  # fmt: skip

    def __exit__(self, *error):
        for session in self.call("GET", f"/sessions?size={2 * IDLE_SESSIONS}")["sessions"]:
            self.call("DELETE", f"/sessions/{session['id']}")
        super().__exit__(*error)

    def open(self):
        return self.call("POST", "/sessions", {"kind": "pyspark"})["id"]

    def wait_idle(self, session):
        until(lambda: self.call("GET", f"/sessions/{session}/state")["state"] == "idle", f"session {session} is idle")

    def run(self, session):
        """From before the POST until its result is seen, as clients look for it."""
        begin = time.monotonic()
        path = f"/sessions/{session}/statements"
        statement = self.call("POST", path, {"code": CODE})
        while statement["state"] != "available":
            time.sleep(POLL_S)
            statement = self.call("GET", f"{path}/{statement['id']}")
        if statement["output"]["data"] != {"text/plain": "2"}:
            raise Failure(f"{CODE} gave {statement['output']}")
        return time.monotonic() - begin


WITH_PYTHON = f'exec "{sys.executable}" "{FAKE_DRIVER}" "$@"'


def direct(folder, count):
    """The same driver, spoken to on its own protocol: seconds of each statement."""
    server, seconds = standin.Florusd(), []
    conf = {"address": server.address, "id": 0, "secret": server.secret}
    words = [word for key, value in conf.items() for word in ("--conf", f"spark.florus.session.{key}={value}")]
    log = open(folder / "driver.log", "wb")
    with log:
        process = subprocess.Popen(pinned(sys.executable, FAKE_DRIVER, *words), stdout=log, stderr=log, cwd=folder)
    try:
        server.wait_for("state", state="idle")
        for number in range(count):
            begin = time.monotonic()
            server.send(type="execute", id=number, kind="pyspark", code=CODE)
            server.wait_for("result", id=number)
            seconds.append(time.monotonic() - begin)
            server.send(type="ack", id=number)
    finally:
        process.kill()
        process.wait()
        server.close()
    return sorted(seconds)


def statement_overhead(folder, effort):
    count, ours = effort.latencies, []
    bare, raw = direct(folder.new(), count), raw_appends(folder.new() / "raw", 1)
    with Sessions(folder.new(), WITH_PYTHON) as florus:
        session = florus.open()
        florus.wait_idle(session)
        for _ in range(count):
            ours.append(florus.run(session))
    ours.sort()
    at = {"p50": count // 2, "p99": count * 99 // 100}
    over = {name: (ours[i] - bare[i]) * 1e6 for name, i in at.items()}
    beside = {name: f"driver called directly {ms(bare[i] * 1e6)}" for name, i in at.items()}
    return [
        Row("POST of a statement to its result seen, above the driver's own time, p50", "< 5 ms", ms(over["p50"]),
            beside["p50"], over["p50"] < 5000),
        Row("the same, p99", "< 20 ms", ms(over["p99"]),
            f"{beside['p99']}; raw append+fdatasync, of which there are two, {ms(raw['p99_us'])}", over["p99"] < 20_000),
    ]  # fmt: skip


# Each session's process says how it was called, and sleeps; one process of ours speaks for all of them.
SLEEPER = 'printf "%s\\n" "$@" > "$(dirname "$0")/args.$$" && exec sleep 100000'


def puppets(florus, stack):
    """A connection for each session, that was idle as soon as it came."""
    from session import conf_of

    for file in (florus.spark_home / "bin").glob("args.*"):
        conf = conf_of(file.read_text().splitlines())
        told = {key.rpartition(".")[2]: value for key, value in conf.items() if ".florus.session." in key}
        link = Link(told["address"], int(told["id"]), told["secret"], None, None)
        link.hello = {"pid": os.getpid(), "state": "idle"}
        sock = stack.enter_context(dial(told["address"]))
        link._shake_hands(sock)
        sock.sendall(encode({"type": "state", "state": "idle", "app_id": f"local-{told['id']}"}))


def idle_sessions(folder, effort):
    with contextlib.ExitStack() as stack, Sessions(folder.new(), SLEEPER) as florus:
        before_mb = florus.rss_mb()
        for _ in range(IDLE_SESSIONS):
            florus.open()
        ready = lambda: len(list((florus.spark_home / "bin").glob("args.*"))) == IDLE_SESSIONS  # noqa: E731
        until(ready, f"{IDLE_SESSIONS} drivers run", 0.05)
        puppets(florus, stack)
        for session in range(IDLE_SESSIONS):
            florus.wait_idle(session)
        mb = florus.rss_mb()
    return [Row(f"memory, {IDLE_SESSIONS:,} idle sessions", "< 100 MB RSS", f"{mb:.1f} MB", f"before them {before_mb:.1f} MB",
                mb < 100)]  # fmt: skip


def get_one_of_a_session(folder, effort):
    """Beside a batch that runs, too: of both, the log is looked at."""
    batches, sessions, statements = [], [], []
    with Sessions(folder.new(), f'case "$*" in *florus_session.py*) {WITH_PYTHON};; esac; echo one line; exec sleep 100000') as florus:
        batch, session = florus.submit("lines"), florus.open()
        florus.wait_for_state(batch, "running")
        florus.wait_idle(session)
        florus.run(session)
        for _ in range(effort.rounds):
            batches.append(load(f"{florus.url}/batches/{batch}", *timed(effort, "-c", 64)))
            sessions.append(load(f"{florus.url}/sessions/{session}", *timed(effort, "-c", 64)))
            statements.append(load(f"{florus.url}/sessions/{session}/statements/0", *timed(effort, "-c", 64)))
        florus.call("DELETE", f"/batches/{batch}")
    batch_rate = median(batches, "rate")

    def row(what, reports, wanted):
        ratio = median(reports, "rate") / batch_rate
        return Row(f"GET of {what}, 64 connections", f"{wanted} of GET /batches/{{id}}",
                   f"{rate(median(reports, 'rate'))}, {ratio:.2f} of a batch", f"batch that runs {rate(batch_rate)}", ratio >= wanted)

    return [row("a session", sessions, 0.9), row("a statement", statements, 0.95)]


FIGURES = [statement_overhead, idle_sessions, get_one_of_a_session]
