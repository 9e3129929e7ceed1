"""The HDInsight page, section by section, as its readers type it: curl, Basic authentication, the page's own example."""

import json
import subprocess

import pytest
from gateway import until

EXAMPLE = """{
\t   "file" : "wasb://data@store.blob.core.windows.net/sample.jar",
\t   "args" : ["arg0", "arg1"],
\t   "className" : "com.sample.Job1",
\t   "jars" : ["wasb://data@store.blob.core.windows.net/helper.jar"],
\t   "files" : ["wasb://data@store.blob.core.windows.net/config.xml"],
\t   "driverMemory" : "1G",
\t   "driverCores" : 2,
\t   "executorMemory" : "1G",
\t   "executorCores" : 10,
\t   "numExecutors" : 10
}

"""


@pytest.fixture
def curl(server):
    """curl METHOD PATH [OPTION...] as the page's readers call it: (status, body)."""

    def call(method, path, *options):
        login = ["--user", ":".join(server.login)] if server.login else []
        form = ["-s", "-w", "\n%{http_code}", "-H", "Content-Type: application/json", "-X", method]
        done = subprocess.run(
            ["curl", *form, *login, *options, server.url + path], capture_output=True, timeout=30, check=True
        )
        body, _, status = done.stdout.decode().rpartition("\n")
        return int(status), json.loads(body)

    return call


@pytest.mark.parametrize("server", ["/livy", "/livy with a password"], indirect=True)
def test_the_page(server, curl):
    (server.gateway.root / "body.json").write_text(EXAMPLE)
    status, made = curl("POST", "/batches", "-d", f"@{server.gateway.root}/body.json")
    assert status == 200 and isinstance(made["id"], int) and isinstance(made["log"], list)
    batch = made["id"]
    until(lambda: curl("GET", f"/batches/{batch}")[1]["state"] == "success", 20, "the batch ends")

    status, log = curl("GET", f"/batches/{batch}/log")
    assert status == 200 and (log["id"], log["from"], log["size"]) == (batch, 0, len(log["log"]))

    status, one = curl("GET", f"/batches/{batch}")
    assert status == 200 and (one["id"], one["state"]) == (batch, "success")

    status, every = curl("GET", "/batches")
    assert status == 200 and every["from"] == 0 and batch in [item["id"] for item in every["sessions"]]

    assert curl("DELETE", f"/batches/{batch}") == (200, {"msg": "deleted"})
    assert curl("GET", f"/batches/{batch}")[0] == 404
