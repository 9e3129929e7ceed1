#!/usr/bin/env python3
"""Runs a command and leaves nothing of it behind: guard.py COMMAND [ARG...]

Its whole tree ends when the command ends, on SIGTERM, and when whoever started this dies, however that happens: whatever
loses its parent comes here (subreaper), so nothing gets away, not even what made a session of its own.
"""

import ctypes
import os
import signal
import subprocess
import sys

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def children():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if int(stat.read().rpartition(")")[2].split()[1]) == os.getpid():
                    found.append(int(pid))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def end_all():
    """Kills children until there are none: those of a dead one are ours next."""
    while True:
        for pid in children():
            os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def stop(*_):
    raise SystemExit(0)


def main():
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGTERM, stop)
    try:
        if os.getppid() == parent:  # else it died before it could have told
            sys.exit(subprocess.Popen(sys.argv[1:]).wait())
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        end_all()


if __name__ == "__main__":
    main()
