"""A server that speaks Livy's batch API from memory and lies on request: what the CLI is tested against."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

HEAD = "stdout: "
TAIL = "\nstderr: "


class Batch:
    def __init__(self, id, **given):
        self.id = id
        self.name = given.get("name")
        self.owner = given.get("owner")
        self.state = given.get("state", "starting")
        self.lines = given.get("lines")  # None: no process yet
        self.said = given.get("said", [])  # the sections after the lines
        self.key = given.get("key")
        self.app_id = given.get("app_id")

    def log(self):
        return [] if self.lines is None else [HEAD, *self.lines, TAIL, *self.said]

    def view(self):
        return {"id": self.id, "name": self.name, "owner": self.owner, "proxyUser": None, "state": self.state,
                "appId": self.app_id,
                "appInfo": {"driverLogUrl": None, "sparkUiUrl": None, "executorLogUrls": None},
                "log": self.log()[-10:]}


class Request:
    def __init__(self, handler):
        url = urlsplit(handler.path)
        self.method = handler.command
        self.target = handler.path
        self.path = url.path
        self.query = {k: v[0] for k, v in parse_qs(url.query).items()}
        self.headers = handler.headers
        self.body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))

    def __repr__(self):
        return f"{self.method} {self.target}"


class Lie:
    """Stands in for the answer: a status with a body, or silence before or after the deed."""

    def __init__(self, method, path, status=None, body=b"", headers=None, act=False, cut=False):
        self.method, self.path = method, path
        self.status, self.body, self.headers = status, body, headers or {}
        self.act = act  # do what was asked first
        self.cut = cut  # then close the connection without a word

    def fits(self, request):
        return request.method == self.method and re.fullmatch(self.path, request.path)


class StandIn:
    """One server; stop() and start() keep its batches, as a durable server does."""

    def __init__(self):
        self.batches = {}
        self.requests = []
        self.lies = []
        self.before = lambda request: None  # called before each request is answered
        self.lock = threading.RLock()
        self.server = None
        self.port = 0
        self.life = 0  # counts starts: connections of an earlier life are dead

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def add(self, id, **given):
        self.batches[id] = Batch(id, **given)
        return self.batches[id]

    def lie(self, method, path, times=1, **how):
        self.lies += [Lie(method, path, **how)] * times

    def seen(self, method, path=".*"):
        return [r for r in self.requests if r.method == method and re.fullmatch(path, r.path)]

    def start(self, port=None):
        standin = self
        self.life += 1

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            life = self.life

            def answer(self):
                standin.answer(self)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port if port is None else port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.stopped = False
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def stop(self):
        """As kill -9: nobody listens any more, and open connections break."""
        self.stopped = True
        self.server.shutdown()
        self.server.server_close()

    # --- answering ---

    def answer(self, handler):
        request = Request(handler)
        with self.lock:
            self.before(request)
            self.requests.append(request)
            lie = next((x for x in self.lies if x.fits(request)), None)
            if lie:
                self.lies.remove(lie)
            if self.stopped or handler.life != self.life or (lie and lie.cut and not lie.act):
                handler.close_connection = True
                return
            status, body = (lie.status, lie.body) if lie and not lie.act else self.act(request)
            if lie and lie.cut:
                handler.close_connection = True
                return
        if not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json;charset=utf-8")
        handler.send_header("Content-Length", str(len(body)))
        for name, value in (lie.headers if lie else {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        try:
            handler.wfile.write(body)
        except ConnectionError:
            handler.close_connection = True

    def act(self, request):
        path = request.path.removeprefix("/livy")
        if path == "/version":
            return 200, {"url": "x", "branch": "x", "revision": "x", "version": "0.9.0-florus", "date": "x", "user": "x"}
        if path == "/batches":
            return self.create(request) if request.method == "POST" else self.list(request)
        _, _, name, *rest = path.split("/")
        name = unquote(name)
        batch = next((b for b in self.batches.values() if str(b.id) == name or b.name == name), None)
        if not batch:
            return 404, {"msg": f"Session '{name}' not found."}
        if request.method == "DELETE":
            batch.state = "killed" if batch.state in ("starting", "running") else batch.state
            return 200, {"msg": "deleted"}
        if rest == ["state"]:
            return 200, {"id": batch.id, "state": batch.state}
        if rest == ["log"]:
            return self.log(batch, int(request.query["from"]), int(request.query["size"]))
        return 200, batch.view()

    def create(self, request):
        key = request.headers["Idempotency-Key"]
        batch = next((b for b in self.batches.values() if b.key == key), None)
        if not batch:
            batch = self.add(len(self.batches), name=json.loads(request.body).get("name"), key=key)
        return 201, batch.view()

    def list(self, request):
        first, size = int(request.query.get("from", 0)), int(request.query.get("size", 100))
        everyone = [self.batches[id].view() for id in sorted(self.batches)]
        return 200, {"from": first, "total": len(everyone), "sessions": everyone[first:first + size]}

    def log(self, batch, first, size):
        lines = batch.log()
        if first < 0:
            first = max(0, len(lines) - size)
        return 200, {"id": batch.id, "from": first, "total": len(lines), "log": lines[first:first + size]}
