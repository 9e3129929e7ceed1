"""Reads the tables of this folder: *.rules (requests and answers) and *.wire (bytes and what they come to).

A .rules file:

    ## livy.md 1.2: what is not there         every rule below belongs to it
    @finished                                 the set-up (setups.py) of the rules below; `@finished on /` tries
                                              them on that mount only, else on / and on /livy
    an id that nobody has                     a rule's name, and below it what goes over the wire
    > GET /batches/999                        a request; further > lines are header fields; after a line with
    < 404 Not Found                           > alone comes the body. < lines are the answer, in the same form.
    <
    < {"msg":"Session '999' not found."}

- `>` and `<` may repeat: a rule is a conversation on one connection, as long as the server keeps it open.
- `. run exit=0 name=n` runs a job (orders: tests/fakes/spark-submit) to its end, `. start` one that does not end;
  `$id` is then its id, and also the id in the last answer that had one.
- `$mount` `$created` `$job` `$files` differ by mount and machine; `$x(9)` is nine times x.
- `> | gzip` in place of `>` alone sends the body through what TRANSFORMS below knows; `< | gzip` likewise.
- `< ~ regex` in place of `<` alone: the body as a whole fits the regular expression below it.
- `< Name: ~ regex` for a field; `< Name:` alone: there is no such field. Likewise `> Name:` alone leaves out a default one.
- An answer without a body in the table has none on the wire.

What every answer must be besides is in runner.py: check_always().
"""

import gzip
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent


@dataclass
class Message:
    """One request or answer: its first line, header fields, body as text, and how to treat the body."""

    first: str
    where: str
    fields: list = field(default_factory=list)
    body: list = field(default_factory=list)
    how: str = ""
    in_body: bool = False

    def add(self, text):
        if self.in_body:
            self.body.append(text)
        elif text == "" or text[0] in "|~":
            self.how, self.in_body = text, True
        else:
            name, colon, value = text.partition(":")
            assert colon, f"{self.where}: {text!r} is neither a header field nor, after an empty line, a body"
            self.fields.append((name, value.strip()))

    @property
    def text(self):
        return "\n".join(self.body)


@dataclass
class Rule:
    section: str
    name: str
    setup: str
    mounts: tuple
    where: str
    steps: list = field(default_factory=list)  # (kind, Message or the words of a `.` line)

    @property
    def id(self):
        return f"{self.section}: {self.name}"


FIRST = {">": re.compile(r"[A-Za-z]+ \S+$"), "<": re.compile(r"\d\d\d|\$created$")}


def add_step(rule, mark, text, where):
    """Another line of a rule: it begins a message, or goes on with the last one."""
    last_mark, last = rule.steps[-1] if rule.steps else (None, None)
    begins = last_mark != mark or (not last.in_body or mark == "<") and FIRST[mark].match(text)
    if mark == ".":
        rule.steps.append((mark, text))
    elif begins:
        rule.steps.append((mark, Message(text, where)))
    else:
        last.add(text)


def read_rules(path):
    rules, section, setup, mounts, current = [], None, None, ("", "/livy"), None
    for number, line in enumerate(path.read_text().split("\n"), 1):
        where = f"{path.name}:{number}"
        if line == "":
            current = None
        elif line.startswith("## "):
            section = line[3:]
        elif line.startswith("# "):
            continue
        elif line.startswith("@"):
            setup, _, only = line[1:].partition(" on ")
            mounts = (only.rstrip("/"),) if only else ("", "/livy")
        elif current is None:
            assert line[0] not in "><.", f"{where}: a rule begins with its name"
            current = Rule(section, line, setup, mounts, where)
            rules.append(current)
        else:
            assert line[:2].strip() in (">", "<", "."), f"{where}: what is {line!r}?"
            add_step(current, line[0], line[2:], where)
    return rules


