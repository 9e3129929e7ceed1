#!/usr/bin/env python3
"""A pod's container as a process of this host, in mount and host name namespaces of its own: its volumes, its service account
and its /etc/hosts are where an image would have them, Spark is in /opt/spark, and its address is one of 127.0.0.0/8.

command() says what to start; started by that, this file makes the mounts, of which the host sees nothing, and becomes the
program of Spark's image: its entry point, in few words.
"""

import ctypes
import json
import os
import random
import shutil
import socket
import sys
from pathlib import Path

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
SPARK_HOME = "/opt/spark"
EXECUTOR = "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend"
API_NAME = "kubernetes.default.svc"
LIBC = ctypes.CDLL(None, use_errno=True)
BIND, MOVE, RECURSIVE = 4096, 8192, 16384  # of mount(2)


# --- outside: what the kubelet prepares ---


def address():
    """One that nobody has: another run of these tests may look for some, too."""
    while True:
        ip = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
        with socket.socket() as s:
            try:
                s.bind((ip, 7078))
            except OSError:
                continue
            return ip


def command(folder, container, pod, mounts, hosts, home, more):
    """mounts: pairs of a path here and one in the pod; hosts: pairs of an address and a name; home: the Spark of its image."""
    name, ip = pod["metadata"]["name"], pod["status"]["podIP"]
    hosts = [("127.0.0.1", "localhost"), (ip, name), *hosts]
    (folder / "hosts").write_text("".join(f"{ip} {name}\n" for ip, name in hosts))
    mounts = [(str(folder / "hosts"), "/etc/hosts"), *((str(a), b) for a, b in mounts)]
    fields = {"status.podIP": ip, "metadata.name": name}
    env = {e["name"]: e.get("value") or fields.get(e.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath"), "") for e in container["env"]}
    inside = {"name": name, "ip": ip, "mounts": mounts, "env": {**more, **env}, "args": container["args"], "home": str(home)}
    (folder / "pod.json").write_text(json.dumps(inside))
    unshare = ["unshare", "--mount", "--uts"] + (["--map-root-user"] if os.geteuid() else [])
    return [*unshare, sys.executable, __file__, str(folder / "pod.json")]


# --- inside ---


def mount(source, target, flags, kind=None):
    """The system call: mount(8) would write down in /run what is none of the host's business."""
    if LIBC.mount(*(os.fsencode(p) for p in (source, target)), kind, flags, None):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(target))


def make_our_own(folder, spare):
    """A folder of the host that has all that it had, and to which only we add. spare: where it can be made."""
    spare.mkdir()
    mount("tmpfs", spare, 0, b"tmpfs")
    for item in folder.iterdir():
        to = spare / item.name
        if item.is_symlink():
            to.symlink_to(item.readlink())
            continue
        to.mkdir() if item.is_dir() else to.touch()
        mount(item, to, BIND | RECURSIVE)
    mount(spare, folder, MOVE)
    spare.rmdir()
    return folder.stat().st_dev


def make_way(path, ours, spare):
    """So that there is a folder of this path. ours: file systems that are not the host's."""
    there = path
    while not there.exists():
        there = there.parent
    there = there.resolve()
    if not path.exists() and there.stat().st_dev not in ours:
        ours.add(make_our_own(there, spare))
    path.mkdir(parents=True, exist_ok=True)


def furnish(pod, spare):
    socket.sethostname(pod["name"])
    home, ours = Path(SPARK_HOME), set()
    make_way(home, ours, spare)
    mount("tmpfs", home, 0, b"tmpfs")
    ours.add(home.stat().st_dev)
    for item in Path(pod["home"]).iterdir():
        if item.name != "conf":
            (home / item.name).symlink_to(item)
    for source, target in pod["mounts"]:
        if Path(source).is_dir():
            make_way(Path(target), ours, spare)
        mount(source, target, BIND)


def executor(env):
    options = sorted((k for k in env if k.startswith("SPARK_JAVA_OPT_")), key=lambda k: int(k.rpartition("_")[2]))
    path = [env.get("SPARK_CONF_DIR", f"{SPARK_HOME}/conf"), env.get("HADOOP_CONF_DIR"), f"{SPARK_HOME}/jars/*", env.get("SPARK_EXTRA_CLASSPATH")]
    memory = env["SPARK_EXECUTOR_MEMORY"]
    return [shutil.which("java"), *(env[k] for k in options), f"-Xms{memory}", f"-Xmx{memory}", "-cp", ":".join(filter(None, path)), EXECUTOR,
            "--driver-url", env["SPARK_DRIVER_URL"], "--executor-id", env["SPARK_EXECUTOR_ID"], "--cores", env["SPARK_EXECUTOR_CORES"],
            "--app-id", env["SPARK_APPLICATION_ID"], "--hostname", env["SPARK_EXECUTOR_POD_IP"],
            "--resourceProfileId", env["SPARK_RESOURCE_PROFILE_ID"], "--podName", env["SPARK_EXECUTOR_POD_NAME"]]  # fmt: skip


def driver(env, args):
    ip = env["SPARK_DRIVER_BIND_ADDRESS"]
    return [f"{SPARK_HOME}/bin/spark-submit", "--conf", f"spark.driver.bindAddress={ip}",
            "--conf", f"spark.executorEnv.SPARK_DRIVER_POD_IP={ip}", "--deploy-mode", "client", *args]  # fmt: skip


def main():
    pod = json.loads(Path(sys.argv[1]).read_text())
    furnish(pod, Path(sys.argv[1]).parent / "spare")
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "JAVA_HOME")}
    env = {**kept, "SPARK_HOME": SPARK_HOME, "SPARK_LOCAL_IP": pod["ip"], **pod["env"]}
    role, *args = pod["args"]
    argv = driver(env, args) if role == "driver" else executor(env)
    os.execvpe(argv[0], argv, env)


if __name__ == "__main__":
    main()
