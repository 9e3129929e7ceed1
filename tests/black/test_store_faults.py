"""What the store makes of disks that fail, fill up or rot (reliability: P1, P3, P17-P19, F14-F19, F59)."""

import hashlib
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from gateway import BIN_DIR, FINAL, alive, until
from history import History

EIO, ENOSPC = 5, 28
EVER, ONCE = "ever", "once"
LIBRARY = BIN_DIR / "tests" / "faults" / "libfaults.so"
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="mount needs root")


class Faults:
    """Orders for libfaults.so (tests/faults/faults.c)."""

    def __init__(self, directory):
        assert LIBRARY.exists(), f"{LIBRARY} is not built"
        self.orders = directory / "faults"
        self.hit_list = directory / "faults.hits"
        self.count = 0
        asan = os.environ.get("ASAN_OPTIONS", "")
        self.env = {
            "LD_PRELOAD": str(LIBRARY),
            "FAULTS": str(self.orders),
            "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0".lstrip(":"),
        }

    def order(self, *rules):
        """Rules (call, pattern, n-th, errno, once|ever) that are in force from now on; their counts begin at 0."""
        self.count += 1
        new = self.orders.with_suffix(".new")
        lines = [f"# {self.count}", *(" ".join(map(str, rule)) for rule in rules)]
        new.write_text("\n".join(lines) + "\n")
        new.rename(self.orders)

    def hits(self):
        return len(self.hit_list.read_text().splitlines()) if self.hit_list.exists() else 0


@pytest.fixture
def faulty(gateways, tmp_path):
    """A gateway whose file system calls fail on order."""
    faults = Faults(tmp_path)
    return gateways(env=faults.env, florus__launch__max_running=1), faults


def post(gateway, key, **kw):
    return gateway.post("/batches", gateway.body(f"mark={key}"), headers={"Idempotency-Key": key}, **kw)


def post_until_accepted(gateway, key):
    """The id of the 201, and how many 503s came before it."""
    refused = 0
    while True:
        answer = post(gateway, key)
        if answer.status == 201:
            return answer.body["id"], refused
        assert answer.status == 503 and answer.raw, answer
        refused += 1
        assert refused < 100, f"{key}: never accepted"


def ready(gateway):
    return gateway.get("/readyz").status == 200


def ids(gateway):
    return [item["id"] for item in gateway.get("/batches?size=100000").body["sessions"]]


def stored(gateway):
    """What is on the disk now, read from a copy: {id: state}."""
    copy = gateway.root / "copy.db"
    for suffix in ("", "-wal"):
        source = gateway.state / f"florus.db{suffix}"
        target = copy.with_name(copy.name + suffix)
        target.unlink(missing_ok=True)
        if source.exists():
            shutil.copy(source, target)
    connection = sqlite3.connect(copy)
    try:
        return dict(connection.execute("SELECT id, state FROM batch"))
    except sqlite3.DatabaseError:
        return {}  # caught in the middle of a commit; asked again
    finally:
        connection.close()


# --- I/O errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call, step", [("fdatasync", 1), ("pwrite", 3)])
def test_an_io_error_at_every_place_of_the_log_loses_and_doubles_nothing(faulty, call, step):
    gateway, faults = faulty
    gateway.start()
    go = gateway.root / "go"
    driver = gateway.submit("mark=driver", f"wait={go}")
    gateway.wait(driver, "running")
    accepted, refused, nth = {}, 0, 1
    while True:
        before = faults.hits()
        faults.order((call, "*/florus.db-wal", nth, EIO, ONCE))
        for n in range(5):
            key = f"k{nth}-{n}"
            accepted[key], times = post_until_accepted(gateway, key)
            refused += times
        until(lambda: ready(gateway), 5, "it is well again")
        if faults.hits() == before:
            break
        nth += step
    faults.order()
    assert nth > 5, f"only {nth} places"
    assert alive(gateway.ledger.pid("driver"))
    expected = sorted([driver, *accepted.values()])
    assert len(set(expected)) == len(accepted) + 1, "one batch for one key"
    assert ids(gateway) == expected
    gateway.kill9()
    gateway.start()
    assert ids(gateway) == expected, "every 201 holds after a restart, and nothing else is there"
    for key, batch in list(accepted.items())[:3]:
        assert post(gateway, key).body["id"] == batch
    assert gateway.state_of(driver) == "running"
    go.touch()
    assert gateway.wait(driver) == "success"
    assert gateway.ledger.started().count("driver") == 1


