"""A real YARN that gathers its logs in HDFS, and MapReduce's history server, which shows them from there."""

from hdfs import HOST, Daemon, site
from parts import free_ports
from standalone import answer_of
from yarn import Yarn


class YarnWithHistory(Yarn):
    def __init__(self, root, which):
        ports = free_ports(3)
        self.history_web = ports[0]
        self.history_url = f"http://{HOST}:{self.history_web}/jobhistory/logs"
        super().__init__(root, which, **{
            "yarn.log-aggregation-enable": "true",
            "yarn.nodemanager.remote-app-log-dir": "/logs",
            "yarn.log.server.url": self.history_url,
        })
        site(self.conf / "mapred-site.xml", {
            "mapreduce.jobhistory.webapp.address": f"{HOST}:{ports[0]}",
            "mapreduce.jobhistory.address": f"{HOST}:{ports[1]}",
            "mapreduce.jobhistory.admin.address": f"{HOST}:{ports[2]}",
        })
        self.history = Daemon(self, "historyserver", "mapreduce.v2.hs.JobHistoryServer")

    @property
    def parts(self):
        return [*super().parts, self.history]

    def shows_history(self):
        try:
            return answer_of(f"http://{HOST}:{self.history_web}/ws/v1/history/info")[0] == 200
        except OSError:
            return False

    def gathered(self, app, stream):
        """Does the history server show that log?"""
        app = self.ask(f"apps/{app}")["app"]
        container, user = app["amContainerLogs"].split("/")[-2:]
        page = answer_of(f"{self.history_url}/{app['masterNodeId']}/{container}/{container}/{user}/{stream}/?start=0&end=1")[1]
        return "Log Length: " in page

    def start(self):
        super().start()
        self.history.start(self.shows_history)
        return self
