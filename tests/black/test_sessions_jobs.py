"""Jobs of Livy's Python client, as livy-python-api sends them (livy.md 1.7, 2.4)."""

import base64
import pickle
import signal

import pytest
from gateway import until
from sessions import Session


@pytest.fixture(params=["", "/livy"])
def session(gateway, request):
    return Session(gateway, request.param).wait("idle")


class Call:
    """Pickles as a call of eval() with what follows: a job that needs no cloudpickle to travel."""

    def __init__(self, code):
        self.code = code

    def __reduce__(self):
        return eval, (f"lambda context: {self.code}",)


def packed(code):
    return base64.b64encode(pickle.dumps(Call(code))).decode()


def submit(session, code, route="submit-job"):
    return session.gateway.post(f"{session.path}/{route}", {"job": packed(code), "jobType": "pyspark"})


def end_of(session, number):
    over = lambda: session.get(f"/jobs/{number}").body["state"] in ("SUCCEEDED", "FAILED", "CANCELLED")
    until(over, 20, f"job {number} is over")
    return session.get(f"/jobs/{number}").body


def waiting_for(gate):
    """The beginning of a list whose first member is there when the file is."""
    return f"[[__import__('time').sleep(0.01) for _ in iter(lambda: __import__('os').path.exists({str(gate)!r}), True)]"


def value(answer):
    """The client decodes twice."""
    return pickle.loads(base64.b64decode(base64.b64decode(answer["result"])))


@pytest.mark.parametrize("route", ["submit-job", "run-job"])
def test_a_job_runs_and_its_value_comes_back(session, route):
    made = submit(session, "6 * 7", route)
    assert made.status == 201 and "Location" not in made.headers
    assert made.body == {"id": 1, "state": "SENT", "result": None, "error": None}
    assert list(made.body) == ["id", "state", "result", "error"]
    assert value(end_of(session, 1)) == 42
    assert value(end_of(session, 1)) == 42  # an answer that was lost can be asked for again


def test_a_job_sees_the_session(session):
    submit(session, "context.sc.applicationId")
    assert value(end_of(session, 1)) == session.get().body["appId"]


def test_a_job_that_fails_has_the_trace(session):
    submit(session, "1 / 0")
    failed = end_of(session, 1)
    assert failed["state"] == "FAILED" and failed["result"] is None
    assert "ZeroDivisionError" in failed["error"]


def test_ids_rise_and_jobs_wait_for_each_other(session, tmp_path):
    gate = tmp_path / "gate"
    assert submit(session, f"{waiting_for(gate)}, 'first'][1]").body["id"] == 1
    assert submit(session, "'second'").body["id"] == 2
    until(lambda: session.get("/jobs/1").body["state"] == "STARTED", 10, "the first runs")
    assert session.get("/jobs/2").body["state"] == "QUEUED"
    gate.touch()
    assert [value(end_of(session, n)) for n in (1, 2)] == ["first", "second"]


def test_cancel_ends_what_runs_and_what_waits(session):
    submit(session, "[__import__('time').sleep(0.01) for _ in range(100000)]")
    submit(session, "1")
    until(lambda: session.get("/jobs/1").body["state"] == "STARTED", 10, "it runs")
    for number in (2, 1):
        cancelled = session.gateway.post(f"{session.path}/jobs/{number}/cancel", {})
        assert (cancelled.status, cancelled.body) == (200, b"")
    assert [end_of(session, n)["state"] for n in (1, 2)] == ["CANCELLED", "CANCELLED"]
    assert session.gateway.post(f"{session.path}/jobs/99/cancel", {}).status == 200


@pytest.mark.parametrize("body, status, text", [
    ({"job": "QQ==", "jobType": "spark"}, 400, "Kryo"),
    ({"job": "QQ=="}, 400, "Kryo"),
    ({"job": "", "jobType": "pyspark"}, 400, "no job provided"),
    ({"jobType": "pyspark"}, 400, "no job provided"),
    ({"job": "no base64", "jobType": "pyspark"}, 400, "base64"),
    ({"job": "QQ==", "jobType": "pyspark", "more": 1}, 400, "more"),
])
def test_jobs_that_are_not_right(session, body, status, text):
    answer = session.gateway.post(session.path + "/submit-job", body)
    assert answer.status == status and text in str(answer.body)


