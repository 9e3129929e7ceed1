"""Files that a client sends to his session: upload-jar, upload-pyfile, upload-file (livy.md 1.7, D20)."""

import os
import stat
from pathlib import Path

import pytest
from gateway import until
from sanitizers import MEASURABLE
from sessions import Session

MIB = 1024 * 1024


@pytest.fixture(params=["", "/livy"])
def session(gateway, request):
    return Session(gateway, request.param).wait("idle")


def form(content, part="file", name="helper.py", boundary="b0undary"):
    """As requests and Jersey write it."""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{part}"; filename="{name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def upload(session, route, body, headers):
    return session.gateway.request("POST", f"{session.path}/{route}", body, headers)


def uploads(session):
    """Walked so that what goes meanwhile is no error."""
    run = session.gateway.state / "sessions" / "run"
    return [Path(folder, name) for folder, _, names in os.walk(run) for name in names if Path(folder).name.startswith("upload-")]


def test_a_pyfile_that_is_uploaded_can_be_imported(session):
    answer = upload(session, "upload-pyfile", *form(b"answer = 42\n"))
    assert (answer.status, answer.body) == (200, b"")
    assert session.run("import helper; helper.answer")["data"]["text/plain"] == "42"
    path, = uploads(session)
    assert path.name == "helper.py" and stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_arrives_byte_for_byte(session):
    content = os.urandom(3 * MIB) + b"\r\n--b0undar"
    assert upload(session, "upload-file", *form(content, name="data.bin")).status == 200
    path, = uploads(session)
    assert path.read_bytes() == content


def test_it_goes_with_the_session(session):
    assert upload(session, "upload-file", *form(b"x")).status == 200
    session.gateway.delete(session.path)
    until(lambda: uploads(session) == [], 10, "the file goes")


@pytest.mark.parametrize("name", ["../../escape.py", "/etc/escape.py", "..\\escape.py"])
def test_only_the_base_name_counts(session, name):
    assert upload(session, "upload-file", *form(b"x", name=name)).status == 200
    path, = uploads(session)
    assert path.name == "escape.py" and path.parent.name.startswith("upload-")


@pytest.mark.parametrize("name", ["my code.py", "a#b?c%41.py", "файл.py", "n" * 252 + ".py"])
def test_any_name_is_a_name(session, name):
    answer = upload(session, "upload-pyfile", *form(b"answer = 42\n", name=name))
    assert answer.status == 200, answer.body
    path, = uploads(session)
    assert path.name == name
    assert session.run(f"import importlib\nimportlib.import_module({name[:-3]!r}).answer")["data"] == {"text/plain": "42"}


@pytest.mark.parametrize("name", ["n" * 256, "ф" * 128, "d/" + "n" * 300])
def test_a_name_that_is_too_long_is_refused_and_not_cut(session, name):
    answer = upload(session, "upload-file", *form(b"x", name=name))
    assert (answer.status, answer.body) == (400, {"msg": "the file's name has more than 255 bytes"})
    assert uploads(session) == []


@pytest.mark.parametrize("route, part, status, text", [
    ("upload-jar", "file", 400, "No jar sent!"),
    ("upload-file", "jar", 400, "No file sent!"),
    ("upload-pyfile", "jar", 400, "No file sent!"),
])
def test_the_part_has_livys_name(session, route, part, status, text):
    answer = upload(session, route, *form(b"x", part=part))
    assert (answer.status, answer.body) == (status, text)


@pytest.mark.parametrize("body, headers, status", [
    (b"{}", {"Content-Type": "application/json"}, 415),
    (b"x", {}, 415),
    (b"no form", {"Content-Type": "multipart/form-data; boundary=b"}, 400),
    (b"", {"Content-Type": "multipart/form-data; boundary=b"}, 400),
    (b"x", {"Content-Type": "multipart/form-data"}, 400),
    (form(b"x", name="..")[0], form(b"x")[1], 400),
    (form(b"x", name="")[0], form(b"x")[1], 400),
    (form(b"x")[0], {**form(b"x")[1], "Content-Encoding": "gzip"}, 415),
])
def test_what_is_no_upload(session, body, headers, status):
    assert upload(session, "upload-file", body, headers).status == status
    assert session.state() == "idle"


def test_too_large_is_413_and_leaves_nothing(gateways):
    gateway = gateways(livy__file__upload__max__size="1m").start()
    session = Session(gateway).wait("idle")
    assert upload(session, "upload-file", *form(b"x" * MIB)).status == 200
    assert upload(session, "upload-file", *form(b"x" * (MIB + 1))).status == 413
    assert len(uploads(session)) == 1
    assert session.run("1")["data"]["text/plain"] == "1"


@MEASURABLE
def test_what_is_large_is_not_in_memory(gateway):
    session = Session(gateway).wait("idle")
    assert upload(session, "upload-file", *form(b"x" * (64 * MIB))).status == 200
    status = (gateway.proc if hasattr(gateway, "proc") else gateway.process).pid
    peak = next(line for line in open(f"/proc/{status}/status", encoding="ascii") if line.startswith("VmHWM"))
    assert int(peak.split()[1]) < 200 * 1024  # under AddressSanitizer, too; plain it is some 10 MB


def test_a_session_that_is_over_takes_none(session):
    session.gateway.delete(session.path)
    assert upload(session, "upload-file", *form(b"x")).status == 404
