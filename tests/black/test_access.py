"""Who may do what: every route for every kind of caller, impersonation, and what refuses to start."""

import json
import re
import subprocess
from urllib.parse import urlencode

import pytest
from cli import Cli
from gateway import REPO, until

HEADER = "X-Forwarded-User"
SIGNED_IN = {
    "livy.server.auth.type": "proxy",
    "florus.auth.proxy-header": HEADER,
    "florus.auth.proxy-peers": "127.0.0.1",
}
CONTROLLED = {
    **SIGNED_IN,
    "livy.impersonation.enabled": "true",
    "livy.server.access-control.enabled": "true",
    "livy.superusers": "super",
    "livy.server.access-control.allowed-users": "other, owner proxy",
    "livy.server.access-control.modify-users": "modifier",
    "livy.server.access-control.view-users": "viewer",
}
SESSION = {"kind": "pyspark", "conf": {"spark.test.start": "end"}}
WAYS = [("", "id"), ("", "name"), ("/livy", "id"), ("/livy", "name")]

# Who asks, and as whom: the batch (or session, which is over) belongs to owner and runs as proxy.
ROLES = {
    "nobody": (None, None),
    "stranger": ("stranger", None),
    "other": ("other", None),
    "owner": ("owner", None),
    "proxy": ("proxy", None),
    "viewer": ("viewer", None),
    "modifier": ("modifier", None),
    "super": ("super", None),
    "super=owner": ("super", "owner"),
    "super=other": ("super", "other"),
    "super=stranger": ("super", "stranger"),
    "other=owner": ("other", "owner"),
    "owner=owner": ("owner", "owner"),
}

# 200+ shows a log, 200- an empty one; 403 is {}, 403p Livy's page, 403m says that nobody may act for others so.
ACCESS = """
                                               nobody stranger other owner proxy viewer modifier super super=owner super=other super=stranger other=owner owner=owner
GET /batches                                   401    403p     200-  200+  200+  200+   200+     200+  200+        200-        200-           403m        200+
POST /batches                                  401    403p     201   201   201   201    201      201   201         201         201            403m        201
GET /batches/{id}                              401    403p     200-  200+  200+  200+   200+     200+  200+        200-        200-           403m        200+
DELETE /batches/{id}                           401    403p     403   200   200   403    200      200   200         403         403            403m        200
GET /batches/{id}/state                        401    403p     200   200   200   200    200      200   200         200         200            403m        200
GET /batches/{id}/log                          401    403p     403   200+  200+  200+   200+     200+  200+        403         403            403m        200+
GET /sessions                                  401    403p     200-  200+  200+  200+   200+     200+  200+        200-        200-           403m        200+
POST /sessions                                 401    403p     201   201   201   201    201      201   201         201         201            403m        201
GET /sessions/{id}                             401    403p     200-  200+  200+  200+   200+     200+  200+        200-        200-           403m        200+
DELETE /sessions/{id}                          401    403p     403   200   200   403    200      200   200         403         403            403m        200
GET /sessions/{id}/state                       401    403p     200   200   200   200    200      200   200         200         200            403m        200
GET /sessions/{id}/log                         401    403p     403   200+  200+  200+   200+     200+  200+        403         403            403m        200+
POST /sessions/{id}/stop                       401    403p     403   204   204   403    204      204   204         403         403            403m        204
POST /sessions/{id}/interrupt                  401    403p     403   200   200   403    200      200   200         403         403            403m        200
POST /sessions/{id}/connect                    401    403p     403   200+  200+  403    200+     200+  200+        403         403            403m        200+
POST /sessions/{id}/completion                 401    403p     403   400   400   403    400      400   400         403         403            403m        400
POST /sessions/{id}/add-jar                    401    403p     403   400   400   403    400      400   400         403         403            403m        400
POST /sessions/{id}/add-pyfile                 401    403p     403   400   400   403    400      400   400         403         403            403m        400
POST /sessions/{id}/add-file                   401    403p     403   400   400   403    400      400   400         403         403            403m        400
POST /sessions/{id}/upload-jar                 401    403p     403   415   415   403    415      415   415         403         403            403m        415
POST /sessions/{id}/upload-pyfile              401    403p     403   415   415   403    415      415   415         403         403            403m        415
POST /sessions/{id}/upload-file                401    403p     403   415   415   403    415      415   415         403         403            403m        415
POST /sessions/{id}/submit-job                 401    403p     403   400   400   403    400      400   400         403         403            403m        400
POST /sessions/{id}/run-job                    401    403p     403   400   400   403    400      400   400         403         403            403m        400
GET /sessions/{id}/jobs/{number}               401    403p     403   404   404   404    404      404   404         403         403            403m        404
POST /sessions/{id}/jobs/{number}/cancel       401    403p     403   400   400   403    400      400   400         403         403            403m        400
GET /sessions/{id}/statements                  401    403p     403   200   200   200    200      200   200         403         403            403m        200
POST /sessions/{id}/statements                 401    403p     403   400   400   403    400      400   400         403         403            403m        400
GET /sessions/{id}/statements/{number}         401    403p     403   404   404   404    404      404   404         403         403            403m        404
POST /sessions/{id}/statements/{number}/cancel 401    403p     403   400   400   403    400      400   400         403         403            403m        400
GET /version                                   401    403p     200   200   200   200    200      200   200         200         200            403m        200
GET /metrics                                   401    403p     200   200   200   200    200      200   200         200         200            403m        200
GET /healthz                                   200    200      200   200   200   200    200      200   200         200         200            200         200
GET /livez                                     200    200      200   200   200   200    200      200   200         200         200            200         200
GET /readyz                                    200    200      200   200   200   200    200      200   200         200         200            200         200
GET /                                          401    403p     302   302   302   302    302      302   302         302         302            403m        302
GET /ui                                        401    403p     200   200   200   200    200      200   200         200         200            403m        200
GET /ui/batch/{id}                             401    403p     200   200   200   200    200      200   200         200         200            403m        200
GET /ui/batch/{id}/log                         401    403p     200   200   200   200    200      200   200         200         200            403m        200
GET /ui/session/{id}                           401    403p     200   200   200   200    200      200   200         200         200            403m        200
GET /ui/session/{id}/log                       401    403p     200   200   200   200    200      200   200         200         200            403m        200
GET /static/{file}                             401    403p     200   200   200   200    200      200   200         200         200            403m        200
GET /share/{id}/{name}                         404    404      404   404   404   404    404      404   404         404         404            404         404
"""


