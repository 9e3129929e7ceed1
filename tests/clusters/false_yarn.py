"""A false YARN with its HDFS, on one port: applications are in a state that a test says.

By default it has each application that it is asked for by its tag, as if a spark-submit had brought it.
"""

import base64
import re

from liar import Liar

APPS = "/ws/v1/cluster/apps"
NEW = APPS + "/new-application"
FILES = "/webhdfs/v1"
HOME = "/user/etl"
ALL = ["resourceRequests", "timeouts", "appNodeLabelExpression", "amNodeLabelExpression", "resourceInfo"]


def token(owner, kind, service):
    parts = [b"\0" + bytes([len(owner)]) + owner.encode(), b"password", kind.encode(), service.encode()]
    return base64.urlsafe_b64encode(b"".join(bytes([len(part)]) + part for part in parts)).decode().rstrip("=")


class FalseYarn:
    def __init__(self):
        self.apps = {}  # by tag: id, state, diagnostics
        self.has = True  # what it is asked for
        self.knows = ALL  # what may be left out of an answer
        self.left_out = []  # what was asked to be, list after list
        self.ids = 0  # how many were given
        self.files = {}  # in HDFS: the bytes, by path
        self.contexts = {}  # what was submitted, by id
        self.tokens = []  # how each was asked for
        self.kind = None  # of tokens, whatever is asked for
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

    def native(self, conf, *others):
        """Options for jobs that are given by its own API; conf: a directory for its configuration."""
        conf.mkdir()
        self.write_conf(conf, {"fs.defaultFS": "hdfs://false:8020"})
        self.has = False
        return {
            **self.options(*others),
            "florus.cluster.default.launcher": "auto",
            "florus.cluster.default.hadoop-conf-dir": conf,
            "florus.cluster.default.webhdfs": self.liar.url,
            "florus.cluster.default.user": "etl",
            "florus.cluster.default.conf.spark.yarn.archive": "hdfs:///spark.zip",
        }

    def secure(self, conf):
        """Options besides, when HDFS wants a token; requests need none."""
        principal = "rm/_HOST@FLORUS.TEST"
        self.write_conf(conf, {"fs.defaultFS": "hdfs://ns", "dfs.ha.namenodes.ns": "a,b",
                               "hadoop.security.authentication": "kerberos", "yarn.resourcemanager.principal": principal})
        return {"florus.cluster.default.auth": "negotiate"}

    def write_conf(self, conf, values):
        rows = "".join(f"<property><name>{k}</name><value>{v}</value></property>" for k, v in values.items())
        (conf / "core-site.xml").write_text(f"<configuration>{rows}</configuration>")

    # --- what it says ----------------------------------------------------------------------------------------

    def truth(self, method, path, query, body):
        if path.startswith(FILES):
            return self.file(method, path.removeprefix(FILES), query, body)
        if path == NEW:
            self.ids += 1
            return 200, {"application-id": f"application_1_{self.ids:04}"}
        if method == "POST":
            return self.submit(body)
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

    def submit(self, body):
        name, tag = re.search("<application-id>(.*?)<", body)[1], re.search("<tag>(florus-[^-<]*-[^<]*)<", body)[1]
        self.contexts[name] = body
        self.apps[tag] = {"id": name, "state": "RUNNING", "diagnostics": "", "applicationTags": tag}
        return 202, ""

    def file(self, method, path, query, body):
        op = query["op"]
        if op == "GETHOMEDIRECTORY":
            return 200, {"Path": HOME}
        if op == "GETDELEGATIONTOKEN":
            self.tokens.append(query)
            return 200, {"Token": {"urlString": token(query.get("doas", "etl"), self.kind or query["kind"], query["service"])}}
        if op == "CREATE" and "noredirect" in query:
            return 200, {"Location": f"{self.liar.url}{FILES}{path}?op=CREATE"}
        if op == "CREATE":
            self.files[path] = body
            return 201, ""
        if op == "RENAME":
            self.files[query["destination"]] = self.files.pop(path)
        if op == "DELETE":
            self.files = {name: text for name, text in self.files.items() if not name.startswith(path + "/")}
        if op == "GETFILESTATUS" and path != "/spark.zip" and path not in self.files:
            return 404, {"RemoteException": {"exception": "FileNotFoundException", "message": "no such file"}}
        if op == "GETFILESTATUS":
            status = {"length": len(self.files.get(path, "")), "modificationTime": 1764000000001, "type": "FILE"}
            return 200, {"FileStatus": {**status, "permission": "644", "owner": "etl", "group": "etl"}}
        return 200, {"boolean": True}
