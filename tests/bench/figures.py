"""The measurements. Each function makes its own servers and returns rows for the report."""

import base64
import contextlib
import http.client
import itertools
import os
import resource
import shutil
import socket
import sqlite3
import statistics
import threading
import time
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path

from servers import (
    NULL_SUBMIT,
    REQUEST_MAX_S,
    SERVER_CORE,
    Failure,
    Florusd,
    Missing,
    Nginx,
    add_user,
    load,
    make_certificate,
    status_kb,
    until,
)

ROW_BYTES = 700  # of a raw append: about what a batch takes in the store's log
DAY_MS = 86_400_000


@dataclass
class Effort:
    """How long and how often. Three rounds of some seconds are steady within a few percent here."""

    rounds: int = 3
    seconds: int = 3
    warm_up_seconds: int = 1
    launches: int = 5000
    shell_launches: int = 2000
    latencies: int = 300
    queued: int = 10_000
    running: int = 1000
    finished: int = 100_000
    starts: int = 5
    idle: int = 10_000
    watched: int = 10_000
    submits: int = 200
    yarn_submits: int = 30
    crowd: int = 1500


QUICK = Effort(1, 2, 0, launches=1500, shell_launches=500, latencies=100, starts=3, submits=60, yarn_submits=9, crowd=300)


@dataclass
class Row:
    figure: str
    wanted: str
    measured: str
    beside: str
    ok: bool


class Folder:
    """Gives every server a folder of its own below one that is removed at the end."""

    def __init__(self, base):
        self.base, self.count = base, 0

    def new(self):
        self.count += 1
        path = self.base / str(self.count)
        path.mkdir(parents=True)
        return path


def median(reports, field):
    return statistics.median(report[field] for report in reports)


def ms(us):
    return f"{us / 1000:.2f} ms"


def rate(number):
    return f"{number:,.0f}/s"


def timed(effort, *more):
    return ("-s", effort.seconds, "-w", effort.warm_up_seconds, *more)


def busy_core(reports):
    return f"generator {max(report['generator_cpu'] for report in reports):.0%} of its core"


def get_one(folder, effort):
    ours, theirs = [], []
    with Florusd(folder.new()) as florus, Nginx(folder.new() / "nginx") as nginx:
        batch = florus.submit("lines")
        florus.wait_for_state(batch, "success")
        for _ in range(effort.rounds):
            theirs.append(load(nginx.url, *timed(effort, "-c", 64)))
            ours.append(load(f"{florus.url}/batches/{batch}", *timed(effort, "-c", 64)))
    ratio = median(ours, "rate") / median(theirs, "rate")
    p99 = median(ours, "p99_us")
    beside = f"nginx {rate(median(theirs, 'rate'))}, p99 {ms(median(theirs, 'p99_us'))}"
    return [
        Row("GET /batches/{id}, 64 connections", "0.8 of nginx",
            f"{rate(median(ours, 'rate'))}, {ratio:.2f} of nginx ({busy_core(ours)})", beside, ratio >= 0.8),
        Row("the same, p99", "< 2 ms", ms(p99), "", p99 < 2000),
    ]  # fmt: skip


def get_one_tls(folder, effort):
    """The same over TLS 1.3 with AES-128-GCM on connections that are kept, beside plain HTTP."""
    plain, secure = [], []
    certificate = make_certificate(folder.new())
    with Florusd(folder.new()) as bare, Florusd(folder.new(), florus__tls__cert=certificate) as covered:
        for florus in (bare, covered):
            florus.wait_for_state(florus.submit("lines"), "success")
        for _ in range(effort.rounds):
            plain.append(load(f"{bare.url}/batches/0", *timed(effort, "-c", 64)))
            secure.append(load(f"{covered.url}/batches/0", *timed(effort, "-c", 64)))
    ratio = median(secure, "rate") / median(plain, "rate")
    return [
        Row("GET /batches/{id} over TLS, 64 connections", "0.45 of plain",
            f"{rate(median(secure, 'rate'))}, {ratio:.2f} of plain ({busy_core(secure)})",
            f"plain {rate(median(plain, 'rate'))}", ratio >= 0.45),
    ]  # fmt: skip


