"""An interactive session on a real Spark, through the daemon."""

import base64
import pickle
import signal

import pytest
from gateway import until
from sessions import Session


@pytest.fixture(scope="module")
def session(spark):
    session = Session(spark, conf={"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": 2})
    yield session.wait("idle", 120)
    assert spark.delete(session.path).status == 200


def test_statements_of_all_kinds_share_one_context(session):
    assert session.run("spark.range(4).createOrReplaceTempView('four')")["data"] == {"text/plain": ""}
    rows = session.run("select * from four where id > 1", kind="sql")["data"]["application/json"]
    assert rows["data"] == [[2], [3]] and rows["schema"]["fields"][0]["name"] == "id"
    number = session.post('println(spark.table("four").count())', kind="spark").body["id"]
    assert session.result(number, 120)["output"]["data"] == {"text/plain": "4\n"}
    assert session.run("sc.parallelize(range(10)).map(lambda i: i * i).sum()")["data"] == {"text/plain": "285"}


def test_a_running_job_is_cancelled(session):
    number = session.post("sc.parallelize(range(2), 2).map(lambda _: __import__('time').sleep(600)).count()").body["id"]
    until(lambda: session.statement(number)["state"] == "running", 30, "it runs")
    session.gateway.post(f"{session.path}/statements/{number}/cancel", {})
    assert session.result(number, 60)["state"] == "cancelled"
    assert session.run("1")["data"] == {"text/plain": "1"}


JOB = """def job(context):
    from pyspark import SparkFiles
    read = lambda _: open(SparkFiles.get({name!r}), encoding="utf-8").read()
    return context.sc.parallelize([1], 1).map(read).collect()
import base64
from pyspark import cloudpickle
base64.b64encode(cloudpickle.dumps(job)).decode()"""


@pytest.mark.parametrize("name", ["plain.txt", "text файл 1#2%41?.txt"])
def test_a_job_reads_on_an_executor_what_was_uploaded(session, name):
    form = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n{name}\r\n--b--\r\n'
    answer = session.gateway.request("POST", session.path + "/upload-file", form.encode(),
                                     {"Content-Type": "multipart/form-data; boundary=b"})
    assert answer.status == 200, answer.body
    encoded = session.run(JOB.format(name=name))["data"]["text/plain"].strip("'")
    number = session.gateway.post(session.path + "/submit-job", {"job": encoded, "jobType": "pyspark"}).body["id"]
    over = lambda: session.get(f"/jobs/{number}").body["state"] in ("SUCCEEDED", "FAILED")
    until(over, 60, f"job {number} is over")
    end = session.get(f"/jobs/{number}").body
    assert end["state"] == "SUCCEEDED", end["error"]
    assert pickle.loads(base64.b64decode(base64.b64decode(end["result"]))) == [name]


def test_a_pyfile_whose_name_has_blanks_can_be_imported_from(session):
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="my code.py"\r\n\r\nanswer = 42\r\n--b--\r\n'
    answer = session.gateway.request("POST", session.path + "/upload-pyfile", form, {"Content-Type": "multipart/form-data; boundary=b"})
    assert answer.status == 200, answer.body
    assert session.run("import importlib; importlib.import_module('my code').answer")["data"] == {"text/plain": "42"}


def test_the_session_outlives_the_daemon(session, spark):
    session.run("kept = spark.range(3).count()")
    number = session.post("import time\ntime.sleep(2)\nkept").body["id"]
    spark.process.send_signal(signal.SIGKILL)
    spark.process.wait()
    spark.start()
    assert session.result(number, 60)["output"]["data"] == {"text/plain": "3"}
    assert session.wait("idle", 60).get().body["appId"].startswith("local-")
