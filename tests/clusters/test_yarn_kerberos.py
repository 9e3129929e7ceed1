"""Jobs in a YARN that believes tickets only: given by its own API, with a token for HDFS, and nobody's Java."""

import re

import pytest
from gateway import until
from secure import US, SecureYarn
from yarn import YarnGateway, running

COUNT = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("argument", sys.argv[1], "total", spark.range(1000).count())
fs = spark._jvm.org.apache.hadoop.fs.FileSystem.get(spark._jsc.hadoopConfiguration())
print("home", fs.getHomeDirectory().toUri().getPath())
print("there", fs.exists(spark._jvm.org.apache.hadoop.fs.Path("/")))
spark.stop()
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with running(SecureYarn, tmp_path_factory) as cluster:
        yield cluster


class Florus(YarnGateway):
    """It has a keytab, as a service has one; its first principal is alice. A proxy in front says who asks."""

    HEADER = "X-Forwarded-User"
    who = US

    def __init__(self, root, cluster):
        super().__init__(root, cluster)
        java = f"-Djava.security.krb5.conf={cluster.realm.env['KRB5_CONFIG']}"  # there is no /etc/krb5.conf here
        self.env.update(cluster.realm.env, KRB5_CLIENT_KTNAME=f"{cluster.realm.root}/users.keytab", KRB5CCNAME=f"{root}/ours")
        self.options.update({
            "livy.server.auth.type": "proxy",
            "florus.auth.proxy-header": self.HEADER,
            "florus.auth.proxy-peers": "127.0.0.1",
            "livy.impersonation.enabled": "true",
            "florus.cluster.default.auth": "negotiate",
            "florus.cluster.default.user": US,
            "florus.cluster.default.launcher": "native",
            "florus.cluster.wrong.master": "yarn",
            "florus.cluster.wrong.hadoop-conf-dir": cluster.conf,
            "florus.cluster.wrong.auth": "negotiate",
            "florus.cluster.wrong.user": "carol",
            "florus.cluster.wrong.launcher": "native",
            "florus.cluster.wrong.conf.spark.yarn.jars": "local:/nowhere/*",
            "florus.cluster.default.conf.spark.driver.extraJavaOptions": java,
            "florus.cluster.default.conf.spark.executor.extraJavaOptions": java,
        })

    def request(self, method, path, body=None, headers=None, timeout=30):
        return super().request(method, path, body, {self.HEADER: self.who, **(headers or {})}, timeout)


@pytest.fixture(scope="module")
def florus(cluster, tmp_path_factory):
    gateway = Florus(tmp_path_factory.mktemp("florus"), cluster)
    try:
        yield gateway.start()
    finally:
        gateway.tear_down()


def output_of(cluster, app):
    """The driver's, from the node's disk: a node manager shows logs with Kerberos only if it has Hadoop's native library."""
    (path,) = (cluster.root / "nm-log" / app["id"]).glob("*_000001/stdout")
    return path.read_text()


def fate_of_token(cluster, whose):
    """What the name node did with the token of his job, each once."""
    lines = [line for line in cluster.namenode.log.read_text().splitlines() if f"for {whose} with renewer rm" in line]
    return list(dict.fromkeys(word for line in lines for word in re.findall("cmd=([a-z]+)DelegationToken", line)))


def app_of(cluster, florus, batch):
    shown = florus.object(batch)
    return next(app for app in cluster.apps() if app["id"] == shown["appId"])


@pytest.mark.parametrize("whose", [US, "bob"])
def test_a_program_runs_reads_hdfs_and_is_shown(florus, cluster, whose):
    florus.who = whose
    batch = florus.batch(florus.program("count.py", COUNT), args=[whose])
    florus.end_of(batch, "success")
    app = app_of(cluster, florus, batch)
    said = output_of(cluster, app)
    assert f"argument {whose} total 1000" in said and f"home /user/{whose}" in said and "there True" in said
    assert app["user"] == whose and app["finalStatus"] == "SUCCEEDED"
    until(lambda: fate_of_token(cluster, whose) == ["get", "renew", "cancel"], 30, "its token is cancelled")
    staging = f"/user/{whose}/.sparkStaging/{app['id']}"
    until(lambda: cluster.ask_files(staging, "GETFILESTATUS")[0] == 404, 30, "its directory is gone")


def test_a_user_that_is_not_our_principals_is_told_so(florus, cluster):
    florus.who = "carol"
    batch = florus.batch(florus.program("count.py", COUNT), conf={"florus.cluster": "wrong"})
    assert "HDFS takes carol for alice (florus.cluster.*.user)" in florus.end_of(batch, "dead")
