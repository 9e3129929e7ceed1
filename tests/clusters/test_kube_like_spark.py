"""What Florus gives to a real API server, held against what a real spark-submit gives to it for the same job.

Both go through a Liar that loses nothing. Names are put aside, lists that have names become tables, and what is left must be the same
but for what DIFFERENT says.
"""

import json
import os
import re
import subprocess

import pytest
from gateway import PATIENCE, until
from kube import ADMIN_TOKEN, FLORUS_TOKEN
from parts import spark_home

VOLUMES = "spark.kubernetes.driver.volumes."
OUR_LABELS = "florus-tag|florus-server|florus-launcher"
DIFFERENT = [  # a path, whose Spark, and why
    (rf"/pod/metadata/labels/({OUR_LABELS})", "", "by these Florus finds its own"),
    (rf"/(service|map|templates|hadoop)/metadata/labels/({OUR_LABELS}|spark-role|spark-app-selector)", "", "Spark has fewer there"),
    (r"/service/spec/selector/.*", "", "one label that no other pod has is enough"),
    (r"/pod/spec/containers/[^/]+/env/SPARK_USER/value", "", "whom the job is of, not whom the server runs as"),
    (r"/properties/spark.app.submitTime", "", "the driver's own spark-submit sets it"),
    (r"/properties/spark.jars", "", "the driver's own spark-submit adds the program"),
    (r"/properties/spark.submit.pyFiles", "", "Spark writes it although it is empty"),
    (r"/properties/spark.kubernetes.authenticate.submission.*", "", "how this spark-submit shows who it is"),
    (r"/properties/spark.kubernetes.submission.waitAppCompletion", "", "of no meaning in a driver"),
    (r"/policy/.*", "4", "executors' network policy: it takes a right that Florus does not ask for"),
]

TEMPLATE = """
# as people write them
apiVersion: v1
kind: Pod
metadata:
  labels: {team: blue, version: 3}
  annotations: {"example.com/a": "b"}
spec:
  tolerations:
  - {key: dedicated, operator: Equal, value: spark, effect: NoSchedule}
  securityContext: {runAsUser: 185, fsGroup: 185}
  nodeSelector: {disk: ssd}
  initContainers:
  - {name: prepare, image: busybox, command: [sh, -c, "echo ready"]}
  volumes:
  - {name: scratch, emptyDir: {sizeLimit: 1Gi}}
  containers:
  - {name: side, image: sidecar}
  - name: main
    image: of no account
    args: [first]
    env: [{name: NUMBER, value: 5}, {name: WORD, value: "on"}]
    resources: {requests: {cpu: 7, ephemeral-storage: 1Gi}}
    volumeMounts: [{name: scratch, mountPath: /scratch}]
"""

