"""Who may do what: every route for every kind of caller, impersonation, and what refuses to start."""

import json
import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
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
WAYS = [("", "id"), ("", "name"), ("/livy", "id"), ("/livy", "name")]

# Who asks, and as whom: the batch belongs to owner and runs as proxy.
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
    "other=owner": ("other", "owner"),
    "owner=owner": ("owner", "owner"),
}

# 200+ shows a log, 200- an empty one; 403 is {}, 403p Livy's page, 403m says that nobody may act for others so.
ACCESS = """
                         nobody stranger other owner proxy viewer modifier super super=owner super=other other=owner owner=owner
GET /batches             401    403p     200-  200+  200+  200+   200+     200+  200+        200-        403m        200+
POST /batches            401    403p     201   201   201   201    201      201   201         201         403m        201
GET /batches/{id}        401    403p     200-  200+  200+  200+   200+     200+  200+        200-        403m        200+
DELETE /batches/{id}     401    403p     403   200   200   403    200      200   200         403         403m        200
GET /batches/{id}/state  401    403p     200   200   200   200    200      200   200         200         403m        200
GET /batches/{id}/log    401    403p     403   200+  200+  200+   200+     200+  200+        403         403m        200+
GET /version             401    403p     200   200   200   200    200      200   200         200         403m        200
GET /healthz             200    200      200   200   200   200    200      200   200         200         200         200
GET /livez               200    200      200   200   200   200    200      200   200         200         200         200
GET /readyz              200    200      200   200   200   200    200      200   200         200         200         200
GET /                    401    403p     302   302   302   302    302      302   302         302         403m        302
GET /ui                  401    403p     200   200   200   200    200      200   200         200         403m        200
GET /ui/batch/{id}       401    403p     200   200   200   200    200      200   200         200         403m        200
GET /ui/batch/{id}/log   401    403p     200   200   200   200    200      200   200         200         403m        200
GET /ui/session/{id}     401    403p     200   200   200   200    200      200   200         200         403m        200
GET /ui/session/{id}/log 401    403p     200   200   200   200    200      200   200         200         403m        200
GET /static/{file}       401    403p     200   200   200   200    200      200   200         200         403m        200
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
        self.gateway.stop()
        self.gateway.options.update(CONTROLLED)
        self.gateway.start()

    def cell(self, method, pattern, mount, by, role):
        user, acting = ROLES[role]
        batch = self.batches.pop() if method == "DELETE" else self.batches[0]
        path = mount + pattern.replace("{id}", str(batch) if by == "id" else f"job-{batch}").replace("{file}", "app.js")
        body = self.gateway.body() if method == "POST" else None
        answer = ask(self.gateway, user, method, path, body, **({"doAs": acting} if acting else {}))
        if method == "POST" and mount and answer.status == 200:
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
    assert shown["log"] in ([], ["stdout: ", "hello", "\nstderr: "]), answer
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
    assert len(routes()) == len(re.findall(r"\bHTTP_(?:GET|POST|DELETE), *\"", (REPO / "src/api/routes.c").read_text()))


@pytest.mark.parametrize("mount, by", WAYS)
@pytest.mark.parametrize("route", table(ACCESS))
def test_each_route_for_each_caller(world, route, mount, by):
    method, pattern = route.split()
    assert {role: world.cell(method, pattern, mount, by, role) for role in ROLES} == table(ACCESS)[route]
