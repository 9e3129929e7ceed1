"""What a submission may ask for: rows S41 to S53 of the design, refused ones first (docs/submissions.md).

A refusal stores nothing and launches nothing. What is accepted reaches spark-submit byte for byte.
"""

import json
import os
import re
import signal
import subprocess

import pytest
from gateway import FINAL, until

REJECTED = "Rejected, Reason: "
NOT_ABSOLUTE = r"requirement failed: Path '.*' is not absolute\."
BAD_KEY = 'Invalid configuration key ".*": a key consists of letters'
DENIED = "Blacklisted configuration values in session config: "
LOCAL = r"requirement failed: Local path .* cannot be added to user sessions\."
HOST = "is refused: jobs may not fetch from that host.*florus.job.url-hosts"
PLAIN = "is refused: its host is not written plainly"


def group(name):
    return rf"is refused: it .*florus\.job\.allow = {name}\."


def conf(key, value="x"):
    return {"conf": {key: value}}


# @DIR@ stands for the allowed directory, which holds job.py and link -> /etc
NASTY = [
    "/etc/passwd",
    "file:///etc/passwd",
    "FILE:/etc/passwd",
    "local:/etc/passwd",
    "file:@DIR@/../etc/passwd",
    "file://@DIR@/%2e%2e/etc/passwd",
    "file://host/@DIR@/job.py",
    "@DIR@-evil/x",
    "@DIR@/job.py#../../y",
    "@DIR@/link/passwd",
]
PATH_FIELDS = ["jars", "pyFiles", "files", "archives"]
PATH_KEYS = [
    "spark.jars",
    "spark.files",
    "spark.archives",
    "spark.submit.pyFiles",
    "spark.yarn.jars",
    "spark.yarn.archive",
    "spark.yarn.dist.files",
    "spark.yarn.dist.archives",
    "spark.kubernetes.file.upload.path",
    "spark.metrics.conf",
    "spark.ssl.keyStore",
    "spark.hadoop.google.cloud.auth.service.account.json.keyfile",
]

