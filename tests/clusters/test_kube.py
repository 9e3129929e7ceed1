"""Kubernetes: a real API server (kube.py). Jobs are made of three objects, watched, logged, killed, and cleaned up."""

import os

import pytest
from gateway import until
from kube import FLORUS_TOKEN, NOBODY_TOKEN
from parts import free_ports

RUN = "spark.kubernetes.driver.annotation.run"
ALONE = {"florus__cluster__default__conf.spark.kubernetes.driver.master": "local[1]"}  # real drivers want no executors
DRIVER_TEMPLATE, EXECUTOR_TEMPLATE = (f"spark.kubernetes.{role}.podTemplateFile" for role in ("driver", "executor"))


def job(command, **more):
    conf = {RUN: command, **more.pop("conf", {})}
    return {"file": "local:///opt/app.jar", "className": "org.example.Main", "conf": conf, **more}


def send(g, body):
    answer = g.post("/batches", body)
    assert answer.status == 201, answer
    return answer.body["id"]


def map_of(place):
    return [m for m in place.list("configmaps") if m["metadata"]["name"].endswith("-conf")]


def test_a_job_is_three_objects_that_run_and_go(florus, place):
    g = florus().start()
    conf = {"spark.driver.memory": "8g", "spark.kubernetes.driver.label.team": "blue"}
    batch = send(g, job("echo from the pod; sleep 1; echo bye", args=["a", "b"], name="My Job!", conf=conf))
    (config,) = until(lambda: map_of(place))
    (pod,) = place.list()
    labels, container = pod["metadata"]["labels"], pod["spec"]["containers"][0]
    assert (labels["spark-role"], labels["spark-app-name"], labels["team"]) == ("driver", "my-job", "blue")
    assert container["args"][-3:] == ["local:///opt/app.jar", "a", "b"]
    assert container["resources"]["limits"]["memory"] == "9011Mi"  # 8192 and a tenth
    (service,) = place.list("services")
    for owned in (service, config):
        assert owned["metadata"]["ownerReferences"][0]["uid"] == pod["metadata"]["uid"]
    assert f"spark.driver.host={service['metadata']['name']}.{place.name}.svc" in config["data"]["spark.properties"]
    assert g.wait(batch) == "success"
    assert [line for line in g.log(batch) if line in ("from the pod", "bye")] == ["from the pod", "bye"]
    shown = g.get(f"/batches/{batch}").body
    assert shown["appId"] == labels["spark-app-selector"]
    until(lambda: not place.list(), what="the finished driver's pod is deleted")


def test_a_real_driver_reads_its_config_map(florus, place):
    g = florus(**ALONE).start()
    program = g.files / "job.py"
    program.write_text(
        "from pyspark.sql import SparkSession\n"
        "spark = SparkSession.builder.getOrCreate()\n"
        "print('sum', spark.range(101).groupBy().sum().first()[0], spark.conf.get('spark.my.word'))\n"
    )
    body = {"file": f"local://{program}", "name": "real", "conf": {"spark.my.word": "a = b: ü"}}
    batch = send(g, body)
    assert g.wait(batch, timeout=400) == "success", g.log(batch)
    assert "sum 5050 a = b: ü" in g.log(batch)


def test_a_real_driver_fetches_the_files_that_only_florusd_has(florus, place):
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    g = florus(livy__server__port=port, florus__share__url=url, florus__cluster__default__keep_pods="true", **ALONE).start()
    program, module = g.files / "job.py", g.files / "dep.py"
    module.write_text("VALUE = 'of this host'\n")
    program.write_text(
        "from pyspark.sql import SparkSession\n"
        "import dep\n"
        "spark = SparkSession.builder.getOrCreate()\n"
        "print('value', dep.VALUE)\n"
        "print('found', __file__, dep.__file__)\n"
    )
    batch = send(g, {"file": str(program), "pyFiles": [str(module)]})
    assert g.wait(batch, timeout=400) == "success", g.log(batch)
    log = g.log(batch)
    assert "value of this host" in log
    assert str(g.files) not in next(line for line in log if line.startswith("found "))
    ours = [m["data"]["spark.properties"] for m in place.list("configmaps") if "spark.properties" in m.get("data", {})]
    (line,) = (line for text in ours for line in text.splitlines() if line.startswith("spark.submit.pyFiles"))
    assert "/share/" in line and line.endswith("/dep.py") and str(g.files) not in str(ours)
    (pod,) = place.list()
    assert any(a.startswith(url + "/share/") and a.endswith("/job.py") for a in pod["spec"]["containers"][0]["args"])
    for name in ("job.py", "dep.py"):
        assert f"file shared batch={batch} file={name} " in g.log_text()