@pytest.mark.parametrize("call", ["fdatasync", "pwrite"])
def test_a_log_that_fails_for_ever_ends_the_daemon_and_no_driver(faulty, call):
    gateway, faults = faulty
    gateway.start()
    go = gateway.root / "go"
    driver = gateway.submit("mark=driver", f"wait={go}", "exit=3")
    gateway.wait(driver, "running")
    kept = [post(gateway, f"k{n}").body["id"] for n in range(5)]
    until(lambda: stored(gateway).get(driver) == "running", 5, "its beginning is stored")
    process, seen = gateway.process, set()
    faults.order((call, "*/florus.db-wal", 1, EIO, EVER))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(lambda: post(gateway, "late"))
        while process.poll() is None:
            try:
                seen.add(gateway.get("/readyz", timeout=5).status)
            except OSError:
                break
        assert process.wait(10) not in (0, None)
        assert process.returncode > 0, "it ends in order, with a failure"
        assert 503 in seen, f"health said {seen}"
        late = answer.exception() or answer.result()
    assert not hasattr(late, "status") or late.status == 503, late
    gateway.process = None
    assert alive(gateway.ledger.pid("driver"))
    faults.order()
    gateway.start()
    assert set(ids(gateway)) >= {driver, *kept}
    again, _ = post_until_accepted(gateway, "late")
    assert sorted(ids(gateway)) == sorted([driver, *kept, again])
    assert gateway.state_of(driver) == "running"
    go.touch()
    assert gateway.wait(driver) == "dead"
    assert gateway.ledger.started().count("driver") == 1


def big(gateway, key):
    body = gateway.body(f"mark={key}", conf={f"spark.ballast{n}": "x" * 100_000 for n in range(3)})
    return gateway.post("/batches", body, headers={"Idempotency-Key": key})


@pytest.mark.parametrize("call", ["pwrite", "fdatasync"])
def test_an_io_error_when_the_log_is_brought_home_loses_nothing(faulty, call):
    gateway, faults = faulty
    gateway.start(florus__launch__hold="true")
    faults.order((call, "*/florus.db", 1, EIO, ONCE))
    accepted = []
    while not faults.hits():
        answer = big(gateway, f"k{len(accepted)}")
        assert answer.status == 201, answer
        accepted.append(answer.body["id"])
        assert len(accepted) < 200, "the log is never brought home"
    until(lambda: ready(gateway), 5, "it is well again")
    accepted += [post(gateway, f"later{n}").body["id"] for n in range(3)]
    gateway.kill9()
    gateway.start()
    assert ids(gateway) == accepted


def test_a_file_that_never_takes_the_log_home_ends_the_daemon(faulty):
    gateway, faults = faulty
    gateway.start(florus__launch__hold="true")
    process, accepted = gateway.process, []
    faults.order(("any", "*/florus.db", 1, EIO, EVER))
    while process.poll() is None:
        try:
            answer = big(gateway, f"k{len(accepted)}")
        except OSError:
            break
        if answer.status == 201:
            accepted.append(answer.body["id"])
        else:
            assert answer.status == 503, answer
        assert len(accepted) < 300, "it goes on with a log that grows for ever"
    assert process.wait(10) > 0
    gateway.process = None
    faults.order()
    gateway.start()
    assert set(ids(gateway)) >= set(accepted)