def all_rules():
    rules = [rule for path in sorted(HERE.glob("*.rules")) for rule in read_rules(path)]
    ids = [f"{rule.id} {mount}" for rule in rules for mount in rule.mounts]
    assert len(ids) == len(set(ids)), f"named twice: {sorted({i for i in ids if ids.count(i) > 1})}"
    return rules


# --- bodies ------------------------------------------------------------------------------------------------------


def unescaped(data):
    """The bytes that Python's \\xff, \\n and so on stand for."""
    return data.decode().encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1")


TRANSFORMS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "bytes": unescaped,
    "utf-16": lambda data: data.decode().encode("utf-16"),
    "pad": lambda data, size: data + b" " * (int(size) - len(data)),
    "cut": lambda data, count: data[: -int(count)],
}
UNDO = {"gzip": gzip.decompress, "deflate": zlib.decompress}


def transform(data, how, table=TRANSFORMS):
    """how: "| gzip | cut 3"."""
    for step in filter(None, (part.strip() for part in how.split("|"))):
        name, *args = step.split()
        data = table[name](data, *args)
    return data


def expand(text, names):
    """Puts values for $names, and repeats: $x(3), $<[>(100)."""
    text = re.sub(r"\$(?:<(.+?)>|(\w))\((\d+)\)", lambda m: (m[1] or m[2]) * int(m[3]), text)
    return re.sub(r"\$([a-z]+)", lambda m: str(names.get(m[1], m[0])), text)


# --- bytes -------------------------------------------------------------------------------------------------------

JOB = '{"file":"hdfs://x/a.py"}'
MACROS = {
    "host": r"Host: x\r\n",
    "get": r"GET /version HTTP/1.1\r\nHost: x\r\n",
    "post": r"POST /batches HTTP/1.1\r\nHost: x\r\n",
    "chunked": r"Transfer-Encoding: chunked\r\n",
    "five": r"Content-Length: 5\r\n",
    "end": r"\r\n",
    "last": r"0\r\n\r\n",
    "smuggled": r"GET /version HTTP/1.1\r\nHost: x\r\n\r\n",
    "length": rf"Content-Length: {len(JOB)}\r\n",
    "job": JOB,
    "jobchunk": rf"{len(JOB):x}\r\n{JOB}\r\n",
}


@dataclass
class WireRow:
    row: str  # S1
    name: str
    setup: str
    data: bytes
    statuses: list  # of the answers, in order; each a set of those that will do. "none": closed without one
    then: str  # "closed": nothing more is answered; "open": the next request is
    body: str  # regular expression that the last answer's body fits
    where: str

    @property
    def id(self):
        return f"{self.row}: {self.name}"


def wire_bytes(text):
    """Puts in macros and repeats; then the escapes become bytes."""
    text = re.sub(r"\{(\w+)\}", lambda m: MACROS[m[1]], text)
    text = re.sub(r"\$<(.+?)>\((\d+)\)", lambda m: m[1] * int(m[2]), text)
    return unescaped(text.encode())


def read_wire(path):
    """Lines of: row | name | bytes | status[ status...] | closed or open | body, which may be left out."""
    rows, setup = [], None
    for number, line in enumerate(path.read_text().split("\n"), 1):
        if line.startswith("@"):
            setup = line[1:]
        elif line and not line.startswith("#"):
            cells = [cell.strip() for cell in line.split(" | ")]
            assert len(cells) in (5, 6) and cells[4] in ("closed", "open"), f"{path.name}:{number}: {cells[2:]}"
            row, name, data, statuses, then, body = (*cells, r".*")[:6]
            wanted = [set(s.split("/")) for s in statuses.split()]
            rows.append(WireRow(row, name, setup, wire_bytes(data), wanted, then, body, f"{path.name}:{number}"))
    return rows


def all_wire():
    rows = [row for path in sorted(HERE.glob("*.wire")) for row in read_wire(path)]
    ids = [row.id for row in rows]
    assert len(ids) == len(set(ids)), f"named twice: {sorted({i for i in ids if ids.count(i) > 1})}"
    return rows
