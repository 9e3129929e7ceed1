"""Kerberos: a real KDC, real tickets by curl, and everything that is none."""

import base64
import json
import os
import re
import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from certs import Authority
from gateway import until
from realm import Realm, shift_clock
from test_auth import PASSWORDS, basic, passwd

BASIC = 'Basic realm="florus", charset="UTF-8"'


@pytest.fixture(scope="module")
def realm(tmp_path_factory):
    realm = Realm(tmp_path_factory.mktemp("realm"))
    yield realm
    realm.stop()


@pytest.fixture(scope="module")
def alice(realm):
    return realm.ticket("alice")


def options(realm, **more):
    return {"livy__server__auth__type": "kerberos", "livy__server__auth__kerberos__keytab": str(realm.keytab),
            "env": realm.env, **more}


@pytest.fixture(scope="module")
def guarded(module_gateways, realm):
    """Takes tickets, and nothing else."""
    return module_gateways(**options(realm)).start()


def create(realm, gateway, cache):
    """The answer to a POST /batches with these tickets."""
    body = json.dumps(gateway.body())
    return realm.curl(gateway, "/batches", "-H", "Content-Type: application/json", "-d", body, cache=cache)[0]


def reason(gateway):
    """Why the last login was refused."""
    return [line for line in gateway.log_text().splitlines() if "login refused" in line][-1]


# --- tickets -------------------------------------------------------------------------------------------------------


def test_a_ticket_opens_and_owns(realm, guarded, alice):
    answer = create(realm, guarded, alice)
    assert (answer.status, answer.body["owner"]) == (201, "alice")
    again, _ = realm.curl(guarded, f"/batches/{answer.body['id']}", cache=alice)
    assert (again.status, again.body["owner"]) == (200, "alice")


def test_without_a_ticket_it_is_401_and_negotiate(realm, guarded):
    answer, sent = realm.curl(guarded, "/batches")
    assert (answer.status, answer.body, sent) == (401, {"msg": "Authentication required"}, None)
    assert answer.all("WWW-Authenticate") == ["Negotiate"]
    assert answer.all("Set-Cookie") == []


@pytest.mark.parametrize("path", ["/batches", "/livy/batches", "/version", "/ui"])
def test_the_answer_proves_the_server_too(realm, guarded, alice, path):
    assert realm.mutual(guarded, path, cache=alice) == "200 proved"
    assert realm.mutual(guarded, path, "spoil", cache=alice) == "200 not proved"
    assert realm.mutual(guarded, "/nothing", cache=alice) == "404 proved"


def test_a_ticket_is_good_once_per_authenticator(realm, guarded, alice):
    answer, sent = realm.curl(guarded, "/batches", cache=alice)
    assert answer.status == 200
    replayed = guarded.get("/batches", headers={"Authorization": sent})
    assert (replayed.status, replayed.all("WWW-Authenticate")) == (401, ["Negotiate"])
    assert "Request is a replay" in reason(guarded)
    assert sent.split()[1] not in guarded.log_text()


def test_many_tickets_at_once_are_all_served(realm, guarded, alice):
    with ThreadPoolExecutor(24) as crowd:
        answers = list(crowd.map(lambda _: realm.curl(guarded, "/version", cache=alice)[0].status, range(24)))
    assert answers == [200] * 24


def test_a_clock_that_is_wrong_is_named_in_the_log(realm, guarded):
    cache = realm.ticket("alice")
    shift_clock(cache, 3600)
    answer, sent = realm.curl(guarded, "/batches", cache=cache)
    assert (answer.status, sent is not None) == (401, True)
    assert "Clock skew too great" in reason(guarded)


def test_a_name_without_a_key_is_named_in_the_log(realm, guarded):
    """As when the URL has another name of this host."""
    cache = realm.ticket("alice", "host/localhost@FLORUS.TEST")
    answer, sent = realm.curl(guarded, "/batches", "--service-name", "host", cache=cache)
    assert (answer.status, sent is not None) == (401, True)
    assert "Request ticket server host/localhost@FLORUS.TEST not found in keytab" in reason(guarded)


