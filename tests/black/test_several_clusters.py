"""Several clusters in one server: which one a job goes to, and what it gets there (docs/clusters.md)."""

import shutil
from pathlib import Path

import pytest
from gateway import FAKES, until
from test_access import SIGNED_IN, ask
from test_create import split

CLUSTERS = {
    **SIGNED_IN,
    "florus.cluster.night.master": "local[2]",
    "florus.cluster.night.deploy-mode": "client",
    "florus.cluster.night.users": "ann, amy",
    "florus.cluster.night.conf.spark.executor.memory": "4g",
    "florus.cluster.night.conf.spark.a": "of night",
    "florus.cluster.night.conf.spark.ssl.keyPassword": "hunter2",
    "florus.cluster.etl-2.master": "local[3]",
    "florus.cluster.etl-2.deploy-mode": "client",
    "florus.cluster.etl-2.queues": "etl",
}


@pytest.fixture(scope="module")
def several(module_gateways):
    gateway = module_gateways()
    home = gateway.root / "spark-2"
    (home / "bin").mkdir(parents=True)
    shutil.copy(FAKES / "spark-submit", home / "bin" / "spark-submit")
    config = gateway.root / "florus.conf"
    lines = {**CLUSTERS, "florus.cluster.etl-2.spark-home": home}
    config.write_text("".join(f"{key} = {value}\n" for key, value in lines.items()))
    gateway.config = config
    return gateway.start()


def launched(gateway, mark, user="bob", home=None, **fields):
    """What spark-submit was called with, as (options, conf, properties file's text or None)."""
    go = gateway.root / f"go-{mark}"
    answer = ask(gateway, user, "POST", "/batches", gateway.body(f"mark={mark}", f"wait={go}", **fields))
    assert answer.status == 201, answer
    run = (home or gateway.spark_home) / "runs" / mark
    until(lambda: (run / "fds").exists() and (run / "argv").read_bytes(), 10, f"{mark} begins in {run}")
    options, conf, _ = split(part.decode() for part in (run / "argv").read_bytes().split(b"\0")[:-1])
    options = dict(options)
    secrets = Path(options["--properties-file"]).read_text() if "--properties-file" in options else None
    go.touch()
    return options, dict(conf), secrets


@pytest.mark.parametrize(
    ("mark", "user", "fields", "master"),
    [
        ("nobody-special", "bob", {}, "local"),
        ("by-user", "ann", {}, "local[2]"),
        ("by-another-user", "amy", {}, "local[2]"),
        ("by-queue", "bob", {"queue": "etl"}, "local[3]"),
        ("other-queue", "bob", {"queue": "et"}, "local"),
        ("first-rule", "ann", {"queue": "etl"}, "local[2]"),
        ("named", "bob", {"conf": {"florus.cluster": "night"}}, "local[2]"),
        ("named-beats-rule", "ann", {"conf": {"florus.cluster": "default"}}, "local"),
        ("launcher", "ann", {"conf": {"florus.launcher": "submit"}}, "local[2]"),
    ],
)
def test_a_job_goes_where_it_says_or_where_the_rules_say(several, mark, user, fields, master):
    home = several.root / "spark-2" if master == "local[3]" else None
    _, conf, _ = launched(several, mark, user, home, **fields)
    assert conf["spark.master"] == master
    assert not [key for key in conf if key.startswith("florus.")]


def test_the_conf_of_a_cluster_is_below_that_of_its_jobs(several):
    _, conf, secrets = launched(several, "below", "ann")
    assert (conf["spark.executor.memory"], conf["spark.a"]) == ("4g", "of night")
    assert "spark.ssl.keyPassword=hunter2" in secrets.splitlines()
    _, conf, secrets = launched(
        several, "above", "ann", executorMemory="1g", conf={"spark.a": "own", "spark.ssl.keyPassword": "mine"}
    )
    assert (conf["spark.executor.memory"], conf["spark.a"]) == ("1g", "own")
    assert "spark.ssl.keyPassword=mine" in secrets.splitlines()
    _, conf, secrets = launched(several, "elsewhere", "bob")
    assert (conf.get("spark.executor.memory"), conf.get("spark.a"), secrets) == (None, None, None)
    assert "hunter2" not in several.stderr.read_text()


@pytest.mark.parametrize(
    ("conf", "why"),
    [
        ({"florus.cluster": "Night"}, "there is no cluster 'Night'; there are: default, night, etl-2."),
        ({"florus.cluster": ""}, "there is no cluster ''; there are: default, night, etl-2."),
        ({"florus.clusters": "night"}, "of florus. there are florus.cluster and florus.launcher"),
        ({"florus.launcher": "native"}, "cluster default takes no jobs by an API of its own"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(several, conf, why):
    answer = ask(several, "bob", "POST", "/batches", several.body(conf=conf))
    assert answer.status == 400
    assert why in str(answer.body)


def test_a_cluster_without_a_master_is_no_configuration(gateways):
    status, lines = gateways(florus__cluster__night__users="ann").refusal()
    assert status == 78
    assert "cluster night has no master; set florus.cluster.night.master" in lines[-1]


@pytest.mark.parametrize(
    ("more", "cure"),
    [
        ({}, "set florus.cluster.default.rest or hadoop-conf-dir, or launcher = auto"),
        ({"florus.cluster.default.rest": "http://127.0.0.1:1"}, "would refuse every job"),
    ],
)
def test_a_cluster_that_could_only_refuse_its_jobs_is_refused_itself(gateways, more, cure):
    yarn = {"livy.spark.master": "yarn", "livy.spark.deploy-mode": "cluster"}
    gateway = gateways()
    gateway.options.update({**yarn, **more, "florus.cluster.default.launcher": "native"})
    status, lines = gateway.refusal()
    assert status == 78 and "cluster default: " in lines[-1] and cure in lines[-1], lines
    gateway.start(florus__cluster__default__launcher="auto")
