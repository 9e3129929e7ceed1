"""A session on a real Spark that was up before anybody asked for it."""

import pytest
from gateway import until
from sessions import Session


@pytest.fixture(scope="module")
def warm(spark):
    spark.restart(florus__session__warm="pyspark:1")
    until(lambda: "session kept ready" in spark.log_text(), 120, "one is kept ready", 0.1)
    return spark


def test_it_is_there_at_once_and_works(warm):
    session = Session(warm, kind="shared")
    assert session.made.body["state"] == "idle"
    assert session.run("spark.range(3).count()", kind="pyspark")["data"] == {"text/plain": "3"}
    assert session.run("select 1", kind="sql")["status"] == "ok"
    assert session.get().body["appId"].startswith("local-")
    assert warm.delete(session.path).status == 200