def test_a_foreign_realm_needs_a_rule(realm, guarded):
    answer, sent = realm.curl(guarded, "/batches", cache=realm.ticket("alice@OTHER.TEST"))
    assert (answer.status, sent is not None) == (401, True)
    assert answer.body == {"msg": "Authentication required"} and not answer.all("Set-Cookie")
    assert "applies to alice@OTHER.TEST" in reason(guarded)


def test_rules_make_users_of_principals(realm, gateways):
    rules = ("RULE:[2:$1;$2](^.*;admin$)s/^(.*);admin/$1.root/  RULE:[1:$1@$0](.*@OTHER\\.TEST)s/@.*/.other/\tDEFAULT")
    gateway = gateways(**options(realm, livy__server__auth__kerberos__name_rules=rules,
                                 livy__server__auth__kerberos__principal="HTTP/localhost")).start()
    users = {"alice": "alice", "alice/admin": "alice.root", "alice@OTHER.TEST": "alice.other"}
    for principal, user in users.items():
        answer = create(realm, gateway, realm.ticket(principal))
        assert (answer.status, answer.body["owner"]) == (201, user)


@pytest.mark.parametrize("ours, service, status", [
    (None, "HTTP", 200), ("*", "HTTP", 200), ("HTTP/localhost", "HTTP", 200),
    ("HTTP/localhost@FLORUS.TEST", "HTTP", 200),
    (None, "host", 401), ("HTTP/elsewhere", "HTTP", 401), ("HTTP/localhost@FLORUS.TEST", "host", 401)])
def test_only_a_ticket_for_our_own_name_counts(realm, gateways, ours, service, status):
    """Although the keytab has the keys of all of them."""
    more = {"livy__server__auth__kerberos__keytab": str(realm.root / "all.keytab")}
    if ours:
        more["livy__server__auth__kerberos__principal"] = ours
    gateway = gateways(**{**options(realm), **more}).start()
    answer, sent = realm.curl(gateway, "/batches", "--service-name", service,
                              cache=realm.ticket("alice", f"{service}/localhost@FLORUS.TEST"))
    assert (answer.status, sent is not None) == (status, True)
    if status == 401:
        assert f"a ticket for {service}/localhost@FLORUS.TEST, which is not our name" in reason(gateway)
        assert not answer.all("Set-Cookie") and answer.all("WWW-Authenticate") == ["Negotiate"]


# --- what is no ticket ---------------------------------------------------------------------------------------------

def encoded(data):
    return base64.b64encode(data).decode()


SPNEGO = bytes.fromhex("06062b0601050502")
KRB5 = bytes.fromhex("06092a864886f712010202")
NOT_TOKENS = {
    "nothing": "",
    "not base64": "!!!",
    "no padding": "YII",
    "line end": "YII=\tYII=",
    "url alphabet": "YII-_w==",
    "one byte": encoded(b"\x60"),
    "zeros": encoded(bytes(300)),
    "ones": encoded(b"\xff" * 300),
    "NTLM": encoded(b"NTLMSSP\x00\x01\x00\x00\x00\x07\x82\x08\xa2" + bytes(16)),
    "NTLM in SPNEGO": encoded(b"\x60\x1c" + SPNEGO + bytes.fromhex("a0123010a00e300c060a2b06010401823702020a")),
    "empty SPNEGO": encoded(b"\x60\x08" + SPNEGO),
    "length beyond the end": encoded(b"\x60\x84\x7f\xff\xff\xff" + SPNEGO),
    "length of 8 bytes": encoded(b"\x60\x88" + b"\xff" * 8 + SPNEGO),
    "indefinite length": encoded(b"\x60\x80" + SPNEGO + bytes(20)),
    "bare krb5, no AP-REQ": encoded(b"\x60\x0d" + KRB5 + b"\x01\x00"),
    "bare krb5, garbage": encoded(b"\x60\x4d" + KRB5 + b"\x01\x00" + b"\x6e" * 64),
    "deeply nested": encoded(b"\x60\x82\x40\x00" + b"\xa0\x82\x3f\x00" * 4000),
    "answer instead of a request": encoded(bytes.fromhex("a1073005a0030a0100")),
    "unknown mechanism": encoded(bytes.fromhex("600506032a0304")),
    "64 KiB": encoded(b"\x60\x83\x00\xff\xfc" + SPNEGO + bytes(65536 - 13)),
    "48 KiB": encoded(b"\x60\x82\xbf\xfc" + SPNEGO + bytes(48 * 1024 - 12)),
    "cookie": "u=alice&p=alice@FLORUS.TEST&t=kerberos",
}


