"""Routing (livy.md 1.0): what is a path, and what the wrong one gets."""

import pytest

ITEM, COLLECTION = "DELETE, GET, HEAD", "POST, GET, HEAD"


@pytest.fixture(scope="module")
def one(shared):
    shared.run("echo=x", "exit=0", name="a/b")
    return shared


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/batches/0/nope",
        "/batches/0/",
        "/batches/0/state/",
        "/batches/0/log/",
        "/batches//0",
        "//batches",
        "//batches/",
        "/Batches",
        "/BATCHES/0",
        "/batches/0/State",
        "/batches/0/log/x",
        "/livy",
        "/livy/nope",
        "/livy/livy/batches",
        "/batches/../batches",
        "/batches/./0",
        "/batches/0/..%2fstate",
        "/api/v1/batches",
        "/etc/passwd",
        "/ui/..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%5c..%5cetc",
        "/%252e%252e/x",
        "/versions",
        "/batches/0/state/x",
    ],
)
def test_what_is_no_route_is_404_with_an_empty_body(one, path):
    answer = one.get(path)
    assert (answer.status, answer.raw) == (404, b"")


@pytest.mark.parametrize(
    "path", ["/batches/%zz", "/batches/%", "/batches/%4", "/batches/%00", "/%zz", "/batches/%ff%fe"]
)
def test_bad_escapes_are_400(one, path):
    assert one.get(path).status in ((400, 404) if "ff" in path else (400,))


@pytest.mark.parametrize(
    "path",
    [
        "/batches/0;x",
        "/batches/0;x=1",
        "/batches/0;x/state",
        "/batches/%30",
        "/batches/00",
        "/livy/batches/0;jsessionid=1",
        "/batches/a%2Fb",
        "/batches/a%2fb",
    ],
)
def test_parameters_are_cut_and_escapes_decoded(one, path):
    assert one.get(path).body["id"] == 0


def test_a_trailing_slash_is_the_collection(one):
    assert one.get("/batches/").body == one.get("/batches").body == one.get("/livy/batches/").body


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "BREW", "get", "post", "delete", "M" * 60])
@pytest.mark.parametrize(
    "path, allow",
    [
        ("/batches", COLLECTION),
        ("/batches/", COLLECTION),
        ("/batches/0", ITEM),
        ("/livy/batches", COLLECTION),
        ("/livy/batches/0", ITEM),
    ],
)
def test_a_wrong_method_is_405_with_allow(one, method, path, allow):
    answer = one.request(method, path)
    assert (answer.status, answer.raw) == (405, b"")
    assert answer.header("Allow") == allow


@pytest.mark.parametrize(
    "method, path, allow",
    [
        ("DELETE", "/batches", COLLECTION),
        ("POST", "/batches/0", ITEM),
        ("POST", "/batches/0/state", "GET, HEAD"),
        ("DELETE", "/batches/0/log", "GET, HEAD"),
        ("POST", "/version", "GET, HEAD"),
        ("DELETE", "/healthz", "GET, HEAD"),
    ],
)
def test_a_method_that_the_path_does_not_have(one, method, path, allow):
    answer = one.request(method, path, body={} if method == "POST" else None)
    assert (answer.status, answer.header("Allow")) == (405, allow)
    assert one.get("/batches/0").status == 200


@pytest.mark.parametrize("path", ["/batches", "/batches/0", "/batches/0/state", "/batches/0/log", "/version", "/nope"])
def test_head_is_get_without_the_body(one, path):
    get = one.get(path)
    with one.wire() as wire:
        head = wire.send(b"HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode()).answer(head=True)
        assert head.status == get.status
        assert head.header("Content-Length") == get.header("Content-Length")
        assert head.header("Content-Type") == get.header("Content-Type")
        wire.send(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.answer().status == 200, "no body followed the head"


def test_an_absolute_target_is_the_same(one):
    answer = one.raw(b"GET http://elsewhere/batches/0 HTTP/1.1\r\nHost: elsewhere\r\n\r\n")
    assert (answer.status, answer.body["id"]) == (200, 0)


@pytest.mark.parametrize("how", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"])
def test_a_post_may_stand_for_delete(one, how):
    batch = one.run("exit=0")[0]
    if how == "_method":
        answer = one.request("POST", f"/batches/{batch}?_method=delete")
    else:
        answer = one.request("POST", f"/batches/{batch}", headers={how: "DELETE"})
    assert (answer.status, answer.body) == (200, {"msg": "deleted"})
    assert one.get(f"/batches/{batch}").status == 404


def test_only_a_post_may_stand_for_something_else(one):
    assert one.get("/batches/0", headers={"X-HTTP-Method-Override": "DELETE"}).status == 200
    assert one.get("/batches/0").status == 200


@pytest.mark.parametrize(
    "accept, status",
    [
        ("text/html", 200),
        ("text/plain", 200),
        ("*/*", 200),
        ("application/vnd.livy.v0.1+json", 200),
        ("application/vnd.livy.v9.9+json", 406),
    ],
)
def test_accept(one, accept, status):
    answer = one.get("/batches/0", headers={"Accept": accept})
    assert answer.status == status
    assert answer.header("Content-Type") == "application/json;charset=utf-8"
    if status == 406:
        assert answer.body == {"msg": "No value found for '9.9'"}


def test_a_base_path_is_stripped_and_added(gateways):
    gateway = gateways(florus__http__base_path="/gate/way").start()
    for mount, status in (("/batches", 201), ("/livy/batches", 200)):
        answer = gateway.post(f"/gate/way{mount}", gateway.body())
        assert (answer.status, answer.header("Location")) == (status, f"/gate/way{mount}/{answer.body['id']}")
        assert gateway.get(answer.header("Location")).status == 200
