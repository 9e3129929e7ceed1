"""Certificates for tests, made by the openssl command: a CA of one's own and what it signs."""

import ssl
import subprocess

NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"


def openssl(*args):
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Pair:
    """A certificate and its key: two files, and both in one."""

    def __init__(self, folder, name):
        self.cert, self.key, self.both = (folder / f"{name}.{kind}" for kind in ("crt", "key", "pem"))


class Authority:
    """Signs certificates; .pair.cert is what whoever trusts it must have."""

    def __init__(self, folder, name="ca"):
        self.folder, self.pair = folder, Pair(folder, name)
        new_key(self.pair.key)
        openssl("req", "-x509", "-key", self.pair.key, "-out", self.pair.cert, "-days", 30, "-subj", f"/CN={name}")

    def issue(self, name, days=30, usage="serverAuth,clientAuth", more=""):
        """days < 0: it has expired. more: other names of the server."""
        pair, request = Pair(self.folder, name), self.folder / f"{name}.csr"
        new_key(pair.key)
        openssl("req", "-new", "-key", pair.key, "-out", request, "-subj", f"/CN={name}", "-addext", NAMES + more,
                "-addext", f"extendedKeyUsage={usage}")  # fmt: skip
        openssl("x509", "-req", "-in", request, "-CA", self.pair.cert, "-CAkey", self.pair.key, "-CAcreateserial",
                "-copy_extensions", "copy", "-days", days, "-out", pair.cert)  # fmt: skip
        pair.both.touch(0o600)
        pair.both.write_text(pair.cert.read_text() + pair.key.read_text())
        return pair

    def trust(self, client=None):
        """What a client needs to believe servers of this authority, and to show a certificate of its own."""
        context = ssl.create_default_context(cafile=self.pair.cert)
        if client:
            context.load_cert_chain(client.cert, client.key)
        return context


def new_key(path):
    path.touch(0o600)
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)


def common_name(der):
    """The subject's name of a certificate as ssl's getpeercert(binary_form=True) gives it."""
    pem = ssl.DER_cert_to_PEM_cert(der)
    done = subprocess.run(["openssl", "x509", "-noout", "-subject", "-nameopt", "multiline"], input=pem,
                          capture_output=True, text=True, check=True)  # fmt: skip
    return done.stdout.split("=")[-1].strip()
