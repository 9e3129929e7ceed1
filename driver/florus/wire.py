"""Frames between driver and florusd: a length of four bytes, big endian, then that many bytes of JSON. A text of ours
that may be long goes ahead of its message in parts, since florusd takes no frame that would hold it up.

A Link keeps one connection up: it dials, proves to know the secret and asks the same of the other side, hands on what
comes, and dials again when the connection is gone. Messages that wait to be sent when a connection breaks are
dropped: whoever must be heard (results) is asked for again by `on_up`.
"""

import collections
import hashlib
import hmac
import json
import os
import re
import socket
import ssl
import struct
import threading
import time

VERSION = 1
FRAME_MAX = 64 * 1024 * 1024  # bytes of one message of florusd's; one of ours: CHANNEL_FRAME_MAX of src/run/channel.h
PART_MAX = 16 * 1024  # characters of a text in one frame; JSON writes one as at most six bytes
LONG_TEXTS = {"result": "output", "job": "result"}  # by type of message
NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")  # as json writes it
OUTBOX_MAX = 4096  # messages that wait to be sent
RETRY_FIRST_S, RETRY_MAX_S = 0.05, 2.0
HANDSHAKE_TIMEOUT_S = 10
KEEP_ALIVE = (("SO_KEEPALIVE", 1), ("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 60000),
              ("TCP_NODELAY", 1))


class Broken(Exception):
    """The connection is of no use any more; the text says why."""


def read_exactly(sock, n):
    parts = []
    while n:
        part = sock.recv(min(n, 1 << 20))
        if not part:
            raise Broken("the other side has closed")
        parts.append(part)
        n -= len(part)
    return b"".join(parts)


def read_message(sock):
    (length,) = struct.unpack(">I", read_exactly(sock, 4))
    if length > FRAME_MAX:
        raise Broken(f"a frame of {length} bytes")
    try:
        message = json.loads(read_exactly(sock, length))
    except ValueError as trouble:
        raise Broken(f"not JSON: {trouble}") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise Broken("not a message")
    return message


def clean(text):
    """JSON as florusd takes it: with no NUL and no half of a surrogate pair."""
    if "\\u0000" in text:  # seldom, and looking is cheap
        text = NUL.sub(r"\1\\ufffd", text)
    return text.encode(errors="replace")


def encode(message):
    body = clean(json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False))
    return struct.pack(">I", len(body)) + body


def frames_of(message):
    """What a message of ours is sent as."""
    name = LONG_TEXTS.get(message["type"])
    text = message.get(name) or ""
    if len(text) > PART_MAX:
        for at in range(0, len(text), PART_MAX):
            yield encode({"type": "part", "text": text[at : at + PART_MAX]})
        message = {**message, name: None}
    yield encode(message)


def proof(secret, role, session, *nonces):
    """What only somebody can say who has the secret, for this connection only."""
    text = "\n".join((role, str(session), *nonces))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class Tls:
    """TLS with whoever has the one right certificate. OpenSSL must not be called by the thread that reads and the one
    that writes at once; so it works on buffers, under a lock, and only the socket waits."""

    def __init__(self, sock, fingerprint):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # no authority is asked: see below
        self.sock, self.lock = sock, threading.Lock()
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing)
        self._shake_hands()
        found = hashlib.sha256(self.tls.getpeercert(binary_form=True)).hexdigest()
        if not hmac.compare_digest(found, str(fingerprint)):
            raise Broken("whoever answered has another certificate")

    def _shake_hands(self):
        done = False
        while not done:
            try:
                self.tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                pass
            self.sock.sendall(self.outgoing.read())
            if not done:
                self._receive()

    def _receive(self):
        came = self.sock.recv(1 << 16)
        if not came:
            raise Broken("the other side has closed")
        with self.lock:
            self.incoming.write(came)

    def recv(self, n):
        while True:
            with self.lock:
                try:
                    return self.tls.read(n)
                except ssl.SSLWantReadError:
                    pass
            self._receive()

    def sendall(self, data):
        with self.lock:
            self.tls.write(data)
            to_send = self.outgoing.read()
        self.sock.sendall(to_send)

    def __getattr__(self, name):
        return getattr(self.sock, name)