@pytest.mark.parametrize("name", NOT_TOKENS)
def test_what_is_no_token_is_401(guarded, name):
    for scheme in ("Negotiate", "negotiate"):
        answer = guarded.get("/batches", headers={"Authorization": f"{scheme} {NOT_TOKENS[name]}"})
        assert (answer.status, answer.body) == (401, {"msg": "Authentication required"}), answer
        assert answer.all("WWW-Authenticate") == ["Negotiate"]
        assert not answer.all("Set-Cookie")
    assert guarded.get("/livez").status == 200


def test_a_true_token_with_one_bit_wrong_is_401(realm, guarded, alice):
    _, sent = realm.curl(guarded, "/batches", cache=alice)
    token = base64.b64decode(sent.split()[1])
    for at in range(0, len(token), 7):
        wrong = bytearray(token)
        wrong[at] ^= 0x40
        answer = guarded.get("/batches", headers={"Authorization": f"Negotiate {encoded(bytes(wrong))}"})
        assert answer.status == 401, at
    for n in range(0, len(token), 50):
        answer = guarded.get("/batches", headers={"Authorization": f"Negotiate {encoded(token[:n])}"})
        assert answer.status == 401, n


def test_an_ntlm_client_is_told_in_the_log_what_it_lacks(guarded):
    guarded.get("/batches", headers={"Authorization": f"Negotiate {NOT_TOKENS['NTLM']}"})
    assert "the client has no ticket" in reason(guarded)


def test_two_authorizations_are_400(realm, guarded, alice):
    _, sent = realm.curl(guarded, "/version", cache=alice)
    with guarded.wire() as wire:
        lines = f"GET /batches HTTP/1.1\r\nHost: x\r\nAuthorization: {sent}\r\nAuthorization: {sent}\r\n\r\n"
        assert wire.send(lines.encode()).answer().status == 400


# --- the cookie ----------------------------------------------------------------------------------------------------


def cookie_of(answer):
    """name=value of the one cookie."""
    (cookie,) = answer.all("Set-Cookie")
    return cookie.split(";")[0]


@pytest.fixture(scope="module")
def cookie(realm, guarded, alice):
    return cookie_of(realm.curl(guarded, "/batches", cache=alice)[0])


def test_the_cookie_is_closed_to_scripts_and_other_sites(realm, guarded, alice):
    (cookie,) = realm.curl(guarded, "/batches", cache=alice)[0].all("Set-Cookie")
    assert re.fullmatch(r'hadoop\.auth="u=alice&p=alice@FLORUS\.TEST&t=kerberos&e=\d{13}&s=[A-Za-z0-9+/]{43}="'
                        r"; Path=/; HttpOnly; SameSite=Strict", cookie)


def test_over_tls_the_cookie_never_goes_in_the_clear(realm, gateways, alice, tmp_path):
    pair = Authority(tmp_path).issue("server")
    gateway = gateways(**options(realm, florus__tls__cert=pair.cert, florus__tls__key=pair.key)).start()
    answer, _ = realm.curl(gateway, "/batches", "--insecure", cache=alice, scheme="https")
    assert answer.status == 200 and cookie_of(answer)
    assert answer.header("Set-Cookie").endswith("; Path=/; HttpOnly; SameSite=Strict; Secure")


