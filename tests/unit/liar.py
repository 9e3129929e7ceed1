#!/usr/bin/env python3
"""An HTTP server that does what it should not: what it does is the path's first word. For test-call.c.

liar.py [NAME=CERT,KEY[,CLIENTS_CA]...] listens twice without TLS ("http", "other") and once for each NAME with it, on ports
that it prints as "NAME PORT", then a dot. Ends when its stdin does. /seen tells the connections and requests so far.
"""

import contextlib
import json
import os
import socket
import ssl
import struct
import sys
import threading
import time

LOCK = threading.Lock()
SEEN = {"connections": 0, "requests": 0, "relents": 0, "slow": 0, "most": 0}


class Gone(Exception):
    """The connection is over, as its path wants it."""


class Request:
    def __init__(self, stream):
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            line = stream.readline(1 << 17)
            if not line:
                raise Gone
            self.head += line
        self.method, self.target, _ = self.head.split(b"\r\n")[0].decode().split(" ")
        self.path, _, self.query = self.target.partition("?")
        self.headers = {}
        for line in self.head.decode().split("\r\n")[1:-2]:
            name, _, value = line.partition(": ")
            self.headers[name.lower()] = value
        self.length = int(self.headers.get("content-length", 0))
        self.stream = stream

    def body(self):
        return self.stream.read(self.length)


def answer(status, body=b"", *headers):
    lines = [f"HTTP/1.1 {status} Word", f"Content-Length: {len(body)}", "Content-Type: text/plain", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def ok(sock, request):
    request.body()
    sock.sendall(answer(200, b"ok"))


def echo(sock, request):
    sock.sendall(answer(200, request.head + request.body()))


def seen(sock, request):
    sock.sendall(answer(200, " ".join(f"{key}={value}" for key, value in SEEN.items()).encode()))


def slow(sock, request):
    """Counts how many are here at once, and not how many have been answered and know it not yet."""
    count(slow=1)
    time.sleep(0.01)
    count(slow=-1)
    ok(sock, request)


def hang(sock, request):
    request.stream.read()


def drip(sock, request):
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        sock.sendall(b".")
        time.sleep(0.02)


def cut(sock, request):
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
    raise Gone


def overlong(sock, request):
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n0123456789")
    raise Gone


def loop(sock, request):
    sock.sendall(answer(302, b"round and round", "Location: /loop"))


def to(sock, request):
    """/to/307?http://elsewhere/path"""
    request.body()
    sock.sendall(answer(int(request.path.split("/")[2]), b"elsewhere", f"Location: {request.query}"))


def early(sock, request):
    """Redirects before it reads the body."""
    sock.sendall(answer(307, b"", f"Location: {request.query}", "Connection: close"))
    raise Gone


def headers(sock, request):
    sock.sendall(b"HTTP/1.1 200 OK\r\n")
    for i in range(1 << 20):
        sock.sendall(b"X-Filler-%d: %s\r\n" % (i, b"x" * 100))


def header(sock, request):
    sock.sendall(b"HTTP/1.1 200 OK\r\nX-Filler: " + b"x" * (1 << 20) + b"\r\nContent-Length: 0\r\n\r\n")


def huge(sock, request):
    sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        sock.sendall(b"2710\r\n" + b"y" * 10000 + b"\r\n")


def stream(sock, request):
    """Ten pieces, the nth of which is 1000 times the digit n."""
    sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for i in range(10):
        sock.sendall(b"3e8\r\n" + b"%d" % i * 1000 + b"\r\n")
        time.sleep(0.005)
    sock.sendall(b"0\r\n\r\n")


def proceed(sock, request):
    sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + answer(200, b"at last"))


def close(sock, request):
    sock.sendall(answer(200, b"bye"))
    raise Gone


def lose(sock, request):
    request.body()
    raise Gone


def relent(sock, request):
    """Loses the first of these, and answers the next."""
    count(relents=1)
    if SEEN["relents"] % 2:
        lose(sock, request)
    echo(sock, request)


