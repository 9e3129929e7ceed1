"""What cluster/hadoop/hdfs.h asks of a real HDFS that looks at permissions."""

import http.server
import json
import os
import subprocess
import threading

import pytest
from gateway import BIN_DIR, until
from hdfs import HOST, SUPERUSER, Hdfs
from parts import free_ports

BIG = 64 << 20
NAMES = ["plain.txt", "a b", "ü#1", "50%", "%41", "q?x=1&y", "a+b", "it's", "[x]{y}", "semi;colon", "back\\slash", "日本"]


class Cluster(Hdfs):
    def start(self):
        super().start()
        self.datanode.wait_ready(self.writes)
        assert self.ask_files("/user", "MKDIRS&permission=755", "PUT")[0] == 200
        for user in ("etl", "ann"):
            assert self.ask_files(f"/user/{user}", "MKDIRS&permission=750", "PUT")[0] == 200
            assert self.ask_files(f"/user/{user}", f"SETOWNER&owner={user}&group={user}", "PUT")[0] == 200
        return self

    def run(self, *words, urls=None, user=SUPERUSER, as_="etl"):
        """What each of the operations (separated by ",") came to."""
        done = subprocess.run([BIN_DIR / "tests" / "clusters" / "hdfs-ask", urls or f"http://{HOST}:{self.web}", user, as_,
                               *map(str, words)], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done
        return [json.loads(line) for line in done.stdout.splitlines()]

    def one(self, *words, **options):
        (answer,) = self.run(*words, **options)
        return answer

    def good(self, *words, **options):
        answer = self.one(*words, **options)
        assert answer["error"] == "ok", answer
        return answer

    def bad(self, code, *words, **options):
        answer = self.one(*words, **options)
        assert answer["error"] == code, answer
        return answer["msg"]


@pytest.fixture(scope="module")
def hdfs(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("hdfs"), **{"dfs.permissions.enabled": "true"})
    try:
        yield cluster.start()
    finally:
        cluster.stop()


def test_a_file_is_written_looked_at_and_removed(hdfs):
    assert hdfs.good("home")["home"] == "/user/etl"
    assert not hdfs.good("stat", "/user/etl/x/y.txt")["yes"]
    hdfs.good("put", "/user/etl/x/y.txt", "644", "hello")
    seen = hdfs.good("stat", "/user/etl/x/y.txt")
    assert seen["yes"] and not seen["dir"] and (seen["length"], seen["mode"], seen["owner"]) == (5, 0o644, "etl")
    told = json.loads(hdfs.ask_files("/user/etl/x/y.txt", "GETFILESTATUS")[1])["FileStatus"]
    assert seen["modified_ms"] == told["modificationTime"]
    hdfs.good("put", "/user/etl/x/y.txt", "600", "")
    assert hdfs.good("stat", "/user/etl/x/y.txt")["length"] == 0
    assert hdfs.good("remove", "/user/etl/x/y.txt")["yes"]
    assert not hdfs.good("remove", "/user/etl/x/y.txt")["yes"]


def test_directories_are_made_and_removed_with_what_is_in_them(hdfs):
    hdfs.good("mkdirs", "/user/etl/d/e", "700")
    hdfs.good("mkdirs", "/user/etl/d/e", "700")
    seen = hdfs.good("stat", "/user/etl/d/e")
    assert seen["dir"] and seen["mode"] == 0o700
    hdfs.bad("forbidden", "remove", "/user/etl/d", as_="ann")
    assert "not empty" in hdfs.one("remove", "/user/etl/d")["msg"]
    assert hdfs.good("remove", "/user/etl/d", "all")["yes"]
    hdfs.good("put", "/user/etl/file", "644", "x")
    assert hdfs.one("mkdirs", "/user/etl/file/below", "700")["error"] in ("forbidden", "conflict")


def test_a_rename_publishes_once(hdfs):
    hdfs.good("mkdirs", "/user/etl/shared", "755")
    hdfs.good("put", "/user/etl/shared/.new", "644", "one")
    assert hdfs.good("rename", "/user/etl/shared/.new", "/user/etl/shared/a b.zip")["yes"]
    hdfs.good("put", "/user/etl/shared/.new", "644", "longer")
    assert not hdfs.good("rename", "/user/etl/shared/.new", "/user/etl/shared/a b.zip")["yes"]
    assert hdfs.good("stat", "/user/etl/shared/a b.zip")["length"] == 3
    assert not hdfs.good("rename", "/user/etl/absent", "/user/etl/x")["yes"]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_comes_there_and_back(hdfs, name):
    hdfs.good("put", f"/user/etl/names/{name}/{name}", "644", "12345")
    assert hdfs.good("stat", f"/user/etl/names/{name}/{name}")["length"] == 5
    listed = json.loads(hdfs.ask_files("/user/etl/names", "LISTSTATUS")[1])["FileStatuses"]["FileStatus"]
    assert name in [entry["pathSuffix"] for entry in listed]
    assert hdfs.good("remove", f"/user/etl/names/{name}", "all")["yes"]


def test_names_that_lead_elsewhere_are_not_sent(hdfs):
    for path in ("/user/etl/../ann/x", "/user/./x", "user/x", "", "/user//x", "/user/x/"):
        hdfs.bad("invalid", "put", path, "644", "x")
    hdfs.bad("invalid", "rename", "/user/etl/x", "/user/../y")


def test_who_may_not_is_told_so_in_hdfss_words(hdfs):
    said = hdfs.bad("forbidden", "put", "/user/ann/x", "644", "x")
    assert "writing /user/ann/x: Permission denied: user=etl" in said
    assert "user=etl" in hdfs.bad("forbidden", "stat", "/user/ann/x")
    said = hdfs.bad("forbidden", "home", user="etl", as_="ann")
    assert "etl is not allowed to impersonate ann" in said
    hdfs.good("put", "/user/ann/own", "644", "x", user="ann", as_="ann")
    hdfs.good("put", "/user/ann/own", "644", "x", user="ann", as_="")


def test_a_quota_that_is_used_up_is_no_space(hdfs):
    hdfs.good("mkdirs", "/user/etl/small", "755")
    assert hdfs.ask_files("/user/etl/small", "SETQUOTA&namespacequota=2", "PUT")[0] == 200
    hdfs.good("put", "/user/etl/small/1", "644", "x")
    hdfs.bad("no_space", "put", "/user/etl/small/2", "644", "x")


def test_a_large_file_is_never_in_memory(hdfs, tmp_path):
    big, small = tmp_path / "big", tmp_path / "small"
    big.write_bytes(os.urandom(1 << 20) * (BIG >> 20))
    small.write_bytes(b"x")
    before, after, seen = hdfs.run("putfile", "/user/etl/small.bin", "600", small, ",", "putfile", "/user/etl/big.bin", "644", big,
                                   ",", "stat", "/user/etl/big.bin")
    assert after["error"] == "ok" and seen["length"] == BIG and seen["mode"] == 0o644
    assert after["rss_kib"] - before["rss_kib"] < 8 << 10
    told = json.loads(hdfs.ask_files("/user/etl/big.bin", "GETFILECHECKSUM&noredirect=true")[1])
    assert told["Location"]


class Standby(http.server.BaseHTTPRequestHandler):
    """Answers as a name node in standby does."""

    asked = 0

    def answer(self):
        type(self).asked += 1
        body = json.dumps({"RemoteException": {
            "exception": "StandbyException", "javaClassName": "org.apache.hadoop.ipc.StandbyException",
            "message": "Operation category READ is not supported in state standby. Visit https://s.apache.org/sbnn-error\n\tat x",
        }}).encode()
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_DELETE = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def standby():
    Standby.asked = 0
    server = http.server.ThreadingHTTPServer((HOST, 0), Standby)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://{HOST}:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_of_several_name_nodes_the_active_one_is_found_and_remembered(hdfs, standby):
    closed = f"http://{HOST}:{free_ports(1)[0]}"
    urls = f"{closed},{standby},http://{HOST}:{hdfs.web}/"
    answers = hdfs.run("put", "/user/etl/ha", "644", "x", ",", "stat", "/user/etl/ha", ",", "rename", "/user/etl/ha",
                       "/user/etl/ha2", ",", "remove", "/user/etl/ha2", urls=urls)
    assert [(a["error"], a["yes"]) for a in answers] == [("ok", True)] * 4
    assert Standby.asked == 1
    said = hdfs.bad("unavailable", "home", urls=f"{closed},{standby}")
    assert "state standby" in said and "\n" not in said and Standby.asked == 2


def test_a_data_node_that_is_gone_is_named(hdfs):
    hdfs.datanode.stop()
    said = hdfs.bad("unavailable", "put", "/user/etl/late", "644", "x")
    assert "writing /user/etl/late: a data node: no answer from http://" in said
    hdfs.datanode.start()
    until(lambda: hdfs.one("put", "/user/etl/late", "644", "x")["error"] == "ok", 60, "the data node is back")