PLAIN = {
    "file": "local:///opt/job.py",
    "name": "Plain 1",
    "args": ["a", "b c"],
    "driverMemory": "2g",
    "conf": {
        "spark.pyspark.python": "/opt/python",
        "spark.local.dir": "/data/one",  # of several Spark changes the order
        "spark.kubernetes.local.dirs.tmpfs": "true",
        "spark.executor.instances": "2",
        "spark.kubernetes.executor.label.team": "blue",
    },
}
RICH = {
    "file": "local:///opt/app.jar",
    "className": "org.example.Main",
    "name": "My Job!",
    "conf": {
        "spark.driver.memory": "10g",
        "spark.driver.cores": "2",
        "spark.kubernetes.driver.request.cores": "500m",
        "spark.kubernetes.driver.limit.cores": "3",
        "spark.driver.memoryOverheadFactor": "0.2",
        "spark.driver.resource.gpu.amount": "1",
        "spark.driver.resource.gpu.vendor": "nvidia.com",
        "spark.driver.port": "7000",
        "spark.driver.blockManager.port": "7001",
        "spark.ui.port": "4444",
        "spark.kubernetes.driver.podTemplateContainerName": "main",
        f"{VOLUMES}hostPath.h.mount.path": "/h",
        f"{VOLUMES}hostPath.h.options.path": "/on/host",
        f"{VOLUMES}emptyDir.spark-local-dir-1.mount.path": "/fast",
        f"{VOLUMES}emptyDir.spark-local-dir-1.options.sizeLimit": "1Gi",
        f"{VOLUMES}nfs.n.mount.path": "/n",
        f"{VOLUMES}nfs.n.mount.subPath": "sub",
        f"{VOLUMES}nfs.n.options.path": "/export",
        f"{VOLUMES}nfs.n.options.server": "filer",
        f"{VOLUMES}persistentVolumeClaim.c.mount.path": "/c",
        f"{VOLUMES}persistentVolumeClaim.c.mount.readOnly": "true",
        f"{VOLUMES}persistentVolumeClaim.c.options.claimName": "claim",
        "spark.kubernetes.driver.secrets.certs": "/certs",
        "spark.kubernetes.driver.secretKeyRef.PASSWORD": "vault:pw",
        "spark.kubernetes.driverEnv.WHERE": "here",
        "spark.kubernetes.driver.annotation.who": "{{APP_ID}}",
        "spark.kubernetes.driver.label.color": "green",
        "spark.kubernetes.driver.scheduler.name": "other",
        "spark.kubernetes.node.selector.zone": "a",
        "spark.kubernetes.driver.node.selector.kind": "driver",
        "spark.kubernetes.driver.service.annotation.note": "1",
        "spark.kubernetes.driver.service.label.note": "2",
        "spark.kubernetes.container.image.pullSecrets": "one, two",
        "spark.kubernetes.container.image.pullPolicy": "Always",
        "spark.kubernetes.authenticate.driver.serviceAccountName": "spark",
        "spark.kubernetes.authenticate.driver.mounted.oauthTokenFile": "/token",
        "spark.kubernetes.hadoop.configMapName": "hadoop",
        "spark.executor.memory": "3g",
    },
}


def with_conf(home, root):
    """The same Spark with a conf directory, as installations have one; and Hadoop's."""
    spark, hadoop = root / "spark", root / "hadoop"
    (spark / "conf").mkdir(parents=True)
    hadoop.mkdir()
    for part in home.iterdir():
        if part.name != "conf":
            (spark / part.name).symlink_to(part)
    (spark / "conf" / "spark-defaults.conf").write_text("spark.my.default  of the file\n")
    (spark / "conf" / "spark-env.conf").write_text("of no account\n")
    (spark / "conf" / "log4j2.properties").write_text('rootLogger.level = warn\n# "ü"\n')
    (spark / "conf" / "fairscheduler.xml.template").write_text("<of no account/>\n")
    (spark / "conf" / "key.bin").write_bytes(b"\xff\xfe")
    (spark / "conf" / "deep").mkdir()
    (hadoop / "core-site.xml").write_text("<configuration/>\n")
    (hadoop / "hdfs-site.xml").write_text("<configuration>\n</configuration>\n")
    return spark, hadoop


def submit(home, hadoop, kube, liar, place, body):
    """By spark-submit, as Florus would call it."""
    conf = {
        "spark.kubernetes.namespace": place.name,
        "spark.kubernetes.submission.waitAppCompletion": "false",
        "spark.kubernetes.authenticate.submission.oauthToken": ADMIN_TOKEN,
        "spark.kubernetes.authenticate.submission.caCertFile": str(kube.authority.pair.cert),
        "spark.driver.memory": body.get("driverMemory", "1g"),
        **body["conf"],
    }
    command = [home / "bin" / "spark-submit", "--master", f"k8s://{liar.url}", "--deploy-mode", "cluster", "--name", body["name"]]
    command += ["--class", body["className"]] if "className" in body else []
    for key, value in conf.items():
        command += ["--conf", f"{key}={value}"]
    env = {k: v for k, v in os.environ.items() if k not in ("HADOOP_CONF_DIR", "SPARK_CONF_DIR")}
    env |= {"SPARK_HOME": str(home), **({"HADOOP_CONF_DIR": str(hadoop)} if hadoop else {})}
    done = subprocess.run([*command, body["file"], *body.get("args", [])], env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120 * PATIENCE)  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:]