REFUSED = [  # row, fields beside a file that may run, what the reason says
    *[("S41", {"file": f}, NOT_ABSOLUTE) for f in ("--conf", "-c", "--master=local", "", " ", "job.py", "../job.py")],
    *[("S42", {"className": c}, "className is not the name") for c in ("--proxy-user", "a b", "a;b")],
    ("S42", {"name": "n" * 10_000}, "name must not be longer than 255 bytes"),
    ("S42", {"name": "123"}, "Invalid session name: 123"),
    ("S44", conf("spark.files=/etc/shadow,x"), BAD_KEY),
    ("S44", conf("spark.master=local"), BAD_KEY),
    *[("S45", conf(k), BAD_KEY) for k in (" spark.master", "spark.master\t", "", "sp\u0430rk.master", "spark master")],
    ("S46", conf("spark.submit.deployMode", "cluster"), DENIED + "spark.submit.deployMode$"),
    (
        "S46",
        conf("spark.submit.proxyUser.allowCustomClasspathInClusterMode", True),
        DENIED + r"spark\.submit\.proxyUser\.allowCustomClasspathInClusterMode$",
    ),
    ("S46", conf("spark.yarn.archive", "/etc/passwd"), LOCAL),
    *[("S47", {"file": path}, LOCAL) for path in NASTY],
    *[("S47", {field: ["hdfs:/x", NASTY[i]]}, LOCAL) for i, field in enumerate(PATH_FIELDS)],
    *[("S47", conf(key, NASTY[i % len(NASTY)]), LOCAL) for i, key in enumerate(PATH_KEYS)],
    *[("S47", conf("spark.files", f"hdfs:/x , ,{path} "), LOCAL) for path in NASTY[:4]],
    *[
        ("S48", {"jars": [url]}, HOST)
        for url in (
            "http://169.254.169.254/latest/meta-data",
            "http://127.0.0.1:8998/batches",
            "https://[::ffff:127.0.0.1]/",
            "https://localhost/x.jar",
            "https://2130706433/x.jar",
            "https://0x7f.1/x.jar",
            "https://elsewhere.example/x.jar",
            "https://github.com.evil.example/x.jar",
            "http://github.com/x.jar",
            "https://github.com:8443/x.jar",
        )
    ],
    *[
        ("S48", {"files": [url]}, PLAIN)
        for url in (
            "https://github.com@127.0.0.1/x",
            "https://github.com./x",
            "https://github%2ecom/x",
            "https:///x",
        )
    ],
    ("S48", {"jars": ["HTTP://github.com/x.jar"]}, "a URL begins with https:// or http://"),
    ("S48", {"jars": [r"https://github.com\@127.0.0.1/"]}, "URISyntaxException"),
    ("S48", {"file": "ftp://github.com/x.py"}, "by the scheme ftp:"),
    ("S48", {"jars": ["jar:http://github.com/x!/y"]}, "by the scheme jar:"),
    ("S48", {"pyFiles": ["data:text/plain,x"]}, "by the scheme data:"),
    ("S48", {"jars": ["ivy://g:m:1"]}, group("packages")),
    ("S48", conf("spark.jars", "hdfs:/x,http://127.0.0.1/y"), HOST),
    *[("S49", conf(f"spark.jars.{k}"), group("packages")) for k in ("packages", "repositories", "ivySettings", "excludes")],
    *[
        ("S50", conf(f"spark.{where}JavaOptions", value), group("java-options"))
        for where, value in (
            ("driver.extra", "-XX:OnOutOfMemoryError=x"),
            ("driver.default", "-Da=b -javaagent:/x.jar"),
            ("executor.extra", "'-agent'path:/x.so"),
            ("driver.extra", "-Dlog4j.configurationFile=http://h/x"),
            ("driver.extra", "-Dspark.files=/etc/passwd"),
            ("driver.extra", "@/etc/passwd"),
        )
    ],
    ("S50", conf("spark.driver.extraClassPath", "/etc"), group("classpath")),
    ("S50", conf("spark.driver.extraLibraryPath", "/etc"), group("classpath")),
    *[
        ("S51", conf(f"spark.kubernetes.{key}"), group("kubernetes"))
        for key in (
            "driver.podTemplateFile",
            "authenticate.submission.oauthTokenFile",
            "driver.volumes.hostPath.x.mount.path",
            "driver.secrets.x",
            "namespace",
            "authenticate.driver.serviceAccountName",
            "driver.pod.name",
            "driver.master",
        )
    ],
    *[
        ("S52", conf(key), group("keytabs"))
        for key in (
            "spark.kerberos.keytab",
            "spark.kerberos.principal",
            "spark.yarn.keytab",
            "spark.hadoop.hadoop.security.credential.provider.path",
        )
    ],
    *[("S52", conf(key), group("listeners")) for key in ("spark.extraListeners", "spark.plugins")],
    *[
        ("D13", conf(key, value), group("filesystems"))
        for key, value in (
            ("spark.hadoop.fs.defaultFS", "file:///"),
            ("spark.hadoop.fs.s3a.impl", "org.apache.hadoop.fs.LocalFileSystem"),
            ("spark.hadoop.fs.viewfs.mounttable.x.linkFallback", "file:///etc"),
        )
    ],
]


def ids(rows):
    return [f"{row[0]}-{i}" for i, row in enumerate(rows)]


def here(gateway, fields):
    """The fields with the gateway's own directory, in which there is a link out."""
    link = gateway.files / "link"
    if not link.is_symlink():
        link.symlink_to("/etc")
    return json.loads(json.dumps(fields).replace("@DIR@", str(gateway.files)))


def refused(gateway, fields, reason):
    """The submission is answered 400, and leaves nothing."""
    before = gateway.get("/batches").body["total"], gateway.ledger.lines()
    answer = gateway.post("/batches", gateway.body(**here(gateway, fields)))
    assert answer.status == 400, answer
    assert list(answer.body) == ["msg"] and answer.body["msg"].startswith(REJECTED), answer.body
    assert re.search(reason, answer.body["msg"]), answer.body
    assert (gateway.get("/batches").body["total"], gateway.ledger.lines()) == before, "nothing stored, nothing launched"


@pytest.fixture(scope="module")
def quiet(module_gateways):
    """A gateway on which nothing runs, so that its ledger tells of launches."""
    return module_gateways().start()


@pytest.mark.parametrize("row", REFUSED, ids=ids(REFUSED))
def test_refused(quiet, row):
    refused(quiet, row[1], row[2])