def test_a_log_that_fails_while_the_daemon_recovers_refuses_to_serve(faulty):
    gateway, faults = faulty
    gateway.start(florus__launch__hold="true")
    kept = [post(gateway, f"k{n}").body["id"] for n in range(5)]
    gateway.kill9()
    for call in ("pwrite", "fdatasync"):
        faults.order((call, "*/florus.db-wal", 1, EIO, EVER))
        status, lines = gateway.refusal()
        assert status > 0 and "florus.db" in lines[-1], lines
    faults.order()
    gateway.start()
    assert ids(gateway) == kept


def test_what_was_read_after_a_failed_sync_is_synced_again(faulty):
    """The kernel takes a page for clean after a failed fdatasync: a promise made by reading it needs another write."""
    gateway, faults = faulty
    gateway.start(florus__launch__hold="true")
    post(gateway, "first")
    trace = gateway.root / "trace"
    strace = shutil.which("strace")
    if not strace:
        pytest.skip("strace is not installed")
    pid = gateway.process.pid
    tracer = subprocess.Popen(
        [strace, "-f", "-y", "-qq", "-e", "trace=pwrite64,fdatasync", "-o", str(trace), "-p", str(pid)],
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: f"TracerPid:\t{tracer.pid}" in open(f"/proc/{pid}/status").read(), 10, "strace is attached")
        faults.order(("fdatasync", "*/florus.db-wal", 1, EIO, ONCE))
        answer = post(gateway, "second")
        assert answer.status == 201, "found in the log after it was opened again"
    finally:
        tracer.terminate()
        tracer.wait(10)
    calls = [line for line in trace.read_text().splitlines() if "florus.db-wal>" in line]
    again = [n for n, line in enumerate(calls) if re.search(r"pwrite64\(.*, 0\) += \d+$", line)]
    assert again, f"the log was not written again from its beginning: {calls}"
    assert any("fdatasync" in line for line in calls[again[-1] :]), calls


# --- a full disk ---------------------------------------------------------------------------------------------------


def test_enospc_is_507_and_goes_by_itself(faulty):
    gateway, faults = faulty
    gateway.start(florus__launch__hold="true")
    kept = [post(gateway, f"k{n}").body["id"] for n in range(3)]
    faults.order(("pwrite", "*/florus.db-wal", 1, ENOSPC, EVER))
    for n in range(5):
        answer = post(gateway, f"full{n}")
        assert answer.status == 507 and answer.raw, answer
        assert ids(gateway) == kept
    faults.order()
    kept += [post(gateway, f"full{n}").body["id"] for n in range(5)]
    assert ids(gateway) == kept == list(range(8)), "a refused one took no id"
    gateway.kill9()
    gateway.start()
    assert ids(gateway) == kept


@pytest.fixture
def ext4(tmp_path):
    """A directory on an ext4 of 8 MB."""
    image, at = tmp_path / "image", tmp_path / "disk"
    with open(image, "wb") as f:
        f.truncate(8 << 20)
    at.mkdir()
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(at)], check=True)
    yield at
    subprocess.run(["umount", "--lazy", str(at)], check=True)


@pytest.fixture(params=["tmpfs", "ext4"])
def small_disk(request):
    return request.getfixturevalue("mounts")("4m") if request.param == "tmpfs" else request.getfixturevalue("ext4")


def fill(disk):
    with open(disk / "filler", "ab", buffering=0) as f:
        for size in (1 << 20, 1 << 16, 1 << 12, 512, 1):
            try:
                while True:
                    f.write(b"x" * size)
            except OSError:
                pass