def table(text):
    """{"GET /batches": {"nobody": "401", …}, …}"""
    head, *rows = text.strip().splitlines()
    rows = [re.split(r" +(?=\d{3})", row) for row in rows]
    return {row[0]: dict(zip(head.split(), row[1:], strict=True)) for row in rows}


def routes():
    source = (REPO / "src" / "api" / "routes.c").read_text()
    return [f"{method} {path}" for method, path in re.findall(r'\{ HTTP_(\w+),\s*"([^"]+)",\s*ACCESS_\w+,', source)]


def ask(gateway, user, method, path, body=None, headers=None, **query):
    """A request of this user; None is nobody."""
    who = {HEADER: user} if user else {}
    query = "?" + urlencode(query) if query else ""
    return gateway.request(method, path + query, body, headers={**who, **(headers or {})})


def submit(gateway, user, *orders, query=None, **fields):
    answer = ask(gateway, user, "POST", "/batches", gateway.body(*orders, **fields), **(query or {}))
    assert answer.status == 201, answer
    return answer.body["id"]


def finished(gateway, user, batch):
    until(lambda: ask(gateway, user, "GET", f"/batches/{batch}/state").body["state"] == "success", 20, "it is over")
    return batch


class World:
    """A gateway with access control that holds batches of owner, to run as proxy."""

    def __init__(self, gateways):
        self.gateway = gateways()
        self.gateway.options.update({**CONTROLLED, "livy.superusers": "owner"})
        self.gateway.start()
        count = 1 + len(WAYS) * len(ROLES)  # one to look at, and more for those who may delete
        made = [submit(self.gateway, "owner", "echo=hello", name=f"job-{i}", proxyUser="proxy") for i in range(count)]
        self.batches = [finished(self.gateway, "owner", batch) for batch in made]
        self.sessions = [self.dead_session(f"job-{i}") for i in range(count)]
        self.gateway.stop()
        self.gateway.options.update(CONTROLLED)
        self.gateway.start()

    def dead_session(self, name):
        answer = ask(self.gateway, "owner", "POST", "/sessions", {**SESSION, "name": name, "proxyUser": "proxy"})
        assert answer.status == 201, answer
        session = answer.body["id"]
        until(lambda: ask(self.gateway, "owner", "GET", f"/sessions/{session}/state").body["state"] == "dead", 20, "it is over")
        return session

    def body(self, pattern):
        return {"/batches": self.gateway.body(), "/sessions": SESSION}.get(pattern, {"code": "1"})

    def cell(self, method, pattern, mount, by, role):
        user, acting = ROLES[role]
        objects = self.sessions if pattern.startswith("/sessions") else self.batches
        batch = objects.pop() if method == "DELETE" else objects[0]
        path = mount + pattern.replace("{id}", str(batch) if by == "id" else f"job-{batch}").replace("{file}", "app.js")
        path = path.replace("{number}", "0").replace("{name}", "job.py")
        body = self.body(pattern) if method == "POST" else None
        answer = ask(self.gateway, user, method, path, body, **({"doAs": acting} if acting else {}))
        if pattern == "/batches" and method == "POST" and mount and answer.status == 200:
            return "201"  # the HDInsight page's dialect
        return seen(answer, batch)


