"""Real clients of Livy, unchanged, as their users call them: each submits, waits, reads, lists, kills."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest
from conftest import NODE_MODULES, PLAIN

HERE = Path(__file__).parent
THREE = ["stdout: ", "1", "2", "3", "\nstderr: "]


def test_pylivy(server, python):
    seen = server.run(python, HERE / "with_pylivy.py", server.url, server.gateway.job, server.never, *server.login)
    assert (seen["good"], seen["bad"]) == ("success", "dead")
    assert (seen["log"], seen["page"]) == (THREE, ["1", "2"])
    assert seen["version"] == "Version(0.9.0-florus)" and seen["legacy"] is False
    assert set(seen["ids"]) <= set(seen["listed"])
    assert seen["app"] == [None, {"driverLogUrl": None, "sparkUiUrl": None, "executorLogUrls": None}]
    assert seen["killed"] == [None, None]


def test_livy_client(server, node):
    seen = server.run(
        node,
        HERE / "with_livy_client.js",
        server.url,
        server.gateway.job,
        server.never,
        *server.login,
        NODE_PATH=str(NODE_MODULES),
    )
    good, _, long = seen["ids"]
    assert (seen["good"], seen["bad"]) == ("success", "dead")
    assert (seen["log"], seen["page"]) == (THREE, ["1", "2"])
    assert seen["state"] == {"id": good, "state": "success"}
    assert set(seen["ids"]) <= set(seen["listed"])
    assert seen["killed"] == {"msg": "deleted"}
    assert seen["gone"] == [404, "resourceNotExist", {"msg": f"Session '{long}' not found."}]


def test_sessions_by_pylivy(server, python):
    seen = server.run(python, HERE / "with_pylivy_sessions.py", server.url, *server.login)
    assert (seen["listed"], seen["text"], seen["printed"]) == (True, "42", "one\ntwo")
    assert seen["error"] == ["ZeroDivisionError", "division by zero", True]
    assert seen["frame"] == {"a": [1, 2], "b": ["x", "y"]}
    assert seen["statements"] == [[number, "available"] for number in range(5)]
    assert seen["closed"] is None
    assert (seen["sql"], seen["sql error"]) == ({"code": ["select 1"]}, "bad SQL")


def test_sessions_by_livy_client(server, node):
    program = HERE / "with_livy_client_sessions.js"
    seen = server.run(node, program, server.url, *server.login, NODE_PATH=str(NODE_MODULES))
    assert seen["sum"] == {"status": "ok", "execution_count": 0, "data": {"text/plain": "21"}}
    assert (seen["error"], seen["listed"], seen["state"], seen["log"]) == ("ZeroDivisionError", True, "idle", True)
    assert seen["cancelled"] == [{"msg": "canceled"}, "cancelled"]
    assert seen["statements"] == ["available", "available", "cancelled"]
    assert seen["sql"] == [["select 1"]]
    assert seen["killed"] == [{"msg": "deleted"}] * 2 and seen["gone"] == [404, "resourceNotExist"]


def test_sparkmagic(server, python):
    seen = server.run(python, HERE / "with_sparkmagic.py", server.url, *(server.login and PLAIN))
    assert seen["add"] == ["Starting Spark application", "SparkSession available as 'spark'."]
    assert (seen["value"], seen["printed"], seen["after"]) == ("42", "one\nzwei ü", "6")
    assert seen["error"][1:] == ["division by zero", "Traceback (most recent call last):", "ZeroDivisionError: division by zero"]
    assert seen["frame"] == {"a": [1, 2], "b": ["x", "y"]}
    assert seen["sql"] == [20000, 200], "four megabytes in one answer"
    assert seen["sql error"] == ["invalid literal for int() with base 10: 'bad\\n '"]
    assert seen["interrupted"][2] == "SparkStatementCancelledException"
    assert (seen["logs"], seen["info"]) == (True, True)
    assert seen["refused"][0].startswith("Invalid status code '400'") and "nosuch" in seen["refused"][0]
    assert (seen["configure"], seen["kernel"], seen["kernel info"], seen["kernel logs"]) == (True, ["1"], True, True)
    assert seen["sent"] == "'ä\\'\"'"
    assert seen["left"] == []


def connection(server):
    """The server as a connection of Airflow, by its environment."""
    login, password = (quote(part, safe="") for part in server.login or ("", ""))
    at = f"{login}:{password}@" if login else ""
    return f"http://{at}{server.gateway.host}:{server.gateway.port}"


@pytest.mark.parametrize("server", ["/", "/livy with a password"], indirect=True)  # it takes ten seconds to load
def test_airflow(server, python):
    root = server.gateway.root
    seen = server.run(
        python,
        HERE / "with_airflow.py",
        server.mount,
        server.gateway.job,
        server.never,
        AIRFLOW_HOME=str(root / "airflow"),
        AIRFLOW_CONN_LIVY_DEFAULT=connection(server),
        AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR",
    )
    good, again = seen["good"][0], seen["again"][0]
    assert seen["good"] == [good, {"app_id": None}] and isinstance(good, int)
    assert seen["bad"][0].endswith("did not succeed"), seen["bad"]
    assert again > good, "the name is free again once its owner has ended"
    lines = ["stdout: ", *map(str, range(1, 99)), "\nstderr: "]
    assert [line for line in seen["log"] if line in lines] == lines, "total is exactly 100: one more page"
    assert seen["async"] == ["success", lines]
    assert re.search(r"Session '\d+' not found\.", seen["killed"]), seen["killed"]


def test_jobs_and_uploads_of_the_python_api(server, python):
    seen = server.run(python, HERE / "with_python_api.py", server.url, *server.login)
    assert (seen["upload-pyfile"], seen["upload-file"]) == ("", "")
    assert (seen["submit"], seen["run"], seen["error"]) == (42, "hello", "ZeroDivisionError: division by zero")
    assert seen["gone"] == {"msg": "deleted"}