def test_curl_comes_back_with_its_cookie_and_no_ticket(realm, guarded, alice, tmp_path):
    jar = str(tmp_path / "jar")
    first, _ = realm.curl(guarded, "/batches", "-c", jar, cache=alice)
    again, sent = realm.curl(guarded, "/batches", "-b", jar)
    assert (first.status, again.status, sent) == (200, 200, None)
    assert not again.all("Set-Cookie") and not again.all("WWW-Authenticate")


def test_the_cookie_owns(guarded, cookie):
    made = guarded.post("/batches", guarded.body(), headers={"Cookie": cookie})
    assert (made.status, made.body["owner"]) == (201, "alice")
    assert guarded.get("/batches", headers={"Cookie": f"theme=dark; {cookie}; x=y"}).status == 200
    assert guarded.get("/batches", headers={"Cookie": cookie.replace('"', "")}).status == 200


def test_a_cookie_that_is_not_exactly_ours_is_none(guarded, cookie):
    for wrong in (cookie.replace("alice", "bob"), cookie.replace("u=alice", "u=root"), cookie.replace("&e=1", "&e=2"),
                  cookie[:-3] + 'AA"', cookie.replace("&s=", "&x="), "hadoop.auth=", "hadoop.auth", 'hadoop.auth="&s="',
                  f"{cookie}; {cookie}", cookie + "x" * 8000, "=;;=", "\xff\xfe"):
        answer = guarded.get("/batches", headers={"Cookie": wrong})
        assert (answer.status, answer.all("WWW-Authenticate")) == (401, ["Negotiate"]), wrong
    with guarded.wire() as wire:
        lines = f"GET /batches HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\nCookie: {cookie}\r\n\r\n"
        assert wire.send(lines.encode()).answer().status == 401


def test_wrong_credentials_are_not_helped_by_a_cookie(guarded, cookie):
    answer = guarded.get("/batches", headers={"Cookie": cookie, "Authorization": "Negotiate YII="})
    assert answer.status == 401


def test_a_cookie_dies_with_the_daemon_and_with_its_time(realm, gateways, alice):
    gateway = gateways(**options(realm, florus__auth__cookie="1s")).start()
    cookie = {"Cookie": cookie_of(realm.curl(gateway, "/batches", cache=alice)[0])}
    assert gateway.get("/batches", headers=cookie).status == 200
    until(lambda: gateway.get("/batches", headers=cookie).status == 401, 5, "the cookie is too old")
    gateway.restart(florus__auth__cookie="10h")
    cookie = {"Cookie": cookie_of(realm.curl(gateway, "/batches", cache=alice)[0])}
    assert gateway.get("/batches", headers=cookie).status == 200
    gateway.restart()
    assert gateway.get("/batches", headers=cookie).status == 401


def test_a_keytab_that_is_gone_is_503_and_a_new_one_is_taken_at_once(realm, gateways, alice, tmp_path):
    keytab = tmp_path / "keytab"
    keytab.write_bytes(realm.keytab.read_bytes())
    keytab.chmod(0o600)
    gateway = gateways(**options(realm, livy__server__auth__kerberos__keytab=str(keytab))).start()
    keytab.rename(tmp_path / "away")
    answer, _ = realm.curl(gateway, "/batches", cache=alice)
    assert (answer.status, answer.header("Retry-After"), answer.all("WWW-Authenticate")) == (503, "5", [])
    (tmp_path / "away").rename(keytab)
    assert realm.curl(gateway, "/batches", cache=alice)[0].status == 200


def test_there_may_be_no_cookies_at_all(realm, gateways, alice):
    gateway = gateways(**options(realm, florus__auth__cookie="0")).start()
    answer, _ = realm.curl(gateway, "/batches", cache=alice)
    assert (answer.status, answer.all("Set-Cookie")) == (200, [])


# --- beside other ways in, and the start -----------------------------------------------------------------------------


@pytest.fixture
def mixed(gateways, realm, tmp_path):
    file = tmp_path / "users"
    passwd(file, "alice", PASSWORDS["alice"])
    return gateways(**options(realm, livy__server__auth__type="basic,kerberos",
                              florus__auth__users_file=str(file))).start()