def test_a_failure_keeps_its_exit_status_and_log(florus, place):
    g = florus(florus__cluster__default__keep_pods="true").start()
    batch = send(g, job("echo what went wrong; exit 7"))
    assert g.wait(batch) == "dead"
    assert "what went wrong" in g.log(batch)
    assert len(place.list()) == 1  # keep-pods


def test_a_killed_job_is_deleted(florus, place):
    g = florus().start()
    batch = send(g, job("echo begun; sleep 600"))
    g.wait(batch, "running")
    until(lambda: "begun" in g.log(batch))
    assert g.delete(f"/batches/{batch}").status == 200
    until(lambda: not place.list(), what="the pod is gone")


def test_a_long_log_comes_whole_and_once(florus, place):
    g = florus().start()
    batch = send(g, job("seq 1 60000 | sed 's/$/ of a long log/'; sleep 1; printf 'no end'"))
    assert g.wait(batch, timeout=40) == "success"
    lines = (g.state / "run").glob("*/log")
    text = next(lines).read_text()
    assert text == "".join(f"{i} of a long log\n" for i in range(1, 60001)) + "no end"


@pytest.mark.parametrize("hit", ["between", "while running"])
def test_kill_9_of_florusd_loses_and_doubles_nothing(florus, place, hit):
    g = florus().start()
    ran = g.root / "ran"
    batch = send(g, job(f"echo x >>{ran}; echo one; sleep 2; echo two"))
    if hit == "while running":
        g.wait(batch, "running")
        until(lambda: "one" in g.log(batch))
    else:
        until(place.list)
    g.kill9()
    g.start()
    assert g.wait(batch, timeout=40) == "success"
    assert [line for line in g.log(batch) if line in ("one", "two")] == ["one", "two"]
    assert ran.read_text() == "x\n"


def test_an_absent_api_server_changes_nothing(florus, kube, place):
    g = florus().start()
    batch = send(g, job("sleep 4; echo over"))
    g.wait(batch, "running")
    kube.crash()
    waiting = send(g, job("echo later"))
    until(lambda: "does not answer" in g.log_text(), 20)
    assert g.state_of(batch) == "running"
    kube.serve()
    assert g.wait(batch, timeout=60) == "success"
    assert g.wait(waiting, timeout=60) == "success"
    assert "over" in g.log(batch)