def list_and_memory(folder, effort):
    """10,000 queued batches: memory before and after, and the rate of lists."""
    ours, theirs = [], []
    with Florusd(folder.new(), florus__launch__hold="true") as florus:
        florus.call("GET", "/version")
        idle_mb = florus.rss_mb()
        load(f"{florus.url}/batches", "-n", effort.queued, "-c", 64, "-b", florus.body_file("one", "two"))
        queued_mb = florus.rss_mb()
        page = florus.call("GET", "/batches?from=0&size=100")
        if page["total"] != effort.queued or len(page["sessions"]) != 100:
            raise Failure(f"the list says {page['total']} of {effort.queued} batches")
        florus.connection.request("GET", "/batches?from=0&size=100")
        page_bytes = len(florus.connection.getresponse().read())
        with Nginx(folder.new() / "nginx", page_bytes) as nginx:
            for _ in range(effort.rounds):
                theirs.append(load(nginx.url, *timed(effort, "-c", 64)))
                ours.append(load(f"{florus.url}/batches?from=0&size=100", *timed(effort, "-c", 64)))
    measured = median(ours, "rate")
    beside = f"nginx, {page_bytes} static bytes from a file: {rate(median(theirs, 'rate'))}"
    return [
        Row(f"GET /batches, 100 of {effort.queued:,}", "4,000/s",
            f"{rate(measured)}, p99 {ms(median(ours, 'p99_us'))}", beside, measured >= 4000),
        Row("memory, idle", "< 12 MB RSS", f"{idle_mb:.1f} MB", "", idle_mb < 12),
        Row(f"memory, {effort.queued:,} queued", "< 60 MB RSS", f"{queued_mb:.1f} MB", "", queued_mb < 60),
    ]  # fmt: skip


