"""The calls of the HDInsight page, in its words and order, on /livy/batches."""

from gateway import until

BLOB = "wasb://<BlobStorageContainerName>@<StorageAccountName>.blob.core.windows.net"
EXAMPLE = """{
	   "file" : "%(blob)s/sample.jar",
	   "args" : ["arg0", "arg1"],
	   "className" : "com.sample.Job1",
	   "jars" : ["%(blob)s/helper.jar"],
	   "files" : ["%(blob)s/config.xml"],
	   "driverMemory" : "1G",
	   "driverCores" : 2,
	   "executorMemory" : "1G",
	   "executorCores" : 10,
	   "numExecutors" : 10
}

"""


def example(container="data", account="store"):
    """The page's example with its two placeholders filled in, as a reader of the page does."""
    text = EXAMPLE % {"blob": BLOB}
    return text.replace("<BlobStorageContainerName>", container).replace("<StorageAccountName>", account)


def test_create_a_batch_job(shared):
    answer = shared.post("/livy/batches", example(), headers={"Content-Type": "application/json"})
    assert (answer.status, answer.reason) == (200, "OK")
    assert isinstance(answer.body["id"], int)
    assert isinstance(answer.body["log"], list)
    assert answer.body["state"] in ("starting", "running", "success")
    shared.wait(answer.body["id"])
    (run,) = (shared.spark_home / "runs").iterdir()
    argv = shared.argv(run.name)
    blob = "wasb://data@store.blob.core.windows.net"
    assert argv[:2] == ["--class", "com.sample.Job1"]
    assert argv[-3:] == [f"{blob}/sample.jar", "arg0", "arg1"]
    assert {a for a in argv if a.startswith("spark.")} == {
        "spark.master=local",
        f"spark.jars={blob}/helper.jar",
        f"spark.files={blob}/config.xml",
        "spark.driver.memory=1G",
        "spark.driver.cores=2",
        "spark.executor.memory=1G",
        "spark.executor.cores=10",
        "spark.executor.instances=10",
    }


def test_the_page_end_to_end(shared):
    go = shared.root / "go"
    batch = shared.submit("echo=logline", f"wait={go}", "exit=0", mount="/livy")
    until(lambda: shared.get(f"/livy/batches/{batch}/log").body["total"] == 3, 10, "the line is in the log")

    log = shared.get(f"/livy/batches/{batch}/log")
    assert log.status == 200
    assert set(log.body) == {"id", "from", "total", "size", "log"}
    assert (log.body["id"], log.body["from"], log.body["size"]) == (batch, 0, 3)
    assert "logline" in log.body["log"]

    state = shared.get(f"/livy/batches/{batch}")
    assert state.status == 200
    assert (state.body["id"], state.body["state"]) == (batch, "running")
    assert "logline" in state.body["log"]

    everything = shared.get("/livy/batches")
    assert everything.status == 200
    assert list(everything.body) == ["from", "total", "sessions"]
    assert batch in [s["id"] for s in everything.body["sessions"]]

    killed = shared.delete(f"/livy/batches/{batch}")
    assert (killed.status, killed.body) == (200, {"msg": "deleted"})
    assert shared.get(f"/livy/batches/{batch}").status == 404


def test_both_mounts_are_the_same_batches(shared):
    batch = shared.submit("exit=0", mount="/livy")
    assert shared.wait(batch) == "success"
    assert shared.get(f"/batches/{batch}").raw == shared.get(f"/livy/batches/{batch}").raw
    assert "size" not in shared.get(f"/batches/{batch}/log").body
