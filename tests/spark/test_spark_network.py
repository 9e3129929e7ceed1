"""A session on a real Spark whose driver comes as one on another host does: over the network, with its package in an archive."""

import random
import shutil

import pytest
from gateway import BIN_DIR, REPO
from sessions import Session


@pytest.fixture(scope="module")
def session(spark, tmp_path_factory):
    alone = tmp_path_factory.mktemp("driver") / "florus_session.py"
    shutil.copy(REPO / "driver" / "florus_session.py", alone)
    package = spark.files / "florus.zip"
    shutil.copy(BIN_DIR / "driver" / "florus.zip", package)
    host = ".".join(["127", *(str(random.randint(1, 254)) for _ in range(3))])
    spark.restart(**{"florus__session__address": f"{host}:{random.randint(20000, 60000)}", "florus__session__dial": "network",
                     "florus__session__driver": alone})
    session = Session(spark, pyFiles=[str(package)], conf={"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": 2})
    yield session.wait("idle", 120)
    assert spark.delete(session.path).status == 200


def test_all_kinds_work_there(session):
    assert "florus.zip" in session.run("import florus.wire\nflorus.wire.__file__")["data"]["text/plain"]
    assert session.run("spark.range(4).createOrReplaceTempView('four')")["status"] == "ok"
    assert session.run("select count(*) from four", kind="sql")["data"]["application/json"]["data"] == [[4]]
    number = session.post('println(spark.table("four").count())', kind="spark").body["id"]
    assert session.result(number, 120)["output"]["data"] == {"text/plain": "4\n"}


def test_it_outlives_the_daemon(session, spark):
    session.run("kept = spark.range(3).count()")
    number = session.post("import time\ntime.sleep(2)\nkept").body["id"]
    spark.kill9()
    spark.start()
    assert session.result(number, 60)["output"]["data"] == {"text/plain": "3"}
