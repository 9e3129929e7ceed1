"""What POST /batches refuses: status and body of each refusal, nothing stored, nothing launched (livy.md 1.2)."""

import json
import re

import pytest

FILE = "@FILE@"  # becomes the path of a job that may run
REJECTED = "Rejected, Reason: "


def msg(text):
    return {"msg": text}


def bad_path(text):
    return msg(f"{REJECTED}requirement failed: Path '{text}' is not absolute.")


def local_path(text):
    return msg(f"{REJECTED}requirement failed: Local path {text} cannot be added to user sessions.")


def with_(**fields):
    return {"file": FILE, **fields}


SAID = [  # name, body, exact answer
    ("no file", {}, msg(REJECTED + "requirement failed: File is required.")),
    ("file null", {"file": None}, msg(REJECTED + "requirement failed: File is required.")),
    ("relative file", {"file": "rel/path.jar"}, bad_path("rel/path.jar")),
    ("file an option", {"file": "--conf"}, bad_path("--conf")),
    ("file -c", {"file": "-c"}, bad_path("-c")),
    ("file empty", {"file": ""}, bad_path("")),
    ("relative jar", with_(jars=["a.jar"]), bad_path("a.jar")),
    ("relative pyFile", with_(pyFiles=["m.py"]), bad_path("m.py")),
    ("relative files", with_(files=["x"]), bad_path("x")),
    ("relative archive", with_(archives=["x.tgz"]), bad_path("x.tgz")),
    ("relative conf path", with_(conf={"spark.jars": "/x.jar,b.jar"}), None),
    ("local file elsewhere", {"file": "/etc/passwd"}, local_path("/etc/passwd")),
    ("file: elsewhere", {"file": "file:///etc/passwd"}, local_path("/etc/passwd")),
    ("jar elsewhere", with_(jars=["/etc/passwd"]), local_path("/etc/passwd")),
    ("files elsewhere", with_(files=["file:/etc/passwd"]), local_path("/etc/passwd")),
    ("conf path elsewhere", with_(conf={"spark.files": "/etc/passwd"}), local_path("/etc/passwd")),
    (
        "blank in a URI",
        {"file": "hdfs://x/a b.jar"},
        msg(REJECTED + "java.net.URISyntaxException: Illegal character in path at index 10: hdfs://x/a b.jar"),
    ),
    (
        "deny list",
        with_(conf={"spark.submit.deployMode": "cluster"}),
        msg(REJECTED + "Blacklisted configuration values in session config: spark.submit.deployMode"),
    ),
    ("digits as name", with_(name="123"), msg(REJECTED + "Invalid session name: 123")),
    ("empty name", with_(name=""), msg(REJECTED + "Invalid session name: ")),
]

REASON = [  # name, body; 400 {"msg": "Rejected, Reason: ..."} in our own words
    ("FILE:", {"file": "FILE:///etc/passwd"}),
    ("local:", {"file": "local:/etc/passwd"}),
    ("dots", {"file": "file:/@DIR@/../../../../../etc/passwd"}),
    ("encoded dots", {"file": "file://@DIR@/%2e%2e/%2E%2e/etc/passwd"}),
    ("sibling of the directory", {"file": "@DIR@-evil/x"}),
    ("symlink", {"file": "@DIR@/link-to-etc/passwd"}),
    ("blank file", {"file": " "}),
    ("conf key with =", with_(conf={"spark.files=/etc/shadow,x": "y"})),
    ("conf key with blank", with_(conf={" spark.master": "y"})),
    ("conf key with tab", with_(conf={"spark.master\t": "y"})),
    ("conf key empty", with_(conf={"": "y"})),
    ("conf key look-alike", with_(conf={"spаrk.master": "y"})),
    ("conf key with newline", with_(conf={"a\nb": "y"})),
    ("className option", with_(className="--proxy-user")),
    ("className blank", with_(className="a b")),
    ("className ;", with_(className="a;b")),
    ("className newline", with_(className="a\nb")),
    ("name newline", with_(name="a\nb")),
    ("name CR", with_(name="a\rb")),
    ("queue newline", with_(queue="a\nb")),
    ("memory newline", with_(driverMemory="1g\n")),
    ("proxyUser newline", with_(proxyUser="a\nb")),
    ("path newline", {"file": FILE + "\nx"}),
    ("jar newline", with_(jars=[FILE + "\n"])),
    ("long name", with_(name="n" * 10_000)),
    ("one arg of 128 KiB", with_(args=["x" * (128 * 1024)])),
]


def fill(gateway, body):
    """The request body as bytes, with the gateway's own paths."""
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    link = gateway.files / "link-to-etc"
    if not link.is_symlink():
        link.symlink_to("/etc")
    return data.replace(FILE.encode(), str(gateway.job).encode()).replace(b"@DIR@", str(gateway.files).encode())


def refused(gateway, body):
    before = gateway.get("/batches").body["total"]
    answer = gateway.post("/batches", fill(gateway, body))
    assert answer.status == 400, answer
    assert answer.header("Content-Type") == "application/json;charset=utf-8"
    assert gateway.get("/batches").body["total"] == before, "nothing is stored"
    return answer.body


def rows(table):
    return pytest.mark.parametrize("row", table, ids=[re.sub(r"\W+", "-", row[0]) for row in table])


@rows(SAID)
def test_livys_own_words(shared, row):
    body = refused(shared, row[1])
    assert body == row[2] if row[2] else body["msg"].startswith(REJECTED)


@rows(REASON)
def test_refused_with_a_reason(shared, row):
    body = refused(shared, row[1])
    assert list(body) == ["msg"] and body["msg"].startswith(REJECTED) and len(body["msg"]) > len(REJECTED), body
    assert not re.search(r"[\x00-\x1f]", body["msg"]), "control bytes are not echoed"
    assert len(body["msg"]) < 2000


def test_all_denied_keys_are_listed(shared):
    body = refused(
        shared,
        with_(
            conf={
                "spark.submit.deployMode": "cluster",
                "spark.a": "b",
                "spark.submit.proxyUser.allowCustomClasspathInClusterMode": "true",
            }
        ),
    )
    head, _, keys = body["msg"].partition(": Blacklisted configuration values in session config: ")
    assert head == "Rejected, Reason"
    assert sorted(keys.split(", ")) == [
        "spark.submit.deployMode",
        "spark.submit.proxyUser.allowCustomClasspathInClusterMode",
    ]
