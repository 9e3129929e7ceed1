"""What must not serve: one clear line, a non-zero exit status, and nothing touched (reliability: P19, F18)."""

import hashlib
import os
import socket
import sqlite3

import pytest

DB = "florus.db"


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def refused(gateway, *words, options=None):
    """The daemon refuses, and the line that says why holds all the words."""
    status, lines = gateway.refusal(options)
    assert status not in (0, None) and status > 0, (status, lines)
    assert lines, "it says why"
    last = lines[-1].lower()
    assert all(word.lower() in last for word in words), f"{words} not in: {lines}"
    errors = [line for line in lines if "error" in line.lower()]
    assert len(errors) <= 1, f"one line, not {len(errors)}: {lines}"
    return lines


@pytest.fixture
def filled(gateways):
    """A store with a dozen batches, closed in order."""
    gateway = gateways(florus__launch__hold="true").start()
    for n in range(12):
        gateway.submit(name=f"n{n}")
    gateway.stop()
    return gateway


def overwrite(path, offset, data):
    with open(path, "r+b") as f:
        f.seek(offset)
        f.write(data)


def rot(path):
    """Every page but the first becomes noise."""
    size = path.stat().st_size
    assert size > 4096
    overwrite(path, 4096, bytes((n * 37 + 11) & 255 for n in range(size - 4096)))


@pytest.mark.parametrize(
    "damage",
    [
        lambda db: overwrite(db, 0, b"not a database at all, sorry"),
        rot,
        lambda db: os.truncate(db, db.stat().st_size // 2),
        lambda db: db.write_bytes(b"\x00" * 8192),
        lambda db: db.write_text("garbage\n" * 1000),
    ],
    ids=["header", "pages", "truncated", "zeros", "text"],
)
def test_a_damaged_store_is_refused_and_left_as_it_is(filled, damage):
    db = filled.state / DB
    damage(db)
    before = digest(db)
    refused(filled, DB)
    assert digest(db) == before
    refused(filled, DB)
    assert digest(db) == before


def test_a_newer_store_is_refused_and_left_as_it_is(filled):
    db = filled.state / DB
    connection = sqlite3.connect(db)
    connection.execute("PRAGMA user_version = 9999")
    connection.close()
    before = digest(db)
    refused(filled, DB, "newer")
    assert digest(db) == before


def test_a_foreign_database_is_refused_and_left_as_it_is(gateways):
    gateway = gateways()
    gateway.state.mkdir(mode=0o700)
    db = gateway.state / DB
    connection = sqlite3.connect(db)
    connection.execute("CREATE TABLE tunes (title TEXT)")
    connection.commit()
    connection.close()
    before = digest(db)
    refused(gateway, DB)
    assert digest(db) == before


def test_a_closed_store_is_one_file_in_order(filled):
    assert not (filled.state / f"{DB}-wal").exists() or (filled.state / f"{DB}-wal").stat().st_size == 0
    connection = sqlite3.connect(f"file:{filled.state / DB}?mode=ro", uri=True)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA user_version").fetchone()[0] > 0
    connection.close()
    filled.start()
    assert [s["name"] for s in filled.get("/batches").body["sessions"]] == [f"n{n}" for n in range(12)]


def test_a_store_after_kill_9_is_in_order(gateways):
    gateway = gateways(florus__launch__hold="true").start()
    for n in range(50):
        gateway.submit(name=f"n{n}")
    gateway.kill9()
    gateway.start()
    assert [s["name"] for s in gateway.get("/batches").body["sessions"]] == [f"n{n}" for n in range(50)]


def test_a_second_daemon_on_the_same_state_is_refused(gateway):
    gateway.submit(f"wait={gateway.root}/never")
    refused(gateway, str(gateway.state))
    assert gateway.get("/batches").body["total"] == 1, "the first goes on"
    assert (gateway.state / "url").exists()
    gateway.submit()


def test_a_port_in_use(gateways):
    gateway = gateways()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(gateway, str(port), "in use", options={"livy.server.port": port})
    gateway.start()


def test_a_state_directory_that_is_a_file(gateways):
    gateway = gateways()
    gateway.state.write_text("mine")
    refused(gateway, str(gateway.state))
    assert gateway.state.read_text() == "mine"


def test_a_state_directory_that_cannot_be_made(gateways):
    gateway = gateways(florus__state_dir="/proc/florus")
    refused(gateway, "/proc/florus")


@pytest.mark.skipif(os.geteuid() != 0, reason="chown needs root")
def test_a_state_directory_of_someone_else(gateways):
    gateway = gateways()
    gateway.state.mkdir(mode=0o700)
    os.chown(gateway.state, 12345, 12345)
    refused(gateway, str(gateway.state))
    assert os.listdir(gateway.state) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mount needs root")
def test_a_state_directory_that_cannot_be_written(gateways, read_only):
    gateway = gateways(florus__state_dir=read_only)
    refused(gateway, str(read_only))


def test_a_missing_spark_submit(gateways):
    gateway = gateways()
    (gateway.spark_home / "bin" / "spark-submit").unlink()
    refused(gateway, "spark-submit", str(gateway.spark_home))


def test_a_spark_home_that_is_not_there(gateways):
    refused(gateways(livy__server__spark_home="/nowhere/spark"), "/nowhere/spark")


def test_no_spark_home_at_all(gateways):
    gateway = gateways(env={"SPARK_HOME": ""})
    del gateway.options["livy.server.spark-home"]
    refused(gateway, "spark-home")


@pytest.mark.parametrize(
    "option, words",
    [
        ({"florus.launch.max-runing": "3"}, ["florus.launch.max-runing", "florus.launch.max-running"]),
        ({"livy.server.port": "lots"}, ["livy.server.port", "lots"]),
        ({"livy.server.port": "70000"}, ["livy.server.port", "70000"]),
        ({"florus.kill.grace": "soon"}, ["florus.kill.grace", "soon"]),
        ({"livy.server.host": "0.0.0.0"}, ["0.0.0.0", "auth"]),
    ],
    ids=lambda v: "".join(map(str, v)) if isinstance(v, (list, dict)) else None,
)
def test_a_wrong_setting_is_named(gateways, option, words):
    refused(gateways(), *words, options=option)


def test_an_unreadable_configuration_names_the_file(gateways):
    gateway = gateways()
    missing = gateway.config = gateway.root / "no.conf"
    refused(gateway, str(missing))
    missing.mkdir()
    refused(gateway, str(missing))


def test_a_wrong_line_in_the_configuration_names_file_and_line(gateways):
    gateway = gateways()
    path = gateway.config = gateway.root / "livy.conf"
    path.write_text("# fine\nlivy.server.session.timeout = 1h\n\nflorus.no.such = 1\n")
    refused(gateway, "livy.conf", "4", "florus.no.such")


def test_a_livy_conf_is_read(gateways):
    gateway = gateways()
    path = gateway.config = gateway.root / "livy.conf"
    path.write_text(
        "# Livy's own\nlivy.spark.master : spark://m:7077\nlivy.server.session.timeout = 1h\nspark.x = y\n"
        "livy.unheard.of = 1\n"
    )
    gateway.start()
    gateway.submit("mark=m")
    assert "spark.master=spark://m:7077" in gateway.argv("m")
    assert "livy.unheard.of" in gateway.log_text()
