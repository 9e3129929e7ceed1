"""Answers in the coding that was asked for, and the header that a page of another site cannot send."""

import gzip
import json
import zlib

import pytest

@pytest.fixture(scope="module")
def one(module_gateways):
    gateway = module_gateways().start()
    gateway.wait(gateway.submit("lines=50", "exit=0"), "success")
    return gateway


UNPACK = {"gzip": gzip.decompress, "deflate": zlib.decompress}


@pytest.mark.parametrize("coding", UNPACK)
@pytest.mark.parametrize("path", ["/batches", "/livy/batches/0", "/batches/0/log?size=-1", "/batches/0/state", "/batches/99"])
def test_what_batches_answer_is_packed_on_request(one, coding, path):
    plain, packed = one.get(path), one.get(path, headers={"Accept-Encoding": coding})
    assert dict(packed.headers)["Content-Encoding"] == coding and "Content-Encoding" not in dict(plain.headers)
    assert json.loads(UNPACK[coding](packed.raw)) == plain.body and packed.status == plain.status


def test_the_version_is_never_packed(gateway):
    assert "Content-Encoding" not in dict(gateway.get("/version", headers={"Accept-Encoding": "gzip"}).headers)


@pytest.fixture
def guarded(gateways):
    return gateways().start(livy__server__csrf_protection__enabled="true")


MESSAGE = "Missing Required Header for CSRF protection."


def test_changes_need_a_header_that_names_the_asker(guarded):
    for answer in (guarded.post("/batches", guarded.body()), guarded.delete("/batches/0")):
        assert answer.status == 400
        assert f"<tr><th>MESSAGE:</th><td>{MESSAGE}</td></tr>" in answer.raw.decode()
        assert dict(answer.headers)["Content-Type"] == "text/html;charset=iso-8859-1"
    assert guarded.get("/batches").body["total"] == 0
    asker = {"X-Requested-By": "me"}
    assert guarded.post("/batches", guarded.body(), headers=asker).status == 201
    assert guarded.delete("/batches/0", headers=asker).status == 200


def test_the_refusal_speaks_the_form_that_is_accepted(guarded):
    answer = guarded.post("/batches", guarded.body(), headers={"Accept": "application/json"})
    assert (answer.body["message"], answer.body["status"]) == (MESSAGE, "400")
    answer = guarded.post("/batches", guarded.body(), headers={"Accept": "text/plain"})
    assert answer.raw.decode().startswith(f"HTTP ERROR 400 {MESSAGE}\n")


def test_an_override_is_still_a_post(guarded):
    assert guarded.post("/batches/0", "", headers={"X-HTTP-Method-Override": "GET"}).status == 400
