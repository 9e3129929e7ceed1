"""Files that only this host has, fetched by clusters from florusd itself (service/share.h), with a false standalone master."""

import os
import re

import certs
import pytest
import sanitizers
from false_master import FalseMaster
from gateway import until
from test_access import SIGNED_IN, ask

BASE = "http://gateway.test:8998"
URL = re.compile(re.escape(BASE) + r"(/share/\d+\.\d+\.\d+\.\d+\.[0-9a-f]{64}/[^/,]+)")
BIG = 200 * 1024 * 1024
UNDER_WAY_MAX = 64  # SHARE_UNDER_WAY_MAX


@pytest.fixture
def master():
    master = FalseMaster()
    yield master
    master.liar.stop()


@pytest.fixture
def florus(gateways, master):
    """Clients must sign in; drivers cannot."""
    florus = gateways()
    florus.options.update({**master.options(), **SIGNED_IN, "florus.share.url": BASE})
    return florus


def sent(florus, master, file=None, prefix="", **fields):
    """Submits; the batch, and the request that the master got."""
    known = len(master.drivers)
    answer = ask(florus, "ann", "POST", f"{prefix}/batches", {"file": str(file or florus.job), **fields})
    assert answer.status == 201, answer
    until(lambda: len(master.drivers) > known, 20, f"the master gets it; {florus.log_text()}")
    return answer.body["id"], list(master.drivers.values())[-1]["request"]


def program(request):
    """Of a Python job: the path of its URL."""
    args = request["appArgs"]
    uri = args[6 + 2 * ("--files" in args) + 2 * ("--py-files" in args)]  # behind master, deploy mode and name
    return URL.fullmatch(uri).group(1)


def shared(florus, master, name="data.py", content=b"x = 1\n"):
    """One job with one program; its file, its batch, the path of its URL."""
    path = florus.files / name
    path.write_bytes(content)
    batch, request = sent(florus, master, path)
    return path, batch, program(request)


def gone(florus, path, reason=None):
    """It is refused like what never was; the log has the reason, of which the client learns nothing."""
    answer, never = florus.get(path), florus.get("/share/1.1.0.1." + "0" * 64 + "/x")
    assert (answer.status, answer.raw) == (404, b"") == (never.status, never.raw), answer
    hide = {"Date", "X-Request-Id"}
    assert [h for h in answer.headers if h[0] not in hide] == [h for h in never.headers if h[0] not in hide]
    if reason:
        assert reason in florus.log_text()


def test_every_list_becomes_urls_which_serve_the_files(florus, master):
    florus.start()
    named = {}
    for name in ("main.py", "a.jar", "lib b.py", "c,d.zip", "é#.txt", "z.tar.gz", "50%.csv"):
        named[name] = florus.files / name
        named[name].write_text(f"this is {name}")
    _, request = sent(
        florus,
        master,
        named["main.py"],
        jars=[str(named["a.jar"]), "hdfs:///other.jar"],
        pyFiles=[str(named["lib b.py"]), f"local://{florus.files}/x.py"],
        files=[named["50%.csv"].as_uri(), named["c,d.zip"].as_uri().replace(",", "%2C")],
        archives=[named["z.tar.gz"].as_uri() + "#env"],
    )
    properties, args = request["sparkProperties"], request["appArgs"]
    jars = properties["spark.jars"].split(",")
    py_files = args[args.index("--py-files") + 1].split(",")
    files = properties["spark.files"].split(",")
    archive, _, alias = properties["spark.archives"].partition("#")
    assert jars[1] == "hdfs:///other.jar" and py_files[1].startswith("local:///") and alias == "env"
    assert "file:" not in str(request)
    urls = {
        "main.py": BASE + program(request),
        "a.jar": jars[0],
        "lib b.py": py_files[0],
        "50%.csv": files[0],
        "c,d.zip": files[1],
        "z.tar.gz": archive,
    }
    for name, url in urls.items():
        answer = florus.get(URL.fullmatch(url).group(1))
        assert (answer.status, answer.text) == (200, f"this is {name}")
    assert urls["lib b.py"].endswith("/lib%20b.py") and urls["c,d.zip"].endswith("/c%2Cd.zip")
    assert "file shared" in florus.log_text() and "peer=127.0.0.1" in florus.log_text()


