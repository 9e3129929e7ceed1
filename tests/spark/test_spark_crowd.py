"""Twenty sessions on real Sparks at once: each answers for itself."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from gateway import until
from sessions import Session

CROWD = 20
START_MAX_S = 500  # of all together, on two cores
SMALL = {"spark.ui.enabled": "false", "spark.driver.memory": "512m", "spark.sql.shuffle.partitions": 1,
         "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"}  # fmt: skip


@pytest.fixture(scope="module")
def crowd(spark):
    spark.restart(florus__session__max=CROWD, livy__rsc__server__connect__timeout=f"{START_MAX_S}s")
    sessions = [Session(spark, conf=SMALL) for _ in range(CROWD)]
    yield sessions
    with ThreadPoolExecutor(CROWD) as pool:
        assert {answer.status for answer in pool.map(lambda session: spark.delete(session.path), sessions)} == {200}


def test_each_of_twenty_sessions_gives_its_own_answer(crowd, spark):
    until(lambda: all(session.state() == "idle" for session in crowd), START_MAX_S, "all are idle", 0.5)

    def use(session):
        number = session.post(f"spark.range({session.id + 1}).createOrReplaceTempView('mine')\n"
                              "spark.table('mine').count(), sc.applicationId").body["id"]  # fmt: skip
        return session.result(number, 120)["output"]["data"]["text/plain"]

    with ThreadPoolExecutor(CROWD) as pool:
        answers = list(pool.map(use, crowd))
    assert answers == [str((session.id + 1, session.get().body["appId"])) for session in crowd]
    assert len({answer.split()[1] for answer in answers}) == CROWD
