"""The measurements of watching: false clusters (tests/clusters) that have 10,000 jobs, and change one at a time."""

import os
import sys
import time
from pathlib import Path

from figures import Row, ms
from servers import ROOT, Florusd, load, until

for folder in ("tests/black", "tests/clusters"):
    sys.path.append(str(ROOT / folder))

from false_master import FalseMaster  # noqa: E402
from false_yarn import APPS, FalseYarn  # noqa: E402

LIST = "/json/"
POLL_S = 1  # the default
WATCH_S = 20  # how long florusd is looked at while it watches
FILL_MAX_S = 600
CHANGES = 20
CHANGE_PAUSE_S = 0.37  # no part of the interval, so that changes come at all times of it
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid):
    """Seconds that a process has used, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


class FullYarn(FalseYarn):
    """Its applications have what a real one shows of them, without what florusd asks to be left out."""

    def truth(self, method, path, query, body):
        answer = super().truth(method, path, query, body)
        if self.apps:
            self.fill(next(reversed(self.apps.values())))  # the last one may be new
        return answer

    def fill(self, app):
        page = f"{self.liar.url}/node/containerlogs/container_{app['id']}_01_000001/florus"
        texts = {"user": "florus", "name": "a job with a name", "queue": "root.default", "finalStatus": "UNDEFINED",
                 "trackingUI": "ApplicationMaster", "applicationType": "SPARK", "logAggregationStatus": "DISABLED",
                 "trackingUrl": f"{self.liar.url}/proxy/{app['id']}/", "amContainerLogs": page,
                 "amHostHttpAddress": "127.0.0.1:8042", "amRPCAddress": "127.0.0.1:40000"}  # fmt: skip
        numbers = ("progress", "clusterId", "priority", "startedTime", "launchTime", "finishedTime", "elapsedTime", "allocatedMB",
                   "allocatedVCores", "reservedMB", "reservedVCores", "runningContainers", "memorySeconds", "vcoreSeconds",
                   "queueUsagePercentage", "clusterUsagePercentage", "preemptedResourceMB", "preemptedResourceVCores",
                   "numNonAMContainerPreempted", "numAMContainerPreempted", "preemptedMemorySeconds", "preemptedVcoreSeconds")  # fmt: skip
        app.update(texts, **dict.fromkeys(numbers, 123456), unmanagedApplication=False, resourceSecondsMap={},
                   preemptedResourceSecondsMap={})  # fmt: skip


class Watching:
    """A florusd whose only cluster is a false one that was filled with jobs which all run."""

    def __init__(self, folder, cluster, jobs, list_path, **options):
        self.cluster, self.jobs, self.list_path = cluster, jobs, list_path
        options = {"florus.launch.max-running": 64, **cluster.options(), **options}
        for shorter in ("poll", "log-poll"):
            options.pop(f"florus.cluster.default.{shorter}")  # the default instead
        self.florus = Florusd(folder, **options)

    def __enter__(self):
        self.florus.__enter__()
        return self

    def __exit__(self, *error):
        self.florus.__exit__(*error)
        self.cluster.liar.stop()

    def fill(self, count):
        load(f"{self.florus.url}/batches", "-n", count, "-c", 16, "-b", self.florus.body_file())
        until(lambda: len(self.jobs) == count, f"the cluster has {count} jobs", 0.05, FILL_MAX_S)

    def lists(self):
        return self.cluster.liar.count(self.list_path, "GET")


def watched(folder, effort):
    rows = []
    master, yarn = FalseMaster(), FullYarn()
    for name, cluster, jobs, path in (("standalone", master, master.drivers, LIST), ("YARN", yarn, yarn.apps, APPS)):
        with Watching(folder.new(), cluster, jobs, path) as watching:
            rows += watch_many(name, watching, effort.watched)
    return rows


def watch_many(name, watching, count):
    florus = watching.florus
    idle_mb = florus.rss_mb()
    if isinstance(watching.cluster, FalseMaster):
        watching.cluster.start = False
    watching.fill(count)
    watching.cluster.set_all("RUNNING")
    wait_for_all(florus, "running", count)
    return watch_rows(name, florus, count, idle_mb, watching.lists)


def wait_for_all(florus, state, count):
    """Every batch is in that state; asked for the last ones first, which come there last."""
    size = 500

    def there(start):
        return all(b["state"] == state for b in florus.call("GET", f"/batches?from={start}&size={size}")["sessions"])

    for start in range(0, count, size):
        until(lambda start=start: there(start), f"{count} batches are {state}", 0.05, FILL_MAX_S)


def watch_rows(name, florus, count, idle_mb, lists=None):
    """What it costs florusd that so many jobs run. `lists` counts the lists that were asked for; without it there is a watch."""
    lists_begin, cpu, begin = lists and lists(), cpu_s(florus.process.pid), time.monotonic()
    time.sleep(WATCH_S)
    seconds = time.monotonic() - begin
    core = (cpu_s(florus.process.pid) - cpu) / seconds
    per_s = (lists() - lists_begin) / seconds if lists else 0
    mb = florus.rss_mb()
    each_kb = (mb - idle_mb) * 1024 / count
    return [
        Row(f"{count:,} jobs watched in {name}: florusd's processor time", "< 20 % of a core", f"{core:.1%}",
            f"{per_s:.2f} lists/s for all of them" if lists else "one watch for all of them", core < 0.2 and per_s <= 1.05 / POLL_S),
        Row("the same, memory", "< 100 MB RSS", f"{mb:.1f} MB", f"before them {idle_mb:.1f} MB", mb < 100),
        Row("the same, memory of each", "< 8 KiB", f"{each_kb:.2f} KiB", "", each_kb < 8),
    ]  # fmt: skip


def visible(folder, effort):
    """From a change in a cluster that is polled until a GET shows it."""
    cluster, seconds = FalseMaster(), []
    cluster.start = False
    with Watching(folder.new(), cluster, cluster.drivers, LIST) as watching:
        for number in range(CHANGES):
            batch = watching.florus.submit()
            until(lambda: len(cluster.drivers) > number, "the driver is there")  # noqa: B023
            time.sleep(number * CHANGE_PAUSE_S % POLL_S)
            begin = time.monotonic()
            cluster.set_all("RUNNING")
            watching.florus.wait_for_state(batch, "running")
            seconds.append(time.monotonic() - begin)
    seconds.sort()
    return [
        Row(f"a change of state in standalone until a GET shows it, slowest of {CHANGES}", f"< {POLL_S * 1000} ms + 100 ms",
            ms(seconds[-1] * 1e6), f"median {ms(seconds[CHANGES // 2] * 1e6)}; asked for every {POLL_S} s",
            seconds[-1] < POLL_S + 0.1),
    ]  # fmt: skip


FIGURES = [watched, visible]