def dial_network(where, fingerprint):
    host, _, port = where.rpartition(":")
    sock = socket.create_connection((host.strip("[]"), int(port)), HANDSHAKE_TIMEOUT_S)
    try:
        for name, value in KEEP_ALIVE:
            if hasattr(socket, name):
                sock.setsockopt(socket.SOL_SOCKET if name.startswith("SO_") else socket.IPPROTO_TCP, getattr(socket, name), value)
        return Tls(sock, fingerprint)
    except BaseException:
        sock.close()
        raise


def dial(address, fingerprint=None):
    """Connects to "unix:PATH", "unix:@NAME" (Linux's abstract names) or "tls:HOST:PORT"."""
    kind, _, where = address.partition(":")
    if kind == "tls":
        return dial_network(where, fingerprint)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(HANDSHAKE_TIMEOUT_S)
        sock.connect("\0" + where[1:] if where.startswith("@") else where)
    except OSError:
        sock.close()
        raise
    return sock


class Link:
    """`on_up(welcome)` when a connection stands, `on_message(message)` for each that comes, both on the link's thread."""

    def __init__(self, address, session, secret, on_up, on_message, fingerprint=None):
        self.address, self.session, self.secret, self.fingerprint = address, session, secret, fingerprint
        self.on_up, self.on_message = on_up, on_message
        self.lock = threading.Condition()
        self.outbox = collections.deque()
        self.sock = None
        self.closing = False
        self.lost_since = time.monotonic()
        self.hello = {}  # what the driver says of itself when it connects

    def start(self):
        for work in (self._read, self._write):
            threading.Thread(target=work, name=f"florus-{work.__name__}", daemon=True).start()

    def send(self, message):
        """Takes the message for the connection that stands now; without one it is dropped."""
        with self.lock:
            if self.sock and len(self.outbox) < OUTBOX_MAX:
                self.outbox.append(message)
                self.lock.notify_all()

    def flush(self, timeout_s):
        """Waits until everything was sent, or the time is over."""
        end = time.monotonic() + timeout_s
        with self.lock:
            while self.outbox and self.sock and time.monotonic() < end:
                self.lock.wait(0.05)

    def close(self):
        with self.lock:
            self.closing = True
            self._drop()

    def lost_for_s(self):
        """How long there has been no connection; 0 while there is one."""
        with self.lock:
            return 0 if self.sock else time.monotonic() - self.lost_since

    def _drop(self):
        """With the lock held."""
        if self.sock:
            self.lost_since = time.monotonic()
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.sock.close()
        self.sock = None
        self.outbox.clear()
        self.lock.notify_all()

    def _shake_hands(self, sock):
        challenge = read_message(sock)
        if challenge["type"] != "challenge" or challenge.get("version") != VERSION:
            raise Broken("florusd speaks another version of the protocol")
        theirs, ours = str(challenge.get("nonce")), os.urandom(16).hex()
        sock.sendall(encode({"type": "hello", "version": VERSION, "session": self.session, "nonce": ours,
                             "proof": proof(self.secret, "driver", self.session, theirs, ours), **self.hello}))
        welcome = read_message(sock)
        expected = proof(self.secret, "florusd", self.session, ours, theirs)
        if welcome["type"] != "welcome" or not hmac.compare_digest(str(welcome.get("proof")), expected):
            raise Broken("whoever answered does not know the secret")
        sock.settimeout(None)
        return welcome

    def _connect(self):
        """Dials until it is answered; None when closing."""
        wait_s = RETRY_FIRST_S
        while not self.closing:
            sock = None
            try:
                sock = dial(self.address, self.fingerprint)
                welcome = self._shake_hands(sock)
                with self.lock:
                    self.sock = sock
                return welcome
            except (OSError, Broken, ValueError):
                if sock:
                    sock.close()
                time.sleep(wait_s)
                wait_s = min(2 * wait_s, RETRY_MAX_S)
        return None

    def _read(self):
        while True:
            welcome = self._connect()
            if not welcome:
                return
            self.on_up(welcome)
            try:
                while True:
                    self.on_message(read_message(self.sock))
            except (OSError, Broken, AttributeError):  # the last: closed by the other thread
                with self.lock:
                    self._drop()

    def _write(self):
        while True:
            with self.lock:
                while not self.outbox and not self.closing:
                    self.lock.wait()
                if self.closing:
                    return
                sock, message = self.sock, self.outbox.popleft()
                self.lock.notify_all()
            try:
                for frame in frames_of(message):
                    sock.sendall(frame)
            except OSError:
                with self.lock:
                    if self.sock is sock:
                        self._drop()