def test_passwords_and_tickets_go_together(realm, mixed, alice):
    refused = mixed.get("/batches")
    assert refused.all("WWW-Authenticate") == ["Negotiate", BASIC]
    assert mixed.get("/batches", headers=basic("alice", PASSWORDS["alice"])).status == 200
    assert mixed.get("/batches", headers=basic("alice", "wrong")).status == 401
    assert realm.curl(mixed, "/batches", cache=alice)[0].status == 200
    os.kill(mixed.process.pid, signal.SIGHUP)
    until(lambda: "read anew" in mixed.log_text(), 10, "the reload")
    assert realm.curl(mixed, "/batches", cache=alice)[0].status == 200


def test_negotiate_is_nothing_where_kerberos_is_not_spoken(gateways, realm, alice, tmp_path):
    file = tmp_path / "users"
    passwd(file, "alice", "x")
    gateway = gateways(livy__server__auth__type="basic", florus__auth__users_file=str(file)).start()
    answer, _ = realm.curl(gateway, "/batches", cache=alice)
    assert (answer.status, answer.all("WWW-Authenticate"), answer.all("Set-Cookie")) == (401, [BASIC], [])


def this_host():
    """As the KDC of most realms has it."""
    return socket.getaddrinfo(socket.gethostname(), None, flags=socket.AI_CANONNAME)[0][3].lower()


BAD_STARTS = {
    "no keytab": ({"livy.server.auth.kerberos.keytab": ""}, "livy.server.auth.kerberos.keytab must be set"),
    "no such keytab": ({"livy.server.auth.kerberos.keytab": "/none"}, "/none does not exist"),
    "readable by others": ({"livy.server.auth.kerberos.keytab": "{root}/open.keytab"}, "chmod o= "),
    "another service's": ({"livy.server.auth.kerberos.keytab": "{root}/host.keytab"}, "no key of a service HTTP/host"),
    "another host's": ({"livy.server.auth.kerberos.principal": "HTTP/elsewhere.test"}, "no key of HTTP/elsewhere.test"),
    "another host": ({"livy.server.auth.kerberos.principal": "HTTP/_HOST@NOWHERE.TEST"},
                     f"no key of HTTP/{this_host()}@NOWHERE.TEST; klist -k"),
    "not HTTP": ({"livy.server.auth.kerberos.principal": "host/localhost@FLORUS.TEST"}, "expected HTTP/host@REALM"),
    "no keytab but a text": ({"livy.server.auth.kerberos.keytab": "{root}/text"}, "livy.server.auth.kerberos.keytab: "),
    "bad rules": ({"livy.server.auth.kerberos.name-rules": "DEFAULT RULE:[1:$2]"}, "name-rules: \\\"RULE:[1:$2]"),
}


@pytest.mark.parametrize("name", BAD_STARTS)
def test_what_could_never_work_is_refused_at_the_start(realm, gateways, name):
    more, part = BAD_STARTS[name]
    (realm.root / "open.keytab").write_bytes(realm.keytab.read_bytes())
    (realm.root / "open.keytab").chmod(0o644)
    (realm.root / "text").write_text("not a keytab")
    (realm.root / "text").chmod(0o600)
    more = {key: value.replace("{root}", str(realm.root)) for key, value in more.items()}
    status, lines = gateways(**options(realm)).refusal(more)
    assert status == 78 and part in lines[-1], lines


def test_livys_old_spelling_of_the_rules_works(realm, gateways, alice, tmp_path):
    gateway = gateways(**options(realm))
    gateway.config = tmp_path / "livy.conf"
    rules = r"RULE:[1:$1@$0](.*@FLORUS\\.TEST)s/@.*/.old/"  # a properties file has its backslashes twice
    gateway.config.write_text(f"livy.server.auth.kerberos.name_rules = {rules}\\\n    DEFAULT\n")
    gateway.start()
    answer = create(realm, gateway, alice)
    assert answer.body["owner"] == "alice.old"
