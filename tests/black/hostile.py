"""A job that tries what it should not: prints one JSON object, what it tried -> "done" or the name of the error.

Arguments: a JSON object with the pids and paths to try. Runs under the fake spark-submit and under the real one.
"""

import ctypes
import errno
import json
import os
import signal
import sys

PTRACE_ATTACH, PTRACE_DETACH = 16, 17
libc = ctypes.CDLL(None, use_errno=True)


def attempt(action):
    try:
        action()
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e))
    return "done"


def read(path):
    with open(path, "rb") as f:
        f.read(1)


def append(path):
    os.close(os.open(path, os.O_WRONLY | os.O_APPEND))


def make(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def trace(pid):
    if libc.ptrace(PTRACE_ATTACH, pid, None, None) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(pid, 0)
    libc.ptrace(PTRACE_DETACH, pid, None, None)


def descriptors():
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) > 2:
                found[name] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            continue  # that of the listing itself
    return found


def status(key):
    with open("/proc/self/status") as f:
        return next(line.split(":", 1)[1].split() for line in f if line.startswith(key + ":"))


def try_all(targets):
    tried = {}
    for path in targets.get("read", []):
        tried[f"read {path}"] = attempt(lambda: read(path))
    for path in targets.get("write", []):
        tried[f"write {path}"] = attempt(lambda: append(path))
    for path in targets.get("list", []):
        tried[f"list {path}"] = attempt(lambda: os.listdir(path))
    for path in targets.get("make", []):
        tried[f"make {path}"] = attempt(lambda: make(path))
    for who, pid in targets.get("processes", {}).items():
        pid = os.getppid() if pid == "parent" else pid
        for name in ("environ", "mem", "maps"):
            tried[f"{who} {name}"] = attempt(lambda: read(f"/proc/{pid}/{name}"))
        tried[f"{who} fd"] = attempt(lambda: os.listdir(f"/proc/{pid}/fd"))
        tried[f"{who} trace"] = attempt(lambda: trace(pid))
        tried[f"{who} signal"] = attempt(lambda: os.kill(pid, signal.SIGURG))
    return tried


def main():
    targets = json.loads(sys.argv[1])
    report = {
        "tried": try_all(targets),
        "uids": status("Uid"),
        "gids": status("Gid"),
        "groups": status("Groups"),
        "caps": status("CapPrm") + status("CapEff") + status("CapAmb"),
        "no_new_privs": status("NoNewPrivs"),
        "root_again": attempt(lambda: os.setuid(0)),
        "env": dict(os.environ),
        "submitted": os.environ.get("SPARK_SUBMIT_WORDS", "").split(),
        "cwd": os.getcwd(),
        "cwd_writable": attempt(lambda: make(os.path.abspath("mine"))),
        "stderr_again": attempt(lambda: append("/dev/stderr")),
        "descriptors": descriptors(),
    }
    print("HOSTILE " + json.dumps(report), flush=True)


main()