ACCEPTED = [  # row, fields
    ("S42", {"name": "--master"}),
    ("S45", conf("livy.rsc.server.idle-timeout", "1")),
    ("S45", {"conf": {"Spark.master": "local", "files": "/etc/passwd"}}),  # spark-submit ignores them
    ("S46", conf("spark.master", "yarn")),
    ("S48", {"jars": ["https://github.com/sparklyr/sparklyr/blob/main/inst/java/sparklyr-3.5-2.12.jar?raw=true"]}),
    ("S48", {"jars": ["hdfs:/x", "s3a://b/x", "abfss://f@a/x", "gs://b/x", "wasbs://c@a/x", "viewfs:///x"]}),
    ("S49", {"conf": {"spark.jars.packages": "", "spark.jars.repositories": ""}}),
    ("S50", conf("spark.driver.extraJavaOptions", "-Dx=y -XX:+UseG1GC -Dlog4j.configuration=file:///opt/l.properties")),
    ("S52", conf("spark.yarn.tags", "mine")),
]


@pytest.mark.parametrize("row", ACCEPTED, ids=ids(ACCEPTED))
def test_accepted(shared, row):
    batch = shared.submit(**row[1])
    assert shared.wait(batch) in FINAL


# --- S43, S53: byte for byte ---------------------------------------------------------------------------------------

LITERAL = [
    "$(touch @CANARY@)",
    "`touch @CANARY@`",
    "; touch @CANARY@",
    "| touch @CANARY@",
    "\n touch @CANARY@ \n",
    "'\"",
    "%n%s%d",
    "\\",
    "\\u0041\\n",
    "a\\",
    "#x",
    "!x",
    " = : ",
    "${jndi:ldap://x/y}",
    "{{SPARK_HOME}}",
    "${env:HOME}",
    "\U0001f600",
    "tab\tcr\rlf\n",
]


def test_S43_args_stand_behind_the_file(shared):
    args = ["--master", "local", "--proxy-user", "root", "--conf", "spark.a=b"]
    shared.post("/batches", {"file": str(shared.job), "args": [*args, "do:mark=S43"]})
    argv = shared.argv("S43")
    assert argv[argv.index(f"file://{shared.job}") + 1 :] == [*args, "do:mark=S43"]
    assert "--proxy-user" not in argv[: argv.index(f"file://{shared.job}")]


def test_S53_nothing_is_a_command(shared, tmp_path):
    canary = tmp_path / "canary"
    texts = [text.replace("@CANARY@", str(canary)) for text in LITERAL]
    names = [text for text in texts if not re.search(r"[\x00-\x1f]", text)]
    for i, name in enumerate(names):
        mark = f"S53-{i}"
        shared.submit(f"mark={mark}", name=name, conf={f"spark.x{j}": text for j, text in enumerate(texts)})
        argv = shared.argv(mark)
        assert argv[argv.index("--name") + 1] == name
    shared.post("/batches", {"file": str(shared.job), "args": [*texts, "do:mark=S53"]})
    argv = shared.argv("S53")
    assert argv[-len(texts) - 1 : -1] == texts
    assert not canary.exists()


# --- what the administrator permits and denies -----------------------------------------------------------------------


def test_groups_hosts_and_further_keys_are_configuration(gateways):
    gateway = gateways(
        florus__job__allow="packages, kubernetes",
        florus__job__url_hosts="*.example.org,http://old.corp:81,10.1.2.3",
        livy__spark__file_list_configs="spark.my.lists",
        florus__launch__hold="true",
    ).start()
    for fields in (
        conf("spark.jars.packages", "g:m:1"),
        conf("spark.kubernetes.namespace", "jobs"),
        {"jars": ["https://a.example.org/x", "http://old.corp:81/x", "https://10.1.2.3/x", "ivy://g:m:1"]},
        conf("spark.my.lists", f"{gateway.job}"),
    ):
        gateway.submit(**fields)
    refused(gateway, conf("spark.plugins"), group("listeners"))
    refused(gateway, {"jars": ["https://github.com/x"]}, HOST)
    refused(gateway, conf("spark.my.lists", f"{gateway.job},/etc/passwd"), LOCAL)
    refused(gateway, conf("spark.kubernetes.driver.podTemplateFile", "/etc/passwd"), LOCAL)


def test_a_deploy_mode_may_be_asked_for_when_the_administrator_lets_it(gateways):
    gateway = gateways(livy__server__session__allow_custom_classpath="true").start()
    gateway.submit("mark=mode", **conf("spark.submit.deployMode", "cluster"))
    assert "spark.submit.deployMode=cluster" in gateway.argv("mode")


