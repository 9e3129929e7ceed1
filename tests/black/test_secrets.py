"""Conf entries that are secrets by their names reach spark-submit in a file, never by a command line."""

import os
import signal
from pathlib import Path

import pytest
from gateway import alive, until

SECRET = "p@ss=w#rd \\ 'x' é😀"
ESCAPED = "p@ss=w#rd \\u005c 'x' \\u00e9\\ud83d\\ude00"
CONF = {
    "spark.first": "1",
    "spark.hadoop.fs.s3a.secret.key": SECRET,
    "spark.second": "2",
    "spark.ssl.keyPassword": "",
    "spark.my.ACCESS_KEY": "AKIA-florus",
}


def properties_of(gateway, mark):
    argv = gateway.argv(mark)
    return Path(argv[argv.index("--properties-file") + 1])


def waiting(gateway, mark="m", **fields):
    go = gateway.root / f"go-{mark}"
    batch = gateway.submit(f"mark={mark}", f"wait={go}", **fields)
    gateway.wait_started(mark)
    return batch, go


def test_secrets_come_in_a_file_and_all_else_as_ever(gateway):
    batch, go = waiting(gateway, conf=CONF)
    path = properties_of(gateway, "m")
    assert path.is_absolute() and path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().splitlines() == [
        "",
        "",
        f"spark.hadoop.fs.s3a.secret.key={ESCAPED}",
        "spark.ssl.keyPassword=",
        "spark.my.ACCESS_KEY=AKIA-florus",
    ]
    argv = gateway.argv("m")
    options = argv[: argv.index(next(word for word in argv if word.endswith("job.py")))]
    assert options == [
        *("--conf", "spark.first=1", "--conf", "spark.second=2", "--conf", "spark.master=local"),
        *("--properties-file", str(path)),
    ]
    assert gateway.record("m", "env").count(b"AKIA-florus") == 0
    go.touch()
    assert gateway.wait(batch) == "success"
    assert not path.exists() and path.parent.exists()
    for secret in ("AKIA-florus", "p@ss"):
        assert secret not in gateway.stderr.read_text()


def test_without_secrets_there_is_no_file(gateway):
    _, _, _ = gateway.run("mark=m", conf={"spark.first": "1"})
    assert "--properties-file" not in gateway.argv("m")


@pytest.mark.parametrize("by_variable", [False, True])
def test_the_defaults_of_spark_come_first(gateways, by_variable):
    """Spark up to 3.5 forgets spark-defaults.conf when it is given another file."""
    gateway = gateways()
    conf = gateway.root / "conf" if by_variable else gateway.spark_home / "conf"
    conf.mkdir()
    if by_variable:
        gateway.env["SPARK_CONF_DIR"] = str(conf)
    defaults = "spark.eventLog.dir  hdfs:///logs\n# é\nspark.my.access_key old\\"
    (conf / "spark-defaults.conf").write_text(defaults)
    gateway.start()
    waiting(gateway, conf=CONF)
    text = properties_of(gateway, "m").read_text()
    assert text.startswith(defaults + "\n\nspark.hadoop.fs.s3a.secret.key=")


def test_a_pipe_for_the_defaults_ends_the_job_with_a_reason(gateway):
    (gateway.spark_home / "conf").mkdir()
    os.mkfifo(gateway.spark_home / "conf" / "spark-defaults.conf")
    batch = gateway.submit(conf=CONF)
    until(lambda: "is not a plain file" in gateway.log_text(), 10, "the reason is logged")
    assert gateway.delete(f"/batches/{batch}").status == 200
    assert not list((gateway.state / "run").glob(f"{batch}.*/spark.conf"))


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_the_file_goes_when_the_shim_is_killed(gateway):
    batch, go = waiting(gateway, conf=CONF)
    path = properties_of(gateway, "m")
    os.kill(parent_of(gateway.ledger.pid("m")), signal.SIGKILL)
    assert path.exists()
    go.touch()
    gateway.wait(batch)
    until(lambda: not path.exists(), 5, "the file is removed")


def test_the_file_goes_when_everything_was_killed(gateway):
    batch, _ = waiting(gateway, conf=CONF)
    path, pid = properties_of(gateway, "m"), gateway.ledger.pid("m")
    shim = parent_of(pid)
    launcher = parent_of(shim)
    gateway.kill9()
    until(lambda: not alive(launcher), 5, "the launcher ends with florusd")
    os.kill(shim, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid), 5)
    assert path.exists()
    gateway.start()
    assert gateway.wait(batch) == "dead"
    assert not path.exists()


def test_more_secrets_than_fit_are_refused(gateways):
    gateway = gateways(florus__http__body_max="4m").start()
    answer = gateway.post("/batches", gateway.body(conf={"spark.password": "x" * (1024 * 1024)}))
    assert answer.status == 400 and "hold secrets are longer than" in answer.body["msg"]
