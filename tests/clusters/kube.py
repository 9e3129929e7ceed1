"""A real Kubernetes API server with its etcd, on this host alone, and a kubelet of our own that runs pods as processes.

What is real: every answer of the API, TLS, tokens, certificates, RBAC, quotas, watches, logs through the kubelet's proxy.
What is not: nodes, and what a controller manager does. The kubelet below binds pods to one node, runs them here, says how they
ended, and removes what a pod owned that is gone. The annotation `run` of a pod is a shell command that stands for its container;
`stuck` is a reason why it cannot start; without either, it is what Spark's image would run (pods.py): a real driver, or a real executor.
"""

import ctypes
import datetime
import http.client
import http.server
import json
import os
import signal
import ssl
import subprocess
import threading
import time
import urllib.parse

import pods
from certs import Authority, openssl
from gateway import until
from parts import CACHE, Part, free_ports

VERSION = "1.20.2"
API_SERVER = CACHE / f"kube-{VERSION}" / "kube-apiserver"
NODE, CONF_VOLUMES = "here", "spark-conf-volume-"  # of drivers, of executors
ADMIN_TOKEN, FLORUS_TOKEN, NOBODY_TOKEN = "admin-secret", "florus-secret", "nobody-secret"
RULES = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["create", "get", "list", "watch", "delete"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["services", "configmaps"], "verbs": ["create", "get", "delete"]},
]
DRIVER_RULES = [  # what a driver needs for its executors
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["create", "get", "list", "watch", "delete", "deletecollection"]},
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "deletecollection"]},
    {"apiGroups": [""], "resources": ["services"], "verbs": ["list", "delete", "deletecollection"]},
    {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["list", "deletecollection"]},
]
PDEATHSIG = 1


def die_with_parent():
    ctypes.CDLL(None).prctl(PDEATHSIG, signal.SIGKILL)


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp():
    ns = time.time_ns()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9)) + f".{ns % 10**9:09d}Z"