@NEEDS_ROOT
def test_a_full_disk_still_takes_the_ends_of_what_runs(gateways, small_disk):
    gateway = gateways(florus__state_dir=small_disk / "state", florus__launch__max_running=2)
    gateway.state = small_disk / "state"
    gateway.start()
    go = gateway.root / "go"
    good, bad = gateway.submit("mark=good", f"wait={go}"), gateway.submit("mark=bad", f"wait={go}", "exit=7")
    for batch in (good, bad):
        gateway.wait(batch, "running")
    until(lambda: list(stored(gateway).values()) == ["running"] * 2, 5, "their beginnings are stored")
    accepted = []
    while True:
        fill(small_disk)
        answer = gateway.post("/batches", gateway.body(conf={"spark.ballast": "x" * 20_000}))
        if answer.status == 507:
            break
        assert answer.status == 201 and len(accepted) < 300, answer
        accepted.append(answer.body["id"])
    for path in ("/batches", f"/batches/{good}", f"/batches/{good}/log", "/livez"):
        assert gateway.get(path).status == 200, path
    go.touch()
    assert gateway.wait(good) == "success" and gateway.wait(bad) == "dead"
    until(
        lambda: (stored(gateway).get(good), stored(gateway).get(bad)) == ("success", "dead"), 10, "the ends are stored"
    )
    (small_disk / "filler").unlink()
    until(lambda: gateway.post("/batches", gateway.body("mark=later")).status == 201, 15, "posts are 201 again")
    until(lambda: (gateway.state / "ballast").exists(), 5, "there is room in reserve again")
    gateway.kill9()
    gateway.start()
    assert (gateway.state_of(good), gateway.state_of(bad)) == ("success", "dead")
    assert set(ids(gateway)) >= {good, bad, *accepted}
    starts = gateway.ledger.started()
    assert len(starts) == len(set(starts)), "none runs twice"


@NEEDS_ROOT
def test_a_disk_that_hangs_stops_neither_reads_nor_health(gateways, ext4):
    gateway = gateways(florus__state_dir=ext4 / "state", florus__launch__hold="true")
    gateway.state = ext4 / "state"
    gateway.start()
    first = gateway.submit()
    subprocess.run(["fsfreeze", "-f", str(ext4)], check=True)
    try:
        with ThreadPoolExecutor(1) as pool:
            late = pool.submit(lambda: post(gateway, "late"))
            until(lambda: gateway.get("/readyz", timeout=2).status == 503, 15, "it says that the disk hangs")
            for path in ("/livez", "/batches", f"/batches/{first}", f"/batches/{first}/state"):
                assert gateway.get(path, timeout=2).status == 200, path
            subprocess.run(["fsfreeze", "-u", str(ext4)], check=True)
            answer = late.result(20)
    finally:
        subprocess.run(["fsfreeze", "-u", str(ext4)], check=False, stderr=subprocess.DEVNULL)
    until(lambda: ready(gateway), 5, "it is well again")
    assert answer.status in (201, 503), answer
    again, _ = post_until_accepted(gateway, "late")
    assert ids(gateway) == [first, again]


# --- damage --------------------------------------------------------------------------------------------------------


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def overwrite(path, offset, data):
    with open(path, "r+b") as f:
        f.seek(offset)
        f.write(data)


@pytest.fixture
def left(gateways):
    """A gateway that was killed with everything in its log, and a copy of its state."""
    gateway = gateways(florus__launch__hold="true").start()
    for n in range(3):
        gateway.submit(name=f"n{n}")
    gateway.restart()
    for n in range(3, 30):
        gateway.submit(name=f"n{n}", conf={"spark.ballast": "x" * 1000})
    gateway.kill9()
    shutil.copytree(gateway.state, gateway.root / "as-left")
    return gateway


def put_back(gateway):
    shutil.rmtree(gateway.state)
    shutil.copytree(gateway.root / "as-left", gateway.state)
    return gateway.state / "florus.db", gateway.state / "florus.db-wal"


def bring_home(gateway):
    """What was left, closed in order: all in one file."""
    put_back(gateway)
    gateway.start()
    assert ready(gateway)
    gateway.stop()
    shutil.rmtree(gateway.root / "as-left")
    shutil.copytree(gateway.state, gateway.root / "as-left")


