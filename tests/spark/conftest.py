"""Real Spark: SPARK_HOME says which. Its absence is a failure, not a reason to skip."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from gateway import Gateway, until


def python_of(spark_home):
    """The Python that Spark should use: the one it was installed into, when it was installed by pip."""
    given = os.environ.get("PYSPARK_PYTHON")
    if given:
        return given
    if spark_home.parent.name == "site-packages":
        beside = spark_home.parents[3] / "bin" / "python"
        if beside.exists():
            return str(beside)
    return sys.executable


@pytest.fixture(scope="session")
def spark_home():
    home = os.environ.get("SPARK_HOME")
    if not home:
        pytest.fail("SPARK_HOME is not set: these tests need a real Spark (make test installs one)")
    if not (Path(home) / "bin" / "spark-submit").exists():
        pytest.fail(f"SPARK_HOME={home} holds no bin/spark-submit")
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.fail("no Java on PATH and no JAVA_HOME: these tests need a Java of at least 17")
    return Path(home).absolute()


@pytest.fixture(scope="module")
def spark(spark_home, tmp_path_factory):
    """A started gateway whose jobs are real ones."""
    gateway = Gateway(
        tmp_path_factory.mktemp("spark"),
        {"livy.spark.master": "local[1]", "florus.launch.max-running": 2, "florus.kill.grace": "10s"},
        {
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": python_of(spark_home),
        },
        spark_home,
    )
    gateway.start()
    yield gateway
    gateway.tear_down()


@pytest.fixture
def program(spark, request):
    """Writes a Python program where jobs may read it; its path."""

    def write(text, name=None):
        path = spark.files / (name or f"{request.node.name}.py")
        path.write_text(text)
        return str(path)

    return write


@pytest.fixture
def run(spark):
    """Submits, waits for the end: (id, state, the log as one text)."""

    def run(file, wanted=None, **fields):
        fields["conf"] = {"spark.ui.enabled": "false", **fields.get("conf", {})}
        answer = spark.post("/batches", {"file": file, **fields})
        assert answer.status == 201, answer
        batch = answer.body["id"]
        state = spark.wait(batch, timeout=120)
        log = "\n".join(spark.log(batch))
        assert wanted in (None, state), log
        return batch, state, log

    return run


@pytest.fixture
def submitted(spark):
    """Submits and waits until the log shows a line; the id."""

    def submit(file, line, **fields):
        fields["conf"] = {"spark.ui.enabled": "false", **fields.get("conf", {})}
        answer = spark.post("/batches", {"file": file, **fields})
        assert answer.status == 201, answer
        batch = answer.body["id"]
        until(
            lambda: line in spark.log(batch) or spark.state_of(batch) in ("dead", "success"),
            90,
            f"{line!r} in the log",
            interval=0.1,
        )
        assert line in spark.log(batch), "\n".join(spark.log(batch))
        return batch

    return submit