def seen(answer, batch):
    """What a cell of the table says."""
    if answer.status == 403:
        return "403" + forbidden(answer)
    if answer.status == 401:
        assert answer.body == {"msg": "Authentication required"}, answer
    shown = answer.body if answer.status == 200 and isinstance(answer.body, dict) else {}
    if "sessions" in shown:
        (shown,) = (one for one in shown["sessions"] if one["id"] == batch)
    if "log" not in shown:
        return str(answer.status)
    said = [line for line in shown["log"] if not line.startswith("florus: the driver ended")]
    assert said in ([], ["stdout: ", "hello", "\nstderr: "]), answer
    return "200+" if shown["log"] else "200-"


def forbidden(answer):
    if answer.header("Content-Type").startswith("text/html"):
        assert b"<td>User not authorised to use Livy.</td>" in answer.raw, answer
        return "p"
    assert answer.header("Content-Type") == "application/json;charset=utf-8", answer
    if answer.body == {}:
        return ""
    assert re.fullmatch(r"User '\w+' not allowed to impersonate 'Some\(\w+\)'\.", answer.body["msg"]), answer
    return "m"


@pytest.fixture(scope="module")
def world(module_gateways):
    return World(module_gateways)


def test_every_route_has_its_row_in_this_table():
    assert sorted(table(ACCESS)) == sorted(routes())
    assert len(routes()) == len(re.findall(r"\bHTTP_\w+,\s*\"", (REPO / "src/api/routes.c").read_text()))


@pytest.mark.parametrize("mount, by", WAYS)
@pytest.mark.parametrize("route", table(ACCESS))
def test_each_route_for_each_caller(world, route, mount, by):
    method, pattern = route.split()
    assert {role: world.cell(method, pattern, mount, by, role) for role in ROLES} == table(ACCESS)[route]


def test_a_stranger_learns_nothing_of_the_paths_that_exist(world):
    for path in ("/nothing", "/batches/999", "/batches/no-such", "/ui/none", "/sessions", "/sessions/0/none"):
        answer = ask(world.gateway, "stranger", "GET", path)
        assert (answer.status, forbidden(answer)) == (403, "p")
    page = ask(world.gateway, "stranger", "GET", "/batches", headers={"Accept": "application/json"})
    assert page.body["message"] == "User not authorised to use Livy." and page.body["status"] == "403"


def test_what_does_not_exist_is_not_found_before_it_is_forbidden(world):
    for method, path in (("GET", "/batches/999/log"), ("DELETE", "/batches/999"), ("GET", "/livy/batches/nobody-s/log")):
        assert ask(world.gateway, "other", method, path).status == 404


def test_what_only_history_knows_is_guarded_the_same(gateways):
    gateway = gateways()
    gateway.start(**{**CONTROLLED, "livy.superusers": "owner", "livy.server.session.state-retain.sec": "0s"})
    batch = finished(gateway, "owner", submit(gateway, "owner", "echo=hello", name="old", proxyUser="proxy"))
    gateway.restart(**{"livy.superusers": "super"})
    assert ask(gateway, "owner", "GET", "/batches").body["total"] == 0
    for ref in (batch, "old"):
        cells = [
            seen(ask(gateway, user, method, f"/batches/{ref}{rest}"), batch)
            for user in ("other", "proxy")
            for method, rest in (("GET", ""), ("GET", "/log"), ("GET", "/state"))
        ]
        assert cells == ["200-", "403", "200", "200+", "200+", "200"]
        assert seen(ask(gateway, "other", "DELETE", f"/batches/{ref}"), batch) == "403"
    assert ask(gateway, "proxy", "DELETE", "/batches/old").body == {"msg": "deleted"}