def test_get_and_head_and_what_a_browser_makes_of_it(florus, master):
    florus.start()
    _, _, path = shared(florus, master, content=b"<script>alert(1)</script>")
    got, head = florus.get(path), florus.request("HEAD", path)
    assert got.raw == b"<script>alert(1)</script>" and head.raw == b"" and head.status == 200
    for answer in (got, head):
        assert answer.header("Content-Length") == "25"
        assert answer.header("Content-Type") == "application/octet-stream"
        assert answer.header("Content-Disposition") == "attachment"
        assert answer.header("Cache-Control") == "no-store"
    assert florus.get("/livy" + path).raw == got.raw
    for method in ("POST", "DELETE", "PUT"):
        assert florus.request(method, path).status in (401, 405)
    _, _, empty = shared(florus, master, "empty.py", b"")
    assert (florus.get(empty).status, florus.get(empty).raw) == (200, b"")


def test_it_opens_nothing_else(florus, master):
    florus.start()
    _, _, path = shared(florus, master)
    assert florus.get(path).status == 200
    for other in ("/batches", "/batches/0", "/", "/share/", "/ui", "/version"):
        assert florus.get(other).status == 401, other


@pytest.mark.parametrize(
    "forge",
    [
        lambda p: re.sub(r"^/share/\d+", "/share/1", p),
        lambda p: re.sub(r"^(/share/\d+)\.\d+", r"\1.2", p),
        lambda p: re.sub(r"^(/share/\d+\.\d+)\.\d+", r"\1.1", p),
        lambda p: re.sub(r"^(/share/\d+\.\d+\.\d+)\.(\d+)", r"\1.9\2", p),
        lambda p: p.replace(".", ".0", 1),
        lambda p: p.replace(".", ".+", 1),
        lambda p: p.replace("data.py", "job.py"),
        lambda p: p.replace("data.py", "%64ata.py"),
        lambda p: p + ";x",
        lambda p: re.sub(r"[0-9a-f]{64}", "0" * 64, p),
        lambda p: re.sub(r"[0-9a-f]{64}", lambda m: m[0][:-1] + ("1" if m[0][-1] == "0" else "0"), p),
        lambda p: re.sub(r"[0-9a-f]{64}", lambda m: m[0][:-1], p),
        lambda p: re.sub(r"[0-9a-f]{64}", lambda m: m[0] + "0", p),
        lambda p: re.sub(r"\.[0-9a-f]{64}", "", p),
        lambda p: re.sub(r"^/share/\d+", "/share/99999999999999999999", p),
        lambda p: re.sub(r"^(/share/\d+\.\d+)\.\d+", r"\1.-1", p),
    ],
)
def test_what_was_not_signed_is_not_there(florus, master, forge):
    florus.start()
    _, _, path = shared(florus, master)
    assert forge(path) != path
    gone(florus, forge(path))
    assert "file not shared" not in florus.log_text(), "a line for everybody who guesses"
    assert florus.get(path).status == 200


@pytest.mark.parametrize("way", ["/../job.py", "/%2e%2e/job.py", "/..%2fjob.py", "/./data.py", "//data.py", "/data.py/"])
def test_no_way_leads_elsewhere(florus, master, way):
    florus.start()
    _, _, path = shared(florus, master)
    assert florus.get(path.rpartition("/")[0] + way).status in (400, 401, 404)


def test_a_key_of_another_server_signs_nothing_here(florus, gateways, master):
    florus.start()
    _, _, path = shared(florus, master)
    (florus.state / "key").write_text("0" * 64)
    florus.restart()
    gone(florus, path)
    assert (florus.state / "key").stat().st_mode & 0o777 == 0o600


def rewritten(path, _):
    path.write_bytes(b"x = 2\n")


def touched(path, _):
    os.utime(path)


def longer(path, _):
    before = path.stat()
    path.write_bytes(b"x = 1\n# more\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced(path, _):
    """The same bytes and times, in another file."""
    before, other = path.stat(), path.with_suffix(".new")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.rename(path)


def removed(path, _):
    path.unlink()


def link_out(path, secret):
    path.unlink()
    path.symlink_to(secret)


def link_within(path, _):
    path.with_name("other").write_bytes(b"x = 1\n")
    path.unlink()
    path.symlink_to("other")


def directory_link_out(path, secret):
    path.parent.rename(path.parent.with_name("was"))
    (secret.parent / path.name).write_bytes(b"x = 1\n")
    path.parent.symlink_to(secret.parent)


def pipe(path, _):
    path.unlink()
    os.mkfifo(path)


def directory(path, _):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "change",
    [rewritten, touched, longer, replaced, removed, link_out, link_within, directory_link_out, pipe, directory],
)
def test_only_the_file_that_was_meant_is_served(florus, master, tmp_path, change):
    florus.start()
    secret = tmp_path / "out" / "secret"
    secret.parent.mkdir()
    secret.write_text("secret")
    (florus.files / "sub").mkdir()
    path, _, url = shared(florus, master, "sub/data.py")
    assert florus.get(url).raw == b"x = 1\n"
    change(path, secret)
    gone(florus, url, "file not shared batch=0 file=data.py reason=")


