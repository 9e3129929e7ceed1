"""What statements print and what they answer, within bounds."""

import io
import threading

PARTIAL_MAX = 16 * 1024  # characters of output told of at a time while a statement runs


class StatementError(Exception):
    """A statement that failed, as a client is told of it (livy.md 7.3)."""

    def __init__(self, ename, evalue, traceback=()):
        super().__init__(evalue)
        self.ename, self.evalue, self.traceback = ename, evalue, list(traceback)


def no_r():
    raise StatementError("InterpreterError", "Fail to start interpreter: this driver runs Python, Scala and SQL, not R. "
                                             "An R program can be submitted as a batch")


def answer_ok(data):
    return {"status": "ok", "data": data}


def answer_error(error):
    return {"status": "error", "ename": error.ename, "evalue": error.evalue, "traceback": error.traceback}


class Capture:
    """Keeps the first `limit` characters of what is written, and counts the others."""

    def __init__(self, limit):
        self.limit = limit
        self.lock = threading.Lock()
        self.kept = {"stdout": [], "stderr": []}
        self.room = limit
        self.dropped = 0
        self.fresh = []  # (stream, text) not told of yet
        self.fresh_room = PARTIAL_MAX

    def write(self, stream, text):
        with self.lock:
            keep = text[: self.room]
            self.room -= len(keep)
            self.dropped += len(text) - len(keep)
            if not keep:
                return
            self.kept[stream].append(keep)
            told = keep[: self.fresh_room]
            self.fresh_room -= len(told)
            if told:
                self.fresh.append((stream, told))

    def take_fresh(self):
        """What was written since the last call, joined by stream; what was too much for one call is left out."""
        with self.lock:
            fresh, self.fresh, self.fresh_room = self.fresh, [], PARTIAL_MAX
        joined = []
        for stream, text in fresh:
            if joined and joined[-1][0] == stream:
                joined[-1][1] += text
            else:
                joined.append([stream, text])
        return joined

    def text(self):
        """stdout, then stderr, then how much is missing."""
        with self.lock:
            text = "".join(self.kept["stdout"]) + "".join(self.kept["stderr"])
            if self.dropped:
                text += f"\n[{self.dropped} more characters were dropped]"
        return text


class Router(io.TextIOBase):
    """sys.stdout or sys.stderr: into the capture of the statement that runs, else into the log."""

    encoding, errors = "utf-8", "replace"

    def __init__(self, name, log):
        self.name_of_stream, self.log = name, log
        self.capture = None

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        capture = self.capture
        if capture:
            capture.write(self.name_of_stream, text)
        else:
            try:
                self.log.write(text)
            except (OSError, ValueError):
                pass  # a statement has closed it
        return len(text)

    def flush(self):
        try:
            self.log.flush()
        except (OSError, ValueError):
            pass

    def fileno(self):
        return self.log.fileno()

    def writable(self):
        return True

    def close(self):
        """Others use it after this one."""
