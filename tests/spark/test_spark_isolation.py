"""With a real Spark: secrets stay out of every command line and arrive, and jobs work as other users than florusd."""

import json
import os
import pwd
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest
from conftest import python_of
from gateway import BIN_DIR, Gateway, until

HOSTILE = Path(__file__).parents[1] / "black" / "hostile.py"
MARK = "florus-7f3a91-secret"
NASTY = f"{MARK} =:#!\\u0041 'x' \"y\" é😀\tz\\"
SESSION = "from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\n"
TOLD = """
import json
conf = spark.sparkContext.getConf()
print("TOLD " + json.dumps({key: conf.get(key) for key in %r}))
"""


@pytest.fixture
def public():
    """A directory that other users reach."""
    path = Path(tempfile.mkdtemp(prefix="florus-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def open_spark(spark_home):
    """A Spark that other users reach: this one, or a copy when it lies behind a closed directory."""
    if all(parent.stat().st_mode & 0o001 for parent in (spark_home, *spark_home.parents)):
        yield spark_home
        return
    with tempfile.TemporaryDirectory(prefix="florus-spark-") as folder:
        Path(folder).chmod(0o755)
        copy = Path(folder) / "spark"
        shutil.copytree(spark_home, copy, symlinks=True, copy_function=link_or_copy)
        yield copy


def link_or_copy(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@pytest.fixture
def make(public, spark_home, open_spark):
    made = []

    def make(options=None, env=None, start=True):
        env = {"LANG": "C.UTF-8", "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": python_of(spark_home), **(env or {})}
        gateway = Gateway(public / "g", {"livy.spark.master": "local[1]", **(options or {})}, env, open_spark)
        made.append(gateway)
        for path in (gateway.root, gateway.files):
            path.chmod(0o755)
        return gateway.start() if start else gateway

    yield make
    for gateway in made:
        gateway.tear_down()


def run(gateway, text, **fields):
    """Runs a program to its end; the log."""
    gateway.job.write_text(text)
    fields["conf"] = {"spark.ui.enabled": "false", **fields.get("conf", {})}
    answer = gateway.post("/batches", {"file": str(gateway.job), **fields})
    assert answer.status == 201, answer
    state = gateway.wait(answer.body["id"], timeout=120)
    log = gateway.log(answer.body["id"])
    assert state == "success", "\n".join(log)
    return log


def told(log, word):
    line = next((line for line in log if line.startswith(word + " ")), None)
    assert line, "\n".join(log)
    return json.loads(line[len(word) + 1 :])


def python_for(user, spark_home):
    """A Python that this user may execute: that of a developer often lies in his home."""
    for python in (python_of(spark_home), "/usr/local/bin/python3", "/usr/bin/python3"):
        probe = ["/bin/sh", "-c", 'exec "$0" -c "import json"', python]
        if subprocess.run(probe, user=user, cwd="/", capture_output=True, check=False).returncode == 0:
            return python
    pytest.fail(f"no Python that {user} may execute; Debian's python3 will do")


class Watcher(threading.Thread):
    """Looks at the command lines and environments of all processes, again and again."""

    def __init__(self):
        super().__init__()
        self.seen, self.rounds, self.over = [], 0, threading.Event()

    def run(self):
        mark = MARK.encode()
        while not self.over.is_set():
            for pid in filter(str.isdigit, os.listdir("/proc")):
                for name in ("cmdline", "environ"):
                    try:
                        text = Path(f"/proc/{pid}/{name}").read_bytes()
                    except OSError:
                        continue
                    if mark in text:
                        self.seen.append((pid, name, text))
            self.rounds += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def test_secrets_arrive_and_are_in_no_command_line_at_any_time(make, public):
    conf = public / "conf"
    conf.mkdir()
    (conf / "spark-defaults.conf").write_text("spark.test.default  kept\nspark.test.token  old\n", "utf-8")
    gateway = make(env={"SPARK_CONF_DIR": str(conf)})
    wanted = {
        "spark.test.token": NASTY,
        "spark.hadoop.fs.s3a.secret.key": MARK + "+/==",
        "spark.test.password": "",
        "spark.test.plain": "two words",
    }
    with Watcher() as watcher:
        log = run(gateway, SESSION + TOLD % [*wanted, "spark.test.default"], conf=wanted)
    assert told(log, "TOLD") == {**wanted, "spark.test.default": "kept"}
    assert watcher.rounds > 3 and not watcher.seen
    assert MARK not in gateway.stderr.read_text()
    assert not list((gateway.state / "run").glob("*/spark.conf"))


def test_without_secrets_the_defaults_hold_as_well(make, public):
    conf = public / "conf"
    conf.mkdir()
    (conf / "spark-defaults.conf").write_text("spark.test.default  kept\n")
    gateway = make(env={"SPARK_CONF_DIR": str(conf)})
    log = run(gateway, SESSION + TOLD % ["spark.test.default"])
    assert told(log, "TOLD") == {"spark.test.default": "kept"}


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="another user needs root; tests/black has the refusal")
WORK = """
import json, os, pathlib
spark.range(10).write.parquet("out")
spark.range(5).write.saveAsTable("numbers")
print("HERE " + json.dumps({
    "sum": spark.read.parquet(str(pathlib.Path.cwd() / "out")).selectExpr("sum(id) as s").collect()[0]["s"],
    "rows": spark.table("numbers").count(), "files": sorted(p.name for p in pathlib.Path.cwd().iterdir()),
    "python": spark.sparkContext.parallelize(range(4)).map(lambda n: __import__("os").getuid()).collect(),
    "token": spark.sparkContext.getConf().get("spark.test.token")}))
exec(open(%r).read())
"""


def work_and_do_harm(gateway):
    """Does what Spark jobs do, then what they should not; what came of both."""
    shutil.copy(HOSTILE, gateway.files / "hostile.py")
    targets = {
        "read": [str(gateway.state / "florus.db"), str(gateway.state / "lock")],
        "write": [str(gateway.state / "florus.db"), "../exit.tmp"],
        "make": ["../planted"],
        "processes": {"florusd": gateway.process.pid},
    }
    program = SESSION + WORK % str(gateway.files / "hostile.py")
    log = run(gateway, program, args=[json.dumps(targets)], conf={"spark.test.token": MARK})
    uid = pwd.getpwnam("nobody").pw_uid
    here, found = told(log, "HERE"), told(log, "HOSTILE")
    assert here["sum"] == 45 and here["rows"] == 5 and here["python"] == [uid] * 4 and here["token"] == MARK
    assert {"out", "spark-warehouse"} <= set(here["files"])
    assert found["uids"] == [str(uid)] * 4 and found["root_again"] == "EPERM" and found["cwd_writable"] == "done"
    until(lambda: not list((gateway.state / "run").glob("*/spark.conf")), 5)
    return found["tried"]


@needs_root
def test_spark_works_as_another_user_who_gets_at_nothing_of_ours(make, spark_home):
    gateway = make({"florus.launch.run-as": "nobody"}, {"PYSPARK_PYTHON": python_for("nobody", spark_home)})
    tried = work_and_do_harm(gateway)
    assert len(tried) == 11 and set(tried.values()) <= {"EACCES", "EPERM"}, tried


@pytest.fixture
def state_dir():
    """Where the unit has it: only root makes files beside the way to it, so Landlock is used by itself."""
    home = Path(tempfile.mkdtemp(prefix="florus-test-", dir="/var/lib"))
    home.chmod(0o755)
    (home / "state").mkdir()
    shutil.chown(home / "state", "nobody")
    yield home / "state"
    shutil.rmtree(home)


@needs_root
def test_spark_works_behind_landlock(state_dir, make, spark_home, public):
    gateway = make({"florus.state-dir": state_dir}, {"PYSPARK_PYTHON": python_for("nobody", spark_home)}, start=False)
    gateway.state = state_dir
    for name in ("florusd", "florus-shim"):
        shutil.copy(BIN_DIR / name, public)
    gateway.options["florus.launch.shim"] = public / "florus-shim"
    command = gateway.command
    become = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--no-new-privs"]
    gateway.command = lambda more=None: [*become, public / "florusd", *command(more)[1:]]
    gateway.start()
    tried = work_and_do_harm(gateway)
    refused = {what: how for what, how in tried.items() if what != "florusd signal"}  # that needs Linux 6.12
    assert len(refused) == 10 and set(refused.values()) <= {"EACCES", "EPERM"}, tried
