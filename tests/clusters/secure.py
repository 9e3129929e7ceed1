"""A real YARN over a real HDFS that believe tickets only: each daemon a principal of its own, from a KDC of ours."""

import json
import os
import subprocess

from realm import Realm
from yarn import Yarn

US = "alice"  # who florusd is there; may act for others


def principal(service):
    return f"{service}/localhost@FLORUS.TEST"


def login(prefix, service, keytab):
    return {f"{prefix}.keytab": keytab, f"{prefix}.principal": principal(service)}


class SecureYarn(Yarn):
    host = "localhost"  # tickets are for names

    def __init__(self, root, which):
        self.realm = Realm(root)
        keytab = self.realm.root / "hadoop.keytab"
        self.cache = self.realm.ticket(US, principal("HTTP"))
        self.java = (f"-Djava.security.krb5.conf={self.realm.env['KRB5_CONFIG']}",)
        super().__init__(root / "hadoop", which, {
            "hadoop.security.authentication": "kerberos",
            "hadoop.http.filter.initializers": "org.apache.hadoop.security.AuthenticationFilterInitializer",
            "hadoop.http.authentication.type": "kerberos",
            **login("hadoop.http.authentication.kerberos", "HTTP", keytab),
            f"hadoop.proxyuser.{US}.hosts": "*",
            f"hadoop.proxyuser.{US}.groups": "*",
        }, {
            "dfs.block.access.token.enable": "true",
            "dfs.data.transfer.protection": "authentication",
            "ignore.secure.ports.for.testing": "true",
            "dfs.namenode.kerberos.principal": principal("nn"),
            "dfs.namenode.keytab.file": keytab,
            "dfs.datanode.kerberos.principal": principal("dn"),
            "dfs.datanode.keytab.file": keytab,
            **login("dfs.web.authentication.kerberos", "HTTP", keytab),
        }, **{
            **login("yarn.resourcemanager", "rm", keytab),
            **login("yarn.nodemanager", "nm", keytab),
            "yarn.resourcemanager.webapp.spnego-principal": principal("HTTP"),
            "yarn.resourcemanager.webapp.spnego-keytab-file": keytab,
            "yarn.nodemanager.webapp.spnego-principal": principal("HTTP"),
            "yarn.nodemanager.webapp.spnego-keytab-file": keytab,
        })

    def curl(self, url, method="GET"):
        """(status, text), as us."""
        command = ["curl", "-q", "-sS", "--noproxy", "*", "--negotiate", "-u", ":", "-X", method, "-w", "\n%{http_code}", url]
        env = {**os.environ, **self.realm.env, "KRB5CCNAME": str(self.cache)}
        done = subprocess.run(command, env=env, capture_output=True, timeout=30)
        if done.returncode:
            raise OSError(done.stderr.decode())
        text, _, status = done.stdout.decode(errors="replace").rpartition("\n")
        return int(status), text

    def ask(self, path):
        return json.loads(self.curl(f"http://localhost:{self.rm_web}/ws/v1/cluster/{path}")[1])

    def ask_files(self, path, op, method="GET"):
        return self.curl(f"http://localhost:{self.web}/webhdfs/v1{path}?op={op}", method)

    def stop(self):
        super().stop()
        self.realm.stop()