def test_a_full_quota_makes_jobs_wait(florus, kube, place):
    kube.api("POST", f"{place.path}/resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "0"}}})
    kube_full = f"{place.path}/resourcequotas/q"
    until(lambda: kube.call("PATCH", f"{kube_full}/status", {"status": {"hard": {"pods": "0"}, "used": {"pods": "0"}}},
                            kind="application/merge-patch+json")[0] == 200)  # fmt: skip
    g = florus().start()
    batch = send(g, job("echo at last"))
    until(lambda: "exceeded quota" in g.log_text(), 20)
    assert g.state_of(batch) == "starting"
    kube.api("DELETE", kube_full)
    assert g.wait(batch, timeout=30) == "success"


def test_a_driver_that_cannot_start_is_given_up(florus, place):
    g = florus(florus__cluster__default__pending_max="1s").start()
    batch = send(g, job("true", conf={"spark.kubernetes.driver.annotation.stuck": "ErrImagePull"}))
    assert g.wait(batch, timeout=20) == "dead"
    assert any("ErrImagePull" in line for line in g.log(batch))
    until(lambda: not place.list())


@pytest.mark.parametrize("who", ["token", "token file", "secret file"])
def test_ways_to_prove_who_we_are(florus, place, tmp_path, who):
    secret = tmp_path / "token"
    secret.touch(0o600)
    secret.write_text(FLORUS_TOKEN + "\n")
    user, options = {"token": FLORUS_TOKEN}, {}
    if who == "token file":
        user = {"tokenFile": "token"}  # relative to the kubeconfig
    elif who == "secret file":
        user, options = {"token": NOBODY_TOKEN}, {"florus__cluster__default__secret_file": secret}
    g = florus(user, **options).start()
    assert g.wait(send(g, job("echo hello"))) == "success"
    assert FLORUS_TOKEN not in g.log_text()


def test_one_without_rights_is_told_what_is_refused(florus, place):
    g = florus({"token": NOBODY_TOKEN}).start()
    batch = send(g, job("echo never"))
    assert g.wait(batch) == "dead"
    assert any('cannot create resource "pods"' in line for line in g.log(batch))
    assert not place.list()


def test_rights_for_a_pod_alone_leave_none_behind(florus, kube, place):
    rules = {"rules": [{"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["*"]}]}
    kube.api("PATCH", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{place.name}/roles/florus", rules,
             kind="application/merge-patch+json")  # fmt: skip
    g = florus().start()
    batch = send(g, job("echo never"))
    assert g.wait(batch) == "dead"
    assert any("refuses the service" in line for line in g.log(batch))
    until(lambda: not place.list())


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("files of this host", "files of this host"),
        ("a template elsewhere", "a pod template of the driver: it is not a file of this host"),
        ("a template that is none", "a pod template of executors: it is not a v1 Pod"),
        ("a template that is a pipe", "a pod template of the driver: it could not be read here"),
        ("no such template", "a pod template of the driver: it could not be read here"),
    ],
)
def test_what_needs_spark_submit_is_refused_natively(florus, place, what, reason):
    g = florus(florus__job__allow="kubernetes").start()
    os.mkfifo(g.files / "pipe")
    (g.files / "none.yaml").write_text("kind: Service\n")
    body = {
        "files of this host": job("true", pyFiles=[str(g.job)]),
        "a template elsewhere": job("true", conf={DRIVER_TEMPLATE: "s3a://templates/driver.yaml"}),
        "a template that is none": job("true", conf={EXECUTOR_TEMPLATE: str(g.files / "none.yaml")}),
        "a template that is a pipe": job("true", conf={DRIVER_TEMPLATE: f"file://{g.files}/pipe"}),
        "no such template": job("true", conf={DRIVER_TEMPLATE: f"local:{g.files}/nothing.yaml"}),
    }[what]
    answer = g.post("/batches", body)
    assert answer.status == 400 and reason in str(answer.body), answer
    assert not place.list()


TEMPLATE = """apiVersion: v1
kind: Pod
metadata: {annotations: {run: 'echo from main; sleep 1; exit 3'}}
spec:
  containers:
  - {name: side, image: sidecar}
  - {name: main, image: ignored}
"""


@pytest.mark.parametrize("whose", ["the job's", "the administrator's"])
def test_a_driver_of_a_template_is_watched_and_logged_by_its_own_name(florus, place, tmp_path, whose):
    named = {"spark.kubernetes.driver.podTemplateContainerName": "main"}
    template = tmp_path / "of-the-administrator.yaml"  # beneath no directory that jobs may name
    template.write_text(TEMPLATE)
    g = florus(**{f"florus__cluster__default__conf.{DRIVER_TEMPLATE}": template} if whose != "the job's" else {"florus__job__allow": "kubernetes"})
    if whose == "the job's":
        (g.files / "driver.yaml").write_text(TEMPLATE)
        named |= {DRIVER_TEMPLATE: str(g.files / "driver.yaml"), EXECUTOR_TEMPLATE: str(g.files / "driver.yaml")}
    body = job("", conf=named)
    del body["conf"][RUN]
    batch = send(g.start(), body)
    assert g.wait(batch) == "dead"
    assert "from main" in g.log(batch)


def test_a_template_that_changed_goes_by_spark_submit(florus, place):
    """Between the answer to its POST and its start: what is not understood then is not sent without its template."""
    g = florus(florus__job__allow="kubernetes", florus__cluster__default__launcher="auto", florus__launch__hold="true").start()
    template = g.files / "driver.yaml"
    template.write_text(TEMPLATE)
    batch = send(g, job("true", conf={DRIVER_TEMPLATE: str(template)}))
    template.write_text("kind: Service\n")
    g.stop()
    g.options["florus.launch.hold"] = "false"
    g.start()
    until(lambda: "spark-submit does it" in g.log_text())
    until(lambda: g.state_of(batch) == "dead", 60)  # the fake one knows no cluster
    assert not place.list()


@pytest.mark.parametrize("end", ["/pods", "/services", "/configmaps"])
@pytest.mark.parametrize("what", ["request", "answer"])
def test_a_lost_request_or_answer_doubles_nothing(florus, place, liar, end, what):
    g = florus({"token": FLORUS_TOKEN}, livy__spark__master="k8s://" + liar.url).start()
    ran = g.root / "ran"
    liar.lose("POST", end, what)
    batch = send(g, job(f"echo x >>{ran}"))
    assert g.wait(batch, timeout=40) == "success"
    assert liar.lost == [("POST", end, what)]
    assert ran.read_text() == "x\n"


def test_a_pod_left_without_its_config_map_is_replaced(florus, place, liar):
    """A kill -9 between two requests: the pod is there, and what it waits for never will be."""
    g = florus({"token": FLORUS_TOKEN}, livy__spark__master="k8s://" + liar.url).start()
    ran = g.root / "ran"
    liar.lose("POST", "/configmaps", "request", times=1000)
    batch = send(g, job(f"echo x >>{ran}"))
    until(lambda: liar.lost)
    (pod,) = place.list()
    g.kill9()
    liar.losses.clear()
    g.start()
    assert g.wait(batch, timeout=40) == "success"
    assert ran.read_text() == "x\n"
    until(lambda: not place.list(), what=f"neither {pod['metadata']['name']} nor the other is left")


def test_a_watch_that_fell_silent_is_begun_again(florus, place, liar):
    """No end, no error, no byte: a peer that is gone, or a firewall that forgot the connection."""
    g = florus({"token": FLORUS_TOKEN}, livy__spark__master="k8s://" + liar.url).start()
    batch = send(g, job("sleep 2; echo over"))
    g.wait(batch, "running")
    liar.mute()
    assert g.wait(batch, timeout=30) == "success"
    assert "over" in g.log(batch)


def times_of(liar, what):
    return [seen[3] for seen in liar.lost if seen[:2] == what]


def test_an_api_server_that_asks_to_be_left_alone_is(florus, place, liar):
    g = florus({"token": FLORUS_TOKEN}, livy__spark__master="k8s://" + liar.url).start()
    liar.refuse("POST", "/pods", 429, Retry_After=12)
    liar.refuse("POST", "/pods", 503, Retry_After=1)
    batch = send(g, job("true"))
    assert g.wait(batch, timeout=60) == "success"
    first, second = times_of(liar, ("POST", "/pods"))
    assert second - first >= 11.5


def test_credentials_that_are_refused_are_told_of_once_and_end_jobs_in_a_while(florus, place, liar):
    g = florus({"token": FLORUS_TOKEN}, livy__spark__master="k8s://" + liar.url).start()
    denied = [("GET", ""), ("POST", "")]
    liar.refuse(*denied[0], 401, times=3)
    liar.refuse(*denied[1], 401, times=3)
    batch = send(g, job("true"))
    assert g.wait(batch, timeout=60) == "success"
    assert g.log_text().count("does not know us") == 1 and g.log_text().count("knows us again") == 1
    liar.losses.clear()
    liar.lost.clear()
    for what in denied:
        liar.refuse(*what, 401, times=1000)
    batch = send(g, job("true"))
    assert g.wait(batch, timeout=120) == "dead"
    seen = times_of(liar, denied[1])
    assert 60 <= seen[-1] - seen[0] < 90
    assert "refuses the pod" in g.log(batch)[-1]
    liar.losses.clear()
    assert g.wait(send(g, job("true")), timeout=60) == "success"
