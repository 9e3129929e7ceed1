"""HTTP by hand: a socket that sends exactly the bytes it is told to, and reads answers one by one.

http.client is too polite for the framing tests; this is as rude as needed.
"""

import json
import socket
import ssl
import time


class Answer:
    """One HTTP response. `body` is the parsed JSON where the content type says JSON, else the bytes."""

    def __init__(self, status, reason, headers, raw):
        self.status, self.reason, self.headers, self.raw = status, reason, headers, raw

    def header(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def all(self, name):
        return [v for k, v in self.headers if k.lower() == name.lower()]

    @property
    def body(self):
        if not self.raw or not (self.header("Content-Type") or "").startswith("application/json"):
            return self.raw
        return json.loads(self.raw)

    @property
    def text(self):
        return self.raw.decode()

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.headers} {self.raw[:2000]!r}>"


class Closed(Exception):
    """The server closed the connection instead of answering."""


class Wire:
    def __init__(self, host, port, timeout=10, trust=None):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if trust:
            self.socket = trust.wrap_socket(self.socket, server_hostname=host)
        self.timeout = timeout
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Vanishes with a RST instead of a FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.socket.close()

    def send(self, data):
        """A server that has heard enough may close before all is sent: that is its answer's matter, not ours."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            pass
        return self

    def fill(self):
        try:
            more = self.socket.recv(1 << 16)
        except ConnectionResetError:
            more = b""
        if not more:
            raise Closed(f"connection closed; unread: {self.buffer[:500]!r}")
        self.buffer += more

    def until(self, mark):
        while mark not in self.buffer:
            self.fill()
        head, _, self.buffer = self.buffer.partition(mark)
        return head

    def exactly(self, n):
        while len(self.buffer) < n:
            self.fill()
        part, self.buffer = self.buffer[:n], self.buffer[n:]
        return part

    def chunks(self):
        body = b""
        while True:
            size = int(self.until(b"\r\n").split(b";")[0], 16)
            body += self.exactly(size)
            self.until(b"\r\n")
            if size == 0:
                return body

    def answer(self, head=False):
        """The next response; head: it is one to a HEAD request. 100 Continue counts as a response."""
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, *reason = lines[0].split(" ", 2)
        assert version in ("HTTP/1.1", "HTTP/1.0"), lines[0]
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        answer = Answer(int(status), " ".join(reason), headers, b"")
        if head or answer.status in (100, 204, 304):
            return answer
        if answer.header("Transfer-Encoding") == "chunked":
            answer.raw = self.chunks()
        elif answer.header("Content-Length") is not None:
            answer.raw = self.exactly(int(answer.header("Content-Length")))
        else:
            try:
                while True:
                    self.fill()
            except Closed:
                answer.raw, self.buffer = self.buffer, b""
        return answer

    def closed(self, within=5):
        """True when the server closes this connection in time without sending anything more."""
        self.socket.settimeout(within)
        try:
            self.fill()
        except Closed:
            return self.buffer == b""
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(self.timeout)
        return False

    def quiet(self, for_s):
        """True when nothing arrives, not even a close, for so long."""
        end = time.monotonic() + for_s
        self.socket.settimeout(for_s)
        try:
            self.fill()
        except TimeoutError:
            return time.monotonic() >= end - 0.05
        except Closed:
            return False
        finally:
            self.socket.settimeout(self.timeout)
        return False