def outcome(gateway):
    """Starts it: the names it serves, or None when it refused in order and left the file as it was."""
    db, url = gateway.state / "florus.db", gateway.state / "url"
    before, said = digest(db), len(gateway.log_text())
    url.unlink(missing_ok=True)
    gateway.process = gateway.spawn()
    until(lambda: url.exists() or gateway.process.poll() is not None, 20)
    if url.exists():
        parts = url.read_text().strip().rstrip("/").rsplit(":", 1)
        gateway.host, gateway.port = "127.0.0.1", int(parts[1])
        listed = gateway.get("/batches?size=1000")
        assert listed.status == 200
        for n in (0, 5, 29, 1000):
            assert gateway.get(f"/batches/{n}").status in (200, 404)
        new = gateway.post("/batches", gateway.body())
        assert new.status in (201, 503, 507), new
        gateway.stop()
        return [item["name"] for item in listed.body["sessions"]]
    process, gateway.process = gateway.process, None
    assert process.returncode > 0, f"it crashed: {process.returncode}\n{gateway.log_text()}"
    assert "florus.db" in gateway.log_text()[said:], "it says which file"
    assert digest(db) == before, "left as it was"
    return None


NAMES = [f"n{n}" for n in range(30)]


def test_a_log_cut_anywhere_gives_what_is_whole_before_the_cut(left):
    size = (left.root / "as-left" / "florus.db-wal").stat().st_size
    dice, lengths = random.Random(1), []
    for cut in sorted({0, 1, 31, 32, 33, 4152, size - 1, *(dice.randrange(size) for _ in range(6))}):
        _, wal = put_back(left)
        os.truncate(wal, cut)
        names = outcome(left)
        assert names is not None and names == NAMES[: len(names)], (cut, names)
        lengths.append(len(names))
    assert lengths == sorted(lengths) and lengths[0] == 3 and lengths[-1] == 29


def test_a_log_that_is_garbage_or_gone_gives_what_the_file_has(left):
    def garbage(wal):
        wal.write_bytes(random.Random(2).randbytes(100_000))

    def rotten_middle(wal):
        overwrite(wal, wal.stat().st_size // 2, b"rot" * 100)

    for damage in (garbage, rotten_middle, os.unlink, lambda wal: wal.write_bytes(b"")):
        _, wal = put_back(left)
        damage(wal)
        names = outcome(left)
        assert names is not None and 3 <= len(names) < 30 and names == NAMES[: len(names)], names


def test_an_older_copy_of_the_file_is_served_or_refused_and_never_mixed(left):
    gateway = left
    older = gateway.root / "older.db"
    db, _ = put_back(gateway)
    shutil.copy(db, older)
    gateway.start()
    gateway.submit(name="new")
    gateway.stop()  # everything is in the file now
    gateway.start()
    gateway.submit(name="newest")
    gateway.kill9()  # and this in a log that does not belong to the older copy
    shutil.copy(older, db)
    names = outcome(gateway)
    assert names is None or names[:3] == NAMES[:3], names


def test_a_rotten_page_anywhere_never_crashes_it(left):
    bring_home(left)
    pages = (left.root / "as-left" / "florus.db").stat().st_size // 4096
    refused, dice = 0, random.Random(3)
    for page in range(pages) if pages < 24 else sorted(dice.sample(range(pages), 24)):
        db, _ = put_back(left)
        overwrite(db, page * 4096 + (100 if page == 0 else 0), dice.randbytes(200))
        refused += outcome(left) is None
    assert refused > 5, "rot is seen"


def test_flipped_bytes_never_crash_it(left):
    bring_home(left)
    dice = random.Random(4)
    for _ in range(25):
        db, _ = put_back(left)
        at = dice.randrange(db.stat().st_size)
        overwrite(db, at, bytes([dice.randrange(256)]))
        outcome(left)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE batch SET state = 'flying' WHERE id = 1",
        "UPDATE batch SET state = x'ff00fe' WHERE id = 1",
        "UPDATE batch SET nonce = '' WHERE id = 1",
        "UPDATE batch SET nonce = x'2e2e2f2e2e2f' WHERE id = 1",
        "UPDATE batch SET created_ms = 'never', state = '' WHERE id = 1",
        "UPDATE batch SET state = 'running', attempt = -7 WHERE id = 1",
    ],
)
def test_a_row_that_cannot_be_read_harms_no_other(gateways, damage):
    gateway = gateways(florus__launch__hold="true").start()
    for n in range(3):
        gateway.submit(f"mark=m{n}", name=f"n{n}")
    gateway.stop()
    connection = sqlite3.connect(gateway.state / "florus.db")
    connection.execute(damage)
    connection.commit()
    connection.close()
    gateway.start(florus__launch__hold="false")
    assert gateway.wait(0) == "success" and gateway.wait(2) == "success"
    answer = gateway.get("/batches/1")
    assert answer.status in (200, 404)
    if answer.status == 200:
        assert answer.body["state"] == "dead"
    assert "m1" not in gateway.ledger.started(), "what it is cannot be known, so it is not run"
    gateway.restart()
    assert gateway.state_of(1) == "dead", "and stays so"
    assert gateway.delete("/batches/1").status == 200
    assert gateway.get("/batches/1").status == 404
    gateway.restart()
    assert gateway.get("/batches/1").status == 404
    assert gateway.state_of(0) == "success"


