"""The gateways that rules are tried on, by name. Each is made once per worker, when a rule first needs it."""

import subprocess

from gateway import BIN_DIR

TWELVE = 12


def plain(gateways):
    """Takes jobs; the rules before have left theirs. $files/link-to-etc leads to /etc."""
    gateway = gateways()
    (gateway.files / "link-to-etc").symlink_to("/etc")
    return gateway.start()


def finished(gateways):
    """0: named "a/b", printed 1 to 15, success. 1: printed 1 to 250, dead. Nothing may be added."""
    gateway = gateways().start()
    gateway.run("lines=15", "exit=0", name="a/b")
    gateway.run("lines=250", "exit=1")
    return gateway


def empty(gateways):
    """Has no batches, and none may be added."""
    return gateways().start()


def held(gateways):
    """Starts nothing: what is posted stays as it was accepted. Rules may add."""
    return gateways(florus__launch__hold="true").start()


def twelve(gateways):
    """0 to 11, all waiting. Nothing may be added."""
    gateway = held(gateways)
    for _ in range(TWELVE):
        gateway.submit()
    return gateway


def full(gateways):
    """One waits, and no more may."""
    gateway = gateways(florus__launch__hold="true", florus__queue__max=1).start()
    gateway.submit()
    return gateway


def csrf(gateways):
    return gateways().start(livy__server__csrf_protection__enabled="true", florus__launch__hold="true")


def based(gateways):
    """Lives below /gate/way."""
    return gateways(florus__http__base_path="/gate/way", florus__launch__hold="true").start()


def bare(gateways):
    """Has no security headers but one of its own."""
    return gateways(**{"livy.server.http.header.X-XSS-Protection": " ", "livy.server.http.header.X-Frame-Options": "DENY"}).start()


def password(gateways):
    """Wants alice's or bob's password, which is `secret`."""
    gateway = gateways(livy__server__auth__type="basic", florus__launch__hold="true")
    users = gateway.root / "users"
    for user in ("alice", "bob"):
        argv = [BIN_DIR / "florus", "passwd", "--stdin", users, user]
        subprocess.run(argv, input=b"secret\n", check=True, capture_output=True)
    return gateway.start(florus__auth__users_file=users)


SETUPS = {f.__name__: f for f in (plain, finished, empty, held, twelve, full, csrf, based, bare, password)}
