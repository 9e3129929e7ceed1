"""A false resource manager of YARN: it has each application that it is asked for by its tag, in a state that a test says."""

from liar import Liar

APPS = "/ws/v1/cluster/apps"
ALL = ["resourceRequests", "timeouts", "appNodeLabelExpression", "amNodeLabelExpression", "resourceInfo"]


class FalseYarn:
    def __init__(self):
        self.apps = {}  # by tag: id, state, diagnostics
        self.has = True  # what it is asked for
        self.knows = ALL  # what may be left out of an answer
        self.left_out = []  # what was asked to be, list after list
        self.liar = Liar(self.truth)

    # --- what a test does ------------------------------------------------------------------------------------

    def set_all(self, state, diagnostics=""):
        for app in self.apps.values():
            app.update(state=state, diagnostics=diagnostics)

    def options(self, *others):
        return {
            "livy.spark.master": "yarn",
            "livy.spark.deploy-mode": "cluster",
            "florus.cluster.default.rest": ",".join(m.liar.url for m in (self, *others)),
            "florus.cluster.default.launcher": "submit",
            "florus.cluster.default.poll": "100ms",
            "florus.cluster.default.log-poll": "100ms",
        }

    # --- what it says ----------------------------------------------------------------------------------------

    def truth(self, method, path, query, body):
        name = path.removeprefix(APPS).strip("/").removesuffix("/state")
        if name:
            return self.one(method, name)
        tag = query["applicationTags"]
        if tag.count("-") < 2:  # that of a florusd
            self.left_out.append(query.get("deSelects"))
        if any(word not in self.knows for word in (query.get("deSelects") or "").split(",") if word):
            return 400, {"RemoteException": {"exception": "BadRequestException", "message": "Invalid deSelects"}}
        if tag.count("-") < 2:
            return 200, {"apps": {"app": [*self.apps.values()]}}
        if tag not in self.apps and self.has:
            name = f"application_1_{len(self.apps):04}"
            self.apps[tag] = {"id": name, "state": "RUNNING", "diagnostics": "", "applicationTags": tag}
        return 200, {"apps": {"app": [self.apps[tag]]} if tag in self.apps else None}

    def one(self, method, name):
        for app in self.apps.values():
            if app["id"] == name and method == "PUT":
                app["state"] = "KILLED"
            if app["id"] == name:
                return 200, {"app": app}
        return 404, {"RemoteException": {"exception": "NotFoundException"}}
