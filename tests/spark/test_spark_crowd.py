"""Many sessions on real Sparks at once: each answers for itself. Twenty once, since two cores take minutes for them; some with every Spark."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from gateway import until
from sessions import Session

START_MAX_S = 500  # of all together, on two cores
ANSWER_MAX_S = 300
SMALL = {"spark.ui.enabled": "false", "spark.driver.memory": "512m",
         "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"}  # fmt: skip


@pytest.fixture(scope="module")
def crowd(spark, spark_home):
    count = 20 if list((spark_home / "jars").glob("spark-core_2.13-4.*.jar")) else 4
    spark.restart(florus__session__max=count, livy__rsc__server__connect__timeout=f"{START_MAX_S}s")
    sessions = [Session(spark, conf=SMALL) for _ in range(count)]
    yield sessions
    with ThreadPoolExecutor(count) as pool:
        assert {answer.status for answer in pool.map(lambda session: spark.delete(session.path), sessions)} == {200}


def test_each_of_many_sessions_gives_its_own_answer(crowd):
    until(lambda: all(session.state() == "idle" for session in crowd), START_MAX_S, "all are idle", 0.5)

    def use(session):
        code = f"mine = {session.id + 1}\nsc.parallelize(range(mine), 1).count(), sc.applicationId"
        number = session.post(code).body["id"]
        until(lambda: session.statement(number)["state"] == "available", ANSWER_MAX_S, "it is answered", 0.5)
        return session.statement(number)["output"]["data"]["text/plain"]

    with ThreadPoolExecutor(len(crowd)) as pool:
        answers = list(pool.map(use, crowd))
    assert answers == [str((session.id + 1, session.get().body["appId"])) for session in crowd]
    assert len({answer.split()[1] for answer in answers}) == len(crowd)