def raw_appends(path, seconds):
    """Appends and fdatasyncs as fast as one thread can: what the disk allows without any grouping."""
    latencies = []
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        end = time.monotonic() + seconds
        while (begin := time.monotonic()) < end:
            os.write(fd, b"x" * ROW_BYTES)
            os.fdatasync(fd)
            latencies.append(time.monotonic() - begin)
    finally:
        os.close(fd)
    latencies.sort()
    return {"rate": len(latencies) / seconds, "p99_us": latencies[len(latencies) * 99 // 100] * 1e6}


def post(folder, effort):
    many, one, raw = [], [], []
    for _ in range(effort.rounds):
        place = folder.new()
        raw.append(raw_appends(place / "raw", effort.seconds))
        with Florusd(place, florus__launch__hold="true") as florus:
            body = florus.body_file("@N@")
            many.append(load(f"{florus.url}/batches", *timed(effort, "-c", 64, "-b", body)))
            one.append(load(f"{florus.url}/batches", *timed(effort, "-c", 1, "-b", body)))
    measured, p99, p99_one = median(many, "rate"), median(many, "p99_us"), median(one, "p99_us")
    beside = f"raw append+fdatasync {rate(median(raw, 'rate'))}, p99 {ms(median(raw, 'p99_us'))}"
    return [
        Row("POST durable, launching held, 64 connections", "10,000/s", rate(measured), beside, measured >= 10_000),
        Row("the same, p99", "< 20 ms", ms(p99), "", p99 < 20_000),
        Row("the same, 1 connection, p99", "< 3 ms", f"{ms(p99_one)} at {rate(median(one, 'rate'))}", "",
            p99_one < 3000),
    ]  # fmt: skip


def raw_spawns(program, count):
    """Starts of the same program, one after the other, on the servers' core and without any bookkeeping."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(SERVER_CORE)})
    try:
        begin = time.monotonic()
        for _ in range(count):
            os.waitpid(os.posix_spawn(program, [str(program)], {}), 0)
        return count / (time.monotonic() - begin)
    finally:
        os.sched_setaffinity(0, before)


def not_ended_well(florus, total):
    """How many batches are not `success`."""
    size, bad = 500, 0
    for start in range(0, total, size):
        page = florus.call("GET", f"/batches?from={start}&size={size}")
        bad += sum(batch["state"] != "success" for batch in page["sessions"])
    return bad


def launch_rate(folder, program, count):
    """Launches a second, from the first POST to the last end; and the raw spawn rate beside."""
    with Florusd(folder.new(), program, florus__launch__max_running=64) as florus:
        begin = time.monotonic()
        load(f"{florus.url}/batches", "-n", count, "-c", 16, "-b", florus.body_file())
        florus.wait_for_state(count - 1, "success")
        until(lambda: not_ended_well(florus, count) == 0, "every batch has ended in success", 0.01)
        seconds = time.monotonic() - begin
        return count / seconds, raw_spawns(florus.spark_home / "bin" / "spark-submit", 500)


def launches(folder, effort):
    static, raw = launch_rate(folder, NULL_SUBMIT, effort.launches)
    shell_program = folder.new() / "spark-submit"
    shell_program.write_text("#!/bin/sh\nexit 0\n")
    shell, raw_shell = launch_rate(folder, shell_program, effort.shell_launches)
    return [
        Row(f"launches of a null spark-submit (static), {effort.launches:,} batches", "500/s", rate(static),
            f"posix_spawn and wait {rate(raw)}", static >= 500),
        Row(f"launches of a null spark-submit (sh), {effort.shell_launches:,} batches", "500/s", rate(shell),
            f"posix_spawn and wait {rate(raw_shell)}", shell >= 500),
    ]  # fmt: skip


def exec_latency(folder, effort):
    """From just before the POST is sent to the first instruction of the program, one batch at a time."""
    latencies = []
    with Florusd(folder.new()) as florus:
        for _ in range(effort.latencies):
            begin_us = time.time_ns() // 1000
            batch = florus.submit("clock")
            florus.wait_for_state(batch, "success")
            latencies.append(int(florus.call("GET", f"/batches/{batch}/log")["log"][1]) - begin_us)
    latencies.sort()
    p99 = latencies[len(latencies) * 99 // 100]
    measured = f"{ms(p99)} (median {ms(latencies[len(latencies) // 2])}, {len(latencies)} batches)"
    return [Row("POST to exec when idle, p99", "< 20 ms", measured, "", p99 < 20_000)]


def running_memory(folder, effort):
    count = effort.running
    with Florusd(folder.new(), florus__launch__max_running=count) as florus:
        load(f"{florus.url}/batches", "-n", count, "-c", 16, "-b", florus.body_file("sleep"))
        program = florus.spark_home / "bin" / "spark-submit"
        until(lambda: len(florus.pids_of(program)) == count, f"{count} jobs run", 0.05)
        for batch in range(count):
            florus.wait_for_state(batch, "running")
        pids = florus.shim_pids()
        if len(pids) < count:
            raise Failure(f"{count} jobs run, but only {len(pids)} shims were found")
        pss_mb = sum(status_kb(pid, "Pss", "smaps_rollup") for pid in pids) / 1024
        daemon_mb = florus.rss_mb()
    return [Row(f"memory, {count:,} running: all shims and their launcher", "< 100 MB PSS",
                f"{pss_mb:.1f} MB", f"florusd itself {daemon_mb:.1f} MB RSS", pss_mb < 100)]  # fmt: skip


def multiply_history(database, count):
    """Makes `count` finished batches of the one that is there, spread evenly over the last 29 days."""
    with sqlite3.connect(database) as store:
        columns = [row[1] for row in store.execute("PRAGMA table_info(batch)")]
        changed = {
            "id": "number",
            "finished_ms": f"finished_ms - (:count - number) * {29 * DAY_MS} / :count",
            "started_ms": f"started_ms - (:count - number) * {29 * DAY_MS} / :count",
            "created_ms": f"created_ms - (:count - number) * {29 * DAY_MS} / :count",
        }
        values = ", ".join(changed.get(column, column) for column in columns)
        store.execute(
            "WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < :count - 1)"
            f" INSERT INTO batch({', '.join(columns)}) SELECT {values} FROM batch, numbers WHERE id = 0",
            {"count": count},
        )
        store.execute("UPDATE meta SET value = ? WHERE key = 'next_batch_id'", (count,))
        (rows,) = store.execute("SELECT count(*) FROM batch WHERE finished_ms IS NOT NULL").fetchone()
    store.close()
    if rows != count:
        raise Failure(f"the store has {rows} finished batches, not {count}")


def start_time(folder, effort):
    """From exec to the first 200 on a batch that is history."""
    florus = Florusd(folder.new())
    with florus:
        florus.wait_for_state(florus.submit("lines"), "success")
    multiply_history(florus.state / "florus.db", effort.finished)
    times = []
    for _ in range(effort.starts):
        begin = time.monotonic()
        with florus:
            for batch in (0, effort.finished - 1):
                if florus.call("GET", f"/batches/{batch}")["state"] != "success":
                    raise Failure(f"batch {batch} has changed its state")
                if batch == 0:
                    times.append(time.monotonic() - begin)
            rss_mb = florus.rss_mb()
    slowest = max(times)
    return [Row(f"start with {effort.finished:,} finished batches, to the first answer", "< 0.3 s",
                f"{statistics.median(times):.3f} s (slowest of {len(times)}: {slowest:.3f} s)",
                f"then {rss_mb:.1f} MB RSS", statistics.median(times) < 0.3)]  # fmt: skip


PASSWORDS = {"alice": "correct horse", "bob": "battery staple"}


def with_one_finished(folder):
    """A florusd, not running, that has one finished batch from before."""
    florus = Florusd(folder)
    with florus:
        florus.wait_for_state(florus.submit("lines"), "success")
    return florus


def with_passwords(folder):
    """The same, and it wants passwords."""
    florus = with_one_finished(folder)
    for user, password in PASSWORDS.items():
        add_user(folder / "users", user, password)
    florus.options |= {"livy.server.auth.type": "basic", "florus.auth.users-file": folder / "users"}
    return florus


def basic(user, password):
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def get_one_basic(folder, effort):
    """The same request with a password that was right before, and without any on a server that wants none."""
    bare, known = [], []
    right = ("-H", basic("alice", PASSWORDS["alice"]))
    with with_one_finished(folder.new()) as open_one, with_passwords(folder.new()) as closed:
        load(f"{closed.url}/batches/0", "-n", 1, "-c", 1, *right)
        for _ in range(effort.rounds):
            bare.append(load(f"{open_one.url}/batches/0", *timed(effort, "-c", 64)))
            known.append(load(f"{closed.url}/batches/0", *timed(effort, "-c", 64, *right)))
    ratio = median(known, "rate") / median(bare, "rate")
    return [
        Row("GET /batches/{id} with a password that is known, 64 connections", "0.9 of without",
            f"{rate(median(known, 'rate'))}, {ratio:.2f} of without", f"without {rate(median(bare, 'rate'))}",
            ratio >= 0.9),
    ]  # fmt: skip


class Storm:
    """Wrong passwords on so many connections at once, each of another user and from another address of 127/8."""

    def __init__(self, url, width):
        self.host, self.port = url.removeprefix("http://").split(":")
        self.numbers, self.stop = itertools.count(1), threading.Event()
        self.statuses = []
        self.threads = [threading.Thread(target=self.blow) for _ in range(width)]

    def blow(self):
        while not self.stop.is_set():
            number = next(self.numbers)
            source = f"127.{1 + number // 62500 % 250}.{number // 250 % 250}.{1 + number % 250}"
            connection = http.client.HTTPConnection(self.host, self.port, REQUEST_MAX_S, source_address=(source, 0))
            name, value = basic(f"user{number}", "wrong").split(": ")
            connection.request("GET", "/batches/0", headers={name: value})
            self.statuses.append(connection.getresponse().status)
            connection.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        until(lambda: self.statuses, "the first wrong password is refused")
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        if set(self.statuses) != {401}:
            raise Failure(f"wrong passwords were answered {set(self.statuses)}")


def wrong_passwords(folder, effort):
    """What others notice while wrong passwords are hashed as fast as the server hashes any."""
    quiet, stormy = [], []
    right = ("-H", basic("alice", PASSWORDS["alice"]))
    with with_passwords(folder.new()) as florus:
        url = f"{florus.url}/batches/0"
        load(url, "-n", 1, "-c", 1, *right)
        for _ in range(effort.rounds):
            quiet.append(load(url, *timed(effort, "-c", 64, *right)))
            with Storm(florus.url, 8) as storm:
                begin = time.monotonic()
                stormy.append(load(url, *timed(effort, "-c", 64, *right)))
                wrong_rate = len(storm.statuses) / (time.monotonic() - begin)
        with Storm(florus.url, 8):
            first_us = load(url, "-n", 1, "-c", 1, "-H", basic("bob", PASSWORDS["bob"]))["max_us"]
    ratio = median(stormy, "p99_us") / median(quiet, "p99_us")
    return [
        Row("a known user's p99, 64 connections, while 8 others try wrong passwords", "within 2 of quiet",
            f"{ms(median(stormy, 'p99_us'))}, {ratio:.2f} of quiet",
            f"quiet {ms(median(quiet, 'p99_us'))}; {wrong_rate:.0f} wrong ones/s; first login of another: {ms(first_us)}",
            ratio <= 2),
    ]  # fmt: skip


def idle_connections(folder, effort):
    """10,000 keep-alive connections that each had an answer: what they hold, and what others notice."""
    alone, beside = [], []
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < effort.idle + 1000:
        raise Failure(f"{effort.idle} connections need a limit of open files above {most} (ulimit -n)")
    with Florusd(folder.new(), florus__http__idle_timeout="1h") as florus, contextlib.ExitStack() as stack:
        florus.wait_for_state(florus.submit("lines"), "success")
        url = f"{florus.url}/batches/0"
        for _ in range(effort.rounds):
            alone.append(load(url, *timed(effort, "-c", 16)))
        address = (url.split("/")[2].split(":")[0], int(url.split("/")[2].split(":")[1]))
        for _ in range(effort.idle):
            idle = stack.enter_context(socket.create_connection(address))
            idle.sendall(b"GET /batches/0 HTTP/1.1\r\nHost: x\r\n\r\n")
            idle.recv(4096)
        for _ in range(effort.rounds):
            beside.append(load(url, *timed(effort, "-c", 16)))
        rss_mb = florus.rss_mb()
    ratio = median(beside, "p99_us") / median(alone, "p99_us")
    return [
        Row(f"memory, {effort.idle:,} idle connections", "< 64 MB RSS", f"{rss_mb:.1f} MB", "", rss_mb < 64),
        Row("p99 of 16 others meanwhile", "within 1.2 of alone", f"{ms(median(beside, 'p99_us'))}, {ratio:.2f} of alone",
            f"alone {ms(median(alone, 'p99_us'))}", ratio <= 1.2),
    ]  # fmt: skip


def overload(folder, effort):
    """A full queue, and 64 connections that post all the same: how soon they are refused, and a probe meanwhile."""
    refused, probes = [], []
    with Florusd(folder.new(), florus__launch__hold="true", florus__queue__max=1) as florus:
        florus.submit("one")
        body = florus.body_file("two")
        with futures.ThreadPoolExecutor() as pool:
            for _ in range(effort.rounds):
                probe = pool.submit(load, f"{florus.url}/healthz", *timed(effort, "-c", 1))
                refused.append(load(f"{florus.url}/batches", *timed(effort, "-c", 64, "-b", body, "-S", 429)))
                probes.append(probe.result())
    p99, probe_p99 = median(refused, "p99_us"), median(probes, "p99_us")
    return [
        Row("POST refused when the queue is full, 64 connections, p99", "< 10 ms",
            f"{ms(p99)} at {rate(median(refused, 'rate'))}", "", p99 < 10_000),
        Row("GET /healthz meanwhile, p99", "< 10 ms", ms(probe_p99), "", probe_p99 < 10_000),
    ]  # fmt: skip


FIGURES = [
    get_one,
    get_one_basic,
    get_one_tls,
    list_and_memory,
    post,
    launches,
    exec_latency,
    running_memory,
    start_time,
    idle_connections,
    overload,
    wrong_passwords,
]


def measure(base, effort, chosen, tell):
    """All rows of the chosen measurements, and whether all could be made."""
    base.mkdir(parents=True, exist_ok=True)
    scratch = Path(base) / f"run-{os.getpid()}"
    rows, whole = [], True
    try:
        for figure in chosen:
            tell(f"measuring {figure.__name__.replace('_', ' ')}")
            try:
                rows += figure(Folder(scratch / figure.__name__), effort)
            except Missing as missing:
                tell(f"left out: {missing}")
                whole = False
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return rows, whole