def properties(text):
    """As java.util.Properties reads what Spark and Florus write: no line goes on in the next."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            key, value = re.fullmatch(r"((?:[^\\\\=]|\\\\.)*)=(.*)", line).groups()
            found[plain(key)] = plain(value)
    return found


def plain(text):
    return re.sub(r"\\(u....|.)", lambda m: chr(int(m[1][1:], 16)) if m[1][0] == "u" and len(m[1]) > 1 else m[1], text)


def by_name(item):
    for key in ("mountPath", "name", "key"):
        if isinstance(item, dict) and key in item:
            return item[key]
    return None


def flat(value, path, out):
    """Path to text; lists of what has a name are tables of it."""
    if isinstance(value, list) and value and all(by_name(i) is not None for i in value):
        value = {by_name(i).replace("/", "|"): i for i in value}
    if isinstance(value, dict):
        for key, item in value.items():
            flat(item, f"{path}/{key}", out)
    else:
        out[path] = json.dumps(value)
    return out


def objects(kube, place):
    """All that makes one driver, without names and what the API server adds."""
    (pod,), (service,) = place.list(), place.list("services")
    kinds = {"spark.properties": "map", "podspec-configmap-key": "templates", "core-site.xml": "hadoop"}
    maps = {kind: m for m in place.list("configmaps") for key, kind in kinds.items() if key in m["data"]}
    policies = kube.api("GET", f"/apis/networking.k8s.io/v1/namespaces/{place.name}/networkpolicies")["items"]
    found = {"pod": pod, "service": service, **maps, **{"policy": p for p in policies}}
    names = {o["metadata"]["name"]: kind.upper() for kind, o in found.items()}
    names |= {pod["metadata"]["labels"]["spark-app-selector"]: "APP", place.name: "PLACE"}
    found["properties"] = properties(found["map"]["data"].pop("spark.properties"))
    for o in found.values():
        o.pop("status", None)
        for key in ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"):
            o.get("metadata", {}).pop(key, None)
        for owner in o.get("metadata", {}).get("ownerReferences", []):
            assert owner.pop("uid") == pod_uid(kube, place)
    text = json.dumps(found)
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, names[name])
    text = re.sub(r"/var/data/spark-[0-9a-z-]+", "/var/data/LOCAL", text)
    return flat(json.loads(text), "", {})


def pod_uid(kube, place):
    return place.list()[0]["metadata"]["uid"]


def is_made(place):
    return any("spark.properties" in m["data"] for m in place.list("configmaps"))  # which comes last


@pytest.mark.parametrize("spark", ["spark4", "spark35"])
@pytest.mark.parametrize("body", [PLAIN, RICH], ids=["plain", "rich"])
def test_a_job_is_what_spark_would_have_made_of_it(florus, kube, place, liar, spark, body, tmp_path):
    (home, hadoop), conf = with_conf(spark_home(spark), tmp_path), dict(body["conf"])
    g = florus({"token": FLORUS_TOKEN}, livy__spark__master=f"k8s://{liar.url}", florus__job__allow="kubernetes",
               florus__cluster__default__spark_home=str(home))  # fmt: skip
    conf["spark.kubernetes.container.image"] = "spark:here"
    conf["spark.kubernetes.driver.annotation.stuck"] = "ErrImagePull"  # nobody runs them
    if body is PLAIN:
        g.options["florus.cluster.default.hadoop-conf-dir"] = hadoop
    else:
        hadoop = None  # it has a config map
        for role in ("driver", "executor"):
            template = g.files / f"{role}.yaml"
            template.write_text(TEMPLATE)
            conf[f"spark.kubernetes.{role}.podTemplateFile"] = str(template)
    body = {**body, "conf": conf}
    theirs_place = kube.namespace()
    submit(home, hadoop, kube, liar, theirs_place, body)
    answer = g.start().post("/batches", body)
    assert answer.status == 201, answer
    until(lambda: is_made(place) or g.state_of(answer.body["id"]) == "dead")
    assert is_made(place), g.log(answer.body["id"])

    theirs, ours = objects(kube, theirs_place), objects(kube, place)
    differences = {
        path: f"Spark: {theirs.get(path)}, Florus: {ours.get(path)}"
        for path in theirs.keys() | ours.keys()
        if theirs.get(path) != ours.get(path)
        and not any(re.fullmatch(known, path) and spark.startswith(f"spark{whose}") for known, whose, _ in DIFFERENT)
    }
    assert not differences, json.dumps(differences, indent=1, sort_keys=True)