def reset(sock, request):
    request.body()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise Gone


def garbage(sock, request):
    sock.sendall(b"what do you want?\r\n\r\n")
    raise Gone


def status(sock, request):
    request.body()
    sock.sendall(answer(int(request.path.split("/")[2]), b"no: " + request.target.encode(), "Retry-After: 7", "X-One: two"))


def challenge(sock, request):
    sock.sendall(answer(401, b"who?", "WWW-Authenticate: Negotiate"))


def ticket(sock, request):
    """As Hadoop does: a ticket once, then the cookie. Believes any; whoever asks gets to see what he has sent."""
    text = request.head + request.body()
    if "hadoop.auth=good" in request.headers.get("cookie", ""):
        sock.sendall(answer(200, text))
    elif request.headers.get("authorization", "").startswith("Negotiate "):
        sock.sendall(answer(200, text, "Set-Cookie: hadoop.auth=good; Path=/; HttpOnly"))
    else:
        sock.sendall(answer(401, text, "WWW-Authenticate: Negotiate"))


def remote(sock, exception, message, status=403):
    text = json.dumps({"RemoteException": {"exception": exception, "javaClassName": "x." + exception, "message": message}})
    sock.sendall(answer(status, text.encode()))


def hdfs(sock, request):
    """/hdfs/MODE/PORT/webhdfs/v1/…: a name node. PORT is where its data node is, which says what it gets and stores nothing."""
    mode, port = request.path.split("/")[2:4]
    body = request.body().decode()
    said = f"{request.method} {request.target} {request.headers.get('authorization', 'nobody')} '{body}'"
    location = f"http://127.0.0.1:{port}/hdfs/say/0/ü?op=CREATE"
    if mode == "say":
        remote(sock, "AccessControlException", said + "\n\tat java")
    elif mode == "yes":
        sock.sendall(answer(200, b'{"boolean":true}'))
    elif mode == "absent":
        remote(sock, "FileNotFoundException", "File does not exist", 404)
    elif mode == "take":
        sock.sendall(answer(200, json.dumps({"Location": location}).encode()))
    elif mode == "redirect":
        sock.sendall(answer(307, b"", f"Location: {location}"))
    elif mode == "gone":
        sock.sendall(answer(200, json.dumps({"Location": f"http://127.0.0.1:{port}/lose"}).encode()))
    else:
        remote(sock, mode, "not now")


WORDS = {function.__name__: function for function in (
    ok, echo, seen, slow, hang, drip, cut, overlong, loop, to, early, headers, header, huge, stream, proceed, close, lose,
    relent, reset, garbage, status, challenge, ticket, hdfs)}  # fmt: skip


def count(**changes):
    with LOCK:
        for key, change in changes.items():
            SEEN[key] += change
        SEEN["most"] = max(SEEN["most"], SEEN["slow"])


def serve(sock, context):
    count(connections=1)
    try:
        if context:
            sock = context.wrap_socket(sock, server_side=True)
        with sock, sock.makefile("rb") as reader:
            while True:
                request = Request(reader)
                count(requests=1)
                WORDS[request.path.split("/")[1]](sock, request)
    except (Gone, OSError, ValueError):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
    finally:
        sock.close()


def accept(listener, context):
    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(sock, context), daemon=True).start()


def listen(name, context=None):
    listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
    print(name, listener.getsockname()[1])
    threading.Thread(target=accept, args=(listener, context), daemon=True).start()


def tls(cert, key, clients_ca=None):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=clients_ca)
    context.verify_mode = ssl.CERT_REQUIRED if clients_ca else ssl.CERT_NONE
    context.load_cert_chain(cert, key)
    return context


def main():
    listen("http")
    listen("other")
    for argument in sys.argv[1:]:
        name, _, files = argument.partition("=")
        listen(name, tls(*files.split(",")))
    print(".", flush=True)
    sys.stdin.read()
    os._exit(0)


main()