# --- without access control ---


@pytest.fixture(scope="module")
def open_house(module_gateways):
    """Users sign in, and nothing else is switched on."""
    gateway = module_gateways()
    gateway.options.update({**SIGNED_IN, "livy.superusers": "super", "livy.server.access-control.allowed-users": "nobody"})
    return gateway.start()


def test_switched_off_everybody_who_signed_in_may_do_everything(open_house):
    batch = finished(open_house, "owner", submit(open_house, "owner", "echo=hello"))
    assert ask(open_house, None, "GET", "/batches").status == 401
    assert seen(ask(open_house, "stranger", "GET", "/batches"), batch) == "200+"
    assert seen(ask(open_house, "stranger", "GET", f"/batches/{batch}"), batch) == "200+"
    assert seen(ask(open_house, "stranger", "GET", f"/batches/{batch}/log"), batch) == "200+"
    assert ask(open_house, "stranger", "DELETE", f"/batches/{batch}").body == {"msg": "deleted"}


def test_switched_off_nobody_acts_for_others_and_florusd_says_so(open_house):
    for query, fields in (({"doAs": "root"}, {}), ({}, {"proxyUser": "root"}), ({"doAs": "../x"}, {"proxyUser": "--conf"})):
        answer = ask(open_house, "owner", "POST", "/batches", open_house.body(**fields),
                     headers={"X-Request-Id": f"wish-{len(query)}{len(fields)}"}, **query)  # fmt: skip
        assert (answer.status, answer.body["owner"], answer.body["proxyUser"]) == (201, "owner", None)
        assert re.search(rf"proxy user ignored.*wish-{len(query)}{len(fields)}", open_house.log_text())
    assert "--proxy-user" not in open_house.argv(f"m{open_house.marks}")
    assert ask(open_house, "owner", "GET", "/batches", doAs="root").status == 200


def test_without_authentication_nobody_has_a_name_and_all_is_allowed(shared):
    batch = finished(shared, None, submit(shared, None, "echo=hello", proxyUser="root", query={"doAs": "root"}))
    shown = shared.get(f"/batches/{batch}").body
    assert (shown["owner"], shown["proxyUser"], len(shown["log"])) == (None, None, 3)
    assert shared.delete(f"/batches/{batch}").status == 200


# --- impersonation ---


@pytest.fixture(scope="module")
def stage(module_gateways):
    """Impersonation without access control."""
    gateway = module_gateways()
    gateway.options.update({**SIGNED_IN, "livy.impersonation.enabled": "true", "livy.superusers": "super airflow"})
    return gateway.start()


ACTS = """
user     doAs   proxyUser  becomes
alice    -      -          alice
alice    alice  -          alice
alice    -      alice      alice
alice    -      bob        403
alice    bob    -          403
alice    bob    alice      403
alice    alice  bob        alice
super    -      -          super
super    bob    -          bob
super    -      bob        bob
super    bob    carol      bob
super    -      root       root
airflow  -      b.o-b_9@R  b.o-b_9@R
"""


@pytest.mark.parametrize("row", ACTS.strip().splitlines()[1:], ids=lambda row: "-".join(row.split()))
def test_who_submits_as_whom(stage, row):
    user, do_as, proxy_user, becomes = (None if word == "-" else word for word in row.split())
    fields = {"proxyUser": proxy_user} if proxy_user else {}
    answer = ask(stage, user, "POST", "/batches", stage.body(**fields), **({"doAs": do_as} if do_as else {}))
    if becomes == "403":
        wished = do_as or proxy_user
        assert answer.body == {"msg": f"User '{user}' not allowed to impersonate 'Some({wished})'."}
        return
    assert (answer.status, answer.body["owner"], answer.body["proxyUser"]) == (201, user, becomes)
    argv = stage.argv(f"m{stage.marks}")
    assert argv[argv.index("--proxy-user") + 1] == becomes and argv.count("--proxy-user") == 1


# S59: what is no name of a user is none for a superuser either.
NO_USERS = ["", "a b", "../x", "a/b", "--conf", "-x", ".", "ä", "*", "a,b", "a:b", "$(id)", "x" * 256]


