"""Carries out a rule against a gateway, byte by byte."""

import json
import re

from rules import UNDO, expand, transform

JSON_TYPE = "application/json;charset=utf-8"
PAGE_TYPE = "text/html;charset=iso-8859-1"
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "X-XSS-Protection": "1; mode=block",
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline'; img-src 'self'; frame-src 'self';",
}
NEVER = ("Server", "Access-Control-Allow-Origin", "Set-Cookie", "Strict-Transport-Security")
DATE = re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")
REQUEST_ID = re.compile(r"[\x21-\x7e]{1,64}")
LEAK = re.compile(rb"florus[/ ][0-9]|microhttpd|sqlite|jansson|\bat 0x|\.c:\d|/proc/|Traceback|stack trace", re.IGNORECASE)


class Conversation:
    """One connection, opened again when the server has closed it."""

    def __init__(self, gateway, names):
        self.gateway, self.names = gateway, names
        self.wire = None

    def close(self):
        if self.wire:
            self.wire.close()
        self.wire = None

    def send(self, message):
        method, target = expand(message.first, self.names).split(" ", 1)
        if target.startswith("/batches"):
            target = self.names["mount"] + target
        body = transform(expand(message.text, self.names).encode(), message.how) if message.in_body else b""
        fields = dict([("Host", "x"), *([("Content-Type", "application/json")] if body else [])])
        if message.in_body:
            fields["Content-Length"] = str(len(body))
        fields.update((name, expand(value, self.names)) for name, value in message.fields)
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items() if value)]
        head = "\r\n".join([*lines, "", ""]).encode()
        self.wire = self.wire or self.gateway.wire()
        self.head_only = method == "HEAD"
        self.waiting = body if "Expect" in fields else b""
        self.wire.send(head + (b"" if self.waiting else body))

    def answer(self):
        answer = self.wire.answer(head=self.head_only)
        if answer.status == 100:
            self.wire.send(self.waiting)
        if answer.header("Connection") == "close":
            self.close()
        found = re.match(rb'\{"id":(\d+),', answer.raw)
        if found:
            self.names["id"] = int(found[1])
        return answer


def check_always(answer, wanted, head_only):
    """What holds for every answer, unless the rule names the field."""
    named = {name for name, _ in wanted.fields}
    for name, value in SECURITY.items():
        assert name in named or answer.all(name) == [value], f"{name}: {answer.all(name)}"
    for name in NEVER:
        assert not answer.all(name), name
    assert DATE.fullmatch(answer.header("Date", "")), answer
    assert "X-Request-Id" in named or REQUEST_ID.fullmatch(answer.header("X-Request-Id", "")), answer
    assert "Content-Type" in named or answer.all("Content-Type") == [JSON_TYPE], answer.all("Content-Type")
    if answer.header("Transfer-Encoding") != "chunked":
        assert head_only or answer.header("Content-Length") == str(len(answer.raw))
    if answer.status >= 400:
        assert not LEAK.search(answer.raw), answer.raw
        assert len(answer.raw) <= 1200, "an error is short"


def check_field(answer, name, wanted):
    values = answer.all(name)
    if wanted == "":
        assert not values, f"{name}: {values}"
    elif wanted.startswith("~"):
        assert len(values) == 1 and re.fullmatch(wanted[1:].strip(), values[0]), f"{name}: {values}"
    else:
        assert values == [wanted], f"{name}: {values}"


def check_body(answer, wanted, names):
    text, coded = expand(wanted.text, names), answer.header("Content-Encoding")
    if wanted.how.startswith("~"):
        assert re.fullmatch(text, answer.raw.decode(errors="replace"), re.DOTALL), answer.raw[:2000]
    else:
        got = transform(answer.raw, wanted.how, UNDO) if wanted.how else answer.raw
        assert got.decode() == text
    if (answer.header("Content-Type") or "").startswith("application/json") and answer.raw and not coded:
        json.loads(answer.raw)


def check(answer, wanted, names, head_only):
    status, _, reason = expand(wanted.first, names).partition(" ")
    assert answer.status == int(status), answer
    assert not reason or answer.reason == reason
    if answer.status == 100:
        return
    for name, value in wanted.fields:
        check_field(answer, name, expand(value, names))
    check_always(answer, wanted, head_only)
    check_body(answer, wanted, names)


def prepare(gateway, words):
    """`. run exit=0 name=n`: the id of a batch in that state."""
    verb, *rest = words.split()
    fields = dict(word.split("=", 1) for word in rest if word.startswith("name="))
    orders = [word for word in rest if not word.startswith("name=")]
    if verb == "run":
        return gateway.run(*orders, **fields)[0]
    assert verb == "start", words
    batch = gateway.submit(f"wait={gateway.root}/never", **fields)
    gateway.wait(batch, "running")
    return batch


def refused(rule):
    """Does the rule ask for nothing that is done?"""
    return all(mark == ">" or mark == "<" and step.first[0] in "45" for mark, step in rule.steps)


def play(rule, mount, gateway, total):
    """total(): how many batches the gateway knows."""
    names = {
        "mount": mount,
        "created": "200 OK" if mount == "/livy" else "201 Created",
        "job": str(gateway.job),
        "files": str(gateway.files),
    }
    before = total() if refused(rule) else None
    conversation = Conversation(gateway, names)
    try:
        for mark, step in rule.steps:
            if mark == ".":
                names["id"] = prepare(gateway, step)
            elif mark == ">":
                conversation.send(step)
            else:
                check(conversation.answer(), step, names, conversation.head_only)
    except AssertionError as e:
        raise AssertionError(f"{rule.where} {rule.name}, {step if mark == '.' else step.where}: {e}") from e
    finally:
        conversation.close()
    assert before is None or total() == before, "what is refused leaves nothing behind"
