"""A notebook's cells by sparkmagic's magics: with_sparkmagic.py URL [USER PASSWORD]. Prints what it saw as JSON."""

import json
import logging
import os
import signal
import sys
import threading
import time
import warnings

os.environ["SPARKMAGIC_CONF_DIR"] = os.getcwd()
warnings.simplefilter("ignore")

import requests  # noqa: E402
import sparkmagic.utils.configuration as conf  # noqa: E402
from IPython.core.interactiveshell import InteractiveShell  # noqa: E402
from IPython.utils.capture import capture_output  # noqa: E402
from sparkmagic.kernels.kernelmagics import KernelMagics  # noqa: E402
from sparkmagic.livyclientlib.endpoint import Endpoint  # noqa: E402
from sparkmagic.magics.remotesparkmagics import RemoteSparkMagics  # noqa: E402
from sparkmagic.utils.utils import Namespace, initialize_auth  # noqa: E402

url, *auth = sys.argv[1:]
login = f"-t Basic_Access -a {auth[0]} -p {auth[1]}" if auth else "-t None"
conf.override("heartbeat_refresh_seconds", 1)  # it joins the heartbeat's thread at an end: half a minute by default
conf.override("configurable_retry_policy_max_retries", 0)
shell = InteractiveShell.instance()
seen = {}


def cell(line, body=None):
    """What a cell showed: what it printed, what it displayed as HTML, and its error."""
    with capture_output() as caught:
        result = shell.run_cell(f"%{line}" if body is None else f"%%{line}\n{body}")
    pages = [each.data["text/html"] for each in caught.outputs if "text/html" in each.data]
    error = result.error_in_exec and type(result.error_in_exec).__name__
    return caught.stdout.strip() + caught.stderr.strip(), "".join(pages), error


def get(path):
    return requests.get(url + path, auth=tuple(auth) or None, timeout=60).json()


def interrupt_when_it_runs(session):
    while "running" not in [each["state"] for each in get(f"/sessions/{session}/statements")["statements"] if "sleep" in each["code"]]:
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)


# %%spark, in any shell
shell.register_magics(RemoteSparkMagics(shell))
cell("spark config", json.dumps({"name": "mine", "driverMemory": "900m", "conf": {"spark.a": 1}}))
seen["add"] = cell(f"spark add -s mine -l python -u {url} {login}")[0].splitlines()
manager = shell.magics_manager.registry["RemoteSparkMagics"].spark_controller.session_manager
session = manager.get_session("mine").id
seen["value"] = cell("spark -s mine", "x = 6\nx * 7")[0]
seen["printed"] = cell("spark -s mine", "print('one')\nprint('zwei ü')")[0]
seen["error"] = cell("spark -s mine", "1/0")[0].splitlines()
cell("spark -s mine -o frame", "frame = spark.rows({'a': 1, 'b': 'x'}, {'a': 2, 'b': 'y'})")
seen["frame"] = shell.user_ns["frame"].to_dict("list")
cell("spark -s mine -c sql -o rows -q -n 20000", "20000")
seen["sql"] = [len(shell.user_ns["rows"]), len(shell.user_ns["rows"]["t"][19999])]
seen["sql error"] = cell("spark -s mine -c sql", "bad")[0].splitlines()[1:2]
watch = threading.Thread(target=interrupt_when_it_runs, args=(session,))
watch.start()
seen["interrupted"] = cell("spark -s mine", "import time\ntime.sleep(600)")
watch.join()
seen["after"] = cell("spark -s mine", "x")[0]
seen["logs"] = "driver starts" in cell("spark logs -s mine")[0]
seen["info"] = f"Session id: {session}" in cell("spark info")[0]
cell("spark delete -s mine")
cell("spark config", json.dumps({"nosuch": 1}))
seen["refused"] = cell(f"spark add -s bad -l python -u {url} {login}")[0].splitlines()[1:]

# The magics of its PySpark kernel
conf.override("session_configs", {})
kernel = KernelMagics(shell)
shell.register_magics(kernel)
kernel.language = "python"
user, password = auth or ("", "")
kernel.endpoint = Endpoint(url, initialize_auth(Namespace(auth="Basic_Access" if auth else "None", user=user, password=password, url=url)))
seen["configure"] = "mine too" in cell("configure -f", json.dumps({"name": "mine too"}))[1]
seen["kernel"] = cell("spark", "x = 1\nx")[0].splitlines()[-1:]
seen["kernel info"] = "local-" in cell("info", " ")[1]
seen["kernel logs"] = "driver starts" in cell("logs", " ")[0]
shell.user_ns["sent"] = "ä'\""
cell("send_to_spark -i sent -t str", " ")
seen["sent"] = cell("spark", "sent")[0]
cell("cleanup -f", " ")
seen["left"] = [each for each in get("/sessions")["sessions"] if each["name"] in ("mine", "mine too")]
logging.disable()
json.dump(seen, sys.stdout)
sys.stdout.flush()
os._exit(0)  # its threads sleep for long
