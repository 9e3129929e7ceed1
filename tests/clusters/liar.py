"""A cluster's HTTP server that can be told to lie: what no real one does on demand.

It answers by its `truth`, a function of (method, path, query, body) that gives (status, text or something for JSON). tell()
makes it answer some paths otherwise: once, so many times, or until stop_lying().
"""

import json
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Lies:
    """What may be told: each gets the handler and truth(), which processes the request, and answers or does not."""

    @staticmethod
    def error(handler, truth):
        """Not processed, and says so: 500 without a word."""
        handler.send(500, "")

    @staticmethod
    def away(handler, truth):
        handler.send(503, "down for maintenance")

    @staticmethod
    def unauthorized(handler, truth):
        handler.send(401, "who are you?")

    @staticmethod
    def challenge(handler, truth):
        """Not processed: it wants to see a ticket."""
        handler.send_response(401)
        handler.send_header("WWW-Authenticate", "Negotiate")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    @staticmethod
    def dropped(handler, truth):
        """Neither processed nor answered."""
        handler.close_connection = True

    @staticmethod
    def lost(handler, truth):
        """Processed; the answer does not arrive."""
        truth()
        handler.close_connection = True

    @staticmethod
    def garbage(handler, truth):
        """Processed, and answered by something that is no JSON."""
        truth()
        handler.send(200, "<html>{{{{")

    @staticmethod
    def page(handler, truth):
        """Not processed: a proxy's page, with the status of success."""
        handler.send(200, "<html>please log in")

    @staticmethod
    def standby(handler, truth):
        """Not processed: as a resource manager says it that knows of no active one."""
        handler.send(307, "There is no active RM right now.")

    @staticmethod
    def cut(handler, truth):
        """Processed; the answer ends in the middle."""
        status, text = truth()
        handler.send(status, text, announced=len(text.encode()) + 100)
        handler.close_connection = True

    @staticmethod
    def slow(handler, truth):
        """A byte each second."""
        status, text = truth()
        handler.send_head(status, len(text.encode()))
        for byte in text.encode():
            if handler.server.liar.gone.wait(1):
                return
            handler.wfile.write(bytes([byte]))

    @staticmethod
    def hang(handler, truth):
        """Not processed before it is too late: never answered."""
        handler.server.liar.gone.wait()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send_head(self, status, length):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def send(self, status, text, announced=None):
        data = text.encode()
        self.send_head(status, announced or len(data))
        self.wfile.write(data)

    def serve(self):
        liar = self.server.liar
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode(errors="surrogateescape")
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))

        def truth():
            with liar.lock:
                status, answer = liar.truth(self.command, url.path, query, body)
            return status, answer if isinstance(answer, str) else json.dumps(answer)

        try:
            lie = liar.next_lie(self.command, url.path)
            if lie:
                getattr(Lies, lie)(self, truth)
            else:
                self.send(*truth())
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # a client that has given up

    do_GET = do_POST = do_PUT = do_DELETE = serve


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionResetError):  # a client that went away is none
            super().handle_error(request, client_address)


class Liar:
    def __init__(self, truth):
        self.truth = truth
        self.lock = threading.Lock()
        self.gone = threading.Event()
        self.seen = []  # (method, path) of every request
        self.lies = []  # [prefix of the path, lie, how often or None, method or None]
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.liar = self
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def tell(self, prefix, lie, times=None, method=None):
        """Paths that begin with prefix (and with a method are that) are lied about, so many times (None: until stop_lying())."""
        assert hasattr(Lies, lie), lie
        self.lies.append([prefix, lie, times, method])

    def stop_lying(self):
        self.lies.clear()

    def next_lie(self, method, path):
        with self.lock:
            self.seen.append((method, path))
            for lie in self.lies:
                meant = (method, path) == (lie[3], lie[0]) if lie[3] else path.startswith(lie[0])
                if meant and lie[2] != 0:
                    lie[2] = lie[2] and lie[2] - 1
                    return lie[1]
        return None

    def count(self, prefix, method=None):
        """How many requests there were."""
        with self.lock:
            return sum(path.startswith(prefix) and method in (None, m) for m, path in self.seen)

    def stop(self):
        self.gone.set()
        self.server.shutdown()
        self.server.server_close()
