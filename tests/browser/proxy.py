"""A server between the browser and florusd: strips a prefix as proxies do, and answers in florusd's place when told to."""

import base64
import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Proxy:
    def __init__(self, gateway, prefix=""):
        self.gateway = gateway
        self.prefix = prefix
        self.answers = {}  # path without the query -> what is sent as JSON, instead of asking
        self.headers = {}  # path -> (name, value) pairs that go with florusd's answer
        self.login = None  # "user:password" that every request must come with
        self.user = None  # whom it names in X-Forwarded-User
        self.refuse_delete = None  # (status, what is sent as JSON) for every DELETE
        self.down = False  # whether it breaks every connection
        self.seen = []  # (method, target, headers)
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                proxy.handle(self)

            do_GET = do_DELETE = do_POST = handle_one

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}{prefix}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def count(self, part):
        return sum(part in target for _, target, _ in self.seen)

    def handle(self, handler):
        self.seen.append((handler.command, handler.path, dict(handler.headers)))
        if self.down or not handler.path.startswith(self.prefix):
            handler.close_connection = True
            return
        if self.login and handler.headers.get("Authorization") != f"Basic {base64.b64encode(self.login.encode()).decode()}":
            self.send(handler, 401, [("WWW-Authenticate", 'Basic realm="test"')], b"")
            return
        target = handler.path[len(self.prefix) :]
        canned = self.answers.get(target.split("?")[0])
        if handler.command == "DELETE" and self.refuse_delete:
            self.send_json(handler, *self.refuse_delete)
        elif canned is not None:
            self.send_json(handler, 200, canned)
        else:
            self.forward(handler, target)

    def send_json(self, handler, status, value):
        self.send(handler, status, [("Content-Type", "application/json;charset=utf-8")], json.dumps(value).encode())

    def forward(self, handler, target):
        connection = http.client.HTTPConnection(self.gateway.host, self.gateway.port, timeout=30)
        try:
            headers = {"X-Requested-By": handler.headers.get("X-Requested-By", "")}
            if self.user:
                headers["X-Forwarded-User"] = self.user
            connection.request(handler.command, target, headers=headers)
            answer = connection.getresponse()
            keep = [(k, v) for k, v in answer.getheaders() if k.lower() not in ("content-length", "connection", "transfer-encoding", "date")]
            self.send(handler, answer.status, keep + self.headers.get(target, []), answer.read())
        finally:
            connection.close()

    def send(self, handler, status, headers, body):
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        try:
            handler.wfile.write(body)
        except ConnectionError:
            handler.close_connection = True
