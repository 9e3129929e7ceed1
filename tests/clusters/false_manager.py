"""A false resource manager of YARN: it has whatever application it is asked for by its tag, and lists all that it has."""

import json

from liar import Liar


class FalseManager:
    def __init__(self):
        self.apps = {}  # their ids, by tag
        self.state = "ACCEPTED"  # of all
        self.listed = None  # the whole list as text; None: it has changed
        self.liar = Liar(self.truth)

    # --- what a test does ------------------------------------------------------------------------------------

    def jobs(self):
        return self.apps

    def set_all(self, state):
        self.state, self.listed = state, None

    def options(self):
        return {
            "livy.spark.master": "yarn",
            "livy.spark.deploy-mode": "cluster",
            "florus.cluster.default.rest": self.liar.url,
            "florus.cluster.default.launcher": "submit",
        }

    # --- what it says ----------------------------------------------------------------------------------------

    def truth(self, method, path, query, body):
        """The tag of one application is florus-NONCE-ATTEMPT, that of all of a florusd florus-INSTANCE."""
        tag = query.get("applicationTags", "")
        if tag.count("-") == 2:
            if tag not in self.apps:
                self.apps[tag], self.listed = f"application_1700000000000_{len(self.apps):05}", None
            return 200, {"apps": {"app": [self.show(tag)]}}
        if self.listed is None:
            self.listed = json.dumps({"apps": {"app": [self.show(tag) for tag in self.apps]}})
        return 200, self.listed

    def show(self, tag):
        """With all the members that a real one has without resourceRequests."""
        name = self.apps[tag]
        return {
            "id": name,
            "user": "florus",
            "name": "a job with a name",
            "queue": "root.default",
            "state": self.state,
            "finalStatus": "UNDEFINED",
            "progress": 0.0,
            "trackingUI": "ApplicationMaster",
            "trackingUrl": f"{self.liar.url}/proxy/{name}/",
            "diagnostics": "",
            "clusterId": 1700000000000,
            "applicationType": "SPARK",
            "applicationTags": f"florus-instance,{tag}",
            "priority": 0,
            "startedTime": 1700000000000,
            "launchTime": 1700000000001,
            "finishedTime": 0,
            "elapsedTime": 60000,
            "amContainerLogs": f"{self.liar.url}/node/containerlogs/{name}_01_000001/florus",
            "amHostHttpAddress": "127.0.0.1:8042",
            "amRPCAddress": "127.0.0.1:40000",
            "allocatedMB": 2048,
            "allocatedVCores": 2,
            "reservedMB": 0,
            "reservedVCores": 0,
            "runningContainers": 2,
            "memorySeconds": 123456,
            "vcoreSeconds": 120,
            "queueUsagePercentage": 1.5,
            "clusterUsagePercentage": 1.5,
            "resourceSecondsMap": {"entry": {"key": "vcores", "value": "120"}},
            "preemptedResourceMB": 0,
            "preemptedResourceVCores": 0,
            "numNonAMContainerPreempted": 0,
            "numAMContainerPreempted": 0,
            "preemptedMemorySeconds": 0,
            "preemptedVcoreSeconds": 0,
            "preemptedResourceSecondsMap": {},
            "logAggregationStatus": "DISABLED",
            "unmanagedApplication": False,
            "amNodeLabelExpression": "",
            "timeouts": {"timeout": [{"type": "LIFETIME", "expiryTime": "UNLIMITED", "remainingTimeInSeconds": -1}]},
        }
