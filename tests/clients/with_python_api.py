"""Jobs and uploads as Livy's python-api sends them: with_python_api.py URL [USER PASSWORD]. Prints what it saw as JSON.

That client is in Livy's repository alone, not in a package: here is what it puts on the wire (the same library, headers,
slash and time limit), and how it reads the answers. Its pickles come from cloudpickle; those of plain functions are as good.
"""

import base64
import json
import pickle
import sys
import time
from pathlib import Path

import requests

url, *auth = sys.argv[1:]
JSON = {"Content-Type": "application/json", "Accept": "application/json"}
seen = {}


class Call:
    def __init__(self, code):
        self.code = code

    def __reduce__(self):
        return eval, (f"lambda context: {self.code}",)


def send(method, suffix, headers=None, files=None, data=None):
    answer = requests.request(method, f"{url}/sessions{suffix}", timeout=10, headers={"X-Requested-By": "livy", **(headers or {})},
                              files=files, json=data, auth=tuple(auth) or None)
    assert answer.ok, answer.text
    return answer


def run(command, code):
    job = base64.b64encode(pickle.dumps(Call(code))).decode()
    sent = send("POST", f"/{session}/{command}", JSON, data={"job": job, "jobType": "pyspark"}).json()
    assert sorted(sent) == ["error", "id", "result", "state"]
    while True:
        status = send("GET", f"/{session}/jobs/{sent['id']}", {"Accept": "application/json"}).json()
        if status["state"] == "SUCCEEDED":
            return pickle.loads(base64.b64decode(base64.b64decode(status["result"])))
        if status["state"] == "FAILED":
            return status["error"].splitlines()[-1]
        assert status["state"] in ("QUEUED", "STARTED"), status
        time.sleep(0.05)


session = send("POST", "/", JSON, data={"kind": "pyspark", "conf": {"livy.uri": url}}).json()["id"]
while send("GET", f"/{session}").json()["state"] != "idle":
    time.sleep(0.05)
send("POST", f"/{session}/connect", JSON)
Path("code_of_mine.py").write_text("answer = 42\n", encoding="utf-8")
for command in ("upload-pyfile", "upload-file"):
    seen[command] = send("POST", f"/{session}/{command}", files={"file": open("code_of_mine.py", "rb")}).text
seen["submit"] = run("submit-job", "__import__('code_of_mine').answer")
seen["run"] = run("run-job", "'hello'")
seen["error"] = run("submit-job", "1 / 0")
seen["gone"] = send("DELETE", f"/{session}").json()
json.dump(seen, sys.stdout)
