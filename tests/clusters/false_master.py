"""A false master of Spark standalone with its worker's pages, on one port: jobs begin and end as a test says."""

import json

from liar import Liar

WORKER = "worker-1"
STANDBY = "Exception from the cluster:\njava.lang.Exception: Current state is not alive: STANDBY. Can only accept driver submissions in ALIVE state."
BYTES_MAX = 1 << 20


class FalseMaster:
    def __init__(self):
        self.drivers = {}  # by id: state, the log, the request
        self.state = "ALIVE"  # or STANDBY
        self.start = True  # drivers that arrive run at once
        self.listed = True  # drivers are in the list
        self.logged = True  # what they write can be read
        self.liar = Liar(self.truth)

    # --- what a test does ------------------------------------------------------------------------------------

    def set_all(self, state):
        for driver in self.drivers.values():
            driver["state"] = state

    def options(self, *others):
        masters = (self, *others)
        urls = ",".join(m.liar.url for m in masters)
        return {
            "livy.spark.master": "spark://" + ",".join(f"127.0.0.1:{m.liar.port}" for m in masters),
            "livy.spark.deploy-mode": "cluster",
            "florus.cluster.default.rest": urls,
            "florus.cluster.default.web": urls,
            "florus.cluster.default.spark-version": "3.5.2",
            "florus.cluster.default.poll": "100ms",
            "florus.cluster.default.log-poll": "100ms",
        }

    # --- what it says ----------------------------------------------------------------------------------------

    def truth(self, method, path, query, body):
        if path == "/json/":
            return 200, self.list()
        if path == "/log/":
            return self.log(query)
        action, _, driver = path.removeprefix("/v1/submissions/").partition("/")
        if self.state != "ALIVE":
            return 200, {"action": "x", "success": False, "message": STANDBY}
        return 200, getattr(self, action)(driver, body)

    def create(self, _, body):
        request = json.loads(body)
        driver = f"driver-20260101000000-{len(self.drivers):04}"
        tag = request["sparkProperties"]["spark.florus.tag"]
        head = f'Launch Command: "java" "-Dspark.florus.tag={tag}" "org.apache.spark.deploy.worker.DriverWrapper"\n'
        self.drivers[driver] = {"state": "RUNNING" if self.start else "SUBMITTED", "log": head, "request": request}
        return {"action": "CreateSubmissionResponse", "success": True, "submissionId": driver, "message": "submitted"}

    def status(self, driver, _):
        known = self.drivers.get(driver)
        if not known:
            return {"action": "SubmissionStatusResponse", "success": False, "submissionId": driver}
        return {
            "action": "SubmissionStatusResponse",
            "success": True,
            "submissionId": driver,
            "driverState": known["state"],
            "workerId": WORKER,
        }

    def kill(self, driver, _):
        if self.drivers[driver]["state"] in ("RUNNING", "SUBMITTED"):
            self.drivers[driver]["state"] = "KILLED"
        return {"action": "KillSubmissionResponse", "success": True, "submissionId": driver, "message": "submitted"}

    def list(self):
        shown = [
            {"id": name, "state": d["state"], "worker": WORKER, "starttime": 1, "mainclass": "M"}
            for name, d in self.drivers.items()
            if self.listed
        ]
        over = ("FINISHED", "FAILED", "KILLED", "ERROR")
        return {
            "status": self.state,
            "workers": [{"id": WORKER, "webuiaddress": self.liar.url, "state": "ALIVE"}],
            "activedrivers": [d for d in shown if d["state"] not in over],
            "completeddrivers": [d for d in shown if d["state"] in over],
        }

    def log(self, query):
        driver = self.drivers.get(query["driverId"])
        if not driver or not self.logged:
            return 200, "Error: invalid log directory"
        data = driver["log"] if query["logType"] == "stderr" else ""
        start = min(int(query.get("offset", 0)), len(data))
        end = min(start + int(query.get("byteLength", BYTES_MAX)), len(data))
        return 200, f"==== Bytes {start}-{end} of {len(data)} of /w/{query['logType']} ====\n{data[start:end]}"