@pytest.mark.parametrize("name", NO_USERS, ids=ascii)
def test_what_is_no_user_cannot_be_acted_for(stage, name):
    before = ask(stage, "super", "GET", "/batches").body["total"]
    for user, status in (("alice", 403), ("super", 400)):
        assert ask(stage, user, "POST", "/batches", stage.body(), doAs=name).status == status
        assert ask(stage, user, "GET", "/batches", doAs=name).status == status
        by_body = ask(stage, user, "POST", "/batches", stage.body(proxyUser=name))
        assert by_body.status == (400 if len(name) > 255 else status), by_body
    assert ask(stage, "super", "GET", "/batches").body["total"] == before


@pytest.mark.parametrize("name", ["a\nb", "a\r\nX: y", "a\tb", "a\x7f", "a\u0085b"], ids=ascii)
def test_control_characters_are_refused_on_every_way_in(stage, name):
    assert ask(stage, "super", "POST", "/batches", stage.body(proxyUser=name)).status == 400
    assert ask(stage, "super", "POST", "/batches", stage.body(), doAs=name).status == 400
    assert ask(stage, "alice", "GET", "/version", doAs=name).body["msg"].endswith(f"'Some({name})'.")


def test_a_list_for_somebody_forbidden_is_403_also_when_it_is_empty(gateways):  # D12
    gateway = gateways()
    gateway.start(**{**SIGNED_IN, "livy.impersonation.enabled": "true"})
    for _ in range(2):
        answer = ask(gateway, "alice", "GET", "/batches", doAs="bob")
        assert (answer.status, answer.body) == (403, {"msg": "User 'alice' not allowed to impersonate 'Some(bob)'."})
        submit(gateway, "alice")


@pytest.mark.parametrize("query", ["doAs=super&doAs=bob", "doAs=bob&doAs=bob", "&".join(f"a{i}=1" for i in range(32)) + "&doAs=bob"])
def test_a_proxy_that_adds_its_own_is_not_cheated(stage, query):
    for method in ("GET", "POST"):
        answer = stage.request(method, f"/batches?{query}", stage.body() if method == "POST" else None,
                               headers={HEADER: "super"})  # fmt: skip
        assert answer.status == 400 and "doAs" in answer.body["msg"]
    just = "&".join(f"a{i}=1" for i in range(31)) + "&doAs=bob"
    assert stage.request("GET", f"/batches?{just}", headers={HEADER: "alice"}).status == 403


def test_whom_a_job_runs_as_is_settled_when_it_is_accepted(gateways):
    gateway = gateways()
    gateway.start(**{**SIGNED_IN, "livy.impersonation.enabled": "true", "livy.superusers": "super", "florus.launch.hold": "true"})
    submit(gateway, "super", "mark=settled", query={"doAs": "bob"})
    gateway.restart(**{"livy.impersonation.enabled": "false", "livy.superusers": "", "florus.launch.hold": "false"})
    argv = gateway.argv("settled")
    assert argv[argv.index("--proxy-user") + 1] == "bob"
    assert ask(gateway, "bob", "GET", "/batches/0").body["proxyUser"] == "bob"


def test_a_name_is_taken_for_everybody(stage):
    body = stage.body("wait=/nowhere", name="the-only-one")
    assert ask(stage, "alice", "POST", "/batches", body).status == 201
    refused = ask(stage, "bob", "POST", "/batches", stage.body(name="the-only-one"))
    assert refused.status == 400 and "Duplicate session name: Some(the-only-one)" in refused.body["msg"]


def test_a_key_repeated_for_somebody_else_is_another_request(stage):
    body, key = stage.body(), {"Idempotency-Key": "for-bob"}
    first = ask(stage, "super", "POST", "/batches", body, headers=key, doAs="bob")
    assert ask(stage, "super", "POST", "/batches", body, headers=key, doAs="bob").body == first.body
    assert ask(stage, "super", "POST", "/batches", body, headers=key, doAs="carol").status == 422
    assert ask(stage, "bob", "POST", "/batches", body, headers=key).body["id"] != first.body["id"]