class Kube:
    """The API server and its etcd; .api() speaks to it as its administrator."""

    def __init__(self, root):
        self.root = root
        self.authority = Authority(root)
        self.server_pair, self.client_pair = self.authority.issue("kube", more=f",DNS:{pods.API_NAME}"), self.authority.issue("florus")
        (self.port,), self.parts, self.number = free_ports(1), [], 0
        self.url = f"https://127.0.0.1:{self.port}"
        self.etcd_port = None

    def spawn(self, name, *command):
        part = Part(name, command, self.root)
        self.parts.append(part)
        return part.start()

    def start(self):
        assert API_SERVER.exists(), f"no {API_SERVER}: run tools/setup clusters"
        self.etcd_port, peer = free_ports(2)
        client, peer = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{peer}"
        self.spawn("etcd", "etcd", "--data-dir", "etcd", "--listen-client-urls", client, "--advertise-client-urls", client,
                   "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                   "--initial-cluster", f"default={peer}", "--unsafe-no-fsync")  # fmt: skip
        openssl("genpkey", "-algorithm", "RSA", "-out", self.root / "account.key")
        tokens = [(ADMIN_TOKEN, "admin", '"system:masters"'), (FLORUS_TOKEN, "florus", ""), (NOBODY_TOKEN, "nobody", "")]
        (self.root / "tokens.csv").write_text("".join(f"{t},{u},{u},{g}\n" for t, u, g in tokens))
        self.serve()
        return self

    def serve(self):
        self.server = self.spawn(
            "apiserver", API_SERVER, "--etcd-servers", f"http://127.0.0.1:{self.etcd_port}",
            "--bind-address", "127.0.0.1", "--secure-port", self.port, "--token-auth-file", "tokens.csv",
            "--tls-cert-file", self.server_pair.cert, "--tls-private-key-file", self.server_pair.key,
            "--client-ca-file", self.authority.pair.cert, "--service-account-issuer", "https://here",
            "--service-account-key-file", "account.key", "--service-account-signing-key-file", "account.key",
            "--service-cluster-ip-range", "10.0.0.0/24", "--authorization-mode", "RBAC", "--cert-dir", "certs",
            "--disable-admission-plugins", "ServiceAccount,TaintNodesByCondition", "--kubelet-preferred-address-types", "InternalIP",
            "--enable-priority-and-fairness=false", "--event-ttl", "1m", "--watch-cache=true")  # fmt: skip
        self.server.wait_ready(self.is_ready)

    def is_ready(self):
        try:
            return self.call("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def call(self, method, path, body=None, token=ADMIN_TOKEN, kind="application/json"):
        """(status, answer), the answer as JSON when it is some."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.authority.trust(), timeout=30)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        return answer.status, json.loads(text) if text.startswith("{") else text

    def api(self, method, path, body=None, expect=(200, 201), **options):
        status, answer = self.call(method, path, body, **options)
        assert status in expect, f"{method} {path}: {status} {answer}"
        return answer

    def namespace(self):
        """A new one, in which florus may do what SECURITY.md says that it needs."""
        self.number += 1
        name = f"jobs{self.number}"
        self.api("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        self.allow(name, "florus", RULES, {"kind": "User", "apiGroup": "rbac.authorization.k8s.io"})
        return Namespace(self, name)

    def allow(self, namespace, who, rules, kind):
        rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
        self.api("POST", f"{rbac}/roles", {"metadata": {"name": who}, "rules": rules})
        self.api("POST", f"{rbac}/rolebindings", {
            "metadata": {"name": who}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": who},
            "subjects": [{"name": who, **kind}]})  # fmt: skip

    def account(self, place, name):
        """A service account that drivers of this namespace can be given."""
        self.api("POST", f"{place.path}/serviceaccounts", {"metadata": {"name": name}})
        self.allow(place.name, name, DRIVER_RULES, {"kind": "ServiceAccount", "namespace": place.name})

    def kubeconfig(self, path, user, ns):
        """For florusd: `user` is a dict of a kubeconfig's user."""
        path.write_text(json.dumps({  # JSON is YAML
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "c", "cluster": {"server": self.url, "certificate-authority": str(self.authority.pair.cert)}}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": ns}}]}))  # fmt: skip
        path.chmod(0o600)
        return path

    def crash(self):
        """The API server is gone at once; serve() brings it back."""
        self.parts.remove(self.server)
        end(self.server)

    def stop(self):
        for part in reversed(self.parts):
            end(part)


def end(part):
    """At once: an API server that is asked to end waits for its watches."""
    for pid in part.own():
        os.kill(pid, signal.SIGKILL)
    part.stop()


class Namespace:
    def __init__(self, kube, name):
        self.kube, self.name, self.path = kube, name, f"/api/v1/namespaces/{name}"

    def list(self, what="pods"):
        return self.kube.api("GET", f"{self.path}/{what}")["items"]

    def pod(self, name):
        status, pod = self.kube.call("GET", f"{self.path}/pods/{name}")
        return pod if status == 200 else None


class Kubelet:
    """Binds and runs every pod of a Kube; its own threads, its own HTTPS server for logs. images: the Spark of each name."""

    def __init__(self, kube, images):
        self.kube, self.images, self.running, self.logs, self.seen = kube, images, {}, {}, {}
        self.stopping = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(kube.server_pair.cert, kube.server_pair.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.register()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def register(self):
        self.kube.api("POST", "/api/v1/nodes", {"metadata": {"name": NODE}})
        status = {"addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                  "daemonEndpoints": {"kubeletEndpoint": {"Port": self.server.server_address[1]}}}  # fmt: skip
        self.patch(f"/api/v1/nodes/{NODE}/status", {"status": status})

    def patch(self, path, body):
        return self.kube.call("PATCH", path, body, kind="application/strategic-merge-patch+json")

    def work(self):
        while not self.stopping.wait(0.05):
            try:
                there = self.kube.call("GET", "/api/v1/pods")[1]["items"]
                self.collect(there)
                for pod in there:
                    self.look(pod)
            except (OSError, http.client.HTTPException, LookupError, TypeError, ValueError):
                pass  # the API server is away for a test's sake

    def collect(self, now_there):
        """What belonged to a pod that is gone goes, too."""
        there = {p["metadata"]["uid"]: p["metadata"]["namespace"] for p in now_there}
        gone = self.seen.keys() - there.keys()
        for namespace in {self.seen[uid] for uid in gone}:
            for what in ("pods", "services", "configmaps"):
                path = f"/api/v1/namespaces/{namespace}/{what}"
                for item in self.kube.call("GET", path)[1]["items"]:
                    if any(o["uid"] in gone for o in item["metadata"].get("ownerReferences", [])):
                        self.kube.call("DELETE", f"{path}/{item['metadata']['name']}")
        self.seen = there

    def look(self, pod):
        meta, path = pod["metadata"], self.path_of(pod)
        if "deletionTimestamp" in meta:
            self.end(pod)
        elif "nodeName" not in pod["spec"]:
            target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
            self.kube.call("POST", f"{path}/binding", {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": meta["name"]}, "target": target})
        elif meta["uid"] not in self.running and pod["status"]["phase"] == "Pending":
            self.begin(pod)
        elif self.running.get(meta["uid"]) and self.running[meta["uid"]].poll() is not None:
            self.tell_end(pod, self.running[meta["uid"]].returncode)

    @staticmethod
    def place_of(pod):
        return f"/api/v1/namespaces/{pod['metadata']['namespace']}"

    def path_of(self, pod):
        return f"{self.place_of(pod)}/pods/{pod['metadata']['name']}"

    def begin(self, pod):
        notes = pod["metadata"].get("annotations", {})
        if "stuck" in notes:
            waiting = {"waiting": {"reason": notes["stuck"], "message": "as the test wishes"}}
            self.say(pod, "Pending", waiting)
            return
        uid = pod["metadata"]["uid"]
        folder = self.kube.root / uid
        volumes = self.volumes(pod, folder)
        if volumes is None:
            return  # the kubelet waits for the config map
        pod["status"]["podIP"] = pods.address()
        command = ["sh", "-c", notes["run"]] if "run" in notes else self.spark(pod, folder, volumes)
        self.logs[(pod["metadata"]["namespace"], pod["metadata"]["name"])] = lines = []
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   cwd=folder, start_new_session=True, preexec_fn=die_with_parent)  # fmt: skip
        reader = threading.Thread(target=self.read, args=(process, lines), daemon=True)
        reader.start()
        process.reader = reader
        self.running[uid] = process
        self.say(pod, "Running", {"running": {"startedAt": now()}})

    def volumes(self, pod, folder):
        """A folder for each; None while a config map is not there."""
        found = {}
        folder.mkdir(exist_ok=True)
        for volume in pod["spec"].get("volumes", []):
            found[volume["name"]] = to = folder / "volumes" / volume["name"]
            to.mkdir(parents=True, exist_ok=True)
            if "configMap" in volume:
                status, there = self.kube.call("GET", f"{self.place_of(pod)}/configmaps/{volume['configMap']['name']}")
                if status != 200:
                    return None
                for item in volume["configMap"].get("items") or [{"key": k, "path": k} for k in there["data"]]:
                    (to / item["path"]).write_text(there["data"][item["key"]])
        return found

    def spark(self, pod, folder, volumes):
        container = self.container(pod)
        mounts = [(volumes[m["name"]], m["mountPath"]) for m in container.get("volumeMounts", [])]
        mounts.append((self.account(pod, folder), pods.ACCOUNT))
        more = {"KUBERNETES_SERVICE_HOST": pods.API_NAME, "KUBERNETES_SERVICE_PORT": str(self.kube.port)}
        return pods.command(folder, container, pod, mounts, self.names(pod), self.images[container["image"]], more)

    def account(self, pod, folder):
        """The files by which a pod shows the API server who it is."""
        name, to = pod["spec"].get("serviceAccountName", "default"), folder / "account"
        status, answer = self.kube.call("POST", f"{self.place_of(pod)}/serviceaccounts/{name}/token", {"spec": {}})
        to.mkdir()
        (to / "token").write_text(answer["status"]["token"] if status == 201 else "")
        (to / "ca.crt").write_text(self.kube.authority.pair.cert.read_text())
        (to / "namespace").write_text(pod["metadata"]["namespace"])
        return to

    def names(self, pod):
        """What the DNS of the cluster would say: the API server, and each service that has no address of its own by the pods it selects."""
        others = [pod, *self.kube.call("GET", f"{self.place_of(pod)}/pods")[1]["items"]]
        found = [("127.0.0.1", pods.API_NAME)]
        for service in self.kube.call("GET", f"{self.place_of(pod)}/services")[1]["items"]:
            wanted = service["spec"]["selector"].items()
            ips = {p["status"]["podIP"] for p in others if "podIP" in p["status"] and wanted <= p["metadata"]["labels"].items()}
            found += [(ip, f"{service['metadata']['name']}.{pod['metadata']['namespace']}.svc") for ip in ips]
        return found

    @staticmethod
    def read(process, lines):
        for line in process.stdout:
            lines.append(stamp().encode() + b" " + line)

    @staticmethod
    def container(pod):
        """The one that mounts Spark's configuration: a template may have called it as it likes."""
        (found,) = (c for c in pod["spec"]["containers"] if any(m["name"].startswith(CONF_VOLUMES) for m in c.get("volumeMounts", [])))
        return found

    def say(self, pod, phase, state):
        name, ready = self.container(pod)["name"], "running" in state and state["running"] is not None
        status = {"phase": phase, "conditions": [{"type": "Ready", "status": str(ready)}],
                  "containerStatuses": [{"name": name, "image": "i", "imageID": "", "ready": ready, "restartCount": 0, "state": state}]}  # fmt: skip
        if "podIP" in pod["status"]:
            status |= {"podIP": pod["status"]["podIP"], "podIPs": [{"ip": pod["status"]["podIP"]}], "hostIP": "127.0.0.1"}
        return self.patch(f"{self.path_of(pod)}/status", {"status": status})

    def tell_end(self, pod, code):
        if pod["status"]["phase"] != "Running":
            return
        process = self.running[pod["metadata"]["uid"]]
        process.reader.join(5)
        code = code if code >= 0 else 128 - code
        ended = {"exitCode": code, "reason": "Error" if code else "Completed", "startedAt": now(), "finishedAt": now()}
        self.say(pod, "Failed" if code else "Succeeded", {"running": None, "terminated": ended})

    def end(self, pod):
        process = self.running.get(pod["metadata"]["uid"])
        if process and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.kube.call("DELETE", self.path_of(pod), {"gracePeriodSeconds": 0})

    def log_of(self, pod):
        """All that its container wrote."""
        lines = self.logs[(pod["metadata"]["namespace"], pod["metadata"]["name"])]
        return b"".join(line.partition(b" ")[2] for line in lines)

    def handler(self):
        logs = self.logs

        class Logs(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                """/containerLogs/<namespace>/<pod>/<container>?timestamps=true&sinceTime=…&limitBytes=…"""
                url = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(url.query))
                lines = list(logs.get(tuple(url.path.split("/")[2:4]), []))
                since = query.get("sinceTime", "").rstrip("Z").encode()
                text = b"".join(line for line in lines if line[: len(since)] >= since)[: int(query.get("limitBytes", 1 << 40))]
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args):
                pass

        return Logs

    def stop(self):
        self.stopping.set()
        self.thread.join(10)
        self.server.shutdown()
        for process in self.running.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()



class Liar:
    """Stands before a Kube and lets requests through, but for those that it loses: lose("POST", "/pods", "answer").

    After mute() what it passes on falls silent: no connection breaks, and no byte comes, as when the network is cut."""

    def __init__(self, kube):
        self.kube, self.losses, self.lost, self.generation = kube, [], [], 0
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(kube.server_pair.cert, kube.server_pair.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def lose(self, method, end, what, times=1):
        """what: the "request", which never arrives, or its "answer"."""
        self.losses += [(method, end, what)] * times

    def refuse(self, method, end, status, times=1, **headers):
        """In the server's place."""
        self.losses += [(method, end, (status, headers))] * times

    def mute(self):
        """The answers that are under way now, such as watches."""
        self.generation += 1

    @staticmethod
    def mend(path, body):
        """Spark applies services whose ports have no protocol, which this API server answers by 500; later ones know the default."""
        if "/services/" not in path or not body.startswith(b"{"):
            return body
        service = json.loads(body)
        for port in service.get("spec", {}).get("ports", []):
            port.setdefault("protocol", "TCP")
        return json.dumps(service)

    def loss(self, method, path):
        for loss in self.losses:
            if loss[0] == method and urllib.parse.urlsplit(path).path.endswith(loss[1]):
                self.losses.remove(loss)
                return loss
        return None

    def handler(liar):  # noqa: N805
        class Through(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = liar.mend(self.path, self.rfile.read(int(self.headers.get("Content-Length") or 0)))
                loss = liar.loss(self.command, self.path)
                if loss and isinstance(loss[2], tuple):
                    self.answer(loss, *loss[2])
                    return
                if loss and loss[2] == "request":
                    self.drop(loss)
                    return
                connection = http.client.HTTPSConnection("127.0.0.1", liar.kube.port, context=liar.kube.authority.trust())
                headers = {k: v for k, v in self.headers.items() if k.lower() in ("authorization", "content-type", "accept")}
                connection.request(self.command, self.path, body or None, headers)
                answer = connection.getresponse()
                if loss:
                    answer.read()
                    self.drop(loss)
                    return
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.getheader("Content-Type") or "text/plain")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                generation = liar.generation
                while piece := answer.read1(65536):
                    if generation != liar.generation:
                        continue
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.write(b"0\r\n\r\n")
                connection.close()

            do_POST = do_PATCH = do_DELETE = do_GET

            def answer(self, loss, status, headers):
                liar.lost.append((*loss, time.monotonic()))
                self.send_response(status)
                for name, value in {**headers, "Content-Length": 2}.items():
                    self.send_header(name.replace("_", "-"), str(value))
                self.end_headers()
                self.wfile.write(b"{}")

            def drop(self, loss):
                liar.lost.append(loss)
                self.close_connection = True

            def log_message(self, *args):
                pass

        return Through

    def stop(self):
        self.server.shutdown()
