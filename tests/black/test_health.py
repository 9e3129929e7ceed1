"""/version, /healthz, /readyz, /livez (livy.md 1.9, D19, D24)."""

import re
import subprocess

import pytest
from false_master import FalseMaster
from gateway import until


@pytest.mark.parametrize("path", ["/version", "/version/", "/livy/version"])
def test_version_is_what_clients_can_parse(shared, path):
    answer = shared.get(path)
    assert answer.status == 200
    assert answer.header("Content-Type") == "application/json;charset=utf-8"
    assert list(answer.body) == ["url", "branch", "revision", "version", "date", "user"]
    assert all(isinstance(value, str) for value in answer.body.values())
    assert answer.body["version"] == "0.9.0-florus"
    assert re.search(r"\d+\.\d+\.\d+", answer.body["revision"])


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/livez"])
def test_health_is_200(shared, path):
    answer = shared.get(path)
    assert answer.status == 200
    assert shared.request("HEAD", path).status == 200
    assert shared.post(path, {}).status == 405


def test_it_says_which_version_it_is(gateway):
    done = subprocess.run([gateway.command()[0], "--version"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and re.search(r"\d+\.\d+\.\d+", done.stdout)


def test_check_and_dump_config(gateways):
    gateway = gateways(florus__kill__grace="7s")
    check = subprocess.run([*gateway.command(), "--check"], capture_output=True, text=True, check=False)
    assert check.returncode == 0, check
    assert not (gateway.state / "url").exists()
    dump = subprocess.run([*gateway.command(), "--dump-config"], capture_output=True, text=True, check=False)
    assert dump.returncode == 0
    assert re.search(r"^florus\.kill\.grace\s*=\s*7s", dump.stdout, re.M), dump.stdout


METRIC = re.compile(r'([a-z_]+)(?:\{([a-z]+="[^"\\\n]*"(?:,[a-z]+="[^"\\\n]*")*)\})? (-?[0-9.e+]+)')


def metrics(gateway):
    """As Prometheus reads them: every sample has a HELP and a TYPE ahead of it, and none comes twice."""
    answer = gateway.get("/metrics")
    assert answer.status == 200
    assert answer.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    told, found = {}, {}
    for line in answer.text.splitlines():
        if line.startswith("#"):
            _, what, name, rest = line.split(" ", 3)
            assert told.setdefault((what, name), rest) == rest
            continue
        name, labels, value = METRIC.fullmatch(line).groups()
        assert ("HELP", name) in told and told["TYPE", name] in ("gauge", "counter")
        assert (name, labels) not in found, line
        found[name, labels] = float(value)
    return found


def test_metrics_count_jobs(gateways):
    gateway = gateways(florus__launch__max_running=1).start()
    assert metrics(gateway)["florus_jobs_accepted_total", 'kind="batch"'] == 0
    for status in (0, 0, 3):
        gateway.wait(gateway.submit(f"exit={status}"))
    go = gateway.files / "go"
    gateway.wait(gateway.submit(f"wait={go}"), "running")
    gateway.submit("exit=0")
    found = metrics(gateway)
    for state, now, ended in (("queued", 1, None), ("running", 1, None), ("success", 2, 2), ("dead", 1, 1), ("killed", 0, 0)):
        labels = f'kind="batch",state="{state}"'
        assert found["florus_jobs", labels] == now, state
        assert found.get(("florus_jobs_ended_total", labels)) == ended, state
    assert found["florus_jobs_accepted_total", 'kind="batch"'] == 5
    assert found["florus_jobs_accepted_total", 'kind="session"'] == 0
    assert found["florus_slots_used", 'kind="batch"'] == found["florus_slots_max", 'kind="batch"'] == 1
    assert found["florus_store_healthy", 'kind="session"'] == found["florus_store_keeps_up", 'kind="batch"'] == 1
    go.touch()


def test_metrics_tell_of_the_process(shared):
    found = metrics(shared)
    assert 1e6 < found["process_resident_memory_bytes", None] < 1e9
    assert 3 < found["process_open_fds", None] < found["process_max_fds", None]
    assert 0 < found["process_cpu_seconds_total", None] < 1e6
    assert shared.get("/livy/metrics").status == 200


def test_metrics_tell_which_cluster_is_away(gateways):
    master = FalseMaster()
    try:
        gateway = gateways(**master.options())
        gateway.options["livy.file.local-dir-whitelist"] = f"{gateway.files},/opt"
        gateway.start()
        up, jobs = (("florus_cluster_" + what, 'kind="batch",cluster="default"') for what in ("up", "jobs"))
        assert gateway.post("/batches", {"file": "/opt/job.jar", "className": "a.B"}).status == 201
        until(lambda: metrics(gateway)[jobs] == 1, what="the cluster has the job")
        assert metrics(gateway)[up] == 1
        master.liar.tell("/", "away")
        until(lambda: metrics(gateway)[up] == 0, what="the cluster is away")
    finally:
        master.liar.stop()
