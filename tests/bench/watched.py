"""The measurements of watching: false clusters (tests/clusters) that have 10,000 jobs, and change one at a time."""

import os
import sys
import time
from pathlib import Path

from figures import Row
from servers import ROOT, Florusd, load, until

for folder in ("tests/black", "tests/clusters"):
    sys.path.append(str(ROOT / folder))

from false_manager import FalseManager  # noqa: E402
from false_master import FalseMaster  # noqa: E402

POLL_S = 1  # the default
WATCH_S = 20  # how long florusd is looked at while it watches
FILL_MAX_S = 300
CHANGES = 20
CHANGE_PAUSE_S = 0.37  # no part of the interval, so that changes come at all its times
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid):
    """Seconds that a process has used, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


class Watching:
    """A florusd whose only cluster is a false one that was filled with jobs which all run."""

    def __init__(self, folder, cluster, list_path, **options):
        self.cluster, self.list_path = cluster, list_path
        options = {"florus.launch.max-running": 64, **cluster.options(), **options}
        options.pop("florus.cluster.default.poll", None)  # the default
        self.florus = Florusd(folder, **options)

    def __enter__(self):
        self.florus.__enter__()
        return self

    def __exit__(self, *error):
        self.florus.__exit__(*error)
        self.cluster.liar.stop()

    def fill(self, count):
        load(f"{self.florus.url}/batches", "-n", count, "-c", 16, "-b", self.florus.body_file())
        until(lambda: len(self.cluster.jobs()) == count, f"the cluster has {count} jobs", 0.05, FILL_MAX_S)

    def wait_for(self, state, count):
        """Every batch is in that state; asked for the last ones first, which come there last."""
        size = 500
        for start in range(0, count, size):
            until(lambda start=start: all(b["state"] == state for b in self.page(start, size)), f"{count} batches are {state}", 0.05)

    def page(self, start, size):
        return self.florus.call("GET", f"/batches?from={start}&size={size}")["sessions"]

    def lists(self):
        return self.cluster.liar.count(self.list_path, "GET")


def watched(folder, effort):
    rows = []
    for name, cluster, path in (("standalone", FalseMaster(), "/json/"), ("YARN", FalseManager(), "/ws/v1/cluster/apps")):
        with Watching(folder.new(), cluster, path) as watching:
            rows += watch_many(name, watching, effort.watched)
    return rows


def watch_many(name, watching, count):
    florus = watching.florus
    idle_mb = florus.rss_mb()
    if isinstance(watching.cluster, FalseMaster):
        watching.cluster.start = False
    watching.fill(count)
    watching.cluster.set_all("RUNNING")
    watching.wait_for("running", count)
    lists, cpu, begin = watching.lists(), cpu_s(florus.process.pid), time.monotonic()
    time.sleep(WATCH_S)
    seconds = time.monotonic() - begin
    core = (cpu_s(florus.process.pid) - cpu) / seconds
    lists = (watching.lists() - lists) / seconds
    mb = florus.rss_mb()
    each_kb = (mb - idle_mb) * 1024 / count
    return [
        Row(f"{count:,} jobs watched in {name}: florusd's processor time", "< 20 % of a core", f"{core:.1%}",
            f"{lists:.2f} lists/s for all of them", core < 0.2 and lists <= 1.05 / POLL_S),
        Row("the same, memory", "< 100 MB RSS", f"{mb:.1f} MB", f"before them {idle_mb:.1f} MB", mb < 100),
        Row("the same, memory of each", "< 8 KiB", f"{each_kb:.2f} KiB", "", each_kb < 8),
    ]  # fmt: skip


FIGURES = [watched]
