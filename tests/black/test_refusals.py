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


SYNTAX = [  # name, body; the answer is 400 with a bare string
    ("empty", ""),
    ("blank", "  \n"),
    ("cut", '{"file":"' + FILE),
    ("cut object", '{"file":"' + FILE + '"'),
    ("trailing comma", '{"file":"' + FILE + '",}'),
    ("comment", '{"file":"' + FILE + '"/*x*/}'),
    ("single quotes", "{'file':'" + FILE + "'}"),
    ("NaN", '{"file":"' + FILE + '","driverCores":NaN}'),
    ("leading zero", '{"file":"' + FILE + '","driverCores":01}'),
    ("garbage after", '{"file":"' + FILE + '"} x'),
    ("two values", '{"file":"' + FILE + '"}{}'),
    ("duplicate key", '{"file":"/a","file":"' + FILE + '"}'),
    ("duplicate key, escaped", '{"file":"/a","\\u0066ile":"' + FILE + '"}'),
    ("duplicate conf key", '{"file":"' + FILE + '","conf":{"spark.a":"1","spark.a":"2"}}'),
    ("array", "[]"),
    ("string", '"x"'),
    ("number", "5"),
    ("true", "true"),
    ("null", "null"),
    ("deep arrays", "[" * 100_000),
    ("deep objects", '{"conf":' * 100_000),
    ("invalid UTF-8", b'{"file":"/\xff"}'),
    ("overlong", b'{"file":"/\xc0\xaf"}'),
    ("lone surrogate", '{"file":"/\\ud800"}'),
    ("UTF-16", '{"file":"/a"}'.encode("utf-16")),
    ("BOM", b'\xef\xbb\xbf{"file":"/a"}'),
    ("escaped NUL", '{"file":"/a\\u0000b"}'),
    ("raw control byte", b'{"file":"/a\x01"}'),
    ("NUL in args", '{"file":"' + FILE + '","args":["a\\u0000b"]}'),
    ("a million digits", '{"file":"' + FILE + '","driverCores":' + "1" * 900_000 + "}"),
    ("1e400", '{"file":"' + FILE + '","driverCores":1e400}'),
]

SHAPE = [  # name, body; 400 with a bare string
    ("args a string", with_(args="a b")),
    ("args an object", with_(args={})),
    ("jars a string", with_(jars="/a.jar")),
    ("conf an array", with_(conf=[])),
    ("conf a string", with_(conf="a=b")),
    ("conf value an object", with_(conf={"spark.a": {}})),
    ("conf value an array", with_(conf={"spark.a": ["x"]})),
    ("file an object", {"file": {}}),
    ("file an array", {"file": []}),
    ("name an object", with_(name={})),
    ("args with an object", with_(args=[{}])),
    ("args with a list", with_(args=[["x"]])),
    ("null in args", with_(args=["a", None])),
    ("null in jars", with_(jars=[None])),
    ("cores a word", with_(driverCores="two")),
    ("cores a list", with_(executorCores=[1])),
    ("cores 1.5", with_(driverCores=1.5)),
    ("cores true", with_(driverCores=True)),
    ("cores empty", with_(driverCores="")),
    ("cores 2^31", with_(driverCores=2**31)),
    ("cores 0", with_(driverCores=0)),
    ("cores -1", with_(executorCores=-1)),
    ("executors -1", with_(numExecutors=-1)),
    ("executors '-1'", with_(numExecutors="-1")),
    ("executors 0", with_(numExecutors=0)),
]

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


@rows(SYNTAX + SHAPE)
def test_bad_json_is_400_with_a_bare_string(shared, row):
    body = refused(shared, row[1])
    assert isinstance(body, str) and body.strip(), body
    assert "\0" not in body and len(body) < 2000


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


def test_an_empty_body_says_so(shared):
    assert refused(shared, "").startswith("No content to map due to end-of-input\n at [Source: ")


@pytest.mark.parametrize("field", ["bogus", "File", "ttl", "kind", "heartbeatTimeoutInSecond", "id", "é"])
def test_unknown_fields_are_named(shared, field):
    body = refused(shared, with_(**{field: "x"}))
    assert body.startswith(
        f'Unrecognized field "{field}" (class org.apache.livy.server.batch.CreateBatchRequest), '
        "not marked as ignorable (16 known properties: "
    ), body


def test_a_wrong_type_says_what_could_not_be_read(shared):
    assert refused(shared, []).startswith("Cannot deserialize value of type ")
    assert refused(shared, with_(args="x")).startswith("Cannot deserialize value of type ")


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


def test_a_form_without_json_is_an_empty_body(shared):
    answer = shared.post("/batches", "file=%2Fa.jar", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (answer.status, type(answer.body)) == (400, str)


def test_names_are_data_not_patterns(shared):
    shared.submit("exit=0", name="a_b%c")
    assert shared.get("/batches/aXbYc").status == 404
    assert shared.get("/batches/x'%20OR%201=1--").body == msg("Session 'x' OR 1=1--' not found.")


@pytest.mark.parametrize(
    "path, status, body",
    [
        ("999", 404, msg("Session '999' not found.")),
        ("-1", 404, msg("Session '-1' not found.")),
        ("1.5", 404, msg("Session '1.5' not found.")),
        ("word", 404, msg("Session 'word' not found.")),
        ("0x1", 404, msg("Session '0x1' not found.")),
        ("1e3", 404, msg("Session '1e3' not found.")),
        ("+1", 404, msg("Session '+1' not found.")),
        ("%EF%BC%91", 404, msg("Session '１' not found.")),
        ("99999999999", 400, msg('For input string: "99999999999"')),
        ("2147483648", 400, msg('For input string: "2147483648"')),
        ("2147483647", 404, msg("Session '2147483647' not found.")),
    ],
)
@pytest.mark.parametrize("method, tail", [("GET", ""), ("GET", "/state"), ("GET", "/log"), ("DELETE", "")])
def test_ids_that_are_not_there(shared, method, tail, path, status, body):
    answer = shared.request(method, f"/batches/{path}{tail}")
    assert (answer.status, answer.body) == (status, body)


def test_an_endless_name_is_not_echoed_whole(shared):
    answer = shared.get("/batches/" + "x" * 10_000)
    assert answer.status == 404 and len(answer.raw) < 2000


def test_no_refusal_burns_an_id_or_starts_anything(gateway):
    for _, body, *_ in SYNTAX + SHAPE + SAID + REASON:
        refused(gateway, body)
    assert gateway.submit("mark=only") == 0
    gateway.wait(0)
    assert gateway.ledger.started() == ["only"]
    gateway.restart()
    assert gateway.get("/batches").body["total"] == 1
