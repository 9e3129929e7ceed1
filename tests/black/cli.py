"""The command florus, run in a directory of its own."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path

import sanitizers

BIN_DIR = Path(os.environ.get("FLORUS_BIN_DIR", Path(__file__).parents[2] / "build"))
LIMIT_S = 60


class Cli:
    """Runs the program in a directory of its own, with an environment that names no server but ours."""

    def __init__(self, cwd):
        self.cwd = cwd
        env = {k: v for k, v in os.environ.items() if not k.startswith("FLORUS_") and k != "NO_COLOR"}
        self.env = sanitizers.environment(cwd, env)
        self.started = []

    def argv(self, args):
        return [str(BIN_DIR / "florus"), *args]

    def __call__(self, *args, stdout=subprocess.PIPE):
        return subprocess.run(self.argv(args), cwd=self.cwd, env=self.env, stdin=subprocess.DEVNULL, stdout=stdout,
                              stderr=subprocess.PIPE, timeout=LIMIT_S, encoding="utf-8", errors="surrogateescape")

    def start(self, *args):
        p = subprocess.Popen(self.argv(args), cwd=self.cwd, env=self.env, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
        self.started.append(p)
        return p

    def on_a_terminal(self, *args, columns=80):
        """What a terminal of that width would get on stdout."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        p = subprocess.Popen(self.argv(args), cwd=self.cwd, env=dict(self.env, TERM="xterm"), stdin=subprocess.DEVNULL,
                             stdout=theirs, stderr=subprocess.PIPE)
        self.started.append(p)
        os.close(theirs)
        text = b""
        try:
            while chunk := os.read(ours, 65536):
                text += chunk
        except OSError:  # how Linux says that the other side has closed
            pass
        os.close(ours)
        assert p.wait(LIMIT_S) == 0, p.stderr.read()
        return text.decode().replace("\r\n", "\n")