def test_garbage_in_the_texts_of_a_row_is_shown_as_valid_json(gateways):
    gateway = gateways(florus__launch__hold="true").start()
    for n in range(3):
        gateway.submit(name=f"n{n}")
    gateway.stop()
    connection = sqlite3.connect(gateway.state / "florus.db")
    connection.execute("UPDATE batch SET name = CAST(x'22fffe5c01c3' AS TEXT), app_id = x'80', request = 'no' WHERE id = 1")
    connection.commit()
    connection.close()
    gateway.start(florus__launch__hold="false")
    items = json.loads(gateway.get("/batches").raw.decode("utf-8"))["sessions"]
    assert [item["id"] for item in items] == [0, 1, 2]
    assert [items[0]["name"], items[2]["name"]] == ["n0", "n2"]
    assert gateway.wait(1) == "dead", "a request that cannot be read is not run"
    assert gateway.wait(2) == "success"


# --- all at once ---------------------------------------------------------------------------------------------------


def test_killed_and_failing_at_random_under_load_nothing_is_lost_or_doubled(gateways, tmp_path):
    faults = Faults(tmp_path)
    gateway = gateways(env=faults.env, florus__launch__max_running=8, florus__queue__max=100000).start()
    seed = int(os.environ.get("FLORUS_SEED") or random.randrange(1 << 32))
    dice = random.Random(seed)
    history, done = History(gateway, seed), threading.Event()
    clients = [threading.Thread(target=history.client, args=(n, done, random.Random(seed + n))) for n in range(3)]
    for thread in clients:
        thread.start()
    try:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            call, nth = dice.choice(["fdatasync", "pwrite"]), dice.randrange(1, 40)
            faults.order((call, dice.choice(["*/florus.db-wal", "*/florus.db*"]), nth, EIO, ONCE))
            served = history.accepted_count()
            until(lambda served=served: history.accepted_count() >= served + 2, 20, f"seed {seed}: the load goes on")
            time.sleep(dice.uniform(0, 0.15))  # the random instant is the test
            gateway.kill9()
            faults.order()
            gateway.start()
    finally:
        done.set()
        faults.order()
        for thread in clients:
            thread.join(60)
    assert faults.hits() > 5, f"seed {seed}: {faults.hits()} faults prove nothing"
    history.check(FINAL)