def test_it_ends_with_its_job(florus, master):
    florus.start()
    _, batch, path = shared(florus, master)
    assert florus.get(path).status == 200
    master.set_all("FINISHED")
    until(lambda: ask(florus, "ann", "GET", f"/batches/{batch}/state").body["state"] == "success")
    gone(florus, path, "the job, or this attempt of it, is over")
    assert ask(florus, "ann", "DELETE", f"/batches/{batch}").status == 200
    gone(florus, path)


def test_it_expires(florus, master):
    florus.start(**{"florus__share__ttl": "2s"})
    _, _, path = shared(florus, master)
    assert florus.get(path).status == 200
    until(lambda: florus.get(path).status == 404, 10, "it expires")
    gone(florus, path, "florus.share.ttl is over")


def test_a_driver_may_come_after_a_restart(florus, master):
    master.start = False
    florus.start()
    _, batch, path = shared(florus, master)
    florus.kill9()
    florus.start()
    assert florus.get(path).raw == b"x = 1\n"
    assert len(master.drivers) == 1


def test_a_lost_answer_makes_no_second_job_and_no_dead_url(florus, master):
    florus.start()
    master.liar.tell("/v1/submissions/create", "lost", 1)
    _, batch, path = shared(florus, master)
    until(lambda: ask(florus, "ann", "GET", f"/batches/{batch}/state").body["state"] == "running", 40)
    assert florus.get(path).status == 200 and len(master.drivers) == 1


def test_attempts_that_the_cluster_refused_leave_nothing(florus, master):
    master.state = "STANDBY"
    florus.start()
    batch = ask(florus, "ann", "POST", "/batches", {"file": str(florus.job)}).body["id"]
    until(lambda: master.liar.count("/v1/submissions/create") >= 3, 40, "it is tried again and again")
    until(lambda: len(list((florus.state / "run").iterdir())) <= 1)
    master.state = "ALIVE"
    until(lambda: ask(florus, "ann", "GET", f"/batches/{batch}/state").body["state"] == "running", 40)
    (request,) = (d["request"] for d in master.drivers.values())
    assert florus.get(program(request)).status == 200
    (kept,) = (florus.state / "run").iterdir()
    assert kept.name.startswith("0.") and not kept.name.startswith("0.1.")


def test_a_signature_is_in_no_log(florus, master):
    florus.start(florus__log__level="debug")
    path, _, url = shared(florus, master)
    assert florus.get(url).status == 200
    path.unlink()
    gone(florus, url, "file not shared")
    assert re.search("[0-9a-f]{64}", url)[0] not in florus.stderr.read_text()


def test_a_job_whose_file_is_not_there_is_dead_and_says_so(florus, master):
    florus.start()
    answer = ask(florus, "ann", "POST", "/batches", {"file": str(florus.files / "absent.py")})
    state = f"/batches/{answer.body['id']}"
    until(lambda: ask(florus, "ann", "GET", state).body["state"] == "dead")
    log = "\n".join(ask(florus, "ann", "GET", state).body["log"])
    assert "absent.py cannot be shared with the cluster" in log and "No such file" in log
    assert not master.drivers


def test_files_of_the_administrator_and_of_florusd_stay_where_they_are(florus, master):
    florus.options["florus.cluster.default.conf.spark.jars"] = "/usr/lib/jvm/release,local:///opt/a.jar"
    florus.options["livy.file.local-dir-whitelist"] = florus.root
    florus.start()
    ours = florus.state / "key"
    assert ours.exists()
    _, request = sent(florus, master, files=[str(ours), str(florus.job)])
    assert request["sparkProperties"]["spark.jars"] == "/usr/lib/jvm/release,local:///opt/a.jar"
    key, job = request["sparkProperties"]["spark.files"].split(",")
    assert key == ours.as_uri() and URL.fullmatch(job)


