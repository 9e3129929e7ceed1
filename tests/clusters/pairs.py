"""A real YARN over a real HDFS with two of each manager, and TLS on every page. Who is active is said by hand, so there is no ZooKeeper."""

import shutil

from certs import Authority, openssl
from gateway import until
from hdfs import Daemon, site
from parts import START_S, free_ports
from standalone import answer_of
from yarn import Yarn

IDS = ("first", "second")  # as the files name them
PAIR_S = 3 * START_S  # six JVMs start at a time
PASSWORD = "changeit"
NAME_NODE = "hdfs.server.namenode.NameNode"
HDFS_ADMIN, YARN_ADMIN = "hdfs.tools.DFSHAAdmin", "yarn.client.cli.RMAdminCLI"
SERVICES = ("address", "scheduler.address", "resource-tracker.address", "admin.address", "webapp.https.address")


def other(id):
    return next(one for one in IDS if one != id)


class YarnOfPairs(Yarn):
    """managers, namenodes: daemons by id; active_manager, active_namenode: the ids of who is active, at first the second one's."""

    scheme = "https"

    def __init__(self, root, which):
        (root / "certs").mkdir(parents=True)
        self.certs = Authority(root / "certs")
        self.trust = self.certs.trust()
        self.rm_ports = {id: free_ports(len(SERVICES)) for id in IDS}
        self.nn_ports = {id: free_ports(2) for id in IDS}
        self.directory = root / "hadoop"
        super().__init__(self.directory, which, {
            "fs.defaultFS": "hdfs://ns",
        }, self.hdfs_conf(), **self.yarn_conf())
        self.write_keys()
        self.namenodes = {id: Daemon(self, f"namenode-{id}", NAME_NODE, "-D", f"dfs.ha.namenode.id={id}") for id in IDS}
        self.managers = {id: Daemon(self, f"resourcemanager-{id}", "yarn.server.resourcemanager.ResourceManager",
                                    "-D", f"yarn.resourcemanager.ha.id={id}") for id in IDS}

    def hdfs_conf(self):
        of_each = {}
        for id, (rpc, web) in self.nn_ports.items():
            of_each |= {
                f"dfs.namenode.rpc-address.ns.{id}": f"{self.host}:{rpc}",
                f"dfs.namenode.https-address.ns.{id}": f"{self.host}:{web}",
                f"dfs.namenode.name.dir.ns.{id}": self.names(id),
            }
        return {
            "dfs.namenode.http-address": None,
            "dfs.http.policy": "HTTPS_ONLY",
            "dfs.datanode.https.address": f"{self.host}:0",
            "dfs.nameservices": "ns",
            "dfs.ha.namenodes.ns": ",".join(IDS),
            "dfs.namenode.shared.edits.dir": f"file://{self.directory}/edits",
            "dfs.ha.tail-edits.period": "1s",
            "dfs.ha.fencing.methods": "shell(/bin/true)",
            "dfs.namenode.safemode.extension": 0,
            "dfs.client.failover.proxy.provider.ns": "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider",
            "dfs.client.failover.sleep.base.millis": 100,
            "dfs.client.failover.sleep.max.millis": 1000,
            **of_each,
        }

    def yarn_conf(self):
        of_each = {f"yarn.resourcemanager.{service}.{id}": f"{self.host}:{port}" for id, ports in self.rm_ports.items()
                   for service, port in zip(SERVICES, ports, strict=True)}
        unsaid = {f"yarn.resourcemanager.{service}": None for service in (*SERVICES[:-1], "webapp.address")}
        return {
            **unsaid,
            "yarn.http.policy": "HTTPS_ONLY",
            "yarn.nodemanager.webapp.https.address": f"{self.host}:0",
            "yarn.resourcemanager.cluster-id": "pair",
            "yarn.resourcemanager.ha.enabled": "true",
            "yarn.resourcemanager.ha.automatic-failover.enabled": "false",
            "yarn.resourcemanager.ha.rm-ids": ",".join(IDS),
            "yarn.resourcemanager.ha.id": IDS[0],  # a node manager that finds both on its own host shows no logs else
            "yarn.resourcemanager.recovery.enabled": "true",
            "yarn.resourcemanager.store.class": "org.apache.hadoop.yarn.server.resourcemanager.recovery.FileSystemRMStateStore",
            "yarn.resourcemanager.fs.state-store.uri": f"file://{self.directory}/rm-state",
            "yarn.resourcemanager.connect.retry-interval.ms": 500,
            "yarn.client.failover-sleep-base-ms": 100,
            "yarn.client.failover-sleep-max-ms": 1000,
            **of_each,
        }

    def write_keys(self):
        pair, store = self.certs.issue("hadoop"), self.certs.folder / "hadoop.p12"
        openssl("pkcs12", "-export", "-in", pair.cert, "-inkey", pair.key, "-passout", f"pass:{PASSWORD}", "-out", store)
        site(self.conf / "ssl-server.xml", {
            "ssl.server.keystore.location": store,
            "ssl.server.keystore.type": "pkcs12",
            "ssl.server.keystore.password": PASSWORD,
            "ssl.server.keystore.keypassword": PASSWORD,
        })

    def names(self, id):
        return self.directory / f"names-{id}"

    @property
    def parts(self):
        return [*self.namenodes.values(), self.datanode, *self.managers.values(), self.node]

    # --- who is active ---------------------------------------------------------------------------------------

    def tell(self, main, *words):
        return Daemon(self, "admin", main, *words).start().done() == 0

    def answers(self, ports, path):
        """Whatever it says: one in standby serves, too."""
        try:
            return answer_of(f"https://{self.host}:{ports[-1]}{path}", trust=self.trust)
        except OSError:
            return None

    def manager_serves(self, id):
        return self.answers(self.rm_ports[id], "/ws/v1/cluster/info")

    def activate_manager(self, id):
        """--forceactive: the other one may be dead."""
        self.active_manager, self.rm_web = id, self.rm_ports[id][-1]
        until(lambda: self.tell(YARN_ADMIN, "-transitionToActive", "--forceactive", id), PAIR_S, f"resource manager {id} is active")

    def activate_namenode(self, id):
        self.active_namenode, self.web = id, self.nn_ports[id][-1]
        until(lambda: self.tell(HDFS_ADMIN, "-transitionToActive", id), PAIR_S, f"name node {id} is active")

    def switch_managers(self):
        assert self.tell(YARN_ADMIN, "-transitionToStandby", self.active_manager)
        self.activate_manager(other(self.active_manager))

    def lose_manager(self):
        """The active one dies at once, and is back in standby when this returns."""
        lost = self.active_manager
        self.managers[lost].kill()
        self.activate_manager(other(lost))
        self.managers[lost].start(lambda: self.manager_serves(lost), PAIR_S)

    def switch_namenodes(self):
        assert self.tell(HDFS_ADMIN, "-failover", self.active_namenode, other(self.active_namenode))
        self.active_namenode = other(self.active_namenode)
        self.web = self.nn_ports[self.active_namenode][-1]

    # --- life ------------------------------------------------------------------------------------------------

    def start(self):
        first, second = IDS
        assert Daemon(self, "format", NAME_NODE, "-D", f"dfs.ha.namenode.id={first}", "-format", "-nonInteractive").start().done() == 0
        shutil.copytree(self.names(first), self.names(second))
        for part in self.parts:
            part.start()
        for id in IDS:
            self.namenodes[id].wait_ready(lambda id=id: self.answers(self.nn_ports[id], "/webhdfs/v1/?op=GETHOMEDIRECTORY"), PAIR_S)
            self.managers[id].wait_ready(lambda id=id: self.manager_serves(id), PAIR_S)
        self.activate_namenode(second)
        self.activate_manager(second)
        self.datanode.wait_ready(self.writes, PAIR_S)
        self.node.wait_ready(lambda: self.nodes() == 1, PAIR_S)
        return self