def test_in_a_cluster_the_class_path_is_not_this_hosts(gateways):
    gateway = gateways(livy__spark__deploy_mode="cluster", florus__launch__hold="true").start()
    gateway.submit(**conf("spark.driver.extraClassPath", "/etc/hbase/conf"))
    gateway.submit(**conf("spark.metrics.conf", "metrics.properties"))
    refused(gateway, conf("spark.files", "/etc/passwd"), LOCAL)
    refused(gateway, conf("spark.hadoop.fs.gs.auth.service.account.json.keyfile", "/etc/passwd"), group("keytabs"))


@pytest.mark.parametrize(
    "options, says",
    [
        ({"florus.job.allow": "packages,agents"}, "florus.job.allow: there is no group agents; there are: *, packages,"),
        ({"florus.job.url-hosts": "ftp://x"}, "florus.job.url-hosts: ftp"),
        ({"florus.job.url-hosts": "a*b"}, "florus.job.url-hosts: a*b is not of the form"),
    ],
)
def test_a_policy_that_cannot_be_refuses_to_start(gateways, options, says):
    status, lines = gateways().refusal(options)
    assert status == 78 and says in lines[-1], lines


def test_S46_the_black_list_lies_beside_the_configuration_and_is_read_anew(gateways, tmp_path):
    gateway = gateways()
    gateway.config = tmp_path / "livy.conf"
    gateway.config.write_text("florus.launch.hold = true\n")
    black_list = tmp_path / "spark-blacklist.conf"
    black_list.write_text("# keys\nspark.master\nspark.yarn.archive = whatever\nlivy.rsc.server.idle-timeout\n")
    gateway.start()
    refused(gateway, conf("spark.master", "local"), DENIED + r"spark\.master$")
    refused(gateway, conf("spark.yarn.archive", "hdfs:/x"), DENIED + r"spark\.yarn\.archive$")
    refused(gateway, conf("livy.rsc.server.idle-timeout", "1"), DENIED + r"livy\.rsc\.server\.idle-timeout$")
    refused(
        gateway,
        {"conf": {"spark.submit.deployMode": "client", "spark.a": "b", "spark.master": "x"}},
        DENIED + r"spark\.submit\.deployMode, spark\.master$",
    )
    gateway.submit(**conf("spark.yarn.queue", "q"))

    black_list.write_text("spark.yarn.queue\n")
    os.kill(gateway.process.pid, signal.SIGHUP)
    until(lambda: "spark-blacklist.conf read anew" in gateway.log_text(), 10)
    refused(gateway, conf("spark.yarn.queue", "q"), DENIED + r"spark\.yarn\.queue$")
    gateway.submit(**conf("spark.master", "local"))

    black_list.write_text("spark.a \\u00zz\n")
    os.kill(gateway.process.pid, signal.SIGHUP)
    until(lambda: "the denied conf keys stay as they were" in gateway.log_text(), 10)
    refused(gateway, conf("spark.yarn.queue", "q"), DENIED)


def test_the_black_list_of_LIVY_CONF_DIR_counts_too(gateways, tmp_path):
    (tmp_path / "spark-blacklist.conf").write_text("spark.x\n")
    gateway = gateways(env={"LIVY_CONF_DIR": str(tmp_path)}, florus__launch__hold="true").start()
    refused(gateway, conf("spark.x"), DENIED + r"spark\.x$")


@pytest.mark.parametrize("what", ["directory", "dangling link", "syntax", "NUL"])
def test_a_black_list_that_cannot_be_read_refuses_to_start(gateways, tmp_path, what):
    path = tmp_path / "spark-blacklist.conf"
    if what == "directory":
        path.mkdir()
    elif what == "dangling link":
        path.symlink_to("nowhere")
    else:
        path.write_bytes(b"spark.x \\u00zz\n" if what == "syntax" else b"spark.\0x\n")
    gateway = gateways(env={"LIVY_CONF_DIR": str(tmp_path)})
    status, lines = gateway.refusal()
    assert status == 78 and "spark-blacklist.conf" in lines[-1], lines
    check = subprocess.run([*gateway.command(), "--check"], env=gateway.environment(), capture_output=True, check=False)
    assert check.returncode == 78 and b"spark-blacklist.conf" in check.stderr, check


def test_a_batch_that_waits_is_judged_by_the_policy_of_its_launch(gateways):
    gateway = gateways(florus__job__allow="listeners", florus__launch__hold="true").start()
    batch = gateway.submit(**conf("spark.plugins"))
    gateway.restart(florus__job__allow="", florus__launch__hold="false")
    assert gateway.wait(batch) == "dead"
    assert gateway.ledger.lines() == []