def test_what_is_not_there(session):
    answer = session.get("/jobs/7")
    assert (answer.status, answer.body) == (404, "Job not found")
    assert session.get("/jobs/x").status == 400


def test_a_job_that_is_no_pickle_fails(session):
    answer = session.gateway.post(session.path + "/submit-job", {"job": "QQ==", "jobType": "pyspark"})
    assert answer.status == 201
    assert end_of(session, 1)["state"] == "FAILED"


def test_nothing_is_lost_or_run_twice_when_florusd_is_killed(session, tmp_path):
    runs, gate = tmp_path / "runs", tmp_path / "gate"
    submit(session, f"open({str(runs)!r}, 'a').write('x') and {waiting_for(gate)}, 'kept'][1]")
    submit(session, "'after'")
    until(runs.exists, 10, "it runs")
    session.gateway.process.send_signal(signal.SIGKILL)
    session.gateway.process.wait()
    gate.touch()
    session.gateway.start()
    until(lambda: session.get("/jobs/2").status == 200, 20, "the driver is back")
    assert [value(end_of(session, n)) for n in (1, 2)] == ["kept", "after"]
    assert runs.read_text() == "x"
    assert submit(session, "3").body["id"] == 3


def test_the_end_of_the_session_is_the_end_of_its_jobs(session):
    submit(session, "[__import__('time').sleep(0.01) for _ in range(100000)]")
    until(lambda: session.get("/jobs/1").body["state"] == "STARTED", 10, "it runs")
    session.gateway.post(session.path + "/stop", {})
    until(lambda: session.state() in ("killed", "shutting_down"), 20, "it ends")
    answer = submit(session, "1")
    assert answer.status == 400 and "isn't active" in str(answer.body)


def test_a_session_whose_job_runs_is_not_idle(gateway):
    working = Session(gateway, idleTimeout="1s").wait("idle")
    assert submit(working, "[__import__('time').sleep(0.01) for _ in range(100000)]").status == 201
    until(lambda: working.get("/jobs/1").body["state"] == "STARTED", 10, "it runs")
    alone = Session(gateway, idleTimeout="1s")
    until(lambda: alone.state() in ("dead", "killed"), 20, "the other one is ended")
    assert working.state() not in ("dead", "killed") and working.get("/jobs/1").body["state"] == "STARTED"


LIE = """import gc
from florus.session import Session
link = next(one for one in gc.get_objects() if isinstance(one, Session)).link
say = lambda n, state, result=None: link.send({"type": "job", "id": n, "state": state, "result": result, "error": None})
"""


def test_a_driver_that_tells_of_endless_jobs_is_bounded(session):
    session.run(LIE + "for n in range(1, 1001): say(n, 'STARTED', 'x' * 100000)\nlink.flush(20)")
    session.run("say(2000, 'MADE UP'); say(-1, 'FAILED'); say(2**40, 'FAILED'); say(1, 'SUCCEEDED', 'eA==')")
    assert session.get("/jobs/200").body == {"id": 200, "state": "STARTED", "result": None, "error": None}
    assert session.get("/jobs/1").body["result"] == "eA=="
    assert [session.get(f"/jobs/{n}").status for n in (201, 1000, 2000)] == [404] * 3
    assert submit(session, "1").status == 429


def test_large_ends_of_jobs_arrive_whole_or_cut(gateway):
    session = Session(gateway).wait("idle")
    for number, code in enumerate(("'x' * 10000000", "'x' * 20000000", "{}['y' * 1000000]"), 1):
        assert submit(session, code).body["id"] == number
    assert value(end_of(session, 1)) == "x" * 10000000
    assert "at most 33554432 are kept" in end_of(session, 2)["error"]
    assert end_of(session, 3)["error"].endswith("yyy'\n")


def test_a_driver_that_tells_of_endless_results_is_bounded(session):
    session.run(LIE + "for n in range(1, 41): say(n, 'SUCCEEDED', 'x' * 4000000)\nlink.flush(60)")
    kept = [n for n in range(1, 41) if session.get(f"/jobs/{n}").status == 200]
    assert kept == list(range(25, 41))  # 64 MiB
