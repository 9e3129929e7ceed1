"""The web page as HTTP shows it: addresses, headers, files. What it does is tested in tests/browser."""

import re

import pytest

PAGES = ["/ui", "/ui/", "/ui/batch/7", "/ui/batch/7/log", "/ui/batch/a%2Fb", "/ui/session/3", "/ui/session/3/log"]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
TYPES = {
    "app.js": "text/javascript",
    "style.css": "text/css",
    "icon.svg": "image/svg+xml",
}


def raw(gateway, method, path):
    return gateway.wire().send(f"{method} {path} HTTP/1.1\r\nHost: jobs.example:81\r\n\r\n".encode()).answer(method == "HEAD")


@pytest.mark.parametrize("mount", ["", "/livy"])
@pytest.mark.parametrize("path", PAGES)
def test_every_address_gives_the_page(shared, mount, path):
    answer = raw(shared, "GET", mount + path)
    assert answer.status == 200
    assert answer.header("Content-Type") == "text/html;charset=utf-8"
    assert answer.all("Content-Security-Policy") == [POLICY]
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("Referrer-Policy") == "no-referrer"
    assert answer.header("Cache-Control") == "no-cache"
    assert answer.header("Server") is None


@pytest.mark.parametrize("path", PAGES)
def test_the_page_names_its_files_from_where_it_is(shared, path):
    up = "../" * (path.count("/") - 1)
    assert f'src="{up}static/app.js"' in raw(shared, "GET", path).text
    assert f'href="{up}static/style.css"' in raw(shared, "GET", path).text
    assert "@up@" not in raw(shared, "GET", path).text


def test_the_page_has_nothing_inline(shared):
    page = raw(shared, "GET", "/ui").text
    assert all('src="' in tag for tag in re.findall(r"<script[^>]*>", page))
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<base|<form", page)


def test_scripts_write_text_only(shared):
    """No way for a string to become markup or code, in any of the files."""
    for name in ["app.js", *(f"{module}.js" for module in ("api", "batch", "dom", "list", "log"))]:
        page = raw(shared, "GET", f"/static/{name}")
        assert page.status == 200, name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|Function\(|\.srcdoc", page.text), name


@pytest.mark.parametrize("name", TYPES)
def test_files_have_types_and_tags(shared, name):
    answer = raw(shared, "GET", f"/static/{name}")
    assert answer.status == 200 and answer.raw
    assert answer.header("Content-Type") == TYPES[name]
    assert answer.header("Cache-Control") == "no-cache"
    assert re.fullmatch(r'"[0-9a-f]{16}"', answer.header("ETag"))
    assert answer.all("Content-Security-Policy") == [POLICY]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_a_file_one_has_is_not_sent_again(shared, form):
    full = shared.get("/static/app.js")
    known = form.format(full.header("ETag"))
    with shared.wire() as wire:
        ask = f"GET /static/app.js HTTP/1.1\r\nHost: x\r\nIf-None-Match: {known}\r\n\r\n".encode()
        answer = wire.send(ask).answer()
        assert (answer.status, answer.header("ETag")) == (304, full.header("ETag"))
        # nothing of a body stands between this answer and the next
        assert wire.send(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n").answer().status == 200


def test_another_tag_gets_the_file(shared):
    assert shared.get("/static/app.js", headers={"If-None-Match": '"0000000000000000"'}).status == 200


@pytest.mark.parametrize(
    "path, status",
    [
        ("/static/nope.js", 404),
        ("/static/", 404),
        ("/static", 404),
        ("/static/app.js/", 404),
        ("/static/index.html", 404),
        ("/static/APP.JS", 404),
        ("/static/..%2f..%2fetc%2fpasswd", 404),
        ("/static/..%5capp.js", 404),
        ("/static/%252e%252e%252fapp.js", 404),
        ("/static/%2e%2e", 404),
        ("/static/../static/app.js", 404),
        ("/static//app.js", 404),
        ("/static/app.js%00", 400),
        ("/static/%zz", 400),
        ("/ui/..%2f..%2fetc%2fpasswd", 404),
        ("/ui/../static/app.js", 404),
        ("/ui/%2e%2e/%2e%2e/etc/passwd", 404),
        ("/ui/%00", 400),
        ("/ui/%zz", 400),
        ("/ui/nothing", 404),
        ("/ui/batch", 404),
        ("/ui/batch/7/", 404),
        ("/ui/batch/7/other", 404),
        ("/UI", 404),
        ("//", 404),
        ("//ui", 404),
    ],
)
def test_nothing_else_is_there(shared, path, status):
    answer = raw(shared, "GET", path)
    assert answer.status == status, answer
    assert b"root:" not in answer.raw and b"import" not in answer.raw


@pytest.mark.parametrize("path", ["/ui", "/ui/batch/7/log", "/static/app.js", "/"])
def test_only_reading_is_allowed(shared, path):
    for method in ("POST", "DELETE", "OPTIONS"):
        answer = raw(shared, method, path)
        assert (answer.status, answer.header("Allow")) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/ui", "/ui/batch/7/log", "/static/app.js"])
def test_head_says_what_get_would(shared, path):
    get, head = raw(shared, "GET", path), raw(shared, "HEAD", path)
    assert head.status == 200
    for name in ("Content-Type", "Content-Length", "ETag", "Content-Security-Policy"):
        assert head.header(name) == get.header(name)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_root_leads_to_the_page(shared, method):
    answer = raw(shared, method, "/")
    assert (answer.status, answer.header("Location")) == (302, "http://jobs.example:81/ui")
    assert raw(shared, method, "/livy/").header("Location") == "http://jobs.example:81/livy/ui"


def test_the_root_without_a_host_leads_there_too(shared):
    answer = shared.raw(b"GET / HTTP/1.0\r\n\r\n")
    assert (answer.status, answer.header("Location")) == (302, "/ui")


def test_a_hostile_host_is_no_redirect(shared):
    assert shared.raw(b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n").status == 400
    assert shared.raw(b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n").status == 400


def test_behind_a_prefix(gateways):
    gateway = gateways(florus__http__base_path="/spark").start()
    assert raw(gateway, "GET", "/spark/").header("Location") == "http://jobs.example:81/spark/ui"
    assert 'src="../../static/app.js"' in raw(gateway, "GET", "/spark/ui/batch/7").text
    assert raw(gateway, "GET", "/spark/static/app.js").status == 200
    assert raw(gateway, "GET", "/ui").status == 404


def test_the_page_keeps_its_policy_whatever_the_others_have(gateways):
    gateway = gateways(livy__server__security_headers__enabled="false").start()
    assert raw(gateway, "GET", "/ui").all("Content-Security-Policy") == [POLICY]
    assert raw(gateway, "GET", "/version").all("Content-Security-Policy") == []


def test_it_can_be_switched_off(gateways):
    gateway = gateways(livy__ui__enabled="false").start()
    root = raw(gateway, "GET", "/livy/")
    assert root.status == 302 and root.header("Location").endswith("/livy/metrics")  # as Livy
    for path in ("/ui", "/ui/batch/7", "/ui/session/7/log", "/static/app.js"):
        assert raw(gateway, "GET", path).status == 404
    assert gateway.get("/batches").status == 200