def test_without_the_option_nothing_is_shared(florus, master):
    florus.options.pop("florus.share.url")
    florus.start()
    _, request = sent(florus, master)
    assert florus.job.as_uri() in request["appArgs"]
    assert florus.get("/share/0.1.0.1." + "0" * 64 + "/job.py").status == 404
    assert not (florus.state / "key").exists()


def test_a_prefix_of_a_proxy_belongs_to_the_url(florus, master):
    florus.options |= {"florus.share.url": BASE + "/spark", "florus.http.base-path": "/spark"}
    florus.start()
    _, request = sent(florus, master, prefix="/spark")
    url = next(arg for arg in request["appArgs"] if arg.startswith(BASE + "/spark/share/"))
    assert florus.get(url.removeprefix(BASE)).raw == florus.job.read_bytes()
    assert florus.get(url.removeprefix(BASE + "/spark")).status == 401


@pytest.mark.parametrize(
    "options, text",
    [
        ({"florus.share.url": "gateway:8998"}, "expected http://host:port"),
        ({"florus.share.url": "http://gateway:8998/"}, "without a / at its end"),
        ({"florus.share.url": "http://"}, "expected http://host:port"),
        ({"florus.share.url": "http://a,b"}, "expected http://host:port"),
        ({"florus.share.url": "http://a?b"}, "expected http://host:port"),
        ({"florus.share.url": BASE, "florus.launch.run-as": "nobody"}, "needs florus.launch.run-as = self"),
    ],
)
def test_what_cannot_be_is_refused_at_the_start(gateway, options, text):
    status, lines = gateway.refusal(options)
    assert status == 78 and text in lines[-1]


# --- large files, many readers ---


def memory_kib(florus):
    with open(f"/proc/{florus.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def large(florus, master, size):
    path = florus.files / "large.py"
    with open(path, "wb") as f:
        f.truncate(size)
    _, request = sent(florus, master, path)
    return program(request)


def read_all(response):
    n = 0
    while piece := response.read(1 << 20):
        n += len(piece)
    return n


@pytest.mark.parametrize("tls", [False, True])
def test_200_mb_need_no_memory(florus, master, tls, tmp_path):
    if tls:
        authority = certs.Authority(tmp_path)
        pair = authority.issue("127.0.0.1")
        florus.options |= {"florus.tls.cert": pair.cert, "florus.tls.key": pair.key}
        florus.trust = authority.trust()
    florus.start()
    path = large(florus, master, BIG)
    before = memory_kib(florus)
    readers = []
    for _ in range(4):
        connection = florus.connection(60)
        connection.request("GET", path)
        readers.append((connection, connection.getresponse()))
    for connection, response in readers:
        assert response.status == 200 and read_all(response) == BIG
        connection.close()
    assert sanitizers.ACTIVE or memory_kib(florus) - before < 8 * 1024


def test_more_than_the_limit_wait_and_are_served(florus, master):
    florus.start()
    path = large(florus, master, 32 << 20)
    readers = []
    for _ in range(UNDER_WAY_MAX):
        wire = florus.wire(60)
        wire.send(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        readers.append(wire)
    until(lambda: florus.log_text().count("file shared") == UNDER_WAY_MAX, 20, "all places are taken")
    late = florus.connection(60)
    late.request("HEAD", path)
    assert ask(florus, "ann", "GET", "/batches").status == 200, "everything else goes on"
    assert florus.log_text().count("file shared") == UNDER_WAY_MAX
    gone(florus, re.sub(r"[0-9a-f]{64}", "0" * 64, path))
    readers.pop().close()
    assert late.getresponse().status == 200
    late.close()
    waiting = [florus.wire(60) for _ in range(3)]
    for wire in waiting:
        wire.send(f"HEAD {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    waiting.pop(1).close()
    for wire in readers:
        wire.close()
    for wire in waiting:
        assert wire.answer(head=True).status == 200
        wire.close()


def test_a_stop_ends_those_who_wait(florus, master):
    florus.start()
    path = large(florus, master, 32 << 20)
    readers = [florus.wire(60) for _ in range(UNDER_WAY_MAX + 2)]
    for wire in readers:
        wire.send(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    until(lambda: florus.log_text().count("file shared") == UNDER_WAY_MAX, 20)
    florus.stop()
    for wire in readers:
        wire.close()