def test_the_command_line_acts_for_others_and_says_why_it_may_not(gateways, tmp_path):
    users = {name: Cli(tmp_path) for name in ("super", "alice", "bob")}
    for name, cli in users.items():
        subprocess.run(cli.argv(["passwd", "--stdin", "users", name]), cwd=tmp_path, input=b"secret word\n", check=True)
        cli.env.update({"FLORUS_USER": name, "FLORUS_PASSWORD": "secret word"})
    gateway = gateways()
    gateway.start(**{**CONTROLLED, "livy.server.auth.type": "basic", "florus.auth.users-file": tmp_path / "users",
                     "livy.server.access-control.allowed-users": "bob"})  # fmt: skip

    def run(user, *args):
        done = users[user]("--state-dir", str(gateway.state), *args)
        return done.returncode, done.stdout, done.stderr

    status, made, _ = run("super", "submit", "--do-as", "carol", "--json", str(gateway.job), "do:echo=hello")
    assert status == 0 and json.loads(made)["proxyUser"] == "carol"
    assert run("super", "log", "-f", "0") == (0, "hello\n", "")
    assert run("bob", "--do-as", "carol", "list") == (
        4, "", "florus: User 'bob' not allowed to impersonate 'Some(carol)'.\n")  # fmt: skip
    others = "this is for the owner of the batch, and for those whom the server's configuration names\n"
    assert run("bob", "log", "0") == (4, "", f"florus: {others}")
    assert run("bob", "show", "0")[0] == 0
    assert run("alice", "list") == (4, "", "florus: User not authorised to use Livy.\n")


# --- ways around ---


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"])
def test_an_override_needs_the_right_of_what_it_becomes(world, header):  # S61
    how = {"headers": {header: "DELETE"}} if header != "_method" else {"_method": "DELETE"}
    batch = f"/batches/{world.batches[0]}"
    assert forbidden(ask(world.gateway, "other", "POST", batch, **how)) == ""
    assert forbidden(ask(world.gateway, "viewer", "POST", batch, **how)) == ""
    assert ask(world.gateway, "owner", "GET", batch).status == 200


# S62, where everybody on this machine may do everything: {Host: what is answered}
HOSTS = {
    "127.0.0.1": 200,
    "127.0.0.1:8998": 200,
    "[::1]:8998": 200,
    "localhost": 200,
    "LOCALHOST.:1": 200,
    "10.0.0.1": 200,
    "evil": 403,
    "evil.example:8998": 403,
    "localhost.evil.example": 403,
    "127.0.0.1.evil.example": 403,
    "0x7f.1": 403,
}


def by_host(gateway, host, path="/batches", method="GET"):
    return gateway.raw(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n".encode()).status


def test_a_page_of_another_site_does_not_reach_us_under_its_own_name(gateways):
    gateway = gateways(florus__http__allowed_hosts="").start()
    assert {host: by_host(gateway, host) for host in HOSTS} == HOSTS
    for method, path in (("GET", "/ui"), ("GET", "/"), ("POST", "/batches"), ("DELETE", "/batches/0"), ("GET", "/none")):
        assert by_host(gateway, "evil.example", path, method) == 403
    assert by_host(gateway, "evil.example", "/readyz") == 200  # a balancer may call us anything
    assert gateway.raw(b"GET /version HTTP/1.0\r\n\r\n").status == 200
    told = gateway.raw(b"GET /version HTTP/1.1\r\nHost: evil.example\r\n\r\n").body["msg"]
    assert "'evil.example' is not a name of this server; florus.http.allowed-hosts" in told


def test_more_names_can_be_allowed(gateways):
    gateway = gateways(florus__http__allowed_hosts="jobs.example.org, spark").start()
    hosts = {"jobs.example.org:443": 200, "SPARK": 200, "localhost": 200, "x.jobs.example.org": 403, "evil": 403}
    assert {host: by_host(gateway, host) for host in hosts} == hosts


def test_who_asks_for_passwords_does_not_ask_for_names(gateways):
    gateway = gateways(florus__http__allowed_hosts="")
    gateway.options.update(SIGNED_IN)
    gateway.start()
    assert by_host(gateway, "evil.example") == 401  # and the browser sends none of another site's


# --- what refuses to start (D1, D21) ---

REFUSALS = {
    "livy.server.access-control.enabled": {},
    "livy.impersonation.enabled": {},
    "livy.server.access_control.enabled": {},
    "livy.server.access-control.enabled ": {"florus.auth.allow-none": "true", "livy.server.host": "0.0.0.0"},
}


@pytest.mark.parametrize("key", REFUSALS)
def test_rights_without_users_refuse_to_start(gateways, key):
    status, lines = gateways().refusal({key.strip(): "true", **REFUSALS[key]})
    assert status == 78
    said = lines[-1].replace("access_control", "access-control")
    assert f"{key.strip().replace('_', '-')} is true, and there is no authentication" in said
    assert "set livy.server.auth.type" in said
