"""Shows the server at work.

Without options (`make run`): starts build/florusd on a free port with its state in .florus/,
submits examples/pi.py over REST, prints the job's log as it comes and the final object, and
stops the daemon. Exit status 0 only when the job ended in `success`.

With --serve (`make serve`): keeps the daemon in the foreground on port 8998 (PORT=N for another).
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".florus"
EXAMPLE = ROOT / "examples" / "pi.py"
START_MAX_S = 15
STOP_MAX_S = 15
JOB_MAX_S = 300
REQUEST_MAX_S = 30
POLL_S = 0.1
LOG_PAGE_LINES = 1000
FINAL_STATES = ("success", "dead", "killed", "error")


class Trouble(Exception):
    """Something a person has to be told; the text says all of it."""


def daemon_command(port):
    options = {
        "florus.state-dir": STATE,
        "livy.server.port": port,
        "livy.server.spark-home": os.environ["SPARK_HOME"],
        "livy.file.local-dir-whitelist": EXAMPLE.parent,
    }
    command = [ROOT / "build" / "florusd"]
    for key, value in options.items():
        command += ["-o", f"{key}={value}"]
    return command


def start(port, log):
    """Starts the daemon; in a session of its own, so that Ctrl-C reaches us and we stop it in order."""
    STATE.mkdir(mode=0o700, exist_ok=True)
    (STATE / "url").unlink(missing_ok=True)
    return subprocess.Popen(daemon_command(port), stdin=subprocess.DEVNULL, stderr=log, start_new_session=True)


def stop(daemon):
    """Ends the daemon if it still runs, by force if need be; its exit status."""
    if daemon.poll() is None:
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            print(f"florusd did not stop within {STOP_MAX_S} s of SIGTERM and is killed", file=sys.stderr)
            daemon.kill()
            daemon.wait()
    return daemon.returncode


def call(method, url, body=None):
    request = urllib.request.Request(url, method=method)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=REQUEST_MAX_S) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        text = refusal.read().decode(errors="replace")
        raise Trouble(f"{method} {url} was answered {refusal.code}: {text}") from None
    except OSError as trouble:
        raise Trouble(f"{method} {url}: {trouble}") from None


def is_ready(url):
    try:
        with urllib.request.urlopen(url + "/readyz", timeout=REQUEST_MAX_S) as answer:
            return answer.status == 200
    except OSError:
        return False


def wait_until_ready(daemon):
    """The base URL, once the daemon has written it and says that it is ready."""
    deadline = time.monotonic() + START_MAX_S
    while time.monotonic() < deadline:
        if daemon.poll() is not None:
            raise Trouble(f"florusd ended with status {daemon.returncode} instead of serving")
        if (STATE / "url").exists():
            url = (STATE / "url").read_text().strip().rstrip("/")
            if is_ready(url):
                return url
        time.sleep(POLL_S)
    raise Trouble(f"florusd was not ready within {START_MAX_S} s")


def print_new_lines(batch_url, seen):
    """Prints the log's lines from number `seen` on; the number of the next one."""
    while True:
        page = call("GET", f"{batch_url}/log?from={seen}&size={LOG_PAGE_LINES}")
        # The stderr heading is the last element and moves while the log grows: leave it out.
        lines = page["log"]
        if lines and seen + len(lines) >= page["total"]:
            lines = lines[:-1]
        for line in lines:
            print("    " + line.rstrip("\n"), flush=True)
        seen += len(lines)
        if not lines or len(page["log"]) < LOG_PAGE_LINES:
            return seen


def follow(batch_url):
    """Prints the log as it comes; the batch as it is in the end."""
    deadline = time.monotonic() + JOB_MAX_S
    seen = 0
    while time.monotonic() < deadline:
        batch = call("GET", batch_url)
        seen = print_new_lines(batch_url, seen)
        if batch["state"] in FINAL_STATES:
            return batch
        time.sleep(POLL_S)
    raise Trouble(f"the job is still {batch['state']} after {JOB_MAX_S} s")


def run_example(url):
    body = {"file": str(EXAMPLE), "args": ["4"], "name": f"pi-{os.getpid()}"}
    print(f"==> POST {url}/livy/batches {json.dumps(body)}", flush=True)
    batch = call("POST", url + "/livy/batches", body)
    print(f"==> batch {batch['id']} is {batch['state']}; its log:", flush=True)
    batch_url = f"{url}/livy/batches/{batch['id']}"
    try:
        batch = follow(batch_url)
    except KeyboardInterrupt:
        call("DELETE", batch_url)  # a job outlives its server; this one is nobody's then
        raise
    print("==> the final object:")
    print(json.dumps(batch, indent=2))
    return batch["state"] == "success"


def show_log(path):
    print(f"---- {path}", file=sys.stderr)
    print(path.read_text(errors="replace"), end="", file=sys.stderr)
    print("----", file=sys.stderr)


def demo():
    STATE.mkdir(mode=0o700, exist_ok=True)
    log_path = STATE / "florusd.log"
    with open(log_path, "wb") as log:
        daemon = start(0, log)
    try:
        print("==> starting florusd", flush=True)
        ended_well = run_example(wait_until_ready(daemon))
        if stop(daemon) != 0:
            raise Trouble(f"florusd ended with status {daemon.returncode} after SIGTERM")
        print("==> florusd has stopped; its state is in .florus/", flush=True)
        return 0 if ended_well else 1
    except Trouble:
        show_log(log_path)
        raise
    finally:
        stop(daemon)


def serve():
    daemon = start(int(os.environ.get("PORT", "8998")), None)
    try:
        url = wait_until_ready(daemon)
        print(f"==> serving at {url} (Ctrl-C stops the server, not the jobs), web page {url}/ui. Try:")
        body = json.dumps({"file": str(EXAMPLE), "args": ["4"]})
        print(f"    curl -s -H 'Content-Type: application/json' -d '{body}' {url}/batches")
        print(f"    curl -s {url}/batches/0/log", flush=True)
        return daemon.wait()
    finally:
        stop(daemon)


def end_in_order(_signal, _frame):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, end_in_order)
    try:
        return serve() if sys.argv[1:] == ["--serve"] else demo()
    except Trouble as trouble:
        print(f"error: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\n==> stopped", file=sys.stderr)
        return 0 if sys.argv[1:] == ["--serve"] else 130


if __name__ == "__main__":
    sys.exit(main())
